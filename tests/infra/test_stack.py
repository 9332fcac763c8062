"""The whole stack from one call: up, healthy, a taken port, a failing preparation, and Ctrl-C."""

import json
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from calltrack.infra.embedded import EmbeddedPostgres, EmbeddedRedis
from calltrack.infra.process import wait_until

REPO = Path(__file__).parents[2]
PART = """
import http.server, os
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ["DATABASE_URL"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"""
PROGRAM = """
import json, os, sys
from pathlib import Path
from calltrack.infra.stack import Part, Stack, run_stack
port, folder, prepare, part = sys.argv[1:]
sys.exit(run_stack(Stack(
    parts=[Part("web", [sys.executable, "-c", part], paths=["/"], ready_path="/readyz"),
           Part("worker", ["/bin/sleep", "1000"], count=2)],
    port=int(port), data_dir=Path(folder), environment=dict(os.environ),
    prepare=[Part("prepare", json.loads(prepare))],
)))
"""


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ct-") as path:
        yield Path(path) / "var"
        for server in (EmbeddedPostgres(Path(path) / "var"), EmbeddedRedis(Path(path) / "var")):
            server.erase()


@contextmanager
def stack(folder: Path, port: int, prepare: list[str], part: str = PART) -> Iterator["subprocess.Popen[str]"]:
    words = [sys.executable, "-c", PROGRAM, str(port), str(folder), json.dumps(prepare), part]
    process = subprocess.Popen(
        words, cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_it_comes_up_serves_and_leaves_nothing_running(folder: Path) -> None:
    port = free_port()
    with stack(folder, port, ["/bin/echo", "migrated"]) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("calltrack is up"):
            lines.append(process.stdout.readline())
            assert lines[-1], lines
        assert lines[0] == "migrated\n"
        assert lines[-1] == f"calltrack is up: http://127.0.0.1:{port}\n"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            url = answer.read().decode()
        with psycopg.connect(url.replace("+psycopg", "")) as db:
            assert db.execute("SELECT current_user").fetchone() == ("calltrack_app",)
        tree = [int(pid) for pid in _descendants(process.pid)]
        assert len(tree) >= 6  # web, two workers, the front door, PostgreSQL, Redis
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
        assert wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in tree), 30)


def _descendants(pid: int) -> list[str]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # It has ended meanwhile, as PostgreSQL's helpers do.
        return []
    return [found for child in children for found in (child, *_descendants(int(child)))]


def test_a_taken_port_is_named_with_what_to_do(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with stack(folder, port, ["/bin/true"]) as process:
            out, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert f"port {port} is taken" in out
    assert "PORT=" in out


@pytest.mark.parametrize(
    ("prepare", "part", "sentence"),
    [
        (["/bin/false"], PART, "`/bin/false` failed; its lines above say why."),
        (["/bin/true"], "raise SystemExit('no')", "web keeps ending; its lines above say why."),
    ],
)
def test_a_part_that_cannot_start_ends_the_stack(
    folder: Path, prepare: list[str], part: str, sentence: str
) -> None:
    with stack(folder, free_port(), prepare, part) as process:
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert sentence in out
    assert not EmbeddedPostgres(folder).running
