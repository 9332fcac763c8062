"""Call flows built by forms alone, as somebody without JavaScript does it."""

import re
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from calltrack.accounts.model import LoginSession
from calltrack.accounts.rules import Role
from calltrack.callflows import drafts, queries, service
from calltrack.callflows.audio import stored
from calltrack.callflows.model import CallFlow
from calltrack.calls.model import Call
from calltrack.calls.sounds import silence
from calltrack.infra.outbox import Fact
from calltrack.wiring import Services
from tests.accounts.people import PASSWORD, make_user
from tests.builders import NOON, Company, make_call
from tests.callflows.flows import EXAMPLE
from tests.dashboard.browser import TOKEN, Browser
from tests.dashboard.forms import _Reader


def browser_of(app: Flask, services: Services, company: Company, role: Role) -> Browser:
    browser = Browser(app)
    browser.enter(make_user(services, company, role))
    return browser


@pytest.fixture
def owner(app: Flask, services: Services, company: Company) -> Browser:
    return browser_of(app, services, company, "owner")


@pytest.fixture
def manager(app: Flask, services: Services, company: Company) -> Browser:
    return browser_of(app, services, company, "manager")


class Builder:
    """One flow in front of a browser: fills in the forms that stand on its pages."""

    def __init__(self, browser: Browser, company: Company, flow: str) -> None:
        self.browser, self.base = browser, f"/app/{company.id.hex}/flows/{flow}"

    def send(self, page: str, action: str, /, **typed: str) -> str:
        """Send the form of a page that goes to an address with this end; returns what is seen next."""
        reader = _Reader()
        text = self.browser.get(self.base + page).text
        reader.feed(text)
        forms = [form for form in reader.forms if form.action.endswith(action)]
        assert forms, f"{page} has no form for {action}"
        token = TOKEN.search(text)
        assert token
        fields = forms[0].fields | typed
        fields.pop("csrf_token", None)
        answer = self.browser.post(self.base + action, token=token[1], **fields)
        self.status, self.location = answer.status_code, answer.headers.get("Location", "")
        return self.browser.get(self.location).text if answer.status_code == 303 else answer.text

    def step(self, step: str, /, **typed: str) -> str:
        return self.send(f"/edit/{step}", f"/edit/{step}", **({"do": "keep"} | typed))

    def press(self, do: str, **typed: str) -> str:
        return self.send("/edit", "/edit", do=do, **typed)


def new_flow(browser: Browser, company: Company, starter: str = "ring-all", name: str = "Ufficio") -> Builder:
    answer = browser.post(f"/app/{company.id.hex}/flows", starter=starter, name=name)
    assert answer.status_code == 303, answer.text
    found = re.search(r"/flows/([0-9a-f]{32})/edit", answer.headers["Location"])
    assert found
    return Builder(browser, company, found[1])


def definition(services: Services, company: Company, builder: Builder) -> dict[str, Any]:
    with services.db.tenant(company.id) as session:
        return queries.flow(session, company.id, UUID(builder.base[-32:])).definition


def test_a_call_tells_which_flow_it_went_through(
    owner: Browser, services: Services, company: Company
) -> None:
    flow, call = new_flow(owner, company, name="Centralino"), make_call(services, company)
    page = f"/app/{company.id.hex}/calls/{call.id.hex}"
    assert "Answered by the call flow" not in owner.get(page).text
    with services.db.tenant(company.id) as session:
        row = session.get_one(CallFlow, (company.id, UUID(flow.base[-32:])))
        stored_call = session.get_one(Call, (company.id, call.id))
        stored_call.flow_version, stored_call.flow_path = row.current_version, ["menu=1", "phones"]
    told = owner.get(page).text
    assert f'{flow.base}">Centralino</a>, version 1: menu=1 → phones' in told
    flow.send("", "/delete", sure="yes")
    assert "Centralino</strong>, deleted since, version 1" in owner.get(page).text


