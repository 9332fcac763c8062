"""The whole product in its own processes, started as `make demo` starts it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.plain import PLAIN

ROOT = Path(__file__).parents[2]
UP_WITHIN = 300


@dataclass(frozen=True)
class Demo:
    """A running demo: its origin and the environment its commands need."""

    origin: str
    environment: dict[str, str]
    process: subprocess.Popen[str]
    log: Path

    def run(self, *words: str, seconds: float = 180) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line against this instance."""
        return subprocess.run(
            [sys.executable, "-m", "calltrack", *words],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=seconds,
        )  # fmt: skip


def free_port() -> int:
    """Return a port nobody listens on now."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def start_demo(folder: Path, *words: str, port: int | None = None) -> Demo:
    """Start `calltrack demo` over a data folder and wait until it answers."""
    port = port or free_port()
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("DATABASE", "REDIS"))
    }
    environment = inherited | {"PORT": str(port), "DATA_DIR": str(folder / "var")}
    log = folder / f"demo-{port}.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "calltrack", "demo", *words],
            cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
    demo = Demo(f"http://127.0.0.1:{port}", environment, process, log)
    _wait_until_up(demo)
    return demo


def stop_demo(demo: Demo) -> int:
    """Press Ctrl-C and return the exit code."""
    demo.process.send_signal(signal.SIGINT)
    return demo.process.wait(timeout=30)


def _wait_until_up(demo: Demo) -> None:
    deadline = time.monotonic() + UP_WITHIN
    while time.monotonic() < deadline:
        if demo.process.poll() is not None:
            pytest.fail(f"the demo ended: {demo.log.read_text()[-3000:]}")
        if "calltrack is up" in demo.log.read_text():
            assert PLAIN.get(f"{demo.origin}/readyz").status_code == 200
            return
        time.sleep(0.1)
    stop_demo(demo)
    pytest.fail(f"the demo was not up after {UP_WITHIN} s: {demo.log.read_text()[-3000:]}")


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo without history, shared by the stories of this test process; gone before other tests begin."""
    running = start_demo(tmp_path_factory.mktemp("demo"), "--no-history")
    yield running
    stop_demo(running)
