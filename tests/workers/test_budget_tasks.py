"""Budget advice and look-ups: planned by the clock, found when due, done by their lanes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from calltrack.budgets.making import newest_advice
from calltrack.budgets.model import BudgetChange, BudgetPlan
from calltrack.budgets.night import plan_advice
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.budgets.spending import usual
from tests.builders import NOON, Company
from workers import jobs
from workers.due import due_jobs
from workers.jobs import Parts

pytestmark = pytest.mark.usefixtures("emptied")


def test_advice_and_look_ups_are_found_when_due_and_done(services: Services, company: Company) -> None:
    usual(company).write(services)
    at_noon = replace(services, clock=lambda: NOON)
    assert plan_advice(at_noon) == 1
    assert plan_advice(at_noon) == 0
    with services.db.tenant(company.id) as session:
        session.add(
            BudgetChange(
                company_id=company.id, id=new_id(NOON), account_id=new_id(NOON), state="unknown",
                currency="EUR", lines=[], asked_by="t", asked_at=NOON, due_at=NOON,
            )
        )  # fmt: skip
    advise, look = ("advise_budget", str(company.id)), ("look_at_budgets", str(company.id))
    with services.db.system() as system:
        assert {advise, look} & {*due_jobs(system, NOON - timedelta(seconds=1))} == set()
        assert {advise, look} <= {*due_jobs(system, NOON)}
    parts = Parts(at_noon)
    parts.run(advise)
    parts.run(look)
    with services.db.tenant(company.id) as session:
        assert newest_advice(session, company.id) is not None
        plan = session.get_one(BudgetPlan, company.id)
        change = session.query(BudgetChange).one()
    assert plan.due_at is not None
    assert plan.due_at > NOON
    # Its account is gone: nobody can look, and a person is told so.
    assert (change.state, change.due_at, "There is no such ad account" in change.said) == (
        "unknown", None, True,
    )  # fmt: skip
    for name, _ in (advise, look):
        assert callable(getattr(jobs, name))
