"""A forked child is like a started one: own environment, own session, output, exit code."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from calltrack.infra.forked import Forked
from calltrack.infra.process import wait_until

# Forking inside the test runner would copy its threads' locks: each trial runs in a program of its own.
TRIAL = """
import os, signal, sys, time
from calltrack.infra.forked import fork
{body}
"""


def trial(body: str) -> subprocess.CompletedProcess[str]:
    program = TRIAL.format(body=textwrap.dedent(body))
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20)


def test_a_child_has_its_own_environment_and_its_output_comes_back() -> None:
    done = trial("""
        child = fork(lambda: print(os.environ["TOWN"], "HOME" in os.environ) or 3, {"TOWN": "Roma"})
        print(child.wait(30), child.stdout.read().decode().strip(), child.poll())
    """)
    assert done.stdout.strip() == "3 Roma False 3", done.stderr


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("sys.exit('Set PORT first.')", 1), ("sys.exit()", 0), ("sys.exit(7)", 7), ("1 / 0", 1),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    ],
)  # fmt: skip
def test_the_exit_code_says_how_it_ended(action: str, code: int) -> None:
    done = trial(f"""
        def act():
            {action}
        print(fork(act, {{}}).wait(30))
    """)
    assert done.stdout.strip() == str(code), done.stderr


def test_a_child_ends_with_its_parent_even_when_that_is_killed() -> None:
    done = trial("""
        child = fork(lambda: time.sleep(60) or 0, {}, piped=False)
        print(child.pid, flush=True)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    pid = int(done.stdout)
    assert wait_until(lambda: not is_alive(pid), 30), "the child outlived its parent"


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_waiting_for_a_child_that_stays_ends_in_time() -> None:
    done = trial("""
        import subprocess
        child = fork(lambda: time.sleep(60) or 0, {})
        try:
            child.wait(0.1)
        except subprocess.TimeoutExpired:
            print("still there", child.poll())
    """)
    assert done.stdout.strip() == "still there None", done.stderr
    assert Forked(1, None).returncode is None
