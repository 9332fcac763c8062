"""Transcripts: told by the carrier or made here, without card numbers, sealed, found by words."""

import random
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update

from calltrack.accounts.model import Company as CompanyRow
from calltrack.calls import local_transcripts, recording_files
from calltrack.calls.keeping_model import KeptRecording, Transcript
from calltrack.calls.live_transcripts import assemble, in_order, write_down
from calltrack.calls.local_engine import LocalEngine
from calltrack.calls.model import CallEventRow, Recording
from calltrack.calls.transcript_search import search
from calltrack.calls.transcript_words import search_query, search_vector, words_in
from calltrack.calls.transcripts import EngineFailed, Spoken, Utterance, open_transcripts, store_transcript
from calltrack.conversions.facts import facts_of
from calltrack.infra.crypto import Vault
from calltrack.kernel.errors import BadInput
from calltrack.sandbox.carrier_rest.sound import wav
from calltrack.telephony import twilio
from calltrack.telephony.events import CallEvent
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_call, make_company
from tests.calls.conftest import Carrier, new_call_sid
from tests.calls.rows import calls_of, count_events
from tests.calls.rows import facts_of as facts_told
from tests.calls.stories import START
from tests.examples import examples

ENGINE = f"{sys.executable} {Path(__file__).parent / 'engine.py'}"


def piece(number: int, said: str, track: str = "inbound_track", **more: str) -> dict[str, str]:
    return {
        "TranscriptionEvent": "transcription-content", "TranscriptionSid": "GT" + "1" * 32,
        "SequenceId": str(number), "Track": track, "LanguageCode": "it-IT", "Final": "true",
        "Timestamp": f"2026-11-20T12:00:{number:02d}.5Z",
        "TranscriptionData": msgspec.json.encode({"transcript": said, "confidence": 0.9}).decode(),
    } | more  # fmt: skip


SAID = (
    piece(2, "Traslochi Prova, buongiorno", "outbound_track"),
    piece(3, "Buongiorno, la mia carta è 4111 1111"),
    piece(4, "1111 1111 e scade domani"),
    piece(5, "Grazie. Il preventivo costa 850 euro", "outbound_track"),
)


def ended(carrier: Carrier, sid: str) -> None:
    carrier.post("/status", carrier.call_fields(sid, CallStatus="completed", CallDuration="30"))


def spoken(services: Services, company: Company, call_id: UUID) -> tuple[Spoken, ...]:
    with services.db.tenant(company.id) as session:
        return open_transcripts(session, services.vault, company.id, [call_id]).get(call_id, ())


@pytest.mark.parametrize("seed", range(4))
def test_what_the_carrier_tells_in_any_order_is_one_transcript_without_card_numbers(
    carrier: Carrier, services: Services, company: Company, seed: int
) -> None:
    sid, chance = new_call_sid(), random.Random(seed)
    told = [*SAID, *chance.sample(SAID, 2), piece(9, "non ancora", Final="false")]
    chance.shuffle(told)
    if seed % 2:
        carrier.post("", carrier.call_fields(sid))
    own = {"CallSid": sid, "AccountSid": company.account_sid}
    for form in told[:3]:
        assert carrier.post("/transcription", own | form).status_code == 204
    ended(carrier, sid)
    for form in told[3:]:
        assert carrier.post("/transcription", own | form).status_code == 204
    stop = own | {"TranscriptionEvent": "transcription-stopped", "TranscriptionSid": "GT" + "1" * 32}
    assert carrier.post("/transcription", stop).status_code == 204
    (call,) = calls_of(services, company.id)
    assert "transcript.heard" in facts_told(services, company.id)
    write_down(services, company.id, call.id)
    made = facts_told(services, company.id).count("transcript.made")
    write_down(services, company.id, call.id)
    assert facts_told(services, company.id).count("transcript.made") == made == 1
    (one,) = spoken(services, company, call.id)
    assert one.language == "it-IT"
    assert [(said.speaker, said.text) for said in one.utterances] == [
        ("business", "Traslochi Prova, buongiorno"),
        ("caller", "Buongiorno, la mia carta è •••• ••••"),
        ("caller", "•••• •••• e scade domani"),
        ("business", "Grazie. Il preventivo costa 850 euro"),
    ]
    assert call.status == "completed", "pieces change no row of the call"
    for event in stored_events(services, company):
        assert "4111" not in (event.text or "")
        assert "1111" not in (event.text or "")


def stored_events(services: Services, company: Company) -> list[CallEvent]:
    with services.db.tenant(company.id) as session:
        rows = list(session.scalars(select(CallEventRow.event)))
    plain = [services.vault.open(company.id, "call_event.event", row) for row in rows]
    return [CallEvent.from_json(msgspec.json.decode(one)) for one in plain]


