"""Logins of telephone systems over the API: owners only, of their own company, without the password."""

from __future__ import annotations

from flask.testing import FlaskClient

from calltrack.wiring import Services
from tests.api.conftest import program_of
from tests.builders import Company, make_company

BASE = "/api/v1/phone-systems"


def test_an_owner_keeps_changes_and_forgets_a_login(
    services: Services, client: FlaskClient, company: Company
) -> None:
    owner = program_of(services, client, company, "owner")

    def put(host: str, **body: str) -> tuple[int, str]:
        answer = client.put(f"{BASE}/{host}", json=body, headers=owner._headers())
        return answer.status_code, answer.text

    status, told = put("PBX.example.com", username="office", password="s3cret")
    assert status == 200
    assert "s3cret" not in told
    assert put("pbx.example.com", username="office")[0] == 200
    assert put("pbx.example.com", username="boss")[0] == 400
    assert put("no host", username="x", password="y")[0] == 400
    (row,) = owner.get(BASE).json["phone_systems"]
    assert (row["host"], row["username"]) == ("pbx.example.com", "office")
    assert "s3cret" not in owner.get(BASE).text
    stranger = program_of(services, client, make_company(services), "owner")
    assert stranger.get(BASE).json["phone_systems"] == []
    assert client.delete(f"{BASE}/pbx.example.com", headers=stranger._headers()).status_code == 404
    manager = program_of(services, client, company, "manager")
    assert manager.get(BASE).status_code == 403
    assert client.delete(f"{BASE}/pbx.example.com", headers=owner._headers()).status_code == 204
    assert owner.get(BASE).json["phone_systems"] == []
