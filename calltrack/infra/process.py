"""Starting, watching and stopping one server process."""

import asyncio
import ctypes
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PR_SET_PDEATHSIG = 1
# mallopt(3) of glibc.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
LIBC = ctypes.CDLL(None, use_errno=True)


class ServiceError(Exception):
    """An embedded server cannot run here; the text says why and what to do."""


def die_with_parent(sig: signal.Signals) -> Callable[[], None]:
    """Return a preexec function: the child gets this signal when the thread that started it ends.

    The kernel forgets the wish when the user changes, so it must run after `Popen(user=...)` took effect,
    which is where `subprocess` calls it.
    """
    parent = os.getpid()
    prctl = LIBC.prctl

    def ask_kernel() -> None:
        prctl(PR_SET_PDEATHSIG, int(sig))
        if os.getppid() != parent:  # The parent died before the wish was heard.
            os.kill(os.getpid(), sig)

    return ask_kernel


def give_memory_back() -> None:
    """Have freed memory returned to the system early; for processes with many threads and large batches.

    Without it each thread keeps the room of its largest batch. Without glibc nothing happens.
    """
    set_option = getattr(LIBC, "mallopt", None)
    if set_option is not None:
        set_option(M_ARENA_MAX, 2)
        set_option(M_MMAP_THRESHOLD, 256 * 1024)
        set_option(M_TRIM_THRESHOLD, 256 * 1024)


def wait_until(true: Callable[[], bool], seconds: float) -> bool:
    """Ask every 5 ms until it is true (return True) or the time is over (return False)."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def stop_process(process: subprocess.Popen[bytes], signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send one signal after the other, each with its patience in seconds, until the process has ended."""
    for sig, patience in signals:
        if process.poll() is not None:
            return
        process.send_signal(sig)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue


def runs(pid: int, program: str) -> bool:
    """Say whether this pid is a live process of that program; a number taken over by another one is not."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return name == program and state not in "ZX"


@contextmanager
def exclusively(lock: Path) -> Iterator[None]:
    """Hold a lock file, so that two commands never start or build the same server at once."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def log_tail(log: Path, lines: int = 12) -> str:
    """Return the end of a server's log, for an error message."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"


def open_log(log: Path, limit: int = 10_000_000) -> int:
    """Open a log for appending, kept to one older generation; return its file descriptor."""
    if log.exists() and log.stat().st_size > limit:
        log.replace(log.with_suffix(".old.log"))
    return os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


async def until_told_to_stop(serve: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run an asyncio server that ends when its event is set: by Ctrl-C or SIGTERM."""
    stop = asyncio.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sig, stop.set)
    await serve(stop)
