"""Lessons, calibrations and past calls: planned by the clock, found when due, done by the quiet lane."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from calltrack.attribution.judging_anew import ask
from calltrack.attribution.model_rows import AttributionTask, Rejudging
from calltrack.conversions import ledger
from calltrack.conversions.ledger import Decision
from calltrack.conversions.model import Conversion, ConversionChange
from calltrack.infra.outbox import Fact
from calltrack.wiring import Services
from tests.attribution.late_visits import calls_without_visits
from tests.builders import NOON, Company
from workers import jobs
from workers.due import due_jobs
from workers.jobs import Parts
from workers.schedule import plan_lessons

pytestmark = pytest.mark.usefixtures("emptied")


def tasks(services: Services, company: Company) -> dict[str, AttributionTask]:
    with services.db.tenant(company.id) as session:
        return {one.kind: one for one in session.scalars(select(AttributionTask))}


def test_night_work_is_planned_once_found_when_due_and_done(services: Services, company: Company) -> None:
    at_noon = replace(services, clock=lambda: NOON)
    assert plan_lessons(at_noon) == 1
    assert plan_lessons(at_noon) == 0
    planned = tasks(services, company)
    lesson, calibration = (("learn_model", str(company.id)), ("calibrate_model", str(company.id)))
    for kind, job in (("lesson", lesson), ("calibration", calibration)):
        due: datetime = planned[kind].due_at
        with services.db.system() as system:
            assert job not in due_jobs(system, due - timedelta(seconds=1))
            assert job in due_jobs(system, due)
        assert callable(getattr(jobs, job[0]))
        Parts(replace(services, clock=lambda due=due: due)).run(job)  # type: ignore[misc]  # a default of its own
        assert tasks(services, company)[kind].due_at > due
    done = tasks(services, company)
    assert done["lesson"].said == "Nothing was learnt: 0 calls in four weeks, 20 are needed."
    assert done["calibration"].said.endswith("0 of 0 calls became known.")


def test_past_calls_are_found_when_due_and_judged(services: Services, company: Company) -> None:
    calls_without_visits(services, company, 2)
    now = services.clock()
    with services.db.tenant(company.id) as session:
        id_ = ask(session, company.id, NOON - timedelta(days=1), "eva", now)
    job = ("judge_anew", str(company.id), str(id_))
    with services.db.system() as system:
        assert job in due_jobs(system, now)
    Parts(services).run(job)
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(Rejudging)).one().judged == 2
    with services.db.system() as system:
        assert job not in due_jobs(system, services.clock() + timedelta(days=1))


@pytest.mark.parametrize("tells", [True, False])
def test_corrections_reach_conversions_only_where_that_was_asked_for(
    services: Services, company: Company, tells: bool
) -> None:
    (call,) = calls_without_visits(services, company, 1)
    with services.db.tenant(company.id) as session:
        decision = Decision(by="eva", reason="", now=NOON, currency="EUR", value_minor=85_000)
        ledger.count(session, call, "purchase", decision)
        id_ = ask(session, company.id, NOON - timedelta(days=1), "eva", services.clock(), tells=tells)
    parts = Parts(services)
    parts.run(("handle_facts", str(company.id)))
    parts.run(("judge_anew", str(company.id), str(id_)))
    parts.run(("handle_facts", str(company.id)))
    with services.db.tenant(company.id) as session:
        changes = session.scalars(
            select(ConversionChange)
            .join(Conversion, Conversion.id == ConversionChange.conversion_id)
            .where(Conversion.kind == "purchase")
            .order_by(ConversionChange.sequence)
        ).all()
        left = session.scalars(select(Fact.kind).where(Fact.done_at.is_(None))).all()
    assert [one.action for one in changes] == (["create", "restate"] if tells else ["create"])
    assert left == []
