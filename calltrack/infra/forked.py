"""Children forked from a process that has imported everything: up at once, and most memory is shared.

Fork only while this process has one thread and no open connections: the supervisor keeps to that.
"""

import gc
import logging
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import BinaryIO

from calltrack.infra.process import die_with_parent

Run = Callable[[], int]


class Forked:
    """A forked child, watched as `subprocess.Popen` lets one watch its own."""

    def __init__(self, pid: int, stdout: BinaryIO | None) -> None:
        """Take the child's pid and the end of the pipe it prints to."""
        self.pid, self.stdout = pid, stdout
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code (negative: the signal) once it has ended, else None."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended; raises subprocess.TimeoutExpired."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(0.01)
        return code

    def kill(self) -> None:
        """End it at once."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


def fork(run: Run, environment: Mapping[str, str], *, piped: bool = True) -> Forked:
    """Run a function in a child of its own session; it gets SIGTERM when this process dies.

    `piped`: what it prints comes out of `stdout`, else it goes where ours goes.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()
    mind_the_parent = die_with_parent(signal.SIGTERM)
    ours, theirs = os.pipe() if piped else (-1, -1)
    pid = os.fork()
    if pid == 0:
        _become(run, environment, theirs, mind_the_parent)
    if not piped:
        return Forked(pid, None)
    os.close(theirs)
    return Forked(pid, os.fdopen(ours, "rb", buffering=0))


def _become(run: Run, environment: Mapping[str, str], out: int, mind_the_parent: Callable[[], None]) -> None:
    """Be the child: own session, own environment, clean signals and files; never returns."""
    code = 1
    try:
        os.setsid()
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sig, signal.default_int_handler if sig == signal.SIGINT else signal.SIG_DFL)
        mind_the_parent()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        if out >= 0:
            os.dup2(out, 1)
            os.dup2(out, 2)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        os.environ.clear()
        os.environ.update(environment)
        code = run()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
    except KeyboardInterrupt:
        code = 130
    except BaseException:  # noqa: BLE001 - what Python itself does at the top of a program
        traceback.print_exc()
    finally:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