def test_a_flow_is_built_step_by_step_tried_and_published(
    owner: Browser, services: Services, company: Company
) -> None:
    flow = new_flow(owner, company)
    text = flow.press("put:start", **{"at:start": "+hours"})
    assert "/edit/hours" in flow.location
    assert 'value="09:00-18:00"' in text
    flow.step(
        "hours", **{"hours-weekly-mon": "9-13, 15:30-19", "hours-weekly-sat": "10–12", "closed": "+hang_up"}
    )
    assert flow.location.endswith("/edit/end?new=1")
    flow.step("end", **{"message-text": "Siamo chiusi."})
    flow.press("put:hours.open", **{"at:hours.open": "+menu"})
    text = flow.step("menu", **{"message-text": "Prema 1.", "options-0-to": "=phones",
                                "options-0-label": "Offerte", "options-1-to": "-"})  # fmt: skip
    assert "Prema 1." in text
    text = flow.step("phones", **{"targets-1-is": "phone", "targets-1-phone": "06 6994 0001",
                                  "targets-1-label": "Anna", "screening": "on", "seconds": "20"})  # fmt: skip
    assert "Whoever answers presses 1" in text
    assert definition(services, company, flow)["start"] == "phones", "callers meet what was published"
    tried = owner.get(f"{flow.base}/try?day=2026-11-30&time=10:00&keys=1&answered=no&caller=347 1234567").text
    for words in ("Monday 30 November 2026, 10:00", "“hours”: open, closes on Monday 30 November at 13:00",
                  "The caller presses 1 (Offerte)", "Anna (+39 06 6994 0001) ring for 20 seconds",
                  "Nobody takes the call", "may leave a message"):  # fmt: skip
        assert words in tried, words
    closed = owner.get(f"{flow.base}/try?day=2026-11-29&time=09:00").text
    assert "closed, opens on Monday 30 November at 09:00" in closed
    assert "Siamo chiusi." in closed
    text = flow.press("publish")
    assert "Version 2 is published" in text
    assert "New: “menu”." in text
    saved = definition(services, company, flow)
    assert saved["steps"]["hours"]["hours"]["weekly"]["mon"] == ["09:00-13:00", "15:30-19:00"]
    assert saved["steps"]["phones"]["targets"][1] == {"number": "+390669940001", "label": "Anna"}
    assert saved["steps"]["menu"]["options"] == {"1": {"to": "phones", "label": "Offerte"}}


def test_mistakes_are_kept_and_named_beside_their_field(
    owner: Browser, services: Services, company: Company
) -> None:
    flow = new_flow(owner, company)
    text = flow.step("phones", **{"targets-0-is": "phone", "targets-0-phone": "12", "seconds": "soon"})
    assert flow.status == 200
    assert 'value="12"' in text
    row = text.split('name="targets-0-is"')[1].split("</div>")[0]
    assert "is too short or too long" in row
    assert "Must be a whole number" in text.split('name="seconds"')[1].split("</div>")[0]
    outline = owner.get(f"{flow.base}/edit").text
    assert "2 things are to mend first" in outline
    assert "is too short or too long" in outline.split('id="step-phones"')[1].split("</article>")[0]
    assert "mend what is named below first" in flow.press("publish")
    assert flow.status == 400
    assert definition(services, company, flow)["steps"]["phones"]["targets"] == [{"own_line": True}]
    dear = flow.step("phones", **{"targets-0-phone": "899 123456", "seconds": "15"})
    assert "Calls cannot be put through to" in dear.split('name="targets-0-is"')[1].split("</div>")[0]
    assert "The draft is gone" in flow.press("discard")
    assert "Nothing was changed since version 1" in owner.get(f"{flow.base}/edit").text


def test_steps_are_moved_renamed_and_deleted(owner: Browser, services: Services, company: Company) -> None:
    flow = new_flow(owner, company)
    flow.press("put:phones.no_answer", **{"at:phones.no_answer": "+announce"})
    flow.step("welcome", **{"message-text": "Un momento.", "name": "attesa"})
    flow.press("up:attesa")
    flow.press("drop:message")
    text = flow.press("put:phones.no_answer", **{"at:phones.no_answer": "+voicemail"})
    assert "/edit/message" in flow.location
    assert "our usual sentence" in text
    flow.press("publish")
    saved = definition(services, company, flow)
    assert (saved["start"], saved["steps"]["attesa"]["then"]) == ("attesa", "phones")
    assert saved["steps"]["phones"]["no_answer"] == "message"
    assert "small letters" in flow.step("attesa", name="Größe")
    assert "Another step is named" in flow.step("attesa", name="phones")
    for name in ("attesa", "phones"):
        flow.press(f"drop:{name}")
    assert "needs a step" in flow.press("drop:message")
    text = flow.press("put:start", **{"at:start": ""})
    assert "No branch leads here" in text


def test_who_is_late_overwrites_nothing(app: Flask, services: Services, company: Company) -> None:
    anna, bruno = (browser_of(app, services, company, "manager") for _ in range(2))
    flow = new_flow(anna, company)
    stamp = re.search(r'name="stamp" value="([^"]*)"', anna.get(f"{flow.base}/edit").text)
    assert stamp
    Builder(bruno, company, flow.base[-32:]).press("put:start", **{"at:start": "+announce"})
    assert "changed this flow meanwhile" in flow.step("phones", stamp=stamp[1], seconds="33")
    assert flow.status == 400
    assert "changed this flow meanwhile" in flow.press("drop:phones", stamp=stamp[1])
    with services.db.tenant(company.id) as session:
        draft = drafts.draft_of(session, company.id, UUID(flow.base[-32:]))
    assert set(draft.plain["steps"]) == {"welcome", "phones", "message"}
    assert "seconds" not in draft.plain["steps"]["phones"]


