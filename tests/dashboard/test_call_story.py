"""The page of a call in a real browser: its story on a line of time, the player, pausing, what was said."""

import threading
from collections.abc import Iterator

import httpx
import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select, update
from werkzeug.serving import make_server

from calltrack.accounts.model import AuditEntry, CarrierAccount, Location
from calltrack.calls import polling, recording_keeping
from calltrack.calls.keeping_model import KeptRecording
from calltrack.calls.model import Call
from calltrack.calls.transcripts import Spoken, Utterance, store_transcript
from calltrack.wiring import Services
from tests.accounts.people import PASSWORD, make_user
from tests.builders import Company
from tests.calls.conftest import desk, voice
from tests.calls.rows import calls_of
from tests.calls.twins import CarrierTwin, carrier_twin, number_of
from tests.dashboard.browser import make_app

__all__ = ["desk", "voice"]


@pytest.fixture
def twin(services: Services, company: Company) -> Iterator[CarrierTwin]:
    with carrier_twin(services, company) as running:
        yield running


@pytest.fixture
def address(twin: CarrierTwin) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, make_app(twin.services), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def tab(browser: Browser, address: str, services: Services, company: Company) -> Iterator[Page]:
    person = make_user(services, company, "manager")
    context = browser.new_context(base_url=address)
    context.set_default_timeout(8_000)
    page = context.new_page()
    page.goto("/login")
    page.fill("input[name=email]", person.email)
    page.fill("input[name=password]", PASSWORD)
    page.click("form button.primary")
    page.wait_for_url("**/app/**")
    yield page
    context.close()


@pytest.fixture
def call(voice: FlaskClient, services: Services, company: Company, twin: CarrierTwin) -> Call:
    """A recorded call, polled and written down."""
    with services.db.tenant(company.id) as session:
        session.execute(update(Location).values(record=True, announcement="Registriamo.", whisper=False))
        account = session.scalars(select(CarrierAccount.id)).one()
    voice.application.extensions["voice.desk"].routes.refresh(5, gap=0)
    with httpx.Client(transport=httpx.WSGITransport(voice.application)) as http:
        script = {"talk_seconds": 12, "hangs_up": "caller", "stir": "TN-Validation-Passed-A"}
        twin.play(http, number_of(services, company), company.auth_token, **script)
    polling.poll(twin.services, company.id, account)
    (one,) = calls_of(services, company.id)
    recording_keeping.take_in(twin.services, company.id, one.id)
    said = Spoken("it", (Utterance(3.0, "caller", "Vorrei un preventivo per due pianoforti"),))
    with services.db.tenant(company.id) as session:
        store_transcript(
            session, services.vault, company.id, one.id, "live", "carrier", said, services.clock()
        )
    return one


def test_the_page_tells_the_story_and_plays_the_recording(
    tab: Page, call: Call, services: Services, company: Company
) -> None:
    tab.goto(f"/app/{company.id.hex}/calls/{call.id.hex}")
    line = tab.locator("section[aria-labelledby=h-line]")
    for words in (
        "began to ring", "A person answered", "The caller hung up.", "Signed by the network", "Call ended",
        "The carrier charged $",
    ):  # fmt: skip
        expect(line).to_contain_text(words)
    expect(tab.locator("#said")).to_contain_text("Vorrei un preventivo")
    length = tab.locator("audio").evaluate(
        """async player => {
            const heard = await fetch(player.src, {headers: {Range: "bytes=0-99"}});
            return [heard.status, (await heard.arrayBuffer()).byteLength, heard.headers.get("Cache-Control")];
        }"""
    )
    assert length == [206, 100, "no-store"]
    with services.db.tenant(company.id) as session:
        heard = session.scalars(select(AuditEntry.action).where(AuditEntry.action == "recording.heard")).all()
    assert len(heard) == 1


def test_words_lead_to_the_call_and_a_deleted_recording_says_when_it_went(
    tab: Page, call: Call, services: Services, company: Company, twin: CarrierTwin
) -> None:
    tab.goto(f"/app/{company.id.hex}/calls")
    tab.get_by_role("link", name="Find by what was said").click()
    tab.fill("#q", '"due pianoforti"')
    tab.get_by_role("button", name="Find").click()
    tab.locator("section.card li a").click()
    tab.wait_for_url(f"**/calls/{call.id.hex}*")
    tab.on("dialog", lambda dialog: dialog.accept())
    tab.locator(".recording").get_by_role("button", name="Delete").click()
    if (sure := tab.locator("dialog[open] button.primary, dialog[open] button.danger")).count():
        sure.first.click()
    expect(tab.locator(".recording")).to_contain_text("is being deleted")
    expect(tab.locator("audio")).to_have_count(0)
    recording_keeping.keep_due(twin.services, company.id)
    tab.reload()
    expect(tab.locator(".recording")).to_contain_text("here and at the carrier")
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(KeptRecording.gone_at)).one() is not None


def test_a_running_call_offers_to_pause_its_recording(
    tab: Page, call: Call, services: Services, company: Company
) -> None:
    with services.db.tenant(company.id) as session:
        session.execute(update(Call).values(ended_at=None, outcome=None, status="in_progress"))
    tab.goto(f"/app/{company.id.hex}/calls/{call.id.hex}")
    tab.get_by_role("button", name="Pause recording").click()
    expect(tab.get_by_text("Nothing is being recorded in this call")).to_be_visible()
