"""An own Redis in a data folder: append-only file, one private unix socket, no TCP port."""

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from urllib.parse import quote

from calltrack.infra.embedded import programs
from calltrack.infra.embedded.sockets import socket_folder
from calltrack.infra.process import (
    ServiceError,
    die_with_parent,
    exclusively,
    log_tail,
    open_log,
    runs,
    stop_process,
    wait_until,
)

READY_WITHIN = 30.0
SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "daemonize": "no",
}


class EmbeddedRedis:
    """One Redis for one data folder; a second start on the same folder joins the server that runs."""

    def __init__(self, data_dir: Path) -> None:
        """Take the folder it may use; nothing is made or started yet."""
        self._data_dir = data_dir.absolute()
        self._home = self._data_dir / "redis"
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: Path | None = None

    def start(self) -> None:
        """Bring the server up, or join the one that runs, and return when it answers; also after a crash.

        The server stops, orderly, when the thread that started it ends, even by `kill -9`.
        """
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with exclusively(self._data_dir / "redis.lock"):
            self._socket = socket_folder(self._home, None) / "redis"
            if self.pid is None:
                self._launch(self._socket)
            elif not wait_until(self._answers, READY_WITHIN):
                raise ServiceError(f"Redis on {self._home} runs but does not answer: see its log.")

    def stop(self) -> None:
        """Stop the server, orderly, if this object started it; a joined one keeps running."""
        if self._process is not None:
            stop_process(self._process, [(signal.SIGTERM, 10), (signal.SIGKILL, 5)])
            self._process = None

    def erase(self) -> None:
        """Stop the server and delete its data; for tests."""
        self.stop()
        for folder in (self._home, self._socket.parent if self._socket else None):
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)

    @property
    def running(self) -> bool:
        """Say whether the server process is alive, whoever started it."""
        return self.pid is not None

    @property
    def pid(self) -> int | None:
        """The server's process id, or None when it does not run."""
        if self._process is not None and self._process.poll() is not None:
            return None
        try:
            pid = int((self._home / "pid").read_text())
        except (OSError, ValueError):
            return None
        return pid if runs(pid, "redis-server") else None

    @property
    def url(self) -> str:
        """The address, as redis-py and RQ read it."""
        if self._socket is None:
            raise ServiceError("Redis has no address before its first start().")
        return f"unix://{quote(str(self._socket))}"

    def _launch(self, path: Path) -> None:
        if self._process is not None:
            stop_process(self._process, [(signal.SIGKILL, 5)])
        settings = SETTINGS | {"unixsocket": str(path), "dir": str(self._home)}
        words = [word for name, value in settings.items() for word in (f"--{name}", value)]
        log = open_log(self._home / "redis.log")
        try:
            process = self._process = subprocess.Popen(  # noqa: S603 - our own words, no shell
                [programs.redis_server(), *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._home,
                preexec_fn=die_with_parent(signal.SIGTERM),
                start_new_session=True,  # Ctrl-C is for us; we stop the server last.
            )
        finally:
            os.close(log)
        (self._home / "pid").write_text(str(process.pid))
        wait_until(lambda: process.poll() is not None or self._answers(), READY_WITHIN)
        if process.poll() is not None or not self._answers():
            self.stop()
            raise ServiceError(f"Redis did not start. Its log says:\n{log_tail(self._home / 'redis.log')}")

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(1)
            try:
                door.connect(str(self._socket))
                door.sendall(b"PING\r\n")
                return door.recv(64).startswith(b"+PONG")
            except OSError:
                return False
