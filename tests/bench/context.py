"""What a bench piece gets and gives: real services, servers of its own, results beside a reference."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import create_engine, text

from calltrack.config import Settings
from calltrack.infra.embedded import EmbeddedPostgres
from calltrack.wiring import Services
from tests.bench.processor import postmaster, used_by

ROOT = Path(__file__).parents[2]
START_SECONDS = 20


@dataclass(frozen=True)
class Result:
    """One figure; `reference` is the same figure of a server that does only the unavoidable work."""

    name: str
    value: float
    unit: str
    reference: float | None = None

    @property
    def ratio(self) -> float | None:
        """Value over reference."""
        return self.value / self.reference if self.reference else None


@dataclass(frozen=True)
class Context:
    """The database, Redis and settings all pieces share, and a folder for what they write."""

    services: Services
    settings: Settings
    postgres: EmbeddedPostgres
    folder: Path
    seconds: float = 6.0
    connections: int = 32
    serving: dict[int, int] = field(default_factory=dict)
    """Port -> process, of the servers that run."""

    def environment(self) -> dict[str, str]:
        """Return the settings as environment variables for a server process."""
        settings = self.settings
        return {
            "DATA_DIR": str(settings.data_dir),
            "DATABASE_URL": settings.database_url,
            "DATABASE_OWNER_URL": settings.database_owner_url,
            "DATABASE_SYSTEM_URL": settings.database_system_url,
            "REDIS_URL": settings.redis_url,
            "ENCRYPTION_KEY": settings.encryption_key.get_secret_value(),
            "SECRET_KEY": settings.secret_key.get_secret_value(),
        }

    def analyze(self) -> None:
        """Gather the planner's statistics now, as autovacuum does within a minute; only the owner may."""
        owner = create_engine(self.postgres.owner_url, isolation_level="AUTOCOMMIT")
        with owner.connect() as connection:
            connection.execute(text("ANALYZE"))
        owner.dispose()

    def processor(self, port: int) -> float:
        """Return the seconds of processor time that a server and the database used so far."""
        return used_by((self.serving[port], postmaster(self.folder)))

    @contextmanager
    def serve(
        self, target: str, *, workers: int = 1, threads: int = 8, nice: int = 0, **environment: str
    ) -> Iterator[int]:
        """Run a WSGI factory (`module:function`) under granian as in production; yields its port."""
        port = free_port()
        command = [
            "nice", "-n", str(nice), sys.executable, "-m", "granian", "--interface", "wsgi", "--factory",
            "--host", "127.0.0.1", "--port", str(port), "--workers", str(workers),
            "--blocking-threads", str(threads), "--backpressure", "1024",
            "--no-access-log", "--log-level", "warning", target,
        ]  # fmt: skip
        log = (self.folder / f"granian-{port}.log").open("w")
        process = subprocess.Popen(
            command, env=os.environ | self.environment() | environment, cwd=ROOT, stdout=log, stderr=log
        )
        try:
            _wait_until_open(port, process, Path(log.name))
            self.serving[port] = process.pid
            yield port
        finally:
            process.terminate()
            process.wait(60)  # one that stepped back may wait long for a core
            log.close()


def free_port() -> int:
    """Return a port nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_open(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        if process.poll() is not None:
            break
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"The server did not start:\n{log.read_text()[-2000:]}")
