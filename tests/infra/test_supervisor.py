"""The supervisor: named output, restarts, and nothing left running."""

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

from calltrack.infra.process import ServiceError, runs, wait_until
from calltrack.infra.supervisor import Command, Supervisor

REPO = Path(__file__).parents[2]


class FakeService:
    """A service whose life the test ends; it notes what is asked of it."""

    def __init__(self) -> None:
        self.running = True
        self.asked: list[str] = []

    def start(self) -> None:
        self.running = True
        self.asked.append("start")

    def stop(self) -> None:
        self.asked.append("stop")


def python(program: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(program)]


def step_until(supervisor: Supervisor, true: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        supervisor.step(0.02)
    return true()


def alive(pid: int) -> bool:
    return runs(pid, Path(sys.executable).name)


def test_lines_carry_the_name_and_the_environment_arrives() -> None:
    said: list[str] = []
    supervisor = Supervisor({}, said.append)
    program = python("import os; print(os.environ['PLACE']); print('no newline', end='', flush=True)")
    supervisor.add(Command("web", program, {"PLACE": "Roma"}))
    try:
        assert step_until(supervisor, lambda: len(said) >= 3)
    finally:
        supervisor.close()
    assert said[:2] == ["web      | Roma", "web      | no newline"]
    assert said[2] == "stack    | web ended (exit code 0); it starts again in 0.2 s"


def test_a_dying_child_is_started_again_with_growing_waits() -> None:
    said: list[str] = []
    supervisor = Supervisor({}, said.append)
    supervisor.add(Command("edge", ["/bin/sh", "-c", "exit 3"], {}))
    try:
        assert step_until(supervisor, lambda: len(said) >= 3)
    finally:
        supervisor.close()
    assert [line.rsplit(" ", 2)[1] for line in said[:3]] == ["0.2", "0.4", "0.8"]


def test_a_killed_child_comes_back_and_what_it_left_behind_is_gone() -> None:
    said: list[str] = []
    supervisor = Supervisor({}, said.append)
    child = supervisor.add(
        Command("voice", ["/bin/sh", "-c", "sleep 1000 & echo $!; wait"], {"PATH": "/bin"})
    )
    try:
        assert step_until(supervisor, lambda: len(said) >= 1)
        left_behind = int(said[0].split("|")[1])
        assert child.process is not None
        child.process.kill()
        assert step_until(supervisor, lambda: len(said) >= 3)
        assert wait_until(lambda: not runs(left_behind, "sleep"), 30)
        assert child.process is not None
        assert child.process.poll() is None
    finally:
        supervisor.close()


def test_a_service_that_died_is_started_again_and_stopped_last() -> None:
    service = FakeService()
    supervisor = Supervisor({"redis": service}, lambda line: None)
    child = supervisor.add(Command("web", ["/bin/sleep", "1000"], {}))
    service.running = False
    supervisor.step(0.02)
    assert service.asked == ["start"]
    assert child.process is not None
    pid = child.process.pid
    supervisor.close()
    assert service.asked == ["start", "stop"]
    assert not runs(pid, "sleep")


def test_a_service_that_cannot_start_again_leaves_the_children_alone() -> None:
    class Broken(FakeService):
        def start(self) -> None:
            self.asked.append("start")
            raise ServiceError("no room on the disk")

    service, said = Broken(), list[str]()
    supervisor = Supervisor({"redis": service}, said.append)
    child = supervisor.add(Command("voice", ["/bin/sleep", "1000"], {}))
    service.running = False
    for _ in range(3):
        supervisor.step(0.02)
    assert child.process is not None
    assert child.process.poll() is None
    assert service.asked == ["start"], "the next try waits"
    assert any("no room on the disk" in line for line in said)
    supervisor.close()


STACK = """
import os, sys
from calltrack.infra.supervisor import Command, Supervisor
supervisor = Supervisor({})
with supervisor.signals_stop_it():
    for name, program in zip(("good", "deaf"), sys.argv[1:]):
        supervisor.add(Command(name, [sys.executable, "-c", program], dict(os.environ)))
    supervisor.run()
    supervisor.close()
print("bye", flush=True)
"""
GOOD = "import os, time; print(os.getpid(), flush=True); time.sleep(1000)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + GOOD


def started(*programs: str) -> tuple["subprocess.Popen[str]", list[int]]:
    words = [sys.executable, "-c", STACK, *programs]
    process = subprocess.Popen(words, cwd=REPO, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    # Either child may speak first: their names tell them apart.
    said = sorted(
        (process.stdout.readline().split("|") for _ in programs), key=lambda line: line[0], reverse=True
    )
    pids = [int(pid) for _, pid in said]
    assert all(alive(pid) for pid in pids)
    return process, pids


def test_ctrl_c_stops_everything_and_the_exit_is_orderly() -> None:
    process, pids = started(GOOD, GOOD)
    with process:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stdout is not None
        assert process.stdout.read() == "bye\n"
    assert not any(alive(pid) for pid in pids)


def test_a_child_deaf_to_term_is_killed_by_a_second_ctrl_c() -> None:
    process, pids = started(GOOD, DEAF)
    with process:
        process.send_signal(signal.SIGTERM)
        assert wait_until(lambda: not alive(pids[0]), 30)
        assert alive(pids[1])
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert not any(alive(pid) for pid in pids)


def test_children_die_with_a_supervisor_that_is_killed() -> None:
    process, pids = started(GOOD, GOOD)
    with process:
        process.kill()
        process.wait()
    assert wait_until(lambda: not any(alive(pid) for pid in pids), 30)
