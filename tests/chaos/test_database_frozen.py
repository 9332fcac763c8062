"""PostgreSQL is frozen: the caller is put through all the same, and the call is stored afterwards."""

import time

import pytest

from calltrack.sandbox.carrier import play
from tests.busy_machine import Slowness
from tests.calls.rows import calls_of, count_events, facts_of, stored_call
from tests.chaos.conftest import VoiceRig
from tests.chaos.voice_rig import frozen, p90

WRITE_LIMIT, FIRST_CALLERS_WAIT = 1.0, 0.2
LATER_CALLERS_WAIT = 0.05


def test_callers_are_put_through_and_every_call_is_stored_once(rig: VoiceRig) -> None:
    warm = rig.caller.ring()
    assert warm.status == 200
    with frozen(rig.postgres), Slowness() as machine:
        first = rig.caller.ring_together(16)
        later = [rig.caller.ring() for _ in range(20)]
        for answer in (*first, *later):
            assert answer.status == 200
            assert f">{rig.company.target}</Number>" in answer.document
    assert max(answer.seconds for answer in first) <= WRITE_LIMIT + FIRST_CALLERS_WAIT * machine.worst
    assert p90([answer.seconds for answer in later]) <= LATER_CALLERS_WAIT * machine.worst
    rig.wait_for_drain()
    calls = calls_of(rig.services, rig.company.id)
    rung = [warm, *first, *later]
    assert sorted(call.call_sid for call in calls) == sorted(answer.sid for answer in rung)
    assert count_events(rig.services, rig.company.id) == len(rung)
    assert facts_of(rig.services, rig.company.id) == ["call.started"] * len(rung)
    spooled = {call.call_sid for call in calls if call.was_spooled}
    assert {answer.sid for answer in later} <= spooled
    assert warm.sid not in spooled
    in_order = [call.call_sid for call in sorted(calls, key=lambda call: call.started_at)]
    assert in_order[-len(later) :] == [answer.sid for answer in later]


def test_callers_may_come_one_by_one(rig: VoiceRig) -> None:
    with frozen(rig.postgres), Slowness() as machine:
        waits = [rig.caller.ring().seconds for _ in range(12)]
    assert max(waits[:2]) <= WRITE_LIMIT + FIRST_CALLERS_WAIT * machine.worst
    assert p90(waits[2:]) <= LATER_CALLERS_WAIT * machine.worst
    rig.wait_for_drain()
    assert len(calls_of(rig.services, rig.company.id)) == 12


@pytest.mark.parametrize("order", ["fifo", "shuffled"])
def test_whole_calls_are_played_and_end_as_they_would_have(rig: VoiceRig, order: str) -> None:
    with frozen(rig.postgres), Slowness() as machine:
        began = time.perf_counter()
        journal = play(
            rig.caller.script(talk_seconds=180, order=order, duplicates=0.3, seed=5),
            rig.caller.number,
            rig.company.auth_token,
        )
        took = time.perf_counter() - began
    assert took < 10 * machine.worst
    assert journal.rang == [rig.company.target]
    assert journal.bridged
    assert not journal.via_fallback
    assert [entry.status for entry in journal.requests if not entry.is_ok] == []
    rig.wait_for_drain()
    call = stored_call(rig.services, rig.company.id, journal.call_sid).call
    assert call["outcome"] == "answered"
    # The carrier counts the seconds of the whisper as well.
    assert 180 <= call["talk_seconds"] <= 182
    assert call["was_spooled"]


def test_the_frozen_database_comes_back_and_calls_are_stored_directly_again(rig: VoiceRig) -> None:
    with frozen(rig.postgres):
        rig.caller.ring()
    rig.wait_for_drain()
    direct = [rig.caller.ring().sid for _ in range(3)]
    stored = {call.call_sid: call.was_spooled for call in calls_of(rig.services, rig.company.id)}
    assert [stored[sid] for sid in direct] == [False] * 3
