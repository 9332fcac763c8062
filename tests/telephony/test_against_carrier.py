"""Whatever the simulated carrier sends can be read, and all of it together tells the truth about the call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from calltrack.sandbox.carrier import CallScript, Switches, play
from calltrack.sandbox.carrier.script import OUTCOMES
from calltrack.telephony.base import (
    Ask,
    CallEvent,
    CallPlan,
    EventKind,
    Ring,
    Speak,
    TakeMessage,
    Target,
    Whisper,
)
from calltrack.telephony.twilio import parse, render
from tests.sandbox.carrier.hooks import OFFICE, TOKEN, TRACKING, Hooks, running

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KINDS: dict[str, EventKind] = {
    "voice": "incoming",
    "leg": "leg",
    "whisper": "leg",
    "dialed": "dialed",
    "status": "ended",
    "recording": "recording",
    "voicemail": "voicemail",
    "key": "key",
}


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with running() as hooks:
        base = f"{hooks.base}/v"
        ring = Ring(
            targets=(Target(address=OFFICE, whisper=f"{base}/whisper"),),
            action=f"{base}/dialed",
            leg=f"{base}/leg",
            recording=f"{base}/recording",
            record=True,
        )
        told = Speak(text="Registriamo", is_notice=True)
        message = TakeMessage(action=f"{base}/voicemail", recording=f"{base}/recording")
        asked = Ask(action=f"{base}/key", prompts=(Speak(text="1 o 2"),), even_without_key=True)
        hooks.says("voice", render(CallPlan((asked,))))
        hooks.says("key", render(CallPlan((told, ring))))
        hooks.says("whisper", render(Whisper(text="Da Google")))
        hooks.says("dialed", render(CallPlan((Speak(text="Dopo il segnale"), message))))
        yield hooks
        assert hooks.unsigned == []


def read(hooks: Hooks) -> list[CallEvent]:
    return [parse(KINDS[name], fields, NOW) for name, _, fields in hooks.asked]


@pytest.mark.parametrize("order", ["fifo", "shuffled", "reversed"])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_message_can_be_read(hooks: Hooks, outcome: Any, order: Any) -> None:
    script = CallScript(
        from_="+393331234567",
        to=TRACKING,
        outcome=outcome,
        order=order,
        duplicates=1,
        seed=1,
        voicemail_seconds=8,
        digits=("2",),
    )
    journal = play(script, hooks.number(), TOKEN)
    events = read(hooks)
    assert {event.call_sid for event in events} == {journal.call_sid}
    assert {event.kind for event in events} >= {"incoming", "key", "leg", "dialed", "ended"}
    assert not any("12200" in entry.text for entry in journal.entries), "our documents keep the rules"
    [key] = [event for event in events if event.kind == "key"]
    assert (key.digits, key.status) == ("2", "in_progress")
    [dialed] = [event for event in events if event.kind == "dialed"]
    assert dialed.bridged == (outcome == "answered") == journal.bridged
    by_key: dict[str, set[CallEvent]] = {}
    for event in events:
        by_key.setdefault(event.key, set()).add(event)
    assert all(len(same) == 1 for same in by_key.values()), "one key, one message"
    reports = [event for event in events if event.kind in ("leg", "ended") and event.sequence is not None]
    assert len(reports) == 2 * len({event.key for event in reports})


@pytest.mark.parametrize("with_whisper", [True, False])
def test_the_talk_is_told_in_seconds(hooks: Hooks, with_whisper: bool) -> None:
    switches = Switches(dial_duration_includes_whisper=with_whisper)
    play(
        CallScript(from_="anonymous", to=TRACKING, talk_seconds=65, switches=switches), hooks.number(), TOKEN
    )
    events = read(hooks)
    [dialed] = [event for event in events if event.kind == "dialed"]
    assert dialed.talk_seconds == (66 if with_whisper else 65)
    assert events[0].from_withheld
    assert [event.recording_seconds for event in events if event.kind == "recording"] == [65]


def test_every_kind_that_a_played_call_reports_is_covered() -> None:
    # The others come from elsewhere: the carrier's records, look-ups, and speech the simulator does not have.
    elsewhere = {"fetched", "looked_up", "transcript"}
    assert set(KINDS.values()) == set(get_args(EventKind)) - elsewhere