def test_a_repeated_piece_is_stored_once(carrier: Carrier, services: Services, company: Company) -> None:
    sid = new_call_sid()
    carrier.post("", carrier.call_fields(sid))
    for _ in range(3):
        carrier.post("/transcription", {"CallSid": sid, "AccountSid": company.account_sid} | SAID[0])
    assert count_events(services, company.id) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"TranscriptionEvent": "transcription-danced"}, {"TranscriptionSid": ""}, {"SequenceId": "x"},
        {"TranscriptionData": "{"},
    ],
)  # fmt: skip
def test_a_report_that_cannot_be_read_is_refused(
    carrier: Carrier, services: Services, company: Company, wrong: dict[str, str]
) -> None:
    form = {"CallSid": new_call_sid(), "AccountSid": company.account_sid} | SAID[0] | wrong
    assert carrier.post("/transcription", form).status_code == 400


@pytest.mark.parametrize("data", ["{}", "[]", "null", '{"transcript": 7}', ""])
def test_a_piece_without_words_says_nothing(data: str) -> None:
    event = twilio.parse_transcript(
        {"CallSid": "CA1", "AccountSid": "AC1"} | piece(1, "x", TranscriptionData=data), START
    )
    assert event is not None
    assert in_order([event]) == []


@settings(max_examples=examples(100), deadline=None)
@given(st.permutations(SAID * 2))
def test_any_order_and_repetition_of_pieces_is_one_transcript(told: list[dict[str, str]]) -> None:
    events = [twilio.parse_transcript({"CallSid": "CA1", "AccountSid": "AC1"} | form, START) for form in told]
    made = assemble(in_order(event for event in events if event), START)
    assert [said.at for said in made.utterances] == [2.5, 3.5, 4.5, 5.5]


def store(services: Services, company: Company, *said: str, at: Any = NOON) -> UUID:
    call = make_call(services, company, at=at)
    with services.db.tenant(company.id) as session:
        words = Spoken("it", tuple(Utterance(float(n), "caller", one) for n, one in enumerate(said)))
        store_transcript(session, services.vault, company.id, call.id, "live", "carrier", words, NOON)
    return call.id


def found(services: Services, company: Company, typed: str) -> list[UUID]:
    with services.db.tenant(company.id) as session:
        return [hit.call_id for hit in search(session, services.vault, company.id, typed)]


def test_calls_are_found_by_words_forms_and_phrases(services: Services, company: Company) -> None:
    piano = store(services, company, "Vorrei un preventivo", "per due pianoforti a Perù")
    boxes = store(services, company, "Traslochi e scatole, il prezzo?", at=NOON + timedelta(hours=1))
    table = [
        ("preventivo", [piano]), ("PREVENTIVI", [piano]), ("trasloco", [boxes]), ("peru", [piano]),
        ("preventivo prezzo", []), ('"due pianoforti"', [piano]), ('"pianoforti due"', []),
        ('"due pianoforte"', []), ("un", [piano]), ("violino", []), ("il un", []),
    ]  # fmt: skip
    assert {typed: found(services, company, typed) for typed, _ in table} == dict(table)
    assert found(services, company, "preventivo") == [piano]
    with services.db.tenant(company.id) as session:
        (hit,) = search(session, services.vault, company.id, "pianoforti")
    assert hit.utterance.text == "per due pianoforti a Perù"
    assert found(services, make_company(services), "preventivo") == []


@pytest.mark.parametrize("typed", ["", "  ", '""', "?!", " ".join(["word"] * 17)])
def test_nothing_to_look_for_is_said(services: Services, company: Company, typed: str) -> None:
    with pytest.raises(BadInput):
        found(services, company, typed)


@settings(max_examples=examples(100), deadline=None)
@given(st.text(max_size=300), st.text(max_size=60))
def test_any_text_can_be_stored_and_looked_for(services: Services, said: str, typed: str) -> None:
    vault, company_id = Vault(bytes(32)), UUID(int=1)
    vector = search_vector(vault, company_id, said)
    try:
        query = search_query(vault, company_id, typed)
    except BadInput:
        query = ""
    with services.db.shared() as session:
        session.execute(text("SELECT CAST(:v AS tsvector), CAST(:q AS tsquery)"), {"v": vector, "q": query})
        words = words_in(said)[:10]
        if words:
            hit = text("SELECT CAST(:v AS tsvector) @@ CAST(:q AS tsquery)")
            asked = search_query(vault, company_id, " ".join(words))
            assert session.scalar(hit, {"v": vector, "q": asked}) is True


def test_the_index_holds_no_word_and_differs_between_companies(services: Services, company: Company) -> None:
    other = make_company(services)
    indexes = []
    for one in (company, other):
        store(services, one, "preventivo pianoforte")
        with services.db.tenant(one.id) as session:
            row = session.execute(select(Transcript.search, Transcript.spoken)).one()
        assert "prev" not in str(row.search)
        assert b"preventivo" not in row.spoken
        indexes.append(set(str(row.search).split()))
    assert not indexes[0] & indexes[1]