def test_only_an_owner_publishes_new_phones_and_owners_are_told(
    app: Flask, manager: Browser, services: Services, company: Company
) -> None:
    flow = new_flow(manager, company)
    flow.step("phones", **{"targets-0-is": "phone", "targets-0-phone": "+390669940001"})
    assert "Only an owner may publish that" in manager.get(f"{flow.base}/edit").text
    assert "Only an owner may do that; the draft is kept" in flow.press("publish")
    assert flow.status == 403
    owner = Builder(browser_of(app, services, company, "owner"), company, flow.base[-32:])
    assert "Version 2 is published" in owner.press("publish")
    with services.db.tenant(company.id) as session:
        kinds = session.scalars(select(Fact.kind).where(Fact.company_id == company.id)).all()
    assert kinds.count("forwarding.changed") == 1
    # Known now: a manager may use it in another flow.
    other = new_flow(manager, company, name="Sera")
    other.step("phones", **{"targets-0-is": "phone", "targets-0-phone": "+390669940001"})
    assert "Version 2 is published" in other.press("publish")


def test_the_password_is_asked_for_new_phones_when_it_was_given_long_ago(
    app: Flask, services: Services, company: Company
) -> None:
    person = make_user(services, company, "owner")
    browser = Browser(app)
    browser.enter(person)
    flow = new_flow(browser, company)
    flow.step("phones", **{"targets-0-is": "phone", "targets-0-phone": "sip:office@pbx.example"})
    with services.db.shared() as session:
        session.execute(update(LoginSession).values(created_at=LoginSession.created_at - timedelta(hours=1)))
    assert "Type your password again" in flow.press("publish")
    assert "Version 2 is published" in flow.press("publish", password=PASSWORD)


def test_versions_are_compared_and_brought_back(owner: Browser, services: Services, company: Company) -> None:
    flow = new_flow(owner, company)
    flow.step("phones", seconds="40")
    flow.press("publish")
    text = owner.get(flow.base).text
    assert "rings for 15 seconds. Now: the location" in text
    assert "Version 1 is back, as version 3" in flow.send("", "/restore", number="1")
    assert definition(services, company, flow)["steps"]["phones"].get("seconds") is None
    for number in ("0", "9", "x"):
        flow.send("", "/restore", number=number)
        assert flow.status == 400


def test_a_flow_is_assigned_shown_everywhere_and_taken_away(
    owner: Browser, services: Services, company: Company
) -> None:
    flow, base = new_flow(owner, company, name="Orari"), f"/app/{company.id.hex}"
    number = f"{base}/numbers/{company.number_ids[0].hex}"
    assert "by the settings of the location" in owner.get(number).text
    assert "Assigned." in flow.send("", "/assign", spot=f"location:{company.location_id.hex}")
    for page in (number, f"{base}/settings/locations"):
        assert f'<a href="{flow.base}">Orari</a>' in owner.get(page).text
    text = owner.get(flow.base).text
    assert "6 numbers ring here" in text
    assert f"/sandbox/phone?to=%2B{company.numbers[0][1:]}" in text
    assert "still answers calls" in flow.send("", "/delete", sure="yes")
    for spot in ("planet:" + company.id.hex, "location:" + "0" * 32, "company:x", ""):
        flow.send("", "/assign", spot=spot)
        assert flow.status in (400, 404), spot
    owner.post(f"{base}/flows/unassign", spot=f"location:{company.location_id.hex}")
    assert "No call flow is assigned there" in owner.get(
        owner.post(f"{base}/flows/unassign", spot=f"location:{company.location_id.hex}").headers["Location"]
    ).text  # fmt: skip
    assert "is deleted" in flow.send("", "/delete", sure="yes")
    assert owner.get(flow.base).status_code == 404


def test_a_name_is_taken_once(owner: Browser, company: Company) -> None:
    flow = new_flow(owner, company, name="Uno")
    new_flow(owner, company, name="Due")
    again = owner.post(f"/app/{company.id.hex}/flows", starter="by-region", name="uno")
    assert (again.status_code, "named “uno” already" in again.text) == (400, True)
    assert owner.post(f"/app/{company.id.hex}/flows", starter="nothing", name="Tre").status_code == 400
    assert "named “Due” already" in flow.send("", "/name", name="Due")
    assert "Renamed" in flow.send("", "/name", name="Tre")


