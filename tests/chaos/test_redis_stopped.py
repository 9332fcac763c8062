"""Redis is stopped, or frozen, while people call: nobody waits for it, nothing is lost (fault F10)."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from calltrack.config import Settings
from calltrack.infra.embedded import EmbeddedPostgres, EmbeddedRedis
from calltrack.sandbox.carrier import play
from calltrack.wiring import Services, build
from tests.builders import make_company
from tests.busy_machine import Slowness
from tests.calls.rows import calls_of
from tests.chaos.voice_rig import Caller, VoiceProcess, free_port, p90
from tests.conftest import settings_for
from tests.workers.process import WORKER, open_facts, running, until

CALLS = 40
CALLERS_WAIT = 0.1
BACK_WITHIN = 120.0


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(tmp_path / "redis")
    server.start()
    yield server
    server.erase()


@pytest.fixture
def services(postgres: EmbeddedPostgres, redis: EmbeddedRedis, tmp_path: Path) -> Iterator[Services]:
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    parts = build(settings_for(postgres, redis.url, tmp_path / "voice", port=port, public_base_url=origin))
    yield parts
    parts.close()


@contextmanager
def harmed(redis: EmbeddedRedis, how: str) -> Iterator[None]:
    """Stop Redis, or freeze it: its socket stays open, and nobody answers."""
    pid = redis.pid
    assert pid is not None
    if how == "stopped":
        redis.stop()
    else:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        if how == "stopped":
            redis.start()
        else:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.usefixtures("empty_database")
@pytest.mark.parametrize("how", ["stopped", "frozen"])
def test_callers_wait_for_nothing_and_workers_go_on_by_themselves(
    redis: EmbeddedRedis, services: Services, how: str
) -> None:
    company = make_company(services)
    settings: Settings = services.settings
    voice = VoiceProcess(settings, settings.port)
    with running(settings, *WORKER) as worker:
        voice.start()
        caller = Caller(voice, company)
        try:
            assert caller.ring().status == 200
            with harmed(redis, how):
                with Slowness() as machine:
                    answers = [*(caller.ring() for _ in range(CALLS)), *caller.ring_together(8)]
                journal = play(caller.script(), caller.number, company.auth_token)
                waits = [answer.seconds for answer in answers]
                handled = until(lambda: open_facts(services, company) == 0, BACK_WITHIN)
        finally:
            caller.http.close()
            voice.stop()
        assert worker.poll() is None
    print(
        f"\nRedis {how}: {len(answers)} calls, longest {max(waits):.3f} s, p90 {p90(waits):.3f} s; "
        f"facts handled without it: {handled}"
    )
    assert {answer.status for answer in answers} == {200}
    assert p90(waits) <= CALLERS_WAIT * machine.worst
    assert journal.rang == [company.target]
    assert handled
    assert len(calls_of(services, company.id)) == len(answers) + 2
    assert {call.was_spooled for call in calls_of(services, company.id)} == {False}
