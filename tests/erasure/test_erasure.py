"""An erased person is nowhere any more: not in any table, not on our disk, not at the carrier."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from calltrack.accounts.model import CarrierAccount, Location
from calltrack.accounts.model import Company as CompanyRow
from calltrack.calls import polling, recording_files
from calltrack.calls.guard.blocking import NewEntry, block
from calltrack.calls.keeping_model import KeptRecording
from calltrack.calls.model import Call, CallEventRow
from calltrack.calls.people.work import add_note
from calltrack.calls.recording_keeping import keep_due
from calltrack.calls.replay import Replayed, replay
from calltrack.calls.service import Received, store
from calltrack.calls.transcripts import Spoken, Utterance, store_transcript
from calltrack.conversions import imports, inbox
from calltrack.conversions.contacts import store_contact
from calltrack.conversions.model import Conversion
from calltrack.conversions.rules import Outcome
from calltrack.conversions.service import set_outcome
from calltrack.conversions.told import Clues, Contact, Told
from calltrack.delivery.accounts import connect_destination
from calltrack.delivery.model import Delivery
from calltrack.erasure.service import Wanted, ask_to_erase, erase_due, erasure
from calltrack.infra.bounded import connect
from calltrack.journeys.model import PersonVisitor
from calltrack.kernel.errors import NotFound
from calltrack.messages.model import Message
from calltrack.messages.sending import send_due
from calltrack.messages.service import write_to_caller
from calltrack.sandbox.platforms.accounts import google_settings
from calltrack.telephony.events import CallEvent
from calltrack.visits.model import Visit
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.api.conftest import Program, program_of
from tests.builders import Company, make_call, make_company, make_lease, make_visit
from tests.calls.conftest import Carrier
from tests.calls.test_recordings import at_carrier
from tests.calls.twins import CarrierTwin, carrier_twin, number_of
from tests.dashboard.browser import Browser, make_app
from tests.erasure.traces import traces
from workers.facts import drain
from workers.subscriptions import SUBSCRIPTIONS

pytestmark = pytest.mark.usefixtures("reports_end_here")
CALLER, OTHER = "+393471234567", "+393479876543"


@pytest.fixture
def twin(services: Services, company: Company, tmp_path: Path) -> Iterator[CarrierTwin]:
    with carrier_twin(services, company) as running:
        running.services = replace(running.services, settings=_own_folder(services, tmp_path))
        yield running


def _own_folder(services: Services, folder: Path) -> Any:
    return services.settings.model_copy(update={"data_dir": folder})


def later_by(services: Services, time: timedelta) -> datetime:
    return services.clock() + time


def work(services: Services, company: Company) -> None:
    drain(services, SUBSCRIPTIONS, company.id, threading.Event())


def lived(twin: CarrierTwin, voice: FlaskClient, carrier: Carrier, company: Company) -> UUID:
    """Let a person leave something in every corner; returns the recorded call."""
    services, vault, now = twin.services, twin.services.vault, twin.services.clock()
    with services.db.tenant(company.id) as session:
        session.get_one(CompanyRow, company.id).settings = {"recordings_kept": "copy"}
        session.execute(update(Location).values(record=True, announcement="Registriamo.", whisper=False))
        connect_destination(
            session, vault, company.id, "google_data_manager", "Google",
            google_settings("http://127.0.0.1:9"), now - timedelta(days=1), sandbox=True,
        )  # fmt: skip
    visit = make_visit(services, company, at=now - timedelta(seconds=90))
    make_lease(services, company, visit, company.number_ids[0], tapped_at=now - timedelta(seconds=5))
    voice.application.extensions["voice.desk"].routes.refresh(5, gap=0)
    with httpx.Client(transport=httpx.WSGITransport(voice.application)) as http:
        twin.play(http, number_of(services, company), company.auth_token, from_=CALLER, talk_seconds=80)
    work(services, company)
    assert keep_due(services, company.id) == 1
    with services.db.tenant(company.id) as session:
        (call_id,) = session.scalars(select(Call.id)).all()
        add_note(session, vault, company.id, call_id, f"Richiamare {CALLER}", now, by="Anna")
        said = Spoken("it-IT", (Utterance(1.0, "caller", "Il mio numero è 347 123 4567"),))
        store_transcript(session, vault, company.id, call_id, "live", "carrier", said, now)
        store_contact(session, vault, company.id, call_id, Contact(email="eva@example.it"), now)
        sold = Outcome(kind="purchase", value_minor=85_000, by="Anna", reason="Ha chiamato 347-1234567")
        set_outcome(session, company.id, call_id, sold, now)
        told = Told(outcome="lead", clues=Clues(phone=CALLER))
        inbox.keep(session, vault, company.id, told, "No call yet.", "CRM", "crm", now, now)
        file = BytesIO(b"phone,outcome\n347 1234567,lead\n+39 347 9876543,lead\n")
        imports.store_file(session, vault, company.id, file, "crm.csv", "test", now)
        block(session, vault, company.id, NewEntry(CALLER), now, by="Anna")
        write_to_caller(session, vault, company.id, call_id, f"Buongiorno, {CALLER}", now, by="Anna")
    assert send_due(services, company.id) == 1
    received = {
        "MessageSid": "SM" + 32 * "a", "AccountSid": company.account_sid, "From": CALLER,
        "To": company.numbers[0], "Body": "Sono Eva", "NumMedia": "0",
    }  # fmt: skip
    assert carrier.post("/sms", received).status_code == 200
    work(services, company)
    return call_id


WHERE = {
    "call.caller", "call.caller_hash", "call_event.event", "call_note.text", "transcript.spoken",
    "person_caller.caller_hash", "person_caller.phone", "message_thread.party", "message_thread.party_hash",
    "message.body", "carrier_report.report", "outcome_inbox.payload", "outcome_key.key",
    "outcome_import_part.lines", "blocked_caller.caller", "blocked_caller.caller_hash",
    "spam_report.caller_hash", "delivery.payload", "idempotency_key.answer", "outcome_word.reason",
    "conversion.reason", "conversion_change.reason", "known_phone.caller_hash", "phone_link.caller_hash",
}  # fmt: skip


def test_nothing_of_a_number_is_left_in_any_table_on_disk_or_at_the_carrier(
    twin: CarrierTwin, voice: FlaskClient, carrier: Carrier, company: Company, program: Program
) -> None:
    services = twin.services
    call_id = lived(twin, voice, carrier, company)
    path = f"/api/v1/calls/{call_id}/notes"
    assert program.post(path, {"text": f"Numero {CALLER}"}, "note-1").status_code == 201
    with services.db.tenant(company.id) as session:
        (kept,) = session.scalars(select(KeptRecording)).all()
        sent = [sid for sid in session.scalars(select(Message.sid)) if sid]
        assert session.scalars(select(PersonVisitor.visitor_id)).all()
        before = session.execute(select(func.count(Call.id), func.sum(Call.talk_seconds))).one()
        figures = select(Conversion.kind, Conversion.status, Conversion.value_minor).order_by(Conversion.kind)
        sold = session.execute(figures).all()
    sid = kept.recording_sid
    copy = recording_files.path_of(services, company.id, sid)
    assert copy.exists()
    assert at_carrier(twin, company, sid)
    assert traces(services, company, CALLER) == WHERE
    other = make_call(services, company, caller=OTHER)
    stays = traces(services, company, OTHER)

    asked = program.post("/api/v1/erasures", {"number": "347 123 4567"}, "erase-1")
    assert (asked.status_code, asked.json["state"]) == (202, "asked")
    assert program.post("/api/v1/erasures", {"number": "347 123 4567"}, "erase-1").json == asked.json
    twin.fault("recordings", "503")
    assert erase_due(services, company.id) == 1
    assert traces(services, company, CALLER) == set(), "all tables in one go"
    waiting = program.get(f"/api/v1/erasures/{asked.json['id']}").json
    assert (waiting["state"], waiting["found"]["calls"], waiting["found"]["recordings"]) == ("waiting", 1, 1)
    assert "left" in waiting["problem"]
    for turn in (1, 2, 3):
        later = replace(services, clock=partial(later_by, services, timedelta(minutes=20 * turn)))
        keep_due(later, company.id)
        erase_due(later, company.id)
    done = program.get(f"/api/v1/erasures/{asked.json['id']}").json
    assert (done["state"], done["problem"]) == ("done", "")
    assert done["found"] == {
        "calls": 1, "recordings": 1, "messages": 2, "visits": 1, "deliveries": 2, "touchpoints": 0,
    }  # fmt: skip
    assert not copy.exists()
    assert not at_carrier(twin, company, sid)
    own = services.carriers.open(company.account_sid, company.auth_token)
    for message in sent:
        with pytest.raises(NotFound):
            own.fetch_message(message)
    with services.db.tenant(company.id) as session:
        call = session.get_one(Call, (company.id, call_id))
        assert (call.outcome, call.caller, call.erased_at is not None) == ("answered", None, True)
        counted = select(func.count(Call.id), func.sum(Call.talk_seconds)).where(Call.id != other.id)
        assert session.execute(counted).one() == before
        assert session.execute(figures).all() == sold
        assert {row.state for row in session.scalars(select(Delivery))} == {"withheld"}
        (visit,) = session.scalars(select(Visit))
        assert (visit.click_ids, visit.landing_url, visit.source) == ({}, "", "google")
    assert traces(services, company, OTHER) == stays

    # What the carrier tells afterwards, and a look at its list, bring nothing back.
    event = CallEvent(
        kind="ended", key="ended:late", call_sid=call.call_sid, account_sid=company.account_sid,
        status="completed", at=services.clock(), to=company.numbers[0], from_=CALLER, caller_city="Roma",
    )  # fmt: skip
    said = replace(
        event, kind="transcript", key="transcript:late", text=f"Mi chiami al {CALLER}",
        transcript_step="said",
    )  # fmt: skip
    connection = connect(services.settings.app_url, 10)
    for one in (event, said):
        told = Received(company.id, company.number_ids[0], company.location_id, one, services.clock())
        store(connection, services.vault, told, services.clock())
    connection.abandon()
    with services.db.tenant(company.id) as session:
        events = session.scalar(select(func.count()).select_from(CallEventRow))
        (account_id,) = session.scalars(select(CarrierAccount.id)).all()
    assert polling.poll(services, company.id, account_id) > 0
    work(services, company)
    assert traces(services, company, CALLER) == set()
    with services.db.tenant(company.id) as session:
        assert (session.scalar(select(func.count()).select_from(CallEventRow)) or 0) > (events or 0) > 5
    counts = Replayed()
    args = (services.db, services.vault, company.id, None)
    assert list(replay(*args, write=False, now=services.clock(), counts=counts)) == []
    assert counts.events > 5


def test_who_calls_while_being_erased_leaves_no_recording(
    twin: CarrierTwin, voice: FlaskClient, company: Company
) -> None:
    """A recording that comes after the erasure of its call is deleted, whatever the company keeps."""
    services, now = twin.services, twin.services.clock()
    with services.db.tenant(company.id) as session:
        session.execute(update(Location).values(record=True, announcement="Registriamo.", whisper=False))
    voice.application.extensions["voice.desk"].routes.refresh(5, gap=0)
    with httpx.Client(transport=httpx.WSGITransport(voice.application)) as http:
        twin.play(http, number_of(services, company), company.auth_token, from_=CALLER, talk_seconds=5)
    with services.db.tenant(company.id) as session:
        (call_id,) = session.scalars(select(Call.id)).all()
        ask_to_erase(session, services.vault, company.id, Wanted(call_id=call_id), now, by="Anna")
        session.execute(update(Call).values(erased_at=now))
    work(services, company)
    assert keep_due(services, company.id) == 1
    with services.db.tenant(company.id) as session:
        (kept,) = session.scalars(select(KeptRecording)).all()
    assert kept.gone_at is not None
    assert not at_carrier(twin, company, kept.recording_sid)


def test_something_on_its_way_is_waited_for_and_a_foreign_company_is_left_alone(
    services: Services, company: Company
) -> None:
    now, stranger = services.clock(), make_company(services)
    call, theirs = make_call(services, company, caller=CALLER), make_call(services, stranger, caller=CALLER)
    with services.db.tenant(company.id) as session:
        vault = services.vault
        write_to_caller(session, vault, company.id, call.id, "Buongiorno", now, by="Anna")
        session.execute(update(Message).values(state="sending"))
        id_ = ask_to_erase(session, vault, company.id, Wanted(number=CALLER), now, by="Anna")
    assert erase_due(services, company.id) == 1
    with services.db.tenant(company.id) as session:
        assert "being sent" in erasure(session, company.id, id_).problem
        assert session.get_one(Call, (company.id, call.id)).caller is not None, "all or nothing"
        session.execute(update(Message).values(state="dropped"))
    assert erase_due(services, company.id) == 0, "not before its time"
    later = replace(services, clock=lambda: now + timedelta(minutes=1))
    assert erase_due(later, company.id) == 1
    with services.db.tenant(company.id) as session:
        assert erasure(session, company.id, id_).state == "done"
    assert traces(services, company, CALLER) == set()
    with services.db.tenant(stranger.id) as session:
        assert session.get_one(Call, (stranger.id, theirs.id)).caller is not None
        with pytest.raises(NotFound):
            erasure(session, stranger.id, id_)


def test_an_owner_erases_from_the_page_of_a_call_with_a_tick(services: Services, company: Company) -> None:
    call = make_call(services, company, caller=CALLER)
    app = make_app(services)
    owner, manager = Browser(app), Browser(app)
    owner.enter(make_user(services, company, "owner"))
    manager.enter(make_user(services, company, "manager"))
    base = f"/app/{company.id.hex}"
    link = f"{base}/settings/erasure?call={call.id.hex}"
    assert link in owner.get(f"{base}/calls/{call.id.hex}").text
    assert "settings/erasure" not in manager.get(f"{base}/calls/{call.id.hex}").text
    assert manager.get(link).status_code == 403
    assert "+39 347 123 4567" in owner.get(link).text
    refused = owner.post(f"{base}/settings/erasure", call=call.id.hex)
    assert (refused.status_code, "Nothing was erased" in refused.text) == (400, True)
    assert "not a phone number" in owner.post(f"{base}/settings/erasure", number="x", sure="yes").text
    assert owner.post(f"{base}/settings/erasure", call=32 * "0", sure="yes").status_code == 404
    assert owner.post(f"{base}/settings/erasure", call=call.id.hex, sure="yes").status_code == 303
    assert erase_due(services, company.id) == 1
    shown = owner.get(f"{base}/settings/erasure").text
    assert "erased</span>" in shown
    assert "1 call, 0 recordings" in shown
    page = owner.get(f"{base}/calls/{call.id.hex}").text
    assert "nothing here names anybody any more" in page


def test_only_an_owners_key_erases_and_says_whom(
    services: Services, client: FlaskClient, company: Company, program: Program
) -> None:
    for body in ({}, {"number": CALLER, "call_id": "x"}, {"number": "x"}, {"call_id": "x"}):
        assert program.post("/api/v1/erasures", body).status_code == 400
    assert program.post("/api/v1/erasures", {"call_id": 32 * "0"}).status_code == 404
    manager = program_of(services, client, company, "manager")
    assert manager.post("/api/v1/erasures", {"number": CALLER}).status_code == 403
    assert manager.get("/api/v1/erasures").status_code == 403
    assert program.get("/api/v1/erasures").json == {"erasures": []}
