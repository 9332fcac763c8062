"""Advice, limits, what-if, record and monthly budgets by API."""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from calltrack.api.registration import new_app, register
from calltrack.app import _explain_errors
from calltrack.budgets.model import BudgetTest
from calltrack.budgets.units import id_of
from calltrack.wiring import Services
from tests.api.conftest import program_of
from tests.budgets.spending import MONDAY, key_of, usual
from tests.builders import NOON, make_company


@pytest.fixture(scope="module")
def then(services: Services) -> Services:
    """The same parts on the Friday after the newest whole week; each look at the clock is a bit later."""
    ticks = count()
    return replace(services, clock=lambda: NOON + timedelta(milliseconds=next(ticks)))


@pytest.fixture(scope="module")
def client_then(then: Services) -> FlaskClient:
    app = new_app("api")
    _explain_errors(app)
    register(app, then)
    return app.test_client()


def test_a_program_reads_advice_limits_it_and_tries_others(then: Services, client_then: FlaskClient) -> None:
    company = make_company(then)
    manager = program_of(then, client_then, company, "manager")
    viewer = program_of(then, client_then, company, "viewer")
    assert manager.get("/api/v1/budget/advice").status_code == 404
    assert manager.post("/api/v1/budget/advice", {}).status_code == 404
    assert viewer.post("/api/v1/budget/what-if", {"amounts": {}}).status_code == 404
    usual(company).write(then)
    assert viewer.post("/api/v1/budget/advice", {}).status_code == 403
    made = manager.post("/api/v1/budget/advice", {}).json
    assert viewer.get("/api/v1/budget/advice").json == made
    budgets = {one["budget"]: one for one in made["budgets"]}
    assert (budgets["preventivo"]["verdict"], made["currency"], made["counts"]) == ("cut", "EUR", "purchase")
    assert budgets["roma"]["origins"] == [{"source": "google", "medium": "cpc", "campaign": "roma"}]
    limits = {
        "counts": "purchase", "total_minor": 210_000, "most_change": 0.1, "late_share": 0.25,
        "budgets": {budgets["preventivo"]["id"]: {"locked": True},
                    budgets["roma"]["id"]: {"floor_minor": 1000, "cap_minor": 95_000}},
    }  # fmt: skip
    assert viewer.put("/api/v1/budget/constraints", limits).status_code == 403
    kept = manager.put("/api/v1/budget/constraints", limits).json
    assert kept["budgets"][budgets["roma"]["id"]] == {
        "floor_minor": 1000, "cap_minor": 95_000, "locked": False,
    }  # fmt: skip
    assert viewer.get("/api/v1/budget/constraints").json == kept
    again = manager.get("/api/v1/budget/advice").json
    assert (again["unchanged"], again["reasons"][0]["code"]) == (None, "total_out_of_reach")
    scaled = manager.put("/api/v1/budget/constraints", {"total_minor": 210_000})
    assert scaled.status_code == 200
    kept_shares = manager.get("/api/v1/budget/advice").json
    assert sum(kept_shares["unchanged"].values()) == 2100
    assert kept_shares["unchanged"] == {one["budget"]: one["unchanged"] for one in kept_shares["budgets"]}
    verdicts = {one["budget"]: one["verdict"] for one in again["budgets"]}
    assert verdicts["preventivo"] == "locked"
    for wrong in (
        limits | {"most_change": 0.5},
        limits | {"counts": "calls"},
        limits | {"budgets": {"0" * 12: {}}},
        limits | {"budgets": {budgets["roma"]["id"]: {"floor_minor": 2, "cap_minor": 1}}},
    ):
        answer = manager.put("/api/v1/budget/constraints", wrong)
        assert answer.status_code in (400, 422), wrong
    tried = viewer.post("/api/v1/budget/what-if", {"amounts": {budgets["roma"]["id"]: 120_000}}).json
    assert (tried["split"]["roma"], tried["gain"]["mean"] > 0, tried["beyond_what_was_seen"]) == (
        1200.0, True, ["roma"],
    )  # fmt: skip
    unknown = viewer.post("/api/v1/budget/what-if", {"amounts": {"roma": 120_000}})
    assert (unknown.status_code, "no budget 'roma'" in unknown.json["detail"]) == (400, True)
    record = viewer.get("/api/v1/budget/record").json["advice"]
    assert [(one["week"], one["after"]) for one in record] == [("2026-11-09", None)]


