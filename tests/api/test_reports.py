"""Reports and reports by e-mail, by API."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from calltrack.api.registration import new_app, register
from calltrack.app import _explain_errors
from calltrack.wiring import Services
from tests.api.conftest import program_of
from tests.builders import Company, make_company
from tests.reports.world import NOW, told_company


@pytest.fixture(scope="module")
def then(services: Services) -> Services:
    return replace(services, clock=lambda: NOW)


@pytest.fixture(scope="module")
def client_then(then: Services) -> FlaskClient:
    app = new_app("api")
    _explain_errors(app)
    register(app, then)
    return app.test_client()


@pytest.fixture(scope="module")
def told(services: Services) -> Company:
    return told_company(services)


def test_a_program_reads_a_report_page_by_page(
    then: Services, client_then: FlaskClient, told: Company
) -> None:
    viewer = program_of(then, client_then, told, "viewer")
    first = viewer.get("/api/v1/reports/campaign?sort=spend&limit=1&compare=before").json
    assert first["days"] == {"since": "2026-10-22", "until": "2026-11-20"}
    assert first["total"]["spend_minor"] == 21_333
    assert first["total"]["value_minor"] == 60_000
    assert sum(first["levels"].values()) == first["total"]["calls"] == 6
    (roma,) = first["rows"]
    assert roma["words"] == {"source": "google", "medium": "cpc", "campaign": "traslochi-roma"}
    assert roma["figures"]["cost_per_lead_minor"] == 7_000
    assert set(roma["figures"]["intervals"]) == {"answered", "cost_per_lead", "cost_per_sale", "roas"}
    assert roma["before"]["leads"] == 2
    seen = [roma["name"]]
    cursor = first["next"]
    while cursor:
        page = viewer.get(f"/api/v1/reports/campaign?sort=spend&limit=1&cursor={cursor}").json
        seen += [row["name"] for row in page["rows"]]
        cursor = page["next"]
    assert len(seen) == len(set(seen)) == 4
    numbers = viewer.get(f"/api/v1/reports/source?number={told.number_ids[0]}&period=90d").json
    assert numbers["total"]["spend_minor"] is None
    assert numbers["total"]["visits"] is None
    assert numbers["total"]["calls"] == 5


def test_what_cannot_be_asked_is_explained(then: Services, client_then: FlaskClient, told: Company) -> None:
    viewer = program_of(then, client_then, told, "viewer")
    assert viewer.get("/api/v1/reports/colour").status_code == 404
    for words in ("period=9d", "keyword=a&location=b", "cursor=x", "since=2026-13-01", "limit=0"):
        answer = viewer.get(f"/api/v1/reports/source?{words}")
        assert answer.status_code in (400, 422), words
        assert answer.json["detail"]
    other = program_of(then, client_then, make_company(then), "viewer")
    assert other.get(f"/api/v1/reports/source?number={told.number_ids[0]}").json["total"]["calls"] == 0


def test_a_program_adds_and_ends_mails(then: Services, client_then: FlaskClient, told: Company) -> None:
    manager = program_of(then, client_then, told, "manager")
    wanted = {"email": "anna@example.test", "every": "month", "filters": {"source": "google"}}
    made = manager.post("/api/v1/report-mails", wanted)
    assert made.status_code == 201
    assert made.json["due_at"] == "2026-12-01T06:00:00Z" or made.json["due_at"].startswith(
        "2026-12-01T06:00:00"
    )
    assert manager.post("/api/v1/report-mails", wanted).status_code == 409
    assert [row["email"] for row in manager.get("/api/v1/report-mails").json["mails"]] == [
        "anna@example.test"
    ]
    headers = {"Authorization": f"Bearer {manager.key}"}
    for _ in range(2):
        gone = client_then.delete(f"/api/v1/report-mails/{made.json['id']}", headers=headers)
        assert gone.status_code == 204
    assert manager.get("/api/v1/report-mails").json["mails"][0]["email"] == ""
    viewer = program_of(then, client_then, told, "viewer")
    assert viewer.get("/api/v1/report-mails").status_code == 403
    stranger = program_of(then, client_then, make_company(then), "manager")
    other = {"Authorization": f"Bearer {stranger.key}"}
    assert client_then.delete(f"/api/v1/report-mails/{made.json['id']}", headers=other).status_code == 404
