"""An own PostgreSQL 18 in a data folder: made on first use, nothing acknowledged is lost."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from calltrack.infra.embedded import cluster, programs
from calltrack.infra.embedded.cluster import APP, DATABASE, OWNER, SYSTEM
from calltrack.infra.embedded.sockets import socket_folder
from calltrack.infra.embedded.user import service_user
from calltrack.infra.process import (
    ServiceError,
    exclusively,
    log_tail,
    open_log,
    stop_process,
    wait_until,
)

READY_WITHIN = 60.0
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "synchronous_commit": "on",
    "autovacuum_naptime": "1s",
    "shared_buffers": "64MB",
    "max_connections": "200",
    # Partitioned tables take many locks; beyond this many a backend leaves the fast path and queues.
    "max_locks_per_transaction": "256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "io_method": "sync",
    "max_logical_replication_workers": "0",
}


class EmbeddedPostgres:
    """One server for one data folder; a second start on the same folder joins the server that runs."""

    settings: ClassVar[dict[str, str]] = SETTINGS

    def __init__(self, data_dir: Path) -> None:
        """Take the folder it may use; nothing is made or started yet."""
        self._data_dir = data_dir.absolute()
        self._user = service_user()
        self._process: subprocess.Popen[bytes] | None = None
        self._home: Path | None = None
        self._sockets: Path | None = None

    def start(self) -> None:
        """Bring the server up, or join the one that runs, and return when it accepts connections.

        Call it again after a crash: addresses stay the same. The server stops, orderly, when the thread that
        started it ends, even by `kill -9`.
        """
        self._data_dir.mkdir(parents=True, exist_ok=True)
        with exclusively(self._data_dir / "postgres.lock"):
            home = self._home = cluster.home_of(self._data_dir, self._user)
            self._sockets = socket_folder(home, self._user)
            bin_ = programs.postgres_bin(self._user)
            if not (home / "data").exists():
                cluster.make(bin_, home, self._user)
            cluster.check_version(home / "data")
            if not self._joined(home / "data"):
                self._launch(bin_, home)

    def stop(self) -> None:
        """Stop the server, orderly, if this object started it; a joined one keeps running."""
        if self._process is not None:
            stop_process(self._process, [(signal.SIGINT, 10), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)])
            self._process = None

    def erase(self) -> None:
        """Stop the server and delete its data, also what lies outside the data folder; for tests."""
        self.stop()
        link = self._data_dir / "postgres"
        for folder in (self._sockets, link.resolve()):
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
        if link.is_symlink():
            link.unlink()

    @property
    def running(self) -> bool:
        """Say whether the server is alive and was not told to stop, whoever started it."""
        return (
            self._home is not None and self.pid is not None and not cluster.is_stopping(self._home / "data")
        )

    @property
    def pid(self) -> int | None:
        """The server's process id, or None when it does not run."""
        if self._process is not None and self._process.poll() is not None:
            return None
        return cluster.pid_in(self._home / "data") if self._home else None

    @property
    def owner_url(self) -> str:
        """The address for migrations: owner of all tables, superuser."""
        return self._url(OWNER)

    @property
    def app_url(self) -> str:
        """The address for the product: row-level security applies."""
        return self._url(APP)

    @property
    def system_url(self) -> str:
        """The address for scans over all companies: few columns, nothing personal."""
        return self._url(SYSTEM)

    def _alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _url(self, role: str) -> str:
        if self._sockets is None:
            raise ServiceError("PostgreSQL has no address before its first start().")
        return f"postgresql+psycopg://{role}@/{DATABASE}?host={quote(str(self._sockets))}"

    def _joined(self, data: Path) -> bool:
        """Join a running server once it is ready; False: none runs, and no stale file is in the way."""
        deadline = time.monotonic() + READY_WITHIN
        while (pid := cluster.pid_in(data)) is not None:
            if cluster.is_stopping(data):
                os.kill(pid, signal.SIGINT)  # Do not wait for clients that wait for us.
            elif cluster.is_ready(data):
                self._sockets = Path(cluster.pid_file(data)[4])
                return True
            if time.monotonic() > deadline:
                raise ServiceError(f"PostgreSQL on {data} runs but does not become ready: see its log.")
            time.sleep(0.02)
        # The number in a stale file may meanwhile be another process: PostgreSQL would refuse to start.
        (data / "postmaster.pid").unlink(missing_ok=True)
        if self._sockets is not None:
            (self._sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        return False

    def _launch(self, bin_: Path, home: Path) -> None:
        """Start the server; just after a crash the dead one's children may still hold its memory."""
        if self._process is not None:
            stop_process(self._process, [(signal.SIGKILL, 5)])
        for _ in range(50):
            process = self._process = self._spawn(bin_, home)
            wait_until(lambda: not self._alive() or cluster.is_ready(home / "data"), READY_WITHIN)
            if self._alive() and cluster.is_ready(home / "data"):
                return
            self._process = None
            stop_process(process, [(signal.SIGQUIT, 5), (signal.SIGKILL, 5)])
            if "still in use" not in log_tail(home / "postgres.log"):
                break
            time.sleep(0.1)
        raise ServiceError(f"PostgreSQL did not start. Its log says:\n{log_tail(home / 'postgres.log')}")

    def _spawn(self, bin_: Path, home: Path) -> subprocess.Popen[bytes]:
        settings = self.settings | {"unix_socket_directories": str(self._sockets)}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        log = open_log(home / "postgres.log")
        try:
            return cluster.popen(self._user, [str(bin_ / "postgres"), "-D", str(home / "data"), *words], log)
        finally:
            os.close(log)
