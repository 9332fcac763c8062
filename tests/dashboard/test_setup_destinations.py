"""Destinations by form: connected, changed, removed; secrets are written and never read back."""

import html
import json
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select

from calltrack.delivery.accounts import PLACE
from calltrack.delivery.model import DestinationAccount
from calltrack.destinations import DESTINATIONS
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.builders import Company
from tests.dashboard.browser import Browser

SECRET, OTHER = "whsec_" + 40 * "A", "whsec_" + 40 * "B"
HOOK = {"kind": "webhook", "name": "CRM", "url": "https://crm.test/hook", "secret": SECRET}
GOOGLE = {
    "kind": "google_data_manager", "name": "Ads", "customer_id": "123-456-7890", "lead_action_id": "77",
    "purchase_action_id": "", "login_customer_id": "", "when_consent_unknown": "withhold",
    "event_source": "PHONE", "hold_after_click_hours": "2", "lookback_days": "30", "client_id": "id",
    "client_secret": "a-client-secret", "refresh_token": "a-refresh-token",
}  # fmt: skip


@pytest.fixture
def owner(app: Flask, services: Services, company: Company) -> Browser:
    browser = Browser(app)
    browser.enter(make_user(services, company))
    return browser


def at(company: Company, rest: str) -> str:
    return f"/app/{company.id.hex}{rest}"


def one(services: Services, company: Company) -> DestinationAccount:
    with services.db.tenant(company.id) as session:
        return session.scalars(select(DestinationAccount)).one()


def secrets(services: Services, row: DestinationAccount) -> object:
    return json.loads(services.vault.open(row.company_id, PLACE, row.secrets))


def test_a_webhook_is_connected_changed_and_removed(
    owner: Browser, services: Services, company: Company
) -> None:
    assert owner.post(at(company, "/destinations/connect"), **HOOK).status_code == 303
    row = one(services, company)
    assert (row.kind, row.name, row.settings["include_contacts"]) == ("webhook", "CRM", False)
    path = at(company, f"/destinations/{row.id.hex}")
    page = owner.get(f"{path}/settings").text
    assert "https://crm.test/hook" in page
    assert SECRET not in page
    changed = {"name": "CRM 2", "url": "https://crm.test/2", "secret": OTHER, "previous_secret": SECRET}
    assert owner.post(f"{path}/settings", **changed, include_contacts="on").status_code == 303
    row = one(services, company)
    assert (row.name, row.settings["url"], row.settings["include_contacts"]) == (
        "CRM 2",
        "https://crm.test/2",
        True,
    )
    assert secrets(services, row) == {"secret": OTHER, "previous_secret": SECRET}
    kept = {"name": "CRM 2", "url": "https://crm.test/2", "secret": "", "previous_secret": ""}
    owner.post(f"{path}/settings", **kept)
    assert secrets(services, one(services, company)) == {"secret": OTHER, "previous_secret": SECRET}
    owner.post(f"{path}/settings", **kept, **{"erase-previous_secret": "on"})
    assert secrets(services, one(services, company)) == {"secret": OTHER}
    assert owner.post(f"{path}/remove").status_code == 303
    # Nobody answers at crm.test, so the trial failed and it was never switched on.
    assert one(services, company).status == "paused"
    assert owner.post(f"{path}/remove", sure="yes").status_code == 303
    assert (one(services, company).status, secrets(services, one(services, company))) == ("removed", {})
    assert owner.get(f"{path}/settings").status_code == 404


def test_a_new_signing_secret_is_shown_once_and_the_old_one_signs_on(
    owner: Browser, services: Services, company: Company
) -> None:
    owner.post(at(company, "/destinations/connect"), **HOOK)
    path = at(company, f"/destinations/{one(services, company).id.hex}")
    shown = owner.post(f"{path}/rotate").text
    row = one(services, company)
    stored = json.loads(services.vault.open(row.company_id, PLACE, row.secrets))
    assert stored["previous_secret"] == HOOK["secret"] != stored["secret"]
    assert stored["secret"] in html.unescape(shown)
    assert "previous_secret_until" in row.settings
    assert stored["secret"] not in html.unescape(owner.get(f"{path}/settings").text)


def test_every_destination_is_offered_with_what_it_is_for(owner: Browser, company: Company) -> None:
    page = html.unescape(owner.get(at(company, "/destinations/connect")).text)
    for kind, made in DESTINATIONS.items():
        assert f"connect?kind={kind}" in page
        assert made.description in page
    chosen = html.unescape(owner.get(at(company, "/destinations/connect?kind=meta")).text)
    assert DESTINATIONS["meta"].description in chosen
    assert DESTINATIONS["tiktok"].description not in chosen