def test_rules_read_what_was_said(services: Services, company: Company) -> None:
    call_id = store(services, company, "Vorrei un preventivo")
    silent = make_call(services, company).id
    with services.db.tenant(company.id) as session:
        known = facts_of(session, company.id, [call_id, silent], with_words=True)
        assert known[call_id].facts.transcript == "Vorrei un preventivo"
        assert known[silent].facts.transcript is None
        assert facts_of(session, company.id, [call_id])[call_id].facts.transcript is None


@pytest.fixture
def local(services: Services, company: Company) -> tuple[Services, UUID, str]:
    """Services with an engine, and a call with a recording of which we hold a copy."""
    settings_ = services.settings.model_copy(update={"transcribe_command": ENGINE, "transcribe_seconds": 20})
    parts = replace(services, settings=settings_)
    call, sid = make_call(services, company), "RE" + new_call_sid()[2:]
    count, key = recording_files.save(services, company.id, sid, [wav(12, 2)])
    with services.db.tenant(company.id) as session:
        session.get_one(CompanyRow, company.id).settings = {"transcripts": "local", "caller_channel": 1}
        session.add(
            Recording(
                company_id=company.id, call_id=call.id, recording_sid=sid, kind="call", status="completed",
                url="", seconds=12, channels=2,
            )
        )  # fmt: skip
        session.flush()
        session.add(
            KeptRecording(
                company_id=company.id, call_id=call.id, recording_sid=sid, byte_count=count, file_key=key,
                content_type="audio/wav",
            )
        )  # fmt: skip
    return parts, call.id, sid


def state_of(services: Services, company: Company) -> tuple[str, str]:
    with services.db.tenant(company.id) as session:
        row = session.scalars(select(Transcript)).one()
    return row.state, row.problem


def test_a_program_writes_recordings_down(local: tuple[Services, UUID, str], company: Company) -> None:
    services, call_id, _ = local
    local_transcripts.expect_transcript(services, company.id, call_id)
    local_transcripts.expect_transcript(services, company.id, call_id)
    assert local_transcripts.transcribe_due(services, company.id) is True
    assert local_transcripts.transcribe_due(services, company.id) is False
    (one,) = spoken(services, company, call_id)
    assert one.utterances == (
        Utterance(2.0, "business", "Traslochi Prova, buongiorno"),
        Utterance(4.0, "caller", "Vorrei un preventivo per due pianoforti"),
        Utterance(9.0, "caller", "la carta è •••• ••••"),
        Utterance(11.0, "caller", "•••• ••••"),
        Utterance(12.0, "", "stereo, secrets: []"),
    )
    assert state_of(services, company) == ("made", "")
    assert found(services, company, "preventivo") == [call_id]


@pytest.mark.parametrize(
    ("how", "seconds", "words"),
    [
        ("fail", 20, "ended with code 3"), ("babble", 20, "did not print JSON"),
        ("sleep", 0.3, "took longer"),
    ],
)  # fmt: skip
def test_a_program_that_fails_says_why_and_is_tried_again(
    local: tuple[Services, UUID, str], company: Company, how: str, seconds: float, words: str
) -> None:
    services, call_id, _ = local
    local_transcripts.expect_transcript(services, company.id, call_id)
    engine = LocalEngine(f"{ENGINE} {how}", seconds)
    for tries in range(1, 5):
        assert local_transcripts.transcribe_due(services, company.id, engine) is True
        state, problem = state_of(services, company)
        assert words in problem
        assert state == ("waiting" if tries < 4 else "failed")
        with services.db.tenant(company.id) as session:
            session.execute(
                update(Transcript).where(Transcript.due_at.is_not(None)).values(due_at=services.clock())
            )
    assert local_transcripts.transcribe_due(services, company.id, engine) is False
    assert spoken(services, company, call_id) == ()


@pytest.mark.parametrize(("command", "words"), [("no-such-program-here", "started"), ("'", "read")])
def test_a_program_that_is_not_there_is_named(command: str, words: str) -> None:
    with pytest.raises(EngineFailed, match=words):
        LocalEngine(command, 5).transcribe([b""], 1)


def test_a_deleted_recording_is_not_written_down(local: tuple[Services, UUID, str], company: Company) -> None:
    services, call_id, _ = local
    local_transcripts.expect_transcript(services, company.id, call_id)
    with services.db.tenant(company.id) as session:
        session.execute(update(KeptRecording).values(delete_asked_at=services.clock()))
    local_transcripts.transcribe_due(services, company.id)
    assert state_of(services, company)[0] == "failed"
    assert spoken(services, company, call_id) == ()
