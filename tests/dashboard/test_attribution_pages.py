"""What judges the calls, and whether what it says comes true: of a young company and of a taught one."""

from dataclasses import replace
from datetime import timedelta

from calltrack.attribution.drift import Lesson
from calltrack.attribution.model_rows import AttributionCalibration
from calltrack.attribution.model_versions import Taught, keep_lesson
from calltrack.attribution.prior import shipped
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.builders import NOON, make_company
from tests.dashboard.browser import Browser, make_app


def test_there_is_something_to_compare_with_once_a_lesson_was_learnt(services: Services) -> None:
    then = replace(services, clock=lambda: NOON)
    company = make_company(then)
    browser = Browser(make_app(then))
    browser.enter(make_user(then, company, "viewer"))
    at = f"/app/{company.id.hex}/attribution"
    young = browser.get(f"{at}/models/shipped-1").text
    assert "it has learnt from nobody" in young
    assert "Compare" not in young
    assert "Nothing to compare yet" in browser.get(f"{at}/calibration").text
    model = replace(shipped(), version="learnt-1", calls_learnt=40.0)
    taught = Taught(since=NOON - timedelta(days=28), until=NOON, visits=900, numbers=5, numbers_in_use=6)
    # Said 90 % and 40 %, right once: in the middle of what was said, and never sure by chance.
    said = {level: [[0.9, True], [0.4, False]] * 30 for level in ("visitor", "campaign", "source")}
    with then.db.tenant(company.id) as session:
        lesson = Lesson(model=model, is_new=True, calls=40, held=())
        keep_lesson(session, company.id, lesson, taught, "shipped-1", NOON)
        session.add(
            AttributionCalibration(
                company_id=company.id, week=NOON.date(), made_at=NOON, model="learnt-1", calls=90, known=60,
                never_shown=0, outcomes=said,
            )
        )  # fmt: skip
    assert "Compare" in browser.get(f"{at}/models/learnt-1").text
    seen = browser.get(f"{at}/calibration").text
    assert "60 of 90 calls in 1 week became known" in seen
    assert "Not enough known calls" not in seen
    # Brier: (0.1² + 0.4²) / 2; said on average 65 %, right 50 %.
    assert "0.085 (0 is perfect)" in seen
    assert "<dd>65.0 %</dd>" in seen
    assert "<dd>50.0 %</dd>" in seen
