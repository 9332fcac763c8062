"""On/off tests of a company: planned by chance in pairs, read in whole pairs, honest about leaks."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest

from calltrack.budgets.making import ask
from calltrack.budgets.model import BudgetTest
from calltrack.budgets.on_off_reading import Reading, readings
from calltrack.budgets.on_off_tests import begin_test, planned, remove_test, stop_test
from calltrack.budgets.units import id_of
from calltrack.kernel.errors import BadFields, Conflict, NotFound
from calltrack.wiring import Services
from tests.budgets.spending import MONDAY, Spending, key_of, usual
from tests.builders import NOON, Company, make_company

WEEK = timedelta(weeks=1)
ROMA = id_of(key_of("roma"))


@pytest.fixture(scope="module")
def then(services: Services) -> Services:
    return replace(services, clock=lambda: NOON)


def begin(services: Services, company: Company, weeks: int, starts_on: date = MONDAY + WEEK) -> UUID:
    with services.db.tenant(company.id) as session:
        asked = ask(session, company.id, NOON)
        assert asked is not None
        return begin_test(session, asked, company.id, [ROMA], starts_on, weeks, NOON, by="t")


def read(services: Services, company: Company, at: datetime) -> Reading:
    with services.db.tenant(company.id) as session:
        (found,) = readings(session, company.id, "Europe/Rome", at)
    return found


@pytest.mark.parametrize(("lost", "leaks", "word"), [(90.0, False, "bring"), (0.0, True, "not differ")])
def test_what_is_lost_without_a_campaign_is_read_from_all_conversions(
    then: Services, lost: float, leaks: bool, word: str
) -> None:
    company = make_company(then)
    made = usual(company, (("roma", 90.0), ("milano", 60.0)))
    made.write(then)
    begin(then, company, 4)
    assert read(then, company, NOON).state == "planned"
    with then.db.tenant(company.id) as session:
        off_weeks = session.query(BudgetTest).one().off_weeks
    assert [date.fromisoformat(off) - (MONDAY + WEEK) in (pair, pair + WEEK)
            for off, pair in zip(off_weeks, (0 * WEEK, 2 * WEEK), strict=True)] == [True, True]  # fmt: skip
    after, roma = Spending(company), next(one["id"] for one in made.campaigns if one["name"] == "Roma")
    for week in range(5):
        monday = MONDAY + week * WEEK
        is_off = monday.isoformat() in off_weeks
        cost = 0 if is_off and not leaks else 70_000
        after.week(roma, key_of("roma"), monday, cost, 0.0 if is_off else lost, 0)  # type: ignore[arg-type]
        # Those who would have called anyway come without a campaign.
        after.earn("", monday + timedelta(days=1), 60.0)
    after.write(then)
    running = read(then, company, NOON + 2 * WEEK)
    assert (running.state, running.lift) == ("running", None)
    over = read(then, company, NOON + 5 * WEEK)
    assert (over.state, over.kept_to, word in over.said) == ("over", not leaks, True)
    assert over.more_a_week == pytest.approx(lost)
    assert over.lift == pytest.approx(lost / 60, abs=0.02)
    assert over.low is not None
    assert (over.low > 0) is (lost > 0)


def test_small_campaigns_are_tested_together_and_nonsense_is_refused(then: Services) -> None:
    company = make_company(then)
    usual(company, (("roma", 9.0), ("milano", 2.0), ("torino", 2.0))).write(then)
    with then.db.tenant(company.id) as session:
        asked = ask(session, company.id, NOON)
    assert asked is not None
    both = [id_of(key_of(name)) for name in ("milano", "torino")]
    name, units, size = planned(asked, both)
    alone = planned(asked, both[:1])[2]
    assert (name, len(units)) == ("milano + torino", 2)
    assert size is not None
    assert alone is not None
    assert size.lift > 2 * alone.lift
    with pytest.raises(BadFields):
        planned(asked, ["0" * 12])
    for starts_on, weeks in ((MONDAY - WEEK, 4), (MONDAY + timedelta(days=8), 4), (MONDAY + WEEK, 3)):
        with pytest.raises(BadFields):
            begin(then, company, weeks, starts_on)


def test_a_campaign_is_in_one_test_at_a_time(then: Services) -> None:
    company = make_company(then)
    usual(company, (("roma", 9.0), ("milano", 9.0))).write(then)
    first = begin(then, company, 4)
    for starts_on in (MONDAY + WEEK, MONDAY + 4 * WEEK):
        with pytest.raises(Conflict, match=f"begin on {MONDAY + 5 * WEEK}"):
            begin(then, company, 2, starts_on)
    begin(then, company, 2, MONDAY + 5 * WEEK)
    with then.db.tenant(company.id) as session:
        stop_test(session, company.id, first, NOON + WEEK, by="t")
    begin(then, company, 2, MONDAY + 2 * WEEK)


def test_a_test_is_stopped_then_removed(then: Services) -> None:
    company = make_company(then)
    usual(company).write(then)
    id_ = begin(then, company, 4, MONDAY + WEEK)
    later = NOON + 2 * WEEK
    with then.db.tenant(company.id) as session:
        stop_test(session, company.id, id_, later, by="t")
    assert read(then, company, later).state == "stopped"
    with then.db.tenant(company.id) as session:
        remove_test(session, company.id, id_, later, by="t")
        with pytest.raises(NotFound):
            remove_test(session, company.id, id_, later, by="t")
