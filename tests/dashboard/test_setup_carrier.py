"""The carrier page: a Twilio account is connected, changed, never shown."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from calltrack.accounts.carrier import PLACE
from calltrack.accounts.model import AuditEntry, CarrierAccount
from calltrack.wiring import Services
from tests.accounts.people import PASSWORD, make_user
from tests.builders import Company
from tests.dashboard.browser import Browser, make_app
from tests.dashboard.company_without import Newcomer, newcomer

SID, TOKEN = "AC" + 32 * "a", "0123456789abcdef0123456789abcdef"


@pytest.fixture
def owner(app: Flask, services: Services) -> Newcomer:
    return newcomer(services, app)


def stored(services: Services, owner: Newcomer) -> list[tuple[str, str]]:
    with services.db.tenant(owner.company_id) as session:
        rows = session.scalars(select(CarrierAccount)).all()
    return [(row.account_sid, services.vault.open(owner.company_id, PLACE, row.auth_token)) for row in rows]


def test_an_account_is_connected_and_its_token_never_shown(services: Services, owner: Newcomer) -> None:
    path = owner.path("/settings/carrier")
    assert "Not connected" in owner.browser.get(path).text
    answer = owner.browser.post(path, account_sid=SID, auth_token=TOKEN)
    assert (answer.status_code, answer.location) == (303, owner.path("/numbers/setup"))
    assert stored(services, owner) == [(SID, TOKEN)]
    page = owner.browser.get(path).text
    assert SID in page
    assert TOKEN not in page
    with services.db.tenant(owner.company_id) as session:
        (entry,) = session.scalars(select(AuditEntry)).all()
    assert (entry.action, entry.subject) == ("carrier.connect", SID)
    assert TOKEN not in str(entry.detail)


def test_an_empty_token_keeps_the_stored_one(services: Services, owner: Newcomer) -> None:
    path = owner.path("/settings/carrier")
    owner.browser.post(path, account_sid=SID, auth_token=TOKEN)
    assert owner.browser.post(path, account_sid=SID, auth_token="").status_code == 303
    assert stored(services, owner) == [(SID, TOKEN)]
    assert owner.browser.post(path, account_sid=SID, auth_token=TOKEN[::-1]).location == path
    assert stored(services, owner) == [(SID, TOKEN[::-1])]


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({}, "account_sid"),
        ({"account_sid": "ACnope", "auth_token": TOKEN}, "account_sid"),
        ({"account_sid": SID}, "auth_token"),
        ({"account_sid": SID, "auth_token": "short-secret"}, "auth_token"),
        ({"account_sid": SID, "auth_token": "a" * 30_000}, "auth_token"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_stored(
    services: Services, owner: Newcomer, form: dict[str, str], field: str
) -> None:
    answer = owner.browser.post(owner.path("/settings/carrier"), **form)
    assert answer.status_code == 400
    assert f'id="carrier-{field}-problem"' in answer.text
    assert "short-secret" not in answer.text
    assert "ACnope" in answer.text or form.get("account_sid") != "ACnope"
    assert stored(services, owner) == []


def test_a_form_without_its_token_changes_nothing(services: Services, owner: Newcomer) -> None:
    answer = owner.browser.post(
        owner.path("/settings/carrier"), token="forged", account_sid=SID, auth_token=TOKEN
    )
    assert answer.status_code == 400
    assert stored(services, owner) == []


def test_a_manager_may_not_touch_the_carrier(app: Flask, services: Services, company: Company) -> None:
    browser = Browser(app)
    browser.enter(make_user(services, company, "manager"))
    path = f"/app/{company.id.hex}/settings/carrier"
    assert browser.get(path).status_code == 403
    assert browser.post(path, account_sid=SID, auth_token=TOKEN).status_code == 403
    assert "/settings/carrier" not in browser.get(f"/app/{company.id.hex}/settings").text


def test_after_ten_minutes_the_password_is_asked_beside_the_field(services: Services) -> None:
    """The web's clock is set forward: what was typed at sign-in no longer counts as fresh."""
    late = replace(services, clock=lambda: services.clock() + timedelta(minutes=11))
    owner = newcomer(services, make_app(services))
    later, kept = Browser(make_app(late)), owner.browser.client.get_cookie("calltrack_session")
    assert kept is not None
    later.client.set_cookie("calltrack_session", kept.value)
    path, form = owner.path("/settings/carrier"), {"account_sid": SID, "auth_token": TOKEN}
    answer = later.post(path, **form)
    assert answer.status_code == 403
    assert 'id="carrier-password-problem"' in answer.text
    assert later.post(path, **form, password="not this one").status_code == 403
    assert stored(services, owner) == []
    assert later.post(path, **form, password=PASSWORD).status_code == 303
    assert stored(services, owner) == [(SID, TOKEN)]
