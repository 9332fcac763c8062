"""Starts real worker and clock processes for tests, and waits for what they do."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from time import monotonic, sleep

from sqlalchemy import func, select

from calltrack.calls.model import Call
from calltrack.config import Settings
from calltrack.infra import outbox
from calltrack.infra.outbox import Fact
from calltrack.wiring import Services
from tests.builders import Company, make_call

WORKER = ("-m", "workers.main")
CLOCK = ("-m", "workers.schedule")


@contextmanager
def running(settings: Settings, *command: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `python <command>` with the given settings; it is ended at the latest with the block."""
    process = subprocess.Popen([sys.executable, *command], env=environment(settings))
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment under which a process reads the same settings."""
    return {
        "PATH": os.environ["PATH"],
        "CALLTRACK_MODE": settings.mode,
        "DATA_DIR": str(settings.data_dir),
        "PORT": str(settings.port),
        "TWILIO_API_BASE": settings.twilio_api_base,
        "DATABASE_URL": settings.database_url,
        "DATABASE_OWNER_URL": settings.database_owner_url,
        "DATABASE_SYSTEM_URL": settings.database_system_url,
        "REDIS_URL": settings.redis_url,
        "ENCRYPTION_KEY": settings.encryption_key.get_secret_value(),
        "SECRET_KEY": settings.secret_key.get_secret_value(),
    }


def end_call(services: Services, company: Company, caller: str = "+393471234567") -> Call:
    """Store a finished call and the fact that it ended, as the voice hooks do."""
    now = datetime.now(UTC)
    call = make_call(services, company, at=now, caller=caller)
    with services.db.tenant(company.id) as session:
        outbox.record(session, company.id, "call.ended", call.id, now)
    return call


def open_facts(services: Services, company: Company) -> int:
    """Return how many facts of the company are not handled yet."""
    with services.db.tenant(company.id) as session:
        return session.scalar(select(func.count()).select_from(Fact).where(Fact.done_at.is_(None))) or 0


def until(met: Callable[[], bool], seconds: float) -> bool:
    """Wait until it is met, at most so long; tells whether it was."""
    end = monotonic() + seconds
    while monotonic() < end:
        if met():
            return True
        sleep(0.05)
    return met()
