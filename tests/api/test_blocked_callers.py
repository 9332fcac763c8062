"""The block list and nuisance marks, as programs use them."""

import pytest
from flask.testing import FlaskClient

from calltrack.wiring import Services
from tests.api.conftest import Program, program_of
from tests.builders import Company, make_call, make_company

pytestmark = pytest.mark.usefixtures("reports_end_here")

PATH = "/api/v1/blocked-callers"


def test_a_program_blocks_lists_and_lets_through(
    program: Program, services: Services, client: FlaskClient, company: Company
) -> None:
    made = program.post(PATH, {"caller": "347 1234567", "reason": "robot"}, idempotency="one")
    assert made.status_code == 201
    assert (made.json["kind"], made.json["caller"]) == ("number", "+393471234567")
    assert (
        program.post(PATH, {"caller": "347 1234567", "reason": "robot"}, idempotency="one").json == made.json
    )
    assert program.post(PATH, {"caller": "+39 347 1234567"}).status_code == 409
    for body in ({"caller": "+1*"}, {"caller": ""}, {"caller": "347 1", "expires_at": "2020-01-01T00:00:00Z"},
                 {"caller": "+4479*", "expires_at": "2020-01-01T00:00:00"}, {}):  # fmt: skip
        assert program.post(PATH, body).status_code in (400, 422), body
    viewer = program_of(services, client, company, "viewer")
    assert "•" in viewer.get(PATH).json["blocked"][0]["caller"]
    assert viewer.post(PATH, {"caller": "+4479*"}).status_code == 403
    stranger = program_of(services, client, make_company(services))
    entry = f"{PATH}/{made.json['id']}"
    key = {"Authorization": f"Bearer {stranger.key}"}
    assert client.delete(entry, headers=key).status_code == 404
    own = {"Authorization": f"Bearer {program.key}"}
    assert client.delete(entry, headers=own).status_code == 204
    assert client.delete(entry, headers=own).status_code == 404
    assert program.get(PATH).json == {"blocked": []}


def test_a_program_marks_a_call(
    program: Program, services: Services, client: FlaskClient, company: Company
) -> None:
    path = f"/api/v1/calls/{make_call(services, company).id}/spam"
    assert program.get(path).json["mark"] == "unjudged"
    assert program.put(path, {"spam": True}).json["mark"] == "spam"
    assert program.put(path, {"spam": False}).json["mark"] == "clean"
    assert program.get(path).json["told_by"].startswith("api key")
    assert program_of(services, client, company, "viewer").put(path, {"spam": True}).status_code == 403
    stranger = program_of(services, client, make_company(services))
    assert stranger.get(path).status_code == stranger.put(path, {"spam": True}).status_code == 404
