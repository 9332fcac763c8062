"""The rules over the API: read, tried, replaced."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from calltrack.conversions.service import classify_call
from calltrack.wiring import Services
from tests.api.conftest import Program, program_of
from tests.builders import Company, make_call

PATH = "/api/v1/conversion-rules"
RULE: dict[str, Any] = {"id": "long", "when": {"fact": "talk", "at_least": 20}, "mark": "lead",
                        "value": {"kind": "fixed", "minor": 5000}}  # fmt: skip


def test_rules_are_read_tried_and_replaced(program: Program, services: Services, company: Company) -> None:
    now = datetime.now(UTC)
    call = make_call(services, company, at=now - timedelta(hours=3), talk_seconds=30)
    with services.db.tenant(company.id) as session:
        classify_call(session, company.id, call.id, now)
    first = program.get(PATH).json
    assert first["version"] == 0
    assert first["sentences"][0].startswith("If a person answered, they talked at least 60 seconds")
    tried = program.post(f"{PATH}/dry-run", {"rules": [RULE]}).json
    assert (tried["calls"], tried["marked_now"], tried["marked_then"], tried["changed"]) == (1, 0, 1, 1)
    assert tried["changes"][0]["call_id"] == str(call.id)
    assert program.post(f"{PATH}/dry-run", {"rules": first["rules"]}).json["changed"] == 0
    saved = program.put(PATH, {"rules": [RULE], "past_days": 7, "expected_version": 0})
    assert (saved.status_code, saved.json["version"]) == (200, 1)
    assert saved.json["sentences"][0] == "If they talked at least 20 seconds, it is a lead worth EUR 50.00."
    assert saved.json["rules"] == [RULE | {"name": ""}]
    assert program.put(PATH, {"rules": [RULE], "expected_version": 0}).status_code == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"rules": [{"id": "a", "when": {"fact": "mood"}, "mark": "lead"}]}, 400),
        ({"rules": [RULE, RULE]}, 400),
        ({"rules": [RULE] * 51}, 422),
        ({"rules": [RULE], "past_days": 400}, 422),
        ({}, 422),
    ],
)
def test_what_is_not_a_rule_is_refused(program: Program, body: dict[str, Any], status: int) -> None:
    assert program.put(PATH, body).status_code == status
    assert program.get(PATH).json["version"] == 0


def test_a_viewer_reads_and_tries_but_does_not_write(
    services: Services, client: FlaskClient, company: Company
) -> None:
    viewer = program_of(services, client, company, "viewer")
    assert viewer.get(PATH).status_code == 200
    assert viewer.post(f"{PATH}/dry-run", {"rules": [RULE]}).status_code == 200
    assert viewer.put(PATH, {"rules": [RULE]}).status_code == 403


def test_refunds_and_call_backs_are_told_over_the_api(
    program: Program, services: Services, company: Company
) -> None:
    at = datetime.now(UTC) - timedelta(hours=3)
    missed = make_call(services, company, at=at, outcome="missed")
    path = f"/api/v1/calls/{missed.id.hex}/outcome"
    rang = (at + timedelta(hours=1)).isoformat()
    won = program.post(path, {"kind": "purchase", "value": "850", "called_back_at": rang}).json
    (bought,) = won["conversions"]
    assert (bought["via"], bought["value_minor"]) == ("call_back", 85_000)
    (lower,) = program.post(path, {"kind": "refund", "value": "50"}).json["conversions"]
    assert (lower["status"], lower["value_minor"]) == ("counted", 80_000)
    (gone,) = program.post(path, {"kind": "refund"}).json["conversions"]
    assert (gone["status"], gone["ended_by"], gone["id"]) == ("retracted", "refund", bought["id"])
    other = make_call(services, company, at=at)
    nothing = program.post(f"/api/v1/calls/{other.id.hex}/outcome", {"kind": "purchase"})
    assert (nothing.status_code, "No rule gives" in nothing.text) == (400, True)
