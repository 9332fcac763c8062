"""A voice process starts while its database is dead: its first answer is fast (fault F9)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.busy_machine import Slowness
from tests.chaos.conftest import VoiceRig
from tests.chaos.voice_rig import Answered, Caller, frozen, wait_until

FIRST_ANSWER = 0.2
START = 15.0


@contextmanager
def dead(rig: VoiceRig, how: str) -> Iterator[None]:
    """Stop the database, or freeze it."""
    if how == "frozen":
        with frozen(rig.postgres):
            yield
        return
    rig.postgres.stop()
    try:
        yield
    finally:
        rig.postgres.start()


@pytest.mark.parametrize("how", ["stopped", "frozen"])
@pytest.mark.parametrize("knows", [True, False], ids=["a saved table", "nothing known"])
def test_the_first_answer_after_a_start_is_fast(rig: VoiceRig, how: str, knows: bool) -> None:
    assert rig.caller.ring().status == 200
    rig.voice.kill()
    if not knows:
        for name in ("routes.json", "guard.json"):
            (rig.settings.data_dir / name).unlink(missing_ok=True)
    with dead(rig, how), Slowness() as machine:
        began = time.monotonic()
        rig.voice.start(asks=False)
        first = first_answer(rig.caller, began)
        started = time.monotonic() - began
        more = [rig.caller.ring() for _ in range(5)]
    print(
        f"\n{how}, {'saved table' if knows else 'nothing known'}: process start {started:.2f} s in all, "
        f"first answer {first.seconds * 1000:.0f} ms, longest of the next "
        f"{max(one.seconds for one in more) * 1000:.0f} ms"
    )
    assert {one.status for one in (first, *more)} == {200 if knows else 503}
    assert first.seconds <= FIRST_ANSWER * machine.worst
    assert started <= START * machine.worst
    wait_until(lambda: rig.caller.ring().status == 200, 30)


def first_answer(caller: Caller, began: float) -> Answered:
    """Ring until the process listens; only the request that was answered counts."""
    while True:
        try:
            return caller.ring()
        except httpx.TransportError:
            assert time.monotonic() - began < 10 * START, "the process does not listen"
            time.sleep(0.01)
