"""Whatever the simulated carrier sends can be read, and all of it together tells the truth about the call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from calltrack.sandbox.carrier import CallScript, Switches, play
from calltrack.sandbox.carrier.script import OUTCOMES
from calltrack.telephony.base import (
    AfterDial,
    CallEvent,
    CallPlan,
    EventKind,
    HookUrls,
    Voicemail,
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
}


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with running() as hooks:
        base = f"{hooks.base}/v"
        urls = HookUrls(
            action=f"{base}/dialed",
            leg=f"{base}/leg",
            whisper=f"{base}/whisper",
            recording=f"{base}/recording",
        )
        plan = CallPlan(
            targets=(OFFICE,), urls=urls, announcement="Registriamo", record=True, whisper="Da Google"
        )
        voicemail = Voicemail(action=f"{base}/voicemail", recording=f"{base}/recording")
        hooks.says("voice", render(plan))
        hooks.says("whisper", render(Whisper(text="Da Google")))
        hooks.says("dialed", render(AfterDial(say="Dopo il segnale", voicemail=voicemail)))
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
    )
    journal = play(script, hooks.number(), TOKEN)
    events = read(hooks)
    assert {event.call_sid for event in events} == {journal.call_sid}
    assert {event.kind for event in events} >= {"incoming", "leg", "dialed", "ended"}
    assert not any("12200" in entry.text for entry in journal.entries), "our documents keep the rules"
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


def test_every_kind_is_covered() -> None:
    assert set(KINDS.values()) == set(get_args(EventKind))
