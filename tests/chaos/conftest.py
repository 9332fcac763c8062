"""A voice process and a database that may be harmed: of this test module only."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from calltrack.calls.route_source import AT_MOST_EVERY
from calltrack.calls.spool import is_empty
from calltrack.config import Settings
from calltrack.infra.embedded import EmbeddedPostgres
from calltrack.wiring import Services, build
from tests.builders import Company, make_company
from tests.chaos.voice_rig import Caller, VoiceProcess, free_port, wait_until
from tests.conftest import settings_for
from tests.postgres import started


@pytest.fixture(scope="module")
def fragile_postgres(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[EmbeddedPostgres]:
    """A migrated PostgreSQL no other test depends on, as careful as the product's."""
    server = started(EmbeddedPostgres, tmp_path_factory.mktemp("fragile"), migrated)
    yield server
    server.erase()


@dataclass(frozen=True)
class VoiceRig:
    """A running voice process, its database, a company with a number, and somebody who rings it."""

    postgres: EmbeddedPostgres
    settings: Settings
    services: Services
    company: Company
    voice: VoiceProcess
    caller: Caller

    @property
    def spool(self) -> Path:
        return self.settings.data_dir / "spool"

    def wait_for_drain(self) -> None:
        """Wait until nothing waits in the spool any more."""
        wait_until(lambda: is_empty(self.spool), 60)


@pytest.fixture(scope="module")
def voice_process(
    fragile_postgres: EmbeddedPostgres, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VoiceProcess]:
    """A running voice process on the fragile database."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    data_dir = tmp_path_factory.mktemp("voice")
    settings = settings_for(fragile_postgres, redis_url, data_dir, port=port, public_base_url=origin)
    voice = VoiceProcess(settings, port)
    voice.start()
    yield voice
    voice.stop()


@pytest.fixture
def rig(fragile_postgres: EmbeddedPostgres, voice_process: VoiceProcess) -> Iterator[VoiceRig]:
    """Everything running, and a new company the voice process knows of."""
    with new_company(fragile_postgres, voice_process) as made:
        yield made


@contextmanager
def new_company(postgres: EmbeddedPostgres, voice: VoiceProcess) -> Iterator[VoiceRig]:
    """Make a company and wait until the voice process may look for its numbers."""
    services = build(voice.settings)
    company = make_company(services)
    caller = Caller(voice, company)
    time.sleep(AT_MOST_EVERY)
    caller.http.post(caller.number.voice_url)  # Refused, yet it makes the process look for the new number.
    try:
        yield VoiceRig(postgres, voice.settings, services, company, voice, caller)
    finally:
        caller.http.close()
        services.close()
