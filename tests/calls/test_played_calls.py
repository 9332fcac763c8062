"""Whole calls, played by the carrier simulator against the hooks; every story ends in its row."""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import get_args, get_type_hints

import httpx
import pytest
from flask.testing import FlaskClient

from calltrack.sandbox.carrier import CallJournal, CallScript, SimulatedNumber, Switches, play
from calltrack.wiring import Services
from tests.builders import Company
from tests.calls.conftest import CALLER, settle
from tests.calls.rows import calls_of, facts_of, stored_call

Play = Callable[..., CallJournal]


@pytest.fixture
def played(voice: FlaskClient, services: Services, company: Company) -> Iterator[Play]:
    """Plays a call to the company's first number, without waiting for anything."""
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
            told = CallScript(**({"from_": CALLER, "to": number.e164} | script))  # type: ignore[arg-type]
            journal = play(told, number, company.auth_token, http)
            settle(voice)
            return journal

        yield play_one


@pytest.mark.parametrize(
    ("script", "outcome", "bridged"),
    [
        ({"outcome": "answered", "talk_seconds": 180}, "answered", True),
        ({"outcome": "answered", "hangs_up": "caller"}, "answered", True),
        ({"outcome": "mailbox"}, "mailbox", False),
        ({"outcome": "busy"}, "busy", False),
        ({"outcome": "no-answer"}, "missed", False),
        ({"outcome": "no-answer", "voicemail_seconds": 8}, "missed", False),
        ({"outcome": "failed"}, "failed", False),
        ({"outcome": "caller-hangs-up"}, "abandoned", False),
        (
            {"outcome": "caller-hangs-up", "switches": Switches(action_after_caller_hangup=False)},
            "abandoned",
            False,
        ),
        ({"outcome": "answered", "from_": "anonymous"}, "answered", True),
    ],
)
@pytest.mark.parametrize("order", ["fifo", "shuffled", "reversed"])
def test_every_story_ends_in_one_row(
    played: Play,
    services: Services,
    company: Company,
    script: dict[str, object],
    outcome: str,
    bridged: bool,
    order: str,
) -> None:
    journal = played(**script, order=order, duplicates=0.5, seed=7)
    assert [(r.purpose, r.status, r.error) for r in journal.requests if not r.is_ok] == []
    assert [entry.text for entry in journal.entries if entry.kind == "note"] == []
    assert journal.rang == [company.target]
    assert len(calls_of(services, company.id)) == 1
    call = stored_call(services, company.id, journal.call_sid).call
    assert (call["outcome"], call["is_bridged"]) == (outcome, bridged)
    assert (call["talk_seconds"] >= 60) is bridged
    assert call["ended_at"] >= call["started_at"]
    facts = facts_of(services, company.id)
    assert facts[0] == "call.started"
    assert facts.count("call.started") == 1
    assert facts.count("call.ended") >= 1


def test_the_end_may_be_lost(played: Play, services: Services, company: Company) -> None:
    journal = played(outcome="answered", lose_end=True)
    call = stored_call(services, company.id, journal.call_sid).call
    assert (call["outcome"], call["status"]) == ("answered", "completed")


def test_a_message_left_is_a_voicemail(played: Play, services: Services, company: Company) -> None:
    journal = played(outcome="no-answer", voicemail_seconds=9)
    (recording,) = stored_call(services, company.id, journal.call_sid).recordings
    assert (recording["kind"], recording["status"], recording["seconds"]) == ("voicemail", "completed", 9)


def other_settings() -> list[Switches]:
    """Every switch the other way, each by itself; a new one is in it by itself."""
    found = []
    for field in fields(Switches):
        kind = get_type_hints(Switches)[field.name]
        values = (True, False) if kind is bool else get_args(kind)
        found += [replace(Switches(), **{field.name: value}) for value in values if value != field.default]
    return found


# Script, outcome, recordings of each story.
STORIES: dict[str, tuple[dict[str, object], str, int]] = {
    "answered, caller hangs up": ({"outcome": "answered", "hangs_up": "caller"}, "answered", 0),
    "answered": ({"outcome": "answered"}, "answered", 0),
    "declined": ({"outcome": "declined"}, "mailbox", 0),
    "mailbox": ({"outcome": "mailbox"}, "mailbox", 0),
    "busy": ({"outcome": "busy"}, "busy", 0),
    "message": ({"outcome": "no-answer", "voicemail_seconds": 8}, "missed", 1),
    "gone": ({"outcome": "caller-hangs-up"}, "abandoned", 0),
}


@pytest.mark.parametrize("switches", other_settings(), ids=lambda switches: changed(switches))
def test_whatever_the_carrier_really_does_every_story_ends_in_its_row(
    played: Play, services: Services, company: Company, switches: Switches
) -> None:
    """What nobody knows for certain of the carrier changes no outcome, no talk time beyond the whisper's."""
    for name, (script, outcome, recordings) in STORIES.items():
        journal = played(**script, switches=switches, order="shuffled", duplicates=0.5, seed=11)
        assert [(r.purpose, r.status) for r in journal.requests if not r.is_ok] == [], name
        assert journal.rang == [company.target], name
        stored = stored_call(services, company.id, journal.call_sid)
        # A mailbox that the carrier joins with the caller on a call without screening is somebody to us.
        is_joined_mailbox = name == "mailbox" and switches.mailbox_is_bridged
        wanted = "answered" if is_joined_mailbox else outcome
        assert (name, stored.call["outcome"]) == (name, wanted)
        assert stored.call["is_bridged"] == journal.bridged, name
        assert 0 <= stored.call["talk_seconds"] - journal.talk_seconds < 15, name
        assert len(stored.recordings) == recordings, name
    assert len(calls_of(services, company.id)) == len(STORIES)


def changed(switches: Switches) -> str:
    """Name the switch that is not as usual."""
    return next(
        f"{field.name}={getattr(switches, field.name)}"
        for field in fields(Switches)
        if getattr(switches, field.name) != field.default
    )
