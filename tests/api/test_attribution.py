"""The attribution model, calibration and judging anew, asked by a program."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from calltrack.attribution.densities import Model
from calltrack.attribution.drift import Lesson
from calltrack.attribution.judging_anew import go_on
from calltrack.attribution.model_rows import AttributionCalibration
from calltrack.attribution.model_versions import Taught, keep_lesson
from calltrack.attribution.prior import shipped
from calltrack.kernel.ids import parse_id
from calltrack.wiring import Services
from tests.api.conftest import Program, program_of
from tests.attribution.late_visits import calls_without_visits
from tests.builders import NOON, Company, make_company

MODELS = "/api/v1/attribution-models"


def taught(services: Services, company: Company, version: str, days: int, **changes: Any) -> Model:
    model = replace(shipped(), version=version, calls_learnt=40.0, **changes)
    span = Taught(since=NOON - timedelta(days=28), until=NOON, visits=900, numbers=5, numbers_in_use=5)
    lesson = Lesson(model=model, is_new=True, calls=40, held=("gone",))
    with services.db.tenant(company.id) as session:
        keep_lesson(session, company.id, lesson, span, "shipped-1", NOON + timedelta(days=days))
    return model


def test_a_program_reads_compares_pins_and_brings_back(
    services: Services, company: Company, program: Program
) -> None:
    assert program.get(MODELS).json["judges"] == "shipped-1"
    taught(services, company, "first", 1)
    model = taught(services, company, "second", 2, tap=(0.06, 0.08, 0.06, 0.004, 0.0004))
    listed = program.get(MODELS).json
    assert [(one["version"], one["state"]) for one in listed["models"]] == [
        ("second", "serving"), ("first", "retired"), ("shipped-1", "retired"),
    ]  # fmt: skip
    read = program.get(f"{MODELS}/second?beside=first").json
    assert Model.from_json(read["parameters"]) == model
    tap = next(one for one in read["figures"] if one["code"] == "after_tap")
    assert (tap["value"] > tap["before"], read["compared_with"]) == (True, "first")
    assert read["held_in_words"] == ["calls after leaving"]
    assert program.post(f"{MODELS}/first/pin", {}).json["state"] == "pinned"
    refused = program.post(f"{MODELS}/second/serve", {})
    assert (refused.status_code, "Unpin it first" in refused.json["detail"]) == (409, True)
    assert program.post(f"{MODELS}/unpin", {}).json["version"] == "first"
    assert program.post(f"{MODELS}/unpin", {}).status_code == 409
    assert program.post(f"{MODELS}/shipped-1/serve", {}).json["state"] == "serving"
    assert program.get(MODELS).json["judges"] == "shipped-1"


def test_calibration_says_when_it_knows_too_little(
    services: Services, company: Company, program: Program
) -> None:
    outcomes = {"visitor": [[0.9, True]] * 9 + [[0.9, False]], "campaign": [[0.95, True]], "source": []}
    for week in (0, 7):
        with services.db.tenant(company.id) as session:
            session.add(
                AttributionCalibration(
                    company_id=company.id, week=(NOON + timedelta(days=week)).date(), made_at=NOON,
                    model="first", calls=40, known=10, never_shown=1, outcomes=outcomes,
                )
            )  # fmt: skip
    read = program.get("/api/v1/calibration").json
    assert (read["known"], read["needed"], read["is_enough"], len(read["weeks"])) == (20, 50, False, 2)
    assert (read["visitor"]["said"], read["visitor"]["came_true"]) == (0.9, 0.9)
    assert read["visitor"]["ece"] == pytest.approx(0)
    assert read["visitor"]["ece_by_chance"] == pytest.approx(0.0535, abs=0.001)
    assert read["source"]["brier"] is None
    assert program.get("/api/v1/calibration?weeks=1").json["known"] == 10
    assert program.get("/api/v1/calibration?weeks=0").status_code == 422


def test_past_calls_are_judged_anew_and_differences_listed(
    services: Services, company: Company, program: Program
) -> None:
    (call,) = calls_without_visits(services, company, 1)
    asked = program.post("/api/v1/attribution-judgings", {"since": "2026-11-19"})
    assert asked.status_code == 201
    assert program.post("/api/v1/attribution-judgings", {"since": "2026-11-19"}).status_code == 409
    id_ = asked.json["id"]
    go_on(services, company.id, parse_id(id_))
    read = program.get(f"/api/v1/attribution-judgings/{id_}").json
    assert (read["judged"], read["changed_visit"], read["tell_destinations"]) == (1, 1, False)
    (changed,) = read["calls"]
    assert changed["call_id"] == str(call.id)
    assert changed["after"] == ["google", "cpc", "campaign-0"]
    assert changed["differs_in"] == ["visit", "campaign", "source"]
    assert program.post(f"/api/v1/attribution-judgings/{id_}/stop", {}).status_code == 409
    assert [one["id"] for one in program.get("/api/v1/attribution-judgings").json["judgings"]] == [id_]


def test_viewers_change_nothing_and_strangers_see_nothing(
    services: Services, client: FlaskClient, company: Company
) -> None:
    taught(services, company, "first", 1)
    viewer = program_of(services, client, company, "viewer")
    stranger = program_of(services, client, make_company(services), "owner")
    for path, body in (
        (f"{MODELS}/first/pin", {}),
        (f"{MODELS}/first/serve", {}),
        (f"{MODELS}/unpin", {}),
        ("/api/v1/attribution-judgings", {"since": "2026-11-19"}),
    ):
        assert viewer.post(path, body).status_code == 403
    assert viewer.get(f"{MODELS}/first").status_code == 200
    assert stranger.get(f"{MODELS}/first").status_code == 404
    assert stranger.post(f"{MODELS}/first/pin", {}).status_code == 404