def test_google_is_connected_from_the_form_its_class_draws(
    owner: Browser, services: Services, company: Company
) -> None:
    page = owner.get(at(company, "/destinations/connect?kind=google_data_manager")).text
    for field in DESTINATIONS["google_data_manager"].Settings.form():
        assert f'name="{field.name}"' in page
    assert 'name="base_url"' not in page
    assert owner.post(at(company, "/destinations/connect"), **GOOGLE).status_code == 303
    row = one(services, company)
    assert row.settings["customer_id"] == "1234567890"
    assert (row.settings["purchase_action_id"], row.settings["send_hashed_contacts"]) == (None, False)
    assert (row.settings["hold_after_click_hours"], row.settings["lookback_days"]) == (2, 30)
    assert secrets(services, row) == {"client_secret": "a-client-secret", "refresh_token": "a-refresh-token"}


def test_what_the_form_does_not_draw_stays_as_it_was(
    owner: Browser, services: Services, company: Company
) -> None:
    owner.post(at(company, "/destinations/connect"), **GOOGLE)
    row = one(services, company)
    with services.db.tenant(company.id) as session:
        twin = session.get_one(DestinationAccount, (company.id, row.id))
        twin.settings = twin.settings | {"base_url": "http://127.0.0.1:1/twin"}
    form = {
        name: value
        for name, value in GOOGLE.items()
        if name not in ("kind", "client_secret", "refresh_token")
    }
    assert owner.post(at(company, f"/destinations/{row.id.hex}/settings"), **form).status_code == 303
    assert one(services, company).settings["base_url"] == "http://127.0.0.1:1/twin"


@pytest.mark.parametrize(
    ("form", "field", "says"),
    [
        (HOOK | {"url": ""}, "url", "is needed"),
        (HOOK | {"url": "crm"}, "url", "whole address"),
        (HOOK | {"secret": ""}, "secret", "is needed"),
        (HOOK | {"secret": "my-own-secret"}, "secret", "Signing secret"),
        (HOOK | {"name": ""}, "name", "A name has"),
        (GOOGLE | {"customer_id": "12"}, "customer_id", "10 digits"),
        (GOOGLE | {"client_id": ""}, "client_id", "is needed"),
        (GOOGLE | {"lookback_days": "900"}, "lookback_days", "less than or equal to 90"),
        (GOOGLE | {"event_source": "FAX"}, "event_source", "Where it happened"),
    ],
)
def test_a_wrong_setting_is_named_beside_its_field(
    owner: Browser, services: Services, company: Company, form: dict[str, str], field: str, says: str
) -> None:
    answer = owner.post(at(company, "/destinations/connect"), **form)
    assert answer.status_code == 400
    beside = answer.text.split(f'id="destination-{field}-problem">')[1].split("</p>")[0]
    assert says in beside
    for secret in (SECRET, "my-own-secret", "a-client-secret", "a-refresh-token"):
        assert secret not in answer.text
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(DestinationAccount)).all() == []


def test_what_is_wrong_with_several_fields_together_stands_above_the_form(
    owner: Browser, services: Services, company: Company
) -> None:
    answer = owner.post(at(company, "/destinations/connect"), **(GOOGLE | {"lead_action_id": ""}))
    assert answer.status_code == 400
    above = answer.text.split('role="alert"')[1].split("</p>")[0]
    assert "name a conversion action for leads, for purchases, or both" in above


def test_only_an_owner_connects(app: Flask, services: Services, company: Company) -> None:
    browser = Browser(app)
    browser.enter(make_user(services, company, "manager"))
    assert browser.post(at(company, "/destinations/connect"), **HOOK).status_code == 403
    assert "/destinations/connect" not in browser.get(at(company, "/destinations")).text


def test_an_unknown_kind_and_a_forged_form_connect_nothing(
    owner: Browser, services: Services, company: Company
) -> None:
    path = at(company, "/destinations/connect")
    assert owner.post(path, **(HOOK | {"kind": "fax"})).status_code == 404
    assert owner.post(path, token="forged", **HOOK).status_code == 400
    assert owner.get(f"{path}?kind=fax").status_code == 200
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(DestinationAccount)).all() == []


def test_a_preview_shows_what_would_leave_and_hides_the_secrets(
    owner: Browser, services: Services, company: Company
) -> None:
    owner.post(at(company, "/destinations/connect"), **GOOGLE)
    row = one(services, company)
    path = at(company, f"/destinations/{row.id.hex}/preview")
    assert "EXAMPLE-click" in owner.get(path).text
    lead = {
        "id": "lead-1", "kind": "lead", "event": "conversion", "happened_at": "2099-01-01T00:00:00Z",
        "click": {"gclid": "Click-1"}, "consent": {"ad_user_data": "granted"},
    }  # fmt: skip
    now = {**lead, "id": "lead-2", "happened_at": datetime.now(UTC).isoformat()}
    page = owner.post(path, rows=f"{json.dumps(lead)}\n{json.dumps(now)}\nno row").text
    assert "lies in the future" in page
    assert "Would be sent now" in page
    assert "/v1/events:ingest" in page
    assert "Line 3" in page
    assert "a-client-secret" not in page
    assert "a-refresh-token" not in page
