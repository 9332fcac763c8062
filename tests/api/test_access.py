"""Who may ask what: keys, roles, and companies that do not see each other."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from calltrack.accounts.api_keys import create_api_key, revoke_api_key
from calltrack.api.webhooks import EnteredShape
from calltrack.wiring import Services
from tests.api.conftest import Program, program_of
from tests.builders import Company, make_call, make_company

UNKNOWN_KEY = "Bearer ctk_" + "0" * 64 + "_" + "a" * 32
READS = (
    "/api/v1/calls",
    "/api/v1/calls/levels",
    "/api/v1/conversions",
    "/api/v1/deliveries",
    "/api/v1/numbers",
    "/api/v1/numbers/orders",
    "/api/v1/notices",
    "/api/v1/destinations",
    "/api/v1/deliveries/export",
    "/api/v1/budget/constraints",
    "/api/v1/budget/record",
    "/api/v1/budget/pacing",
    "/api/v1/budget/tests",
)


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ctk_x", "Basic abc", "Bearer ctk_" + "0" * 64 + "_" + "a" * 32]
)
def test_without_a_valid_key_nothing_is_told(client: FlaskClient, path: str, header: str | None) -> None:
    answer = client.get(path, headers={"Authorization": header} if header is not None else {})
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"


def test_a_revoked_key_is_refused_at_once(services: Services, client: FlaskClient, company: Company) -> None:
    now = services.clock()
    with services.db.tenant(company.id) as session:
        key = create_api_key(session, company.id, "Test", "viewer", now)
    program = Program(client, key.text)
    assert program.get("/api/v1/calls").status_code == 200
    with services.db.tenant(company.id) as session:
        revoke_api_key(session, company.id, key.id, now)
    assert program.get("/api/v1/calls").status_code == 401


def test_a_viewer_reads_and_does_not_write(services: Services, client: FlaskClient, company: Company) -> None:
    call = make_call(services, company)
    viewer = program_of(services, client, company, "viewer")
    assert all(viewer.get(path).status_code == 200 for path in READS)
    assert viewer.post(f"/api/v1/calls/{call.id}/outcome", {"kind": "none"}).status_code == 403


def test_a_foreign_company_s_rows_do_not_exist(
    services: Services, client: FlaskClient, company: Company
) -> None:
    call = make_call(services, company)
    stranger = program_of(services, client, make_company(services))
    unknown = "01900000-0000-7000-8000-000000000000"
    for id_ in (call.id, unknown):
        read, write = (
            stranger.get(f"/api/v1/calls/{id_}"),
            stranger.post(f"/api/v1/calls/{id_}/outcome", {"kind": "lead"}),
        )
        assert (read.status_code, write.status_code) == (404, 404)
        assert read.json == {"status": 404, "title": "Not found", "detail": "There is no such call."}
    assert stranger.get(f"/api/v1/calls?call_sid={call.call_sid}").json["calls"] == []
    assert stranger.get(f"/api/v1/visits/{unknown}").status_code == 404
    assert stranger.get(f"/api/v1/deliveries/{unknown}").status_code == 404


def test_the_description_names_every_route_and_asks_for_a_key(client: FlaskClient) -> None:
    document: Any = client.get("/api/v1/openapi.json").json
    served = {
        rule.rule.replace("<", "{").replace(">", "}")
        for rule in client.application.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and not rule.rule.endswith("openapi.json")
    }
    assert set(document["paths"]) == served
    assert document["openapi"].startswith("3.1")
    told = document["webhooks"]["segment.entered"]["post"]["requestBody"]["content"]["application/json"]
    assert set(told["schema"]["properties"]["data"]["properties"]) == set(EnteredShape.model_fields)
    assert "$ref" not in str(told)
    for operations in document["paths"].values():
        assert all(operation["security"] for operation in operations.values())


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("GET", "/api/v1/nothing", b"", 404, "/api/v1/openapi.json lists all"),
        ("DELETE", "/api/v1/calls", b"", 405, "another method"),
        ("POST", "/api/v1/outcomes", b"[" * 100_000, 400, "cannot be read"),
        ("POST", "/api/v1/outcomes", b'[{"outcome": "gone', 400, "cannot be read"),
    ],
)
def test_an_error_that_names_no_field_names_the_next_step(
    program: Program, method: str, path: str, body: bytes, status: int, said: str
) -> None:
    headers = {"Authorization": f"Bearer {program.key}", "Content-Type": "application/json"}
    answer = program.client.open(path, method=method, data=body, headers=headers)
    told = answer.get_json(force=True)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert said in told["detail"]
    assert "fields named" not in told["detail"]
