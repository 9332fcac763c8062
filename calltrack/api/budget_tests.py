"""On/off tests over the API: sized, planned, followed, read, ended.

A person switches the campaigns off and on at their platform; `this_week` says which.
"""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import g
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company
from calltrack.api.access import needs
from calltrack.api.budget_shapes import TestForm, TestShape, TestSizeForm, TestSizeShape, TestsShape
from calltrack.budgets.making import Asked, ask
from calltrack.budgets.on_off_reading import Reading, readings
from calltrack.budgets.on_off_tests import (
    NOTHING_TO_COMPARE,
    begin_test,
    planned,
    remove_test,
    smallest_lift,
    stop_test,
)
from calltrack.kernel.errors import Conflict, NotFound
from calltrack.kernel.ids import parse_id
from calltrack.wiring import Services


def budget_tests_of(services: Services) -> APIBlueprint:
    """Return the routes of on/off tests."""
    blueprint = APIBlueprint("api_budget_tests", __name__, url_prefix="/api/v1/budget/tests", tag="Budget")
    _add_reading(blueprint, services)
    _add_planning(blueprint, services)
    return blueprint


def _add_reading(blueprint: APIBlueprint, services: Services) -> None:
    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(TestsShape)
    def list_budget_tests() -> dict[str, Any]:
        """List the on/off tests, newest first, each as far as it can be read."""
        with services.db.tenant(g.asker.company_id) as session:
            return {"tests": [_test(one) for one in _readings(services, session)]}

    @blueprint.get("/<test_id>")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(TestShape)
    def read_budget_test(test_id: str) -> dict[str, Any]:
        """Read a test: whether this week is on or off, and what the weeks so far show."""
        with services.db.tenant(g.asker.company_id) as session:
            return _one(services, session, parse_id(test_id))


def _add_planning(blueprint: APIBlueprint, services: Services) -> None:
    @blueprint.post("/size")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[409])
    @blueprint.input(TestSizeForm, arg_name="wanted")
    @blueprint.output(TestSizeShape)
    def size_budget_test(wanted: TestSizeForm) -> dict[str, Any]:
        """Say how many weeks a test of these budgets together takes; nothing is stored."""
        with services.db.tenant(g.asker.company_id) as session:
            asked = _asked(services, session)
            name, _, size = planned(asked, wanted.budgets)
            if size is None:
                raise Conflict(NOTHING_TO_COMPARE)
            return {
                "name": name,
                "lift": size.lift,
                "weeks": size.weeks,
                "conversions_at_stake": size.conversions_at_stake,
                "smallest_lift": smallest_lift(asked, wanted.budgets, wanted.weeks) if wanted.weeks else None,
            }

    @blueprint.post("")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[409])
    @blueprint.input(TestForm, arg_name="wanted")
    @blueprint.output(TestShape, status_code=201)
    def begin_budget_test(wanted: TestForm) -> dict[str, Any]:
        """Plan a test: one week of each pair is off, drawn by chance."""
        company_id, now = g.asker.company_id, services.clock()
        with services.db.tenant(company_id) as session:
            asked = _asked(services, session)
            id_ = begin_test(
                session, asked, company_id, wanted.budgets, wanted.starts_on, wanted.weeks, now,
                by=g.asker.name,
            )  # fmt: skip
            return _one(services, session, id_)

    @blueprint.post("/<test_id>/stop")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404, 409])
    @blueprint.output(TestShape)
    def stop_budget_test(test_id: str) -> dict[str, Any]:
        """End a test that is under way; what was seen so far stays readable."""
        id_ = parse_id(test_id)
        with services.db.tenant(g.asker.company_id) as session:
            stop_test(session, g.asker.company_id, id_, services.clock(), by=g.asker.name)
            return _one(services, session, id_)

    @blueprint.delete("/<test_id>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404, 409])
    @blueprint.output({}, status_code=204)
    def remove_budget_test(test_id: str) -> str:
        """Remove a test that has not begun, is over or was ended, and its reading."""
        with services.db.tenant(g.asker.company_id) as session:
            remove_test(session, g.asker.company_id, parse_id(test_id), services.clock(), by=g.asker.name)
        return ""


def _asked(services: Services, session: Session) -> Asked:
    asked = ask(session, g.asker.company_id, services.clock())
    if asked is None:
        raise Conflict("There is no spend to plan a test from yet.")
    return asked


def _readings(services: Services, session: Session) -> tuple[Reading, ...]:
    company = session.get_one(Company, g.asker.company_id)
    return readings(session, company.id, company.timezone, services.clock())


def _one(services: Services, session: Session, test_id: UUID) -> dict[str, Any]:
    for one in _readings(services, session):
        if one.id == test_id:
            return _test(one)
    raise NotFound("There is no such test.")


def _test(one: Reading) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "name": one.name,
        "counts": one.counts,
        "state": one.state,
        "this_week": one.this_week or None,
        "weeks": [
            {
                "monday": week.monday,
                "is_off": week.is_off,
                "conversions": week.conversions,
                "spend_minor": week.spend_minor,
            }
            for week in one.weeks
        ],
        "planned_lift": one.planned_lift,
        "lift": None if one.lift is None else {"mean": one.lift, "low": one.low, "high": one.high},
        "more_a_week": one.more_a_week,
        "spend_a_week_minor": one.spend_a_week,
        "kept_to": one.kept_to,
        "text": one.said,
    }
