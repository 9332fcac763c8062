"""One-click links: one call of one company, no login, looking changes nothing, ends and can be taken back."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from calltrack.conversions import doors
from calltrack.conversions.link_address import make_address
from calltrack.conversions.links import LASTS, named_by, read_link, sign_link
from calltrack.conversions.model import Conversion, ConversionChange
from calltrack.kernel.clock import Clock
from calltrack.kernel.errors import NotFound
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.builders import NOON, Company, make_call, make_company
from tests.dashboard.browser import Browser, make_app

KEY = "k" * 40


def address_of(services: Services, company: Company, call_id: UUID) -> str:
    with services.db.tenant(company.id) as session:
        address = make_address(services, session, company.id, call_id)
    return address.removeprefix(services.settings.base_url)


def stand(services: Services, company: Company) -> list[tuple[str, str, int | None]]:
    with services.db.tenant(company.id) as session:
        rows = session.scalars(select(Conversion).order_by(Conversion.kind))
        return [(row.kind, row.status, row.value_minor) for row in rows]


def _at(moment: datetime) -> Clock:
    return lambda: moment


def say(browser: Browser, address: str, **form: str) -> tuple[int, str]:
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(address).text)
    assert token
    answer = browser.post(address, token=token[1], **form)
    return answer.status_code, answer.text


def test_each_button_says_its_outcome_and_the_page_shows_it(
    app: Flask, services: Services, company: Company
) -> None:
    call = make_call(services, company, caller="+393471234567")
    address, browser = address_of(services, company, call.id), Browser(app)
    page = browser.get(address).text
    assert "Nothing is set yet" in page
    assert "347 •••" in page
    assert "1234567" not in page
    assert say(browser, address, said="lead")[0] == 303
    assert "Now set: a lead" in browser.get(address).text
    assert say(browser, address, said="purchase", value="850,50")[0] == 303
    assert "booked, €\u202f850.50" in browser.get(address).text.replace("&#8239;", "\u202f")
    assert stand(services, company) == [("lead", "counted", None), ("purchase", "counted", 85_050)]
    assert say(browser, address, said="wrong")[0] == 303
    assert stand(services, company) == [("lead", "retracted", None), ("purchase", "retracted", 85_050)]
    with services.db.tenant(company.id) as session:
        vias = set(session.scalars(select(ConversionChange.via)))
    assert vias == {"link"}


def test_looking_changes_nothing_however_often(app: Flask, services: Services, company: Company) -> None:
    call = make_call(services, company)
    address = address_of(services, company, call.id)
    for said in ("", "?said=purchase&value=850", "?said=none"):
        assert Browser(app).get(address + said).status_code == 200
        assert Browser(app).client.head(address + said).status_code == 200
    assert stand(services, company) == []


@pytest.mark.parametrize(
    ("form", "said"),
    [({"said": "purchase", "value": "1.200"}, "two ways"), ({"said": "purchase", "value": ""}, "amount"),
     ({"said": "purchase", "value": "-1"}, "negative"), ({"said": "sold"}, "Choose one"), ({}, "Choose one")],
)  # fmt: skip
def test_what_cannot_be_read_is_said_on_the_page(
    app: Flask, services: Services, company: Company, form: dict[str, str], said: str
) -> None:
    address = address_of(services, company, make_call(services, company).id)
    status, text = say(Browser(app), address, **form)
    assert (status, said in text) == (400, True)
    assert stand(services, company) == []


def test_a_link_ends_by_itself_and_when_the_secret_is_renewed(services: Services, company: Company) -> None:
    call = make_call(services, company)
    address = address_of(services, company, call.id)
    for days, status in ((13, 200), (15, 404)):
        later = services.clock() + timedelta(days=days)
        app = make_app(replace(services, clock=_at(later)))
        assert Browser(app).get(address).status_code == status
    app = make_app(services)
    assert Browser(app).get(address).status_code == 200
    with services.db.tenant(company.id) as session:
        doors.renew_link_secret(session, services.vault, company.id, "test", services.clock())
    assert Browser(app).get(address).status_code == 404
    assert Browser(app).get(address_of(services, company, call.id)).status_code == 200


def test_a_link_of_one_company_opens_no_other(app: Flask, services: Services, company: Company) -> None:
    other = make_company(services)
    theirs = make_call(services, other)
    address_of(services, company, make_call(services, company).id)
    address_of(services, other, theirs.id)
    key, now = services.settings.secret_key.get_secret_value(), services.clock()
    with services.db.tenant(company.id) as session:
        mine = doors.link_secret(session, services.vault, company.id, now)
    # My own secret signs no call of theirs, and none of theirs as if it were mine.
    for company_id in (other.id, company.id):
        forged = sign_link(key, mine, company_id, theirs.id, now)
        assert Browser(app).get(f"/o/{forged}").status_code == 404
    assert stand(services, other) == []


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "A" * 43 + ".x.y", "A" * 400, "%00", "../login"])
def test_what_is_no_link_of_ours_looks_the_same(app: Flask, token: str) -> None:
    answer = Browser(app).get(f"/o/{token}")
    assert answer.status_code in (404, 302, 308)


def test_taps_are_limited(app: Flask, services: Services, company: Company) -> None:
    address = address_of(services, company, make_call(services, company).id)
    browser = Browser(app)
    statuses = {browser.get(address).status_code for _ in range(70)}
    assert statuses == {200, 429}


def test_the_calls_page_makes_a_link(app: Flask, services: Services, company: Company) -> None:
    call = make_call(services, company)
    browser = Browser(app)
    browser.enter(make_user(services, company, "manager"))
    base = f"/app/{company.id.hex}/calls/{call.id.hex}"
    assert "One-click link" in browser.get(base).text
    found = re.search(r"/o/([\w.-]+)", browser.post(f"{base}/link").text)
    assert found
    assert Browser(app).get(found[0]).status_code == 200


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.uuids(), st.uuids(), st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)))
def test_a_signed_link_is_read_back_and_a_changed_one_is_not(company: UUID, call: UUID, at: datetime) -> None:
    at = at.replace(tzinfo=NOON.tzinfo)
    token = sign_link(KEY, "s", company, call, at)
    assert (named_by(token).company_id, named_by(token).call_id) == (company, call)
    assert read_link(KEY, "s", token, at + LASTS) == named_by(token)
    place = company.int % len(token)
    changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
    for wrong, secret in ((changed, "s"), (token, "t"), (token + "A", "s")):
        with pytest.raises(NotFound):
            read_link(KEY, secret, wrong, at)
    with pytest.raises(NotFound):
        read_link(KEY, "s", token, at + LASTS + timedelta(seconds=2))


def test_who_is_no_customer_is_said_where_the_rules_made_no_lead_either(
    app: Flask, services: Services, company: Company
) -> None:
    call = make_call(services, company, outcome="missed", talk_seconds=0)
    link, phone = address_of(services, company, call.id), Browser(app)
    assert "Nothing is set yet" in phone.get(link).text
    assert say(phone, link, said="wrong")[0] == 303
    text = phone.get(link).text
    assert "Now set: not a customer" in text
    assert "Nothing is set yet" not in text
    manager = Browser(app)
    manager.enter(make_user(services, company, "manager"))
    page = manager.get(f"/app/{company.id.hex}/calls/{call.id.hex}").text
    assert "Not a customer, said by the person who answered (link). A wrong number" in page
