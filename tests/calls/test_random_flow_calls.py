"""Random calls through random flows, over the real hooks: one row each, for any order of reports."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calltrack.callflows import service
from calltrack.calls.desk import Desk
from calltrack.kernel.ids import new_id
from calltrack.sandbox.carrier import CallJournal, CallScript, LegScript, SimulatedNumber, Switches, play
from calltrack.wiring import Services
from tests.builders import Company
from tests.callflows.flows import NUMBERS, flows
from tests.callflows.walking import NOTICES
from tests.calls.rows import Stored, calls_of, stored_call
from tests.calls.test_flow_calls import NOW
from tests.calls.test_hooks import refresh
from tests.examples import examples

LEGS = st.builds(
    LegScript,
    result=st.sampled_from(["answer", "mailbox", "busy", "no-answer", "failed"]),
    ring_seconds=st.integers(1, 30),
    whisper=st.sampled_from(["1", "2", None, "hangup"]),
    talk_seconds=st.integers(1, 900),
)
SCRIPTS = st.fixed_dictionaries(
    {
        "from_": st.sampled_from(["+390612345678", "+4930123456", "+393471234567", "anonymous"]),
        "legs": st.fixed_dictionaries(dict.fromkeys(NUMBERS[:4], LEGS)),
        "outcome": st.sampled_from(["answered", "mailbox", "no-answer", "caller-hangs-up"]),
        "digits": st.lists(st.sampled_from(["", "1", "2", "9", "*", "#"]), max_size=6).map(tuple),
        "keys_cut_in": st.booleans(),
        "hangs_up": st.sampled_from(["business", "caller"]),
        "star_after": st.sampled_from([None, 5]),
        "voicemail_seconds": st.sampled_from([0, 8]),
        "seed": st.integers(0, 9),
        "switches": st.builds(
            Switches,
            dial_duration_includes_whisper=st.booleans(),
            action_after_caller_hangup=st.booleans(),
            others_ring_during_whisper=st.booleans(),
            mailbox_is_bridged=st.booleans(),
            action_before_leg_completed=st.booleans(),
        ),
    }
)


@pytest.fixture
def line(voice: FlaskClient, services: Services, company: Company) -> Iterator[Any]:
    base = f"{services.settings.base_url}/voice/{company.number_ids[0].hex}"
    number = SimulatedNumber(
        e164=company.numbers[0],
        voice_url=base,
        voice_fallback_url=f"{base}/fallback",
        status_callback=f"{base}/status",
        account_sid=company.account_sid,
    )
    with httpx.Client(transport=httpx.WSGITransport(voice.application), follow_redirects=False) as http:
        yield lambda **script: play(
            CallScript(to=number.e164, timestamps="wall", **script), number, company.auth_token, http
        )


@settings(
    deadline=None,
    max_examples=examples(20),
    suppress_health_check=list(HealthCheck),
)
@given(flows(), SCRIPTS)
def test_any_call_through_any_flow(
    line: Any, services: Services, company: Company, desk: Desk, plain: dict[str, Any], script: dict[str, Any]
) -> None:
    with services.db.tenant(company.id) as session:
        flow_id = service.create(session, company.id, f"F{new_id().hex}", plain, "anna", NOW)
        service.assign(session, company.id, flow_id, "company", company.id, "anna", NOW)
    with services.db.tenant(company.id) as session:
        for row in service_rows(session, company, flow_id):
            service.remove(session, company.id, row, "anna", NOW)
    refresh(desk)
    before = len(calls_of(services, company.id))
    for order in ("fifo", "shuffled"):
        journal = line(order=order, duplicates=0.3, **script)
        check(journal, stored_call(services, company.id, journal.call_sid), plain)
    assert len(calls_of(services, company.id)) == before + 2


def service_rows(session: Any, company: Company, but: Any) -> list[Any]:
    """Return the flows of earlier examples."""
    from calltrack.callflows import queries

    return [row.id for row in queries.flows(session, company.id) if row.id != but]


def check(journal: CallJournal, stored: Stored, plain: dict[str, Any]) -> None:
    """What was played and what is stored must be the same call."""
    assert [(r.purpose, r.status, r.error) for r in journal.requests if not r.is_ok] == []
    notes = [entry.text for entry in journal.entries if entry.kind == "note"]
    assert [note for note in notes if not note.startswith("Cut short")] == []
    assert not journal.via_fallback
    call = stored.call
    assert set(call["flow_path"]) >= {"step-0"}
    assert {step.partition("=")[0] for step in call["flow_path"]} <= set(plain["steps"])
    assert call["is_bridged"] == journal.bridged or not journal_told(journal)
    assert call["ended_at"] is not None
    assert call["outcome"] is not None
    assert bool(call["outcome"] == "answered") == call["is_bridged"]
    if any(recording["kind"] == "call" for recording in stored.recordings):
        assert any(notice in text for text in journal.heard for notice in NOTICES)


def journal_told(journal: CallJournal) -> bool:
    """Whether the carrier told how the last ring ended (it may not, when the caller hung up)."""
    rings = sum("rings" in entry.text for entry in journal.entries if entry.kind == "ring")
    return rings > 0 and any(request.purpose == "action" for request in journal.requests)
