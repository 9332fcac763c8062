"""Spend by API: typed costs, files, rates, matches, accounts; roles and walls."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from calltrack.api import spend
from calltrack.delivery.accounts import connect_destination
from calltrack.sandbox.platforms.accounts import google_ads_settings, webhook_settings
from calltrack.wiring import Services
from tests.api.conftest import Program, program_of
from tests.builders import Company, make_company

ROOT = "/api/v1/spend"
NOVEMBER = f"{ROOT}?first_day=2026-11-01&last_day=2026-11-30"


def upload(program: Program, path: str, content: bytes) -> Any:
    headers = {"Authorization": f"Bearer {program.key}", "Content-Type": "text/csv"}
    return program.client.post(f"{ROOT}{path}", data=content, headers=headers)


def test_a_program_brings_costs_by_hand_and_file_and_reads_the_sums(program: Program) -> None:
    entry = {
        "name": "Tangenziale Est", "first_day": "2026-11", "cost": "900", "currency": "EUR",
        "visits": {"source": "billboard", "medium": "offline", "campaign": "Tangenziale Est"},
    }  # fmt: skip
    made = program.post(f"{ROOT}/entries", entry, idempotency="e1")
    assert made.status_code == 201
    assert program.post(f"{ROOT}/entries", entry, idempotency="e1").json == made.json, "once"
    assert (made.json["last_day"], made.json["cost_minor"]) == ("2026-11-30", 90_000)
    file = upload(program, "/files?name=radio.csv", b"Day,Campaign,Cost\n2026-11-05,Radio,12.50\nx,Radio,1\n")
    assert file.status_code == 201
    told = file.json
    assert (told["plan"]["columns"], told["wrong"][0]["line"]) == ({"day": 0, "campaign": 1, "cost": 2}, 3)
    path = f"{ROOT}/files/{told['id']}"
    assert program.post(f"{path}/plan", {"account": "Local radio"}).json["plan"]["account"] == "Local radio"
    applied = program.post(f"{path}/apply", {}).json
    assert (applied["state"], applied["counts"]["new"], applied["counts"]["wrong"]) == ("applied", 1, 1)
    assert program.post(f"{path}/apply", {}).json["counts"]["same"] == 1
    sums = program.get(NOVEMBER).json
    assert sums["currency"] == "EUR"
    assert [(row["name"], row["cost_minor"]) for row in sums["rows"]] == [
        ("Tangenziale Est", 90_000),
        ("Radio", 1250),
    ]
    assert sums["rows"][0]["visits"] == entry["visits"]
    by_day = program.get(f"{NOVEMBER}&by=day").json["rows"]
    by_week = program.get(f"{NOVEMBER}&by=week").json["rows"]
    assert sum(row["cost_minor"] for row in by_day) == sum(row["cost_minor"] for row in by_week) == 91_250
    assert {date.fromisoformat(row["day"]).weekday() for row in by_week} == {0}
    assert program.get(f"{NOVEMBER}&by=keyword").json["rows"] == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spend, "MOST_ROWS", 30)
        many = program.get(f"{NOVEMBER}&by=day")
    assert (many.status_code, "more than 30 rows" in many.json["detail"]) == (400, True)
    assert program.client.delete(path, headers=program._headers()).status_code == 204
    gone = f"{ROOT}/entries/{made.json['id']}"
    assert program.client.delete(gone, headers=program._headers()).status_code == 204
    assert program.client.delete(gone, headers=program._headers()).status_code == 404


def test_an_old_cost_is_added_however_many_newer_there_are(
    program: Program, services: Services, company: Company
) -> None:
    entry = {"name": "Radio", "first_day": "2026-11-30", "cost": "9", "currency": "EUR"}
    assert program.post(f"{ROOT}/entries", entry).status_code == 201
    with services.db.tenant(company.id) as session:
        session.execute(
            text("""
                INSERT INTO spend_entry SELECT e.company_id, gen_random_uuid(), e.campaign_id, e.first_day,
                       e.last_day, 1, '', e.created_at, 't' FROM spend_entry e, generate_series(1, 500)
            """)
        )
    old = program.post(f"{ROOT}/entries", entry | {"first_day": "2025-01-31"})
    assert (old.status_code, old.json["first_day"]) == (201, "2025-01-31")


def test_a_program_brings_rates_and_says_what_a_campaign_paid_for(program: Program) -> None:
    entry = {"name": "Times Square", "first_day": "2026-11-20", "cost": "100", "currency": "USD"}
    assert program.post(f"{ROOT}/entries", entry).status_code == 201
    assert program.get(f"{ROOT}/rates").json["needs"] == [
        {"currency": "USD", "days": 1, "without_rate": 1, "first_without": "2026-11-20"}
    ]
    rate = {"base": "EUR", "quote": "USD", "day": "2026-11-19", "rate": "1.25"}
    assert program.post(f"{ROOT}/rates", {"rates": [rate]}).json["needs"][0]["without_rate"] == 0
    ecb = b"Date,USD,JPY,CYP,\n2026-11-20,1.6,171.2,N/A,\n2026-11-19,1.5,N/A,N/A,\n"
    pairs = upload(program, "/rates/file", ecb).json["pairs"]
    assert [(one["quote"], one["rates"], one["last_rate"]) for one in pairs] == [
        ("JPY", 1, "171.2"),
        ("USD", 2, "1.6"),
    ]
    wrong = upload(program, "/rates/file", b"Date,USD\n2026-11-20,much\n")
    assert wrong.status_code == 400
    assert "Nothing was stored. Line 2" in wrong.json["detail"]
    (row,) = program.get(NOVEMBER).json["rows"]
    assert (row["cost_minor"], row["days_without_rate"]) == (6_250, 0)
    assert program.delete(f"{ROOT}/rates/EUR/USD/2026-11-20").status_code == 204
    (row,) = program.get(NOVEMBER).json["rows"]
    assert row["cost_minor"] == 6_667, "The rate of the day before counts again."
    assert program.delete(f"{ROOT}/rates/EUR/USD/2026-11-20").status_code == 404
    assert "like 2026-11-20" in program.delete(f"{ROOT}/rates/EUR/USD/today").json["detail"]
    words = {"source": "billboard", "medium": "offline", "campaign": "Times Square"}
    path = f"{ROOT}/campaigns/{row['campaign_id']}/match"
    (matched,) = program.post(path, {"visits": words}).json["campaigns"]
    assert (matched["visits"], matched["matched_by"]) == (words, "person")
    (matched,) = program.post(path, {"visits": None}).json["campaigns"]
    assert (matched["visits"]["source"], matched["matched_by"]) == ("", "")
    assert program.post(path, {}).status_code in (400, 422)


def test_accounts_roles_and_walls(
    services: Services, client: FlaskClient, company: Company, program: Program
) -> None:
    settings = {"google_ads": google_ads_settings, "webhook": webhook_settings}
    made: dict[str, UUID] = {}
    with services.db.tenant(company.id) as session:
        for kind, of in settings.items():
            made[kind] = connect_destination(
                session, services.vault, company.id, kind, kind, of("http://127.0.0.1:9"), services.clock(),
                sandbox=True,
            )  # fmt: skip
    wish = {"destination_id": str(made["google_ads"]), "back_days": 30}
    account = program.post(f"{ROOT}/accounts", wish)
    assert account.status_code == 201
    assert (account.json["number"], account.json["status"]) == ("1234567890", "active")
    assert program.post(f"{ROOT}/accounts", wish).status_code == 409
    wrong = program.post(f"{ROOT}/accounts", {"destination_id": str(made["webhook"])})
    assert (wrong.status_code, "tells no spend" in wrong.json["detail"]) == (400, True)
    path = f"{ROOT}/accounts/{account.json['id']}"
    assert program.post(f"{path}/read", {}).status_code == 202
    viewer = program_of(services, client, company, "viewer")
    manager = program_of(services, client, company, "manager")
    assert len(viewer.get(f"{ROOT}/accounts").json["accounts"]) == 1
    assert viewer.post(f"{path}/read", {}).status_code == 403
    assert manager.post(f"{path}/stop", {}).status_code == 403
    assert viewer.post(f"{ROOT}/entries", {}).status_code == 403
    stranger = program_of(services, client, make_company(services))
    assert stranger.get(f"{ROOT}/accounts").json == {"accounts": []}
    assert stranger.post(f"{path}/read", {}).status_code == 404
    assert stranger.post(f"{path}/stop", {}).status_code == 404
    assert program.post(f"{path}/stop", {}).json["status"] == "stopped"
    assert program.get(f"{ROOT}?first_day=2026-11-30&last_day=2026-11-01").status_code == 400
