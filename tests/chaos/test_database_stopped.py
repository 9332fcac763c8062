"""PostgreSQL is stopped: callers notice nothing, also where the voice process has to start without it."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from calltrack.sandbox.carrier import play
from tests.busy_machine import Slowness
from tests.calls.rows import calls_of, count_events, facts_of
from tests.chaos.conftest import VoiceRig
from tests.chaos.voice_rig import Answered, p90, wait_until

CALLERS_WAIT = 0.1
FAST_FAILURE = 0.2


@contextmanager
def stopped(rig: VoiceRig) -> Iterator[None]:
    """Stop the database for a while."""
    rig.postgres.stop()
    try:
        yield
    finally:
        rig.postgres.start()


def assert_stored_once(rig: VoiceRig, answers: list[Answered]) -> None:
    calls = calls_of(rig.services, rig.company.id)
    assert sorted(call.call_sid for call in calls) == sorted(answer.sid for answer in answers)
    assert count_events(rig.services, rig.company.id) == len(answers)
    assert facts_of(rig.services, rig.company.id) == ["call.started"] * len(answers)


def test_callers_are_put_through_at_once_and_every_call_is_stored_once(rig: VoiceRig) -> None:
    before = [rig.caller.ring() for _ in range(3)]
    with stopped(rig):
        with Slowness() as machine:
            during = [*(rig.caller.ring() for _ in range(20)), *rig.caller.ring_together(8)]
        journal = play(rig.caller.script(), rig.caller.number, rig.company.auth_token)
    assert p90([answer.seconds for answer in during]) <= CALLERS_WAIT * machine.worst
    assert {answer.status for answer in during} == {200}
    assert journal.rang == [rig.company.target]
    rig.wait_for_drain()
    calls = {call.call_sid: call for call in calls_of(rig.services, rig.company.id)}
    assert len(calls) == len(before) + len(during) + 1
    assert all(calls[answer.sid].was_spooled for answer in during)
    assert calls[journal.call_sid].outcome == "answered"
    after = rig.caller.ring()
    wait_until(lambda: len(calls_of(rig.services, rig.company.id)) == len(calls) + 1, 30)
    assert after.status == 200


def test_a_process_that_dies_meanwhile_loses_nothing(rig: VoiceRig) -> None:
    with stopped(rig):
        before_death = [rig.caller.ring() for _ in range(5)]
        rig.voice.kill()
        rig.voice.start()  # Without a database: the routes are those last saved.
        with Slowness() as machine:
            after_death = [rig.caller.ring() for _ in range(5)]
    assert {answer.status for answer in (*before_death, *after_death)} == {200}
    assert p90([answer.seconds for answer in after_death]) <= CALLERS_WAIT * machine.worst
    rig.wait_for_drain()
    assert_stored_once(rig, [*before_death, *after_death])


def test_a_process_that_knows_nothing_fails_fast_so_that_the_carrier_turns_to_its_fallback(
    rig: VoiceRig,
) -> None:
    rig.voice.kill()
    (rig.settings.data_dir / "routes.json").unlink()
    with stopped(rig):
        rig.voice.start()
        with Slowness() as machine:
            answers = [rig.caller.ring() for _ in range(10)]
        assert {answer.status for answer in answers} == {503}
        assert p90([answer.seconds for answer in answers]) <= FAST_FAILURE * machine.worst
    wait_until(lambda: rig.caller.ring().status == 200, 30)


def test_a_refusal_leaves_the_connection_usable_even_when_the_body_comes_late(rig: VoiceRig) -> None:
    head = f"POST /voice/{'0' * 32}/nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", rig.voice.port), 30) as carrier:
        for _ in range(3):
            carrier.sendall(head)
            time.sleep(0.1)  # The application has refused by now; its answer waits for the body.
            carrier.sendall(b"a=b&c")
            assert carrier.recv(65_536).startswith(b"HTTP/1.1 404")
