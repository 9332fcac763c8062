"""A form that is refused comes back as it was typed, with the reason and a way on; no input breaks a page."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from flask import Flask

from calltrack.calls.model import Call
from calltrack.messages.model import MessageThread
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.builders import NOON, Company, make_call
from tests.dashboard.browser import Browser
from tests.dashboard.test_flows_page import new_flow
from tests.dashboard.test_isolation import keep_messages

LONG = "Richiamare " * 400


@pytest.fixture
def owner(app: Flask, services: Services, company: Company) -> Browser:
    browser = Browser(app)
    browser.enter(make_user(services, company))
    return browser


@pytest.fixture
def call(services: Services, company: Company) -> Call:
    return make_call(services, company)


@pytest.mark.parametrize(
    ("form", "typed", "words"),
    [
        ("notes", {"text": LONG}, "A note has 1 to 4000 characters"),
        ("message", {"text": LONG}, "A message has 1 to 1600 characters"),
        ("tags", {"new-tag": "x" * 61}, "A tag has 1 to 60 characters"),
        ("outcome", {"kind": "purchase", "value": "850 or so"}, "850 or so"),
    ],
)
def test_what_was_typed_about_a_call_is_not_lost(
    owner: Browser, company: Company, call: Call, form: str, typed: dict[str, str], words: str
) -> None:
    path = f"/app/{company.id.hex}/calls/{call.id.hex}"
    page = owner.post(f"{path}/{form}", **typed)
    assert page.status_code == 400
    assert words in page.text
    for value in typed.values():
        assert value in page.text
    assert "autofocus" in page.text, "the browser goes to the mistake"
    assert 'id="h-origin"' in page.text, "it is the page of the call"


def test_an_answer_that_cannot_be_sent_is_not_lost(
    owner: Browser, services: Services, company: Company
) -> None:
    with services.db.tenant(company.id) as session:
        thread_id = keep_messages(services, session, company, "Buongiorno")
        session.get_one(MessageThread, (company.id, thread_id)).stopped_at = NOON
    page = owner.post(f"/app/{company.id.hex}/messages/{thread_id.hex}", text="Arriviamo alle nove.")
    assert (page.status_code, "Arriviamo alle nove." in page.text, "(STOP)" in page.text) == (400, True, True)


@pytest.mark.parametrize(
    ("path", "typed", "kept"),
    [
        ("/settings/locations", {"name": "Ostia", "forward_to": "12", "announcement": "Salve"}, "Salve"),
        ("/settings/locations", {"name": "", "forward_to": "06 6994 0001", "city": "Ostia"}, "Ostia"),
        ("/settings/follow-up/tags", {"tag_name": "y" * 61}, "y" * 61),
        ("/phone", {"phone": "06 not a number"}, "06 not a number"),
        ("/settings/protection/blocked", {"caller": "+4*", "reason": "Robot", "days": "7"}, "Robot"),
    ],
)
def test_settings_that_are_refused_are_not_lost(
    owner: Browser, company: Company, path: str, typed: dict[str, str], kept: str
) -> None:
    page = owner.post(f"/app/{company.id.hex}{path}", **typed)
    assert page.status_code == 400
    assert kept in page.text
    assert 'aria-current="page"' in page.text, "it is a page of the company, not a dead end"


def test_limits_of_the_company_are_kept_and_explained_by_their_titles(
    owner: Browser, company: Company
) -> None:
    typed = {"name": "Traslochi Nuovi", "timezone": "Europe/Rome", "lead_min_talk_seconds": "-5"}
    page = owner.post(f"/app/{company.id.hex}/settings/company", **typed)
    assert page.status_code == 400
    assert "Talk that makes a lead (seconds): write 1 or more." in page.text
    assert 'value="Traslochi Nuovi"' in page.text
    assert 'value="-5"' in page.text


def test_a_location_keeps_its_wrong_form_apart_from_the_others(owner: Browser, company: Company) -> None:
    path = f"/app/{company.id.hex}/settings"
    wrong = {"name": "Roma", "forward_to": company.target, "announcement": "Salve", "ring_seconds": "900"}
    page = owner.post(f"{path}/locations/{company.location_id.hex}", **wrong)
    assert (page.status_code, page.text.count("Salve")) == (400, 1)
    contact = {"email": "nobody", "mobile": "347 123 4567"}
    page = owner.post(f"{path}/follow-up/contact/{company.location_id.hex}", **contact)
    assert (page.status_code, page.text.count("347 123 4567")) == (400, 1)


def test_what_was_chosen_against_nuisance_survives_a_wrong_cap(owner: Browser, company: Company) -> None:
    caps = dict.fromkeys(("minutes_per_number", "calls_per_company", "minutes_per_company"), "9")
    typed = {"spam_action": "reject", "block_withheld": "on", "calls_per_number": "many", **caps}
    page = owner.post(f"/app/{company.id.hex}/settings/protection", **typed)
    assert page.status_code == 400
    assert '<option value="reject" selected>' in page.text
    assert 'name="block_withheld" checked' in page.text
    assert 'name="share" checked' not in page.text


@pytest.mark.parametrize("mark", ["%00", "a%00b"])
def test_a_nul_is_refused_wherever_it_stands(owner: Browser, company: Company, call: Call, mark: str) -> None:
    base = f"/app/{company.id.hex}"
    for path in ("/calls?source=", "/calls?campaign=", "/messages?before=", "/transcripts?q="):
        assert owner.get(f"{base}{path}{mark}").status_code == 400, path
    assert owner.post(f"{base}/calls/{call.id.hex}/notes", text="a\0b").status_code == 400
    assert owner.post(f"{base}/flows", starter="ring-all", name="a\0b").status_code == 400


def test_an_error_leads_back_to_the_page_it_came_from(owner: Browser, company: Company, call: Call) -> None:
    base = f"/app/{company.id.hex}"
    path = f"{base}/calls/{call.id.hex}/missed"
    for referrer, leads in (
        (f"http://localhost{base}/calls?outcome=lost", True),
        (f"http://elsewhere.test{base}/calls?outcome=lost", False),
        ("http://localhost//elsewhere.test/", False),
        ("", False),
    ):
        token = owner._read_token()
        page = owner.client.post(
            path, data={"do": "x", "csrf_token": token}, headers={"Referer": referrer},
            environ_base={"REMOTE_ADDR": owner.address},
        )  # fmt: skip
        assert (page.status_code, "Back to the page" in page.text) == (400, leads), referrer
        assert "elsewhere" not in page.text


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_no_day_breaks_the_trial_of_a_flow(owner: Browser, company: Company, day: str) -> None:
    flow = new_flow(owner, company, name=f"Prova {day}")
    page = owner.get(f"{flow.base}/try?day={day}&time=00:00&keys=&caller={quote('347 1234567')}")
    assert (page.status_code, "Write a day between" in page.text) == (200, True)


def test_a_draft_is_discarded_only_by_whom_has_seen_it(owner: Browser, company: Company) -> None:
    flow = new_flow(owner, company, name="Bozza")
    flow.press("put:start", **{"at:start": "+announce"})
    flow.press("discard", stamp="1/2020-01-01T00:00:00+00:00")
    assert flow.status == 400
    assert "step-welcome" in owner.get(f"{flow.base}/edit").text, "what somebody else drafted stays"
    flow.press("discard")
    assert "step-welcome" not in owner.get(f"{flow.base}/edit").text


def test_a_filter_by_number_stays_chosen_however_the_address_spells_it(
    owner: Browser, company: Company
) -> None:
    number = company.number_ids[0]
    page = owner.get(f"/app/{company.id.hex}/calls?number={number}").text
    assert f'<option value="{number.hex}" selected>' in page


def test_when_they_rang_back_may_be_any_moment_of_a_calendar(
    owner: Browser, company: Company, call: Call
) -> None:
    path = f"/app/{company.id.hex}/calls/{call.id.hex}/outcome"
    for moment in ("0001-01-01T00:00", "9999-12-31T23:59", f"{datetime.now(UTC):%Y}-99-01"):
        said = {"kind": "purchase", "value": "85", "called_back": "on", "called_back_at": moment}
        assert owner.post(path, **said).status_code == 400, moment