def test_monthly_budgets_are_made_read_removed_and_apart(then: Services, client_then: FlaskClient) -> None:
    company, other = make_company(then), make_company(then)
    usual(company).write(then)
    manager = program_of(then, client_then, company, "manager")
    stranger = program_of(then, client_then, other, "manager")
    made = manager.post("/api/v1/budget/pacing", {"name": "All", "amount_minor": 500_000})
    assert made.status_code == 201
    one = made.json
    assert (one["month"], one["known_until"], one["budget_minor"]) == ("2026-11-01", "2026-11-20", 500_000)
    assert one["spent_minor"] == sum(one["spent_by_day_minor"]) > 0
    assert one["forecast_minor"]["low"] <= one["forecast_minor"]["mean"] <= one["forecast_minor"]["high"]
    assert manager.get("/api/v1/budget/pacing").json == {"budgets": [one]}
    assert stranger.get("/api/v1/budget/pacing").json == {"budgets": []}
    for wrong in ({"name": "", "amount_minor": 1}, {"name": "a", "amount_minor": 0},
                  {"name": "a", "amount_minor": 1, "campaigns": ["0" * 12]}):  # fmt: skip
        assert manager.post("/api/v1/budget/pacing", wrong).status_code in (400, 422)
    path = f"/api/v1/budget/pacing/{one['id']}"
    wanted = {"name": "Roma", "amount_minor": 300_000, "campaigns": [id_of(key_of("roma"))]}
    changed = manager.put(path, wanted).json
    assert [changed[name] for name in ("id", "name", "budget_minor", "campaigns")] == [
        one["id"], "Roma", 300_000, ["roma"],
    ]  # fmt: skip
    assert 0 < changed["spent_minor"] < one["spent_minor"]
    assert manager.get("/api/v1/budget/pacing").json == {"budgets": [changed]}
    assert stranger.put(path, wanted).status_code == 404
    assert manager.put(path, wanted | {"amount_minor": 0}).status_code in (400, 422)
    headers = {"Authorization": f"Bearer {stranger.key}"}
    assert client_then.delete(path, headers=headers).status_code == 404
    headers = {"Authorization": f"Bearer {manager.key}"}
    assert client_then.delete(path, headers=headers).status_code == 204
    assert client_then.delete(path, headers=headers).status_code == 404


def test_an_on_off_test_is_sized_planned_followed_ended_and_removed(
    then: Services, client_then: FlaskClient
) -> None:
    company, other = make_company(then), make_company(then)
    manager = program_of(then, client_then, company, "manager")
    viewer = program_of(then, client_then, company, "viewer")
    stranger = program_of(then, client_then, other, "manager")
    at, monday = "/api/v1/budget/tests", (MONDAY + timedelta(weeks=1)).isoformat()
    wanted = {"budgets": [id_of(key_of("roma"))], "starts_on": monday, "weeks": 4}
    assert manager.get(at).json == {"tests": []}
    assert (manager.post(at, wanted).status_code, manager.post(f"{at}/size", wanted).status_code) == (
        409,
        409,
    )
    usual(company).write(then)
    size = manager.post(f"{at}/size", {"budgets": wanted["budgets"], "weeks": 4}).json
    assert (size["name"], size["weeks"] > 4, size["smallest_lift"] > size["lift"] > 0) == ("roma", True, True)
    assert manager.post(f"{at}/size", {"budgets": wanted["budgets"]}).json["smallest_lift"] is None
    for budgets, status in ((["0" * 12], 400), ([], 422)):
        assert manager.post(f"{at}/size", {"budgets": budgets}).status_code == status
        assert manager.post(at, wanted | {"budgets": budgets}).status_code == status
    assert manager.post(at, wanted | {"starts_on": "2026-11-24"}).status_code == 400
    assert (viewer.post(at, wanted).status_code, viewer.post(f"{at}/size", wanted).status_code) == (403, 403)
    planned = manager.post(at, wanted)
    assert (planned.status_code, planned.json["state"], planned.json["this_week"]) == (201, "planned", None)
    assert [week["is_off"] for week in planned.json["weeks"]].count(True) == 2
    one = f"{at}/{planned.json['id']}"
    assert viewer.get(at).json == {"tests": [viewer.get(one).json]} == {"tests": [planned.json]}
    assert (stranger.get(one).status_code, stranger.post(f"{one}/stop", {}).status_code) == (404, 404)
    assert manager.post(f"{one}/stop", {}).status_code == 409

    def removed(key: str) -> int:
        return client_then.delete(one, headers={"Authorization": f"Bearer {key}"}).status_code

    assert (removed(stranger.key), removed(viewer.key)) == (404, 403)
    with then.db.tenant(company.id) as session:
        row = session.get_one(BudgetTest, (company.id, UUID(planned.json["id"])))
        row.starts_on = MONDAY
        row.off_weeks = [MONDAY.isoformat(), (MONDAY + timedelta(weeks=3)).isoformat()]
    assert [viewer.get(one).json[name] for name in ("state", "this_week", "lift")] == ["running", "off", None]
    assert removed(manager.key) == 409
    assert manager.post(f"{one}/stop", {}).json["state"] == "stopped"
    assert manager.post(f"{one}/stop", {}).status_code == 409
    assert (removed(manager.key), removed(manager.key)) == (204, 404)
