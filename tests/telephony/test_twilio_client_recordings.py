"""Recordings and look-ups through Twilio's own client."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from calltrack.sandbox.carrier import CallScript
from calltrack.telephony.carrier import NotFound, Refused, Retry
from tests.sandbox.carrier.hooks import TOKEN, TRACKING, Hooks, dial, eventually, running
from tests.sandbox.carrier_rest.serving import OTHER_ACCOUNT, OTHER_TOKEN, World, carrier_world

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
DUAL = 'record="record-from-answer-dual" recordingStatusCallback="/v/recording"'


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with running() as hooks:
        hooks.says("voice", f"<Response><Say>Recorded</Say>{dial(DUAL, base=hooks.base)[10:]}")
        yield hooks


@pytest.fixture
def world(hooks: Hooks) -> Iterator[World]:
    with carrier_world(directory=[hooks.number()]) as world:
        yield world


def recorded(world: World, talk_seconds: int = 3, speed: float = 0) -> str:
    """Let somebody call and be recorded; return the call's SID."""
    [number] = world.twin.ringing()
    script = CallScript(from_="+393331234567", to=TRACKING, talk_seconds=talk_seconds, speed=speed)
    journal = world.twin.board.start(script, number, TOKEN)
    if not speed:
        eventually(lambda: journal.state == "ended")
    return journal.call_sid


def test_a_recording_is_listed_and_heard_whole_and_in_parts(world: World) -> None:
    call_sid = recorded(world)
    [one] = list(world.carrier.list_recordings(call_sid))
    assert (one.call_sid, one.status, one.seconds, one.channels, one.source) == (
        call_sid,
        "completed",
        3,
        2,
        "DialVerb",
    )
    assert [each.sid for each in world.carrier.list_recordings(since=LONG_AGO)] == [one.sid]
    with world.carrier.open_recording(one.sid, format_="wav", channels=2) as stream:
        whole = b"".join(stream.chunks)
        assert (stream.status, stream.content_type, stream.length) == (200, "audio/x-wav", len(whole))
    with wave.open(io.BytesIO(whole)) as sound:
        assert (sound.getnchannels(), sound.getframerate(), sound.getnframes()) == (2, 8000, 3 * 8000)
    with world.carrier.open_recording(one.sid, format_="wav", channels=2, byte_range="bytes=100-299") as part:
        assert (part.status, part.length) == (206, 200)
        assert part.content_range == f"bytes 100-299/{len(whole)}"
        assert b"".join(part.chunks) == whole[100:300]
    with world.carrier.open_recording(one.sid, format_="wav", channels=2, byte_range="bytes=-10") as end:
        assert b"".join(end.chunks) == whole[-10:]
    with world.carrier.open_recording(one.sid, byte_range="bytes=99999999-") as outside:
        assert outside.status == 416
    with world.carrier.open_recording(one.sid) as stream:
        assert stream.content_type == "audio/mpeg"
        assert b"".join(stream.chunks)[:2] == b"\xff\xf3"


def test_a_deleted_recording_is_gone(world: World) -> None:
    [one] = list(world.carrier.list_recordings(recorded(world)))
    with pytest.raises(NotFound):
        world.open(OTHER_ACCOUNT, OTHER_TOKEN).delete_recording(one.sid)
    world.carrier.delete_recording(one.sid)
    with pytest.raises(NotFound):
        world.carrier.delete_recording(one.sid)
    with pytest.raises(NotFound):
        world.carrier.open_recording(one.sid)
    assert list(world.carrier.list_recordings(since=LONG_AGO)) == []


def test_a_store_that_is_unwell_says_so(world: World) -> None:
    [one] = list(world.carrier.list_recordings(recorded(world)))
    world.fault("recordings", "503", "drop-connection")
    with pytest.raises(Retry):
        world.carrier.open_recording(one.sid)
    with pytest.raises(Retry), world.carrier.open_recording(one.sid) as broken:
        b"".join(broken.chunks)


def test_no_path_can_be_smuggled_into_a_recordings_address(world: World) -> None:
    with pytest.raises(Refused):
        world.carrier.open_recording("../Calls/CA1")


def test_a_recording_is_paused_resumed_and_stopped(world: World) -> None:
    call_sid = recorded(world, talk_seconds=600, speed=20)
    eventually(lambda: bool(list(world.carrier.list_recordings(call_sid))))

    def status() -> str:
        [one] = list(world.carrier.list_recordings(call_sid))
        return one.status

    assert status() == "in-progress"
    world.carrier.pause_recording(call_sid)
    assert status() == "paused"
    world.carrier.resume_recording(call_sid)
    assert status() == "in-progress"
    world.carrier.stop_recording(call_sid)
    assert status() == "stopped"
    with pytest.raises(NotFound):
        world.carrier.pause_recording(call_sid)
    world.carrier.hang_up(call_sid)
    eventually(lambda: status() == "completed")
    [one] = list(world.carrier.list_recordings(call_sid))
    assert one.seconds is not None
    assert one.seconds < 600


@pytest.mark.parametrize(
    ("e164", "valid", "line", "country"),
    [
        ("+393331234567", True, "mobile", "IT"),
        ("+390687650001", True, "landline", "IT"),
        ("+18332370001", True, "tollFree", "US"),
        ("+3933", False, None, None),
    ],
)
def test_numbers_are_looked_up(
    world: World, e164: str, valid: bool, line: str | None, country: str | None
) -> None:
    known = world.carrier.look_up(e164, line_type=True)
    assert (known.e164, known.is_valid, known.line_type, known.country) == (e164, valid, line, country)
    assert bool(known.problems) is not valid
    assert world.carrier.look_up(e164).line_type is None, "not asked, not paid, not told"


def test_a_callers_name_is_known_in_the_united_states_only(world: World) -> None:
    assert world.carrier.look_up("+14152360001", caller_name=True).caller_name == "ROSSI MARIA"
    assert world.carrier.look_up("+393331234567", caller_name=True).caller_name is None
