"""Which version judges: lessons, pinning, bringing back; what is read is what was stored."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from calltrack.accounts.model import AuditEntry
from calltrack.attribution.densities import NEUTRAL, Model
from calltrack.attribution.drift import Lesson
from calltrack.attribution.model_rows import AttributionModel
from calltrack.attribution.model_versions import (
    Taught,
    baseline,
    keep_lesson,
    pin,
    serve,
    unpin,
    versions,
)
from calltrack.attribution.prior import shipped
from calltrack.attribution.serving import model_of, serving_model, serving_version
from calltrack.kernel.errors import Conflict, NotFound
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_company

TAUGHT = Taught(since=NOON - timedelta(days=28), until=NOON, visits=900, numbers=5, numbers_in_use=5)


def taught(services: Services, company: Company, night: int, **changes: object) -> Model:
    """Keep the lesson of a night."""
    model = replace(shipped(), version=f"night-{night}", calls_learnt=40.0 + night, **changes)  # type: ignore[arg-type]  # fields of a model
    now = NOON + timedelta(days=night)
    with services.db.tenant(company.id) as session:
        before = baseline(session, company.id)
        keep_lesson(
            session,
            company.id,
            Lesson(model=model, is_new=True, calls=40, held=("gone",)),
            TAUGHT,
            before,
            now,
        )
    return model


def states(services: Services, company: Company) -> dict[str, str]:
    with services.db.tenant(company.id) as session:
        return {row.version: row.state for row in versions(session, company.id)}


def test_each_lesson_serves_and_the_one_before_retires(services: Services, company: Company) -> None:
    with services.db.tenant(company.id) as session:
        assert serving_model(session, company.id) == shipped()
        assert baseline(session, company.id) == "shipped-1"
    taught(services, company, 1)
    second = taught(services, company, 2, campaigns={"google\x1fcpc\x1froma": (1.25, 0.1 + 0.2, 1e-7)})
    assert states(services, company) == {"night-2": "serving", "night-1": "retired"}
    with services.db.tenant(company.id) as session:
        assert serving_model(session, company.id) == second
        assert model_of(session, company.id, "night-1").version == "night-1"


def test_a_pinned_version_judges_and_lessons_wait(services: Services, company: Company) -> None:
    taught(services, company, 1)
    with services.db.tenant(company.id) as session:
        pin(session, company.id, "night-1", "eva", NOON)
        pin(session, company.id, "night-1", "eva", NOON)
    taught(services, company, 2)
    taught(services, company, 3)
    assert states(services, company) == {"night-3": "waiting", "night-2": "waiting", "night-1": "pinned"}
    with services.db.tenant(company.id) as session:
        assert serving_version(session, company.id) == "night-1"
        assert baseline(session, company.id) == "night-3"
        with pytest.raises(Conflict, match="night-1 is pinned"):
            serve(session, company.id, "night-2", "eva", NOON)
        assert unpin(session, company.id, "eva", NOON) == "night-3"
        with pytest.raises(Conflict, match="No version is pinned"):
            unpin(session, company.id, "eva", NOON)
    assert states(services, company) == {"night-3": "serving", "night-2": "retired", "night-1": "retired"}
    assert noted(services, company) == ["attribution_model.pin", "attribution_model.unpin"]


def test_an_older_version_is_brought_back_until_the_next_lesson(services: Services, company: Company) -> None:
    for night in (1, 2):
        taught(services, company, night)
    with services.db.tenant(company.id) as session:
        serve(session, company.id, "night-1", "eva", NOON)
        assert baseline(session, company.id) == "night-1"
    assert states(services, company) == {"night-2": "retired", "night-1": "serving"}
    with services.db.tenant(company.id) as session:
        serve(session, company.id, "shipped-1", "eva", NOON)
        assert serving_model(session, company.id) == shipped()
    taught(services, company, 3)
    assert states(services, company)["night-3"] == "serving"
    assert noted(services, company) == ["attribution_model.serve"] * 2


def test_unknown_and_foreign_versions_do_not_exist(services: Services, company: Company) -> None:
    taught(services, make_company(services), 1)
    with services.db.tenant(company.id) as session:
        for act in (pin, serve):
            with pytest.raises(NotFound):
                act(session, company.id, "night-1", "eva", NOON)
        with pytest.raises(NotFound):
            model_of(session, company.id, "night-1")


def test_a_lesson_is_written_once(services: Services, company: Company) -> None:
    first = taught(services, company, 1)
    taught(services, company, 1, area_match=0.1)
    with services.db.tenant(company.id) as session:
        assert Model.from_json(session.scalars(select(AttributionModel.parameters)).one()) == first


def noted(services: Services, company: Company) -> list[str]:
    """Return what was noted, by name: entries of one moment have no order."""
    with services.db.tenant(company.id) as session:
        return sorted(session.scalars(select(AuditEntry.action)))


rates = st.floats(1e-12, 1e6)


@given(st.tuples(rates, rates, rates), rates, st.dictionaries(st.text(max_size=5), rates, max_size=3))
def test_a_model_comes_back_from_json_as_it_was(
    factors: tuple[float, float, float], rate: float, nobody: dict[str, float]
) -> None:
    model = replace(
        shipped(), campaigns={"a\x1fb": factors, "c": NEUTRAL}, nobody_elsewhere=rate, nobody=nobody
    )
    assert Model.from_json(json.loads(json.dumps(model.to_json()))) == model


def test_the_database_gives_every_digit_back(services: Services) -> None:
    odd = [1e-12, 0.1 + 0.2, 1 / 3, 5e-324, 123456.78901234567, 933.0, 1e15]
    with services.db.shared() as session:
        back = session.scalar(text("SELECT CAST(:odd AS jsonb)"), {"odd": json.dumps(odd)})
    assert back == odd
