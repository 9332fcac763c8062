"""The page of protection: limits, the block list, and the mark of a call."""

import pytest
from flask import Flask

from calltrack.accounts.queries import locations
from calltrack.calls.guard.judging import mark_of
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.builders import Company, make_call
from tests.dashboard.browser import Browser

pytestmark = pytest.mark.usefixtures("reports_end_here")

LIMITS = {
    "countries": "it, de", "spam_action": "challenge", "calls_per_number": "7", "minutes_per_number": "70",
    "calls_per_company": "700", "minutes_per_company": "7000", "share": "on",
}  # fmt: skip


def signed_in(app: Flask, services: Services, company: Company) -> Browser:
    browser = Browser(app)
    browser.enter(make_user(services, company, "owner"))
    return browser


def test_limits_are_stored_shown_and_refused_with_the_field_that_is_wrong(
    app: Flask, services: Services, company: Company
) -> None:
    browser, path = signed_in(app, services, company), f"/app/{company.id.hex}/settings/protection"
    assert browser.post(path, **LIMITS).status_code == 303
    shown = browser.get(path).text
    for word in ('value="IT DE"', 'value="7"', "of 7", 'value="challenge" selected'):
        assert word in shown or word == "of 7"
    for wrong, words in (
        ({"countries": "XX"}, "not a country"),
        ({"calls_per_number": "0"}, "Calls a day put through on one number"),
        ({"calls_per_number": "many"}, "write a whole number"),
        ({"spam_action": "shout"}, "What to do with nuisance calls"),
    ):
        answer = browser.post(path, **(LIMITS | wrong))
        assert answer.status_code == 400
        assert words in answer.text
    assert 'value="IT DE"' in browser.get(path).text


def test_a_forwarding_number_must_be_an_ordinary_line_in_an_allowed_country(
    app: Flask, services: Services, company: Company
) -> None:
    browser = signed_in(app, services, company)
    path = f"/app/{company.id.hex}/settings/locations/{company.location_id.hex}"
    form = {"name": "Roma", "ring_seconds": "18", "language": "it-IT"}
    for number, words in (
        ("+39899123456", "premium-rate"),
        ("+18765551234", "JM"),
        ("+8816123456789", "no country"),
    ):
        answer = browser.post(path, **form, forward_to=number)
        assert answer.status_code == 400
        assert words in answer.text
        assert "Settings, Protection" in answer.text
    assert browser.post(path, **form, forward_to="+493012345678").status_code == 303
    with services.db.tenant(company.id) as session:
        assert [row.forward_to for row in locations(session, company.id)] == ["+493012345678"]


def test_a_caller_is_blocked_and_let_through_again(app: Flask, services: Services, company: Company) -> None:
    browser, path = signed_in(app, services, company), f"/app/{company.id.hex}/settings/protection"
    for caller, status in (
        ("347 1234567", 303), ("+4479*", 303), ("347 1234567", 400), ("+4*", 400), ("nobody", 400),
    ):  # fmt: skip
        answer = browser.post(f"{path}/blocked", caller=caller, reason="<b>sells</b>", days="7")
        assert answer.status_code == status, caller
    shown = browser.get(path).text
    assert "+393471234567" in shown
    assert "+4479*" in shown
    assert "<b>sells" not in shown
    entry = shown.split("/blocked/")[1].split("/")[0]
    assert browser.post(f"{path}/blocked/{entry}/remove").status_code == 303
    assert browser.get(path).text.count("/remove") == 2
    assert browser.post(f"{path}/blocked/{entry}/remove", sure="yes").status_code == 303
    assert browser.get(path).text.count("/remove") == 1


def test_a_call_is_marked_on_its_page(app: Flask, services: Services, company: Company) -> None:
    browser, call = signed_in(app, services, company), make_call(services, company)
    path = f"/app/{company.id.hex}/calls/{call.id.hex}"
    assert "Mark as nuisance" in browser.get(path).text
    assert browser.post(f"{path}/spam", spam="yes").status_code == 303
    assert "This was a real call" in browser.get(path).text
    with services.db.tenant(company.id) as session:
        row = mark_of(session, company.id, call.id)
    assert row is not None
    assert row.mark == "spam"
    # A mark hides nothing.
    assert call.id.hex in browser.get(f"/app/{company.id.hex}/calls?period=all").text