def test_public_holidays_are_filled_in_once(owner: Browser, company: Company) -> None:
    flow = new_flow(owner, company, "hours-menu")
    text = flow.step("hours", do="holidays", country="DE", year="2026")
    assert "Ostermontag" in text
    text = flow.step("hours", do="holidays", country="DE", year="2026")
    assert text.count("Ostermontag") == 1
    assert flow.status == 200
    flow.step("hours", do="holidays", country="XX", year="2026")
    assert flow.status == 400


@pytest.mark.parametrize("name", ["hours", "welcome", "menu", "sales", "office", "survey", "message"])
def test_a_step_that_is_kept_untouched_stays_as_it_was(
    owner: Browser, services: Services, company: Company, name: str
) -> None:
    with services.db.tenant(company.id) as session:
        made = service.create(session, company.id, "Tutto", EXAMPLE, "test", NOON)
    flow = Builder(owner, company, made.hex)
    flow.step(name)
    assert flow.status == 303
    with services.db.tenant(company.id) as session:
        draft = drafts.draft_of(session, company.id, made)
        kept = drafts.checked(session, company.id, draft.plain)
        before = drafts.checked(session, company.id, EXAMPLE)
        assert kept.plain()["steps"][name] == before.plain()["steps"][name]
        assert kept.plain() == before.plain()


def test_regions_are_read(owner: Browser, services: Services, company: Company) -> None:
    flow = new_flow(owner, company, "by-region")
    flow.step("region", **{"branches-1-countries": "de, AT", "branches-1-label": "Tedeschi",
                           "branches-1-language": "de-DE", "branches-1-to": "=local"})  # fmt: skip
    wrong = flow.step("region", **{"branches-2-prefixes": "06"})
    assert "international form" in wrong
    flow.step("region", **{"branches-2-prefixes": ""})
    flow.press("publish")
    branches = definition(services, company, flow)["steps"]["region"]["branches"]
    assert branches[1] == {"countries": ["DE", "AT"], "label": "Tedeschi", "language": "de-DE", "to": "local"}
    assert len(branches) == 2


def test_a_sound_file_is_uploaded_played_and_kept_while_it_is_used(
    owner: Browser, services: Services, company: Company
) -> None:
    base = f"/app/{company.id.hex}/flows/sounds"
    owner.post(base)  # Takes a token.

    def upload(content: bytes, name: str = "saluto.mp3", **more: str) -> Any:
        file = FileStorage(BytesIO(content), name, "sound")
        boundary, body = encode_multipart({"sound": file, "csrf_token": owner._token, **more})
        kind = f"multipart/form-data; boundary={boundary}"
        address = {"REMOTE_ADDR": owner.address}
        return owner.client.post(base, data=body, content_type=kind, environ_base=address)

    for content, words in ((b"", "neither"), (b"GIF89a" + bytes(99), "neither an MP3 nor a WAV"),
                           (b"RIFF" + bytes(5 * 1024 * 1024), "at most 5 MB")):  # fmt: skip
        answer = upload(content)
        assert (answer.status_code, words in answer.text) == (400, True), words
    assert upload(silence(), "<b>ciao</b>.wav").status_code == 303
    (kept,) = stored(services.settings.data_dir, company.id)
    assert (kept.name, kept.kind) == ("<b>ciao</b>", "wav")
    file = kept.path.rpartition("/")[2]
    heard = owner.get(f"{base}/{file}")
    assert (heard.data, heard.mimetype) == (silence(), "audio/wav")
    assert "&lt;b&gt;ciao&lt;/b&gt;" in owner.get(base).text
    flow = new_flow(owner, company)
    flow.press("put:start", **{"at:start": "+announce"})
    text = flow.step("welcome", **{"message-sound": kept.path})
    assert "the audio file “&lt;b&gt;ciao&lt;/b&gt;”" in text
    flow.press("publish")
    tried = owner.get(f"{flow.base}/try?day=2026-11-30&time=10:00").text
    assert "the audio file “&lt;b&gt;ciao&lt;/b&gt;”" in tried
    assert "plays it, now or in a version" in owner.post(f"{base}/{file}/delete", sure="yes").text
    owner.post(f"{flow.base}/delete", sure="yes")
    assert owner.get(f"{base}/{file.replace('wav', 'mp3')}").status_code == 404
    wrong = flow.step("welcome", **{"message-sound": ""}) if owner.get(flow.base).status_code == 200 else ""
    assert wrong == ""
    assert stored(services.settings.data_dir, company.id) == (kept,)
