"""Calls through call flows, played by the carrier simulator: what is heard, who rings, what is stored."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from flask.testing import FlaskClient
from sqlalchemy import text, update

from calltrack.accounts.model import Location
from calltrack.callflows import service
from calltrack.callflows.place import Place, Token
from calltrack.calls.answers import hang_up
from calltrack.calls.desk import Desk
from calltrack.conversions.facts import facts_of
from calltrack.kernel.ids import new_id
from calltrack.sandbox.carrier import CallJournal, CallScript, LegScript, SimulatedNumber, Switches, play
from calltrack.wiring import Services
from tests.builders import Company, make_company
from tests.callflows.flows import EXAMPLE
from tests.calls.conftest import CALLER, Carrier, new_call_sid, settle
from tests.calls.rows import calls_of, stored_call
from tests.calls.test_hooks import refresh

Play = Callable[..., CallJournal]
NOW = datetime.now(UTC)
ANNA, BRUNO = "+390669940001", "+393470000002"
# Open at any hour, so that the day of the test does not matter.
ALWAYS: dict[str, Any] = EXAMPLE | {"start": "welcome", "steps": {
    name: step for name, step in EXAMPLE["steps"].items() if name not in ("hours", "closed")
}}  # fmt: skip
CLOSED = {
    "start": "hours",
    "steps": {
        "hours": {
            "kind": "hours",
            "hours": {"weekly": {"mon": ["00:00-24:00"]}, "holidays": [{"day": "01-01", "until": "12-31"}]},
            "open": None,
            "closed": "bye",
        },
        "bye": {"kind": "hang_up", "message": "Siamo chiusi per ferie."},
    },
}


@pytest.fixture
def put(services: Services, company: Company, desk: Desk) -> Callable[[dict[str, Any]], None]:
    """Lets a flow answer all numbers of the company."""

    def assign(plain: dict[str, Any]) -> None:
        with services.db.tenant(company.id) as session:
            flow_id = service.create(session, company.id, f"Flow {new_id().hex}", plain, "anna", NOW)
            service.assign(session, company.id, flow_id, "company", company.id, "anna", NOW)
        refresh(desk)

    return assign


@pytest.fixture
def played(voice: FlaskClient, services: Services, company: Company) -> Iterator[Play]:
    base = f"{services.settings.base_url}/voice/{company.number_ids[0].hex}"
    number = SimulatedNumber(
        e164=company.numbers[0],
        voice_url=base,
        voice_fallback_url=f"{base}/fallback",
        status_callback=f"{base}/status",
        account_sid=company.account_sid,
    )
    with httpx.Client(transport=httpx.WSGITransport(voice.application), follow_redirects=False) as http:

        def play_one(**script: object) -> CallJournal:
            given = {"from_": CALLER, "to": number.e164, "timestamps": "wall"} | script
            journal = play(CallScript(**given), number, company.auth_token, http)  # type: ignore[arg-type]
            settle(voice)
            assert [(r.purpose, r.status, r.error) for r in journal.requests if not r.is_ok] == []
            assert not journal.via_fallback
            assert [e.text for e in journal.entries if "12200" in e.text or "lead to each" in e.text] == []
            return journal

        yield play_one


@pytest.mark.parametrize("order", ["fifo", "shuffled", "reversed"])
def test_a_whole_flow_with_menu_recording_screening_and_survey(
    put: Any, played: Play, services: Services, company: Company, order: str
) -> None:
    put(ALWAYS)
    journal = played(digits=("1", "", "3"), order=order, duplicates=0.5, seed=3)
    assert [text.partition(".")[0] for text in journal.heard] == [
        "Benvenuti da Rossi Traslochi",
        "Per un preventivo prema 1",
        "La informiamo che la chiamata può essere registrata",
        "Se non desidera essere registrato, prema 9",
        "Da 1 a 3, quanto è soddisfatto?",
    ]
    assert journal.rang == [ANNA, BRUNO]
    assert journal.whispered == ["Chiamata dal sito. La chiamata viene registrata. Prema 1 per rispondere."]
    assert len(calls_of(services, company.id)) == 1
    stored = stored_call(services, company.id, journal.call_sid)
    assert (stored.call["outcome"], stored.call["talk_seconds"] >= 180) == ("answered", True)
    assert stored.call["keys"] == ["1", "3"]
    assert stored.call["flow_path"] == ["welcome", "menu", "menu=1", "sales", "survey", "survey=3"]
    assert stored.call["flow_version"] is not None
    assert [r["kind"] for r in stored.recordings] == ["call"]
    call_id = calls_of(services, company.id)[0].id
    with services.db.tenant(company.id) as session:
        facts = facts_of(session, company.id, [call_id])[call_id].facts
    assert facts.keys == ("1", "3", "menu=1", "survey=3")


def test_the_opt_out_key_leads_to_the_same_ring_without_recording(
    put: Any, played: Play, services: Services, company: Company
) -> None:
    put(ALWAYS)
    journal = played(digits=("1", "9"))
    assert "La chiamata non sarà registrata." in journal.heard
    assert (journal.bridged, journal.rang) == (True, [ANNA, BRUNO])
    assert stored_call(services, company.id, journal.call_sid).recordings == []
    assert journal.whispered == ["Chiamata dal sito. Prema 1 per rispondere."]


def test_a_notice_cut_short_by_another_key_is_told_again(
    put: Any, played: Play, services: Services, company: Company
) -> None:
    put(ALWAYS)
    journal = played(digits=("1", "5"), keys_cut_in=True)
    assert journal.heard.count("La informiamo che la chiamata può essere registrata.") == 1
    assert len(stored_call(services, company.id, journal.call_sid).recordings) == 1


@pytest.mark.parametrize("switches", [Switches(), Switches(others_ring_during_whisper=True)])
def test_a_mailbox_does_not_end_the_ring_group(
    put: Any, played: Play, services: Services, company: Company, switches: Switches
) -> None:
    put(ALWAYS)
    people = {ANNA: LegScript(result="mailbox", ring_seconds=3), BRUNO: LegScript(ring_seconds=9)}
    journal = played(digits=("1",), legs=people, switches=switches)
    assert journal.bridged
    again = [] if switches.others_ring_during_whisper else [BRUNO]
    assert journal.rang == [ANNA, BRUNO, *again]
    assert stored_call(services, company.id, journal.call_sid).call["outcome"] == "answered"


def test_two_mailboxes_lead_to_the_voicemail(
    put: Any, played: Play, services: Services, company: Company
) -> None:
    put(ALWAYS)
    people = {ANNA: LegScript(result="mailbox"), BRUNO: LegScript(result="mailbox")}
    journal = played(digits=("1",), legs=people, voicemail_seconds=9)
    assert (journal.result, journal.rang) == ("voicemail", [ANNA, BRUNO, BRUNO])
    stored = stored_call(services, company.id, journal.call_sid)
    assert stored.call["flow_path"][-1] == "message"
    assert [(r["kind"], r["seconds"]) for r in stored.recordings] == [("voicemail", 9)]


def test_without_a_memory_of_the_phone_each_is_rung_alone(
    put: Any, carrier: Carrier, company: Company, desk: Desk
) -> None:
    put(ALWAYS)
    sid = new_call_sid()
    token = token_of(desk, company, "sales", "rung", turn=99)
    told = {"DialCallStatus": "completed", "DialBridged": "false", "DialCallSid": new_call_sid()}
    document = carrier.post(f"/step/{token}", carrier.call_fields(sid, **told)).get_data(as_text=True)
    assert ANNA in document
    assert BRUNO not in document


def test_closed_is_a_missed_call(put: Any, played: Play, services: Services, company: Company) -> None:
    put(CLOSED)
    journal = played()
    assert (journal.heard, journal.rang) == (["Siamo chiusi per ferie."], [])
    call = stored_call(services, company.id, journal.call_sid).call
    assert (call["outcome"], call["flow_path"], call["keys"]) == ("missed", ["hours", "bye"], [])


def test_a_rejected_call_costs_nothing(put: Any, played: Play, services: Services, company: Company) -> None:
    branch = {"prefixes": ["+39347"], "to": "no"}
    put(
        {
            "start": "who",
            "steps": {
                "who": {"kind": "by_caller", "branches": [branch], "otherwise": "ring"},
                "no": {"kind": "reject", "reason": "busy"},
                "ring": {"kind": "ring", "targets": [{"own_line": True}]},
            },
        }
    )
    assert played().result == "rejected"
    assert played(from_="+393331234567").rang == [company.target]
    assert played(from_="anonymous").final_status == "completed"


def test_a_new_version_leaves_calls_under_way_alone(
    put: Any, carrier: Carrier, company: Company, services: Services, desk: Desk
) -> None:
    put(ALWAYS)
    sid = new_call_sid()
    first = carrier.post("", carrier.call_fields(sid))
    token = token_of(desk, company, "menu", "key", turn=1)
    put(CLOSED)
    assert "chiusi" in carrier.post("", carrier.call_fields()).get_data(as_text=True)
    assert carrier.post("", carrier.call_fields(sid)).data == first.data, "asked again, answered alike"
    pressed = carrier.post(f"/step/{token}", carrier.call_fields(sid, Digits="2", CallStatus="in-progress"))
    assert company.target in pressed.get_data(as_text=True)
    again = carrier.post(f"/step/{token}", carrier.call_fields(sid, Digits="2", CallStatus="in-progress"))
    assert again.data == pressed.data
    call = stored_call(services, company.id, sid).call
    assert (call["keys"], call["flow_path"]) == (["2"], ["welcome", "menu", "menu=2", "office"])


def test_a_broken_or_unknown_flow_connects_to_the_own_line(
    put: Any, carrier: Carrier, company: Company, services: Services, desk: Desk
) -> None:
    put(ALWAYS)
    token = token_of(desk, company, "menu", "key", turn=1)
    unknown = Token(new_id(), Place(step="menu", phase="key", language="it-IT"), NOW)
    nowhere = str(token).replace(".menu.", ".nowhere.")
    wrong = str(token).replace(".menu.", ".sales.")
    for path in (str(unknown), nowhere, wrong, "garbage", str(token)[:40]):
        answer = carrier.post(f"/step/{path}", carrier.call_fields(Digits="1"))
        assert (answer.status_code, company.target in answer.get_data(as_text=True)) == (200, True), path
    gone = {"DialCallStatus": "completed", "DialBridged": "true", "DialCallSid": new_call_sid()}
    rung = Token(unknown.version, Place(step="sales", phase="rung", language="it-IT"), NOW)
    assert carrier.post(f"/step/{rung}", carrier.call_fields(**gone)).data == hang_up()
    with services.db.engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    break_the_flow(services, company)
    refresh(desk)
    assert company.target in carrier.post("", carrier.call_fields()).get_data(as_text=True)


def test_a_foreign_flow_opens_nothing(
    put: Any, carrier: Carrier, company: Company, services: Services, desk: Desk
) -> None:
    stranger = make_company(services)
    put(ALWAYS)
    refresh(desk)
    token = token_of(desk, company, "menu", "key", turn=1)
    path = f"/voice/{stranger.number_ids[0].hex}/step/{token}"
    theirs = carrier.call_fields(Digits="2", AccountSid=stranger.account_sid, To=stranger.numbers[0])
    document = carrier.post_to(path, theirs, token=stranger.auth_token).get_data(as_text=True)
    assert stranger.target in document
    assert company.target not in document
    own = f"/voice/{company.number_ids[0].hex}/step/{token}"
    assert carrier.post_to(own, theirs, token=stranger.auth_token).status_code == 403
    assert carrier.post_to(own, carrier.call_fields(), signature="").status_code == 403


def test_a_whisper_that_fails_joins_all_the_same(
    put: Any, carrier: Carrier, company: Company, desk: Desk
) -> None:
    put(ALWAYS)
    leg = carrier.leg_fields(new_call_sid(), new_call_sid(), "in-progress", 0)
    unknown = Token(new_id(), Place(step="menu", phase="whisper", language="it-IT"), NOW)
    for path in (str(unknown), "garbage"):
        document = carrier.post(f"/step/{path}", leg).get_data(as_text=True)
        assert document.endswith("<Response />"), document
    accept = token_of(desk, company, "sales", "accept")
    assert (
        carrier.post(f"/step/{accept}", leg | {"Digits": "1"}).get_data(as_text=True).endswith("<Response />")
    )
    assert "<Hangup" in carrier.post(f"/step/{accept}", leg | {"Digits": "2"}).get_data(as_text=True)


def test_a_flow_that_failed_on_its_way_is_not_tried_again_at_the_fallback(
    put: Any, carrier: Carrier, company: Company
) -> None:
    put(CLOSED)
    failed = {"ErrorCode": "11200", "ErrorUrl": f"{carrier.base_url}/voice/x/step/y"}
    assert company.target in carrier.post("/fallback", carrier.call_fields(**failed)).get_data(as_text=True)
    failed["ErrorUrl"] = f"{carrier.base_url}/voice/x"
    assert "chiusi" in carrier.post("/fallback", carrier.call_fields(**failed)).get_data(as_text=True)


def test_a_database_that_is_away_does_not_change_the_flow(
    put: Any, carrier: Carrier, company: Company, services: Services, desk: Desk
) -> None:
    put(ALWAYS)
    desk.intake.breaker.open()
    sid = new_call_sid()
    assert "Benvenuti" in carrier.post("", carrier.call_fields(sid)).get_data(as_text=True)
    token = token_of(desk, company, "menu", "key", turn=1)
    pressed = carrier.post(f"/step/{token}", carrier.call_fields(sid, Digits="1", CallStatus="in-progress"))
    assert "registrata" in pressed.get_data(as_text=True)
    desk.stop()
    from calltrack.calls.intake import drain_leftovers

    folder = desk.routes._saved_at.parent / "spool"
    drain_leftovers(services.settings.app_url, folder, services.vault, services.clock)
    call = stored_call(services, company.id, sid).call
    assert (call["keys"], call["flow_path"]) == (["1"], ["welcome", "menu", "menu=1", "sales"])


def test_an_announcement_cannot_stand_for_the_notice_of_recording(
    carrier: Carrier, company: Company, services: Services, desk: Desk
) -> None:
    for announcement in ("Benvenuti", "Registratevi sul nostro sito"):
        with services.db.tenant(company.id) as session:
            session.execute(update(Location).values(record=True, announcement=announcement))
        refresh(desk)
        document = carrier.post("", carrier.call_fields()).get_data(as_text=True)
        assert announcement in document
        assert document.count("può essere registrata") == 1
        assert 'record="record-from-answer-dual"' in document


def token_of(desk: Desk, company: Company, step: str, phase: Any, **more: Any) -> Token:
    """Return the token of a place in the flow that answers now."""
    table = desk.routes.table
    route = table.by_id(company.number_ids[0].hex) if table else None
    assert route is not None
    assert route.row.flow_version is not None
    began = (NOW - timedelta(minutes=1)).replace(microsecond=0)
    return Token(route.row.flow_version, Place(step=step, phase=phase, language="it-IT", **more), began)


def break_the_flow(services: Services, company: Company) -> None:
    """Store, past all checks, a version no process can read."""
    from calltrack.callflows.model import CallFlow, CallFlowVersion

    with services.db.tenant(company.id) as session:
        flow = session.query(CallFlow).order_by(CallFlow.created_at.desc()).first()
        assert flow is not None
        broken = CallFlowVersion(
            company_id=company.id, id=new_id(), flow_id=flow.id, number=99, definition={"start": 5},
            saved_by="x", saved_at=NOW,
        )  # fmt: skip
        session.add(broken)
        flow.current_version = broken.id
