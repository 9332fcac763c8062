"""The voice process is restarted while calls come in, by hand and by a kill: none is lost (faults F1, F8)."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from calltrack.calls.static_answers import files_of, static_rows, write_static
from calltrack.sandbox.carrier import CallJournal, play, pool
from tests.calls.rows import calls_of, stored_call
from tests.chaos.conftest import VoiceRig
from tests.chaos.file_server import serving
from tests.chaos.voice_rig import wait_until

CALLERS, SECONDS = 6, 18.0


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_every_call_is_put_through_meanwhile_and_what_we_took_is_kept(
    rig: VoiceRig, tmp_path: Path, how: str
) -> None:
    """A reverse proxy stands before it, as docs/fail-open.md says: its files answer in the gaps."""
    with rig.services.db.system() as system:
        write_static(tmp_path, files_of(static_rows(system), tmp_path))
    with serving(tmp_path, upstream=rig.voice.base_url) as front:
        journals, restarts = ring_and_restart(rig, how, {rig.voice.base_url: front})
    rig.wait_for_drain()
    put_through = [one for one in journals if one.rang == [rig.company.target]]
    by_file = [one for one in put_through if not any(r.purpose == "action" for r in one.requests)]
    lost = [one for one in journals if one.rang != [rig.company.target]]
    print(
        f"\n{how}: {len(restarts)} restarts (longest {max(restarts):.1f} s) during {len(journals)} calls; "
        f"put through {len(put_through)} ({len(by_file)} by a file), lost {len(lost)}"
    )
    assert lost == []
    known = {call.call_sid for call in calls_of(rig.services, rig.company.id)}
    taken = {one.call_sid for one in journals if any(r.is_ok and r.purpose == "ended" for r in one.requests)}
    assert taken <= known
    assert len(taken) > 10
    assert by_file
    for sid in taken:
        assert stored_call(rig.services, rig.company.id, sid).call["ended_at"] is not None


def ring_and_restart(rig: VoiceRig, how: str, via: dict[str, str]) -> tuple[list[CallJournal], list[float]]:
    """Let people call for some seconds, restart the process every few seconds, and return what happened."""
    number = rig.caller.number_with_retries()
    ends = time.monotonic() + SECONDS
    journals: list[CallJournal] = []
    lock = threading.Lock()

    def ring_on() -> None:
        with pool(2) as http:
            while time.monotonic() < ends:
                script = rig.caller.script(talk_seconds=90, timestamps="virtual")
                journal = play(script, number, rig.company.auth_token, http, via=via)
                with lock:
                    journals.append(journal)

    restarts = []
    with ThreadPoolExecutor(CALLERS) as callers:
        running = [callers.submit(ring_on) for _ in range(CALLERS)]
        while time.monotonic() < ends - 5:
            time.sleep(2.0)
            began = time.monotonic()
            rig.voice.stop() if how == "stopped" else rig.voice.kill()
            rig.voice.start()
            restarts.append(time.monotonic() - began)
        for one in running:
            one.result()
    return journals, restarts


def test_a_call_in_progress_ends_as_it_would_have(rig: VoiceRig) -> None:
    """The process dies between the ringing and the end; what it knew of the call was in the database."""
    sid = rig.caller.ring().sid
    rig.voice.kill()
    rig.voice.start()
    number = rig.caller.number_with_retries()
    journal = play(rig.caller.script(), number, rig.company.auth_token)
    wait_until(lambda: len(calls_of(rig.services, rig.company.id)) == 2, 60)
    calls = {call.call_sid: call for call in calls_of(rig.services, rig.company.id)}
    assert calls[sid].status == "ringing"
    assert calls[journal.call_sid].outcome == "answered"
