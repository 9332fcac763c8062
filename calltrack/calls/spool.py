"""An fsynced file of events the database could not take; emptied in order when it is back.

Segments are named after their time. A segment is locked while its process writes it, so any process may
empty the segments of dead ones. A line cut short by a crash was never acknowledged and is skipped.
Delivery is at least once: the receiver knows repetitions by the event's key.
"""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from calltrack.infra.log import log
from calltrack.kernel.ids import new_id

MOST_LINES = 1000
REJECTED = "rejected.lines"


class Undeliverable(Exception):
    """A line that will never be taken; it is kept aside for a person to look at."""


class Spool:
    """The part of the spool this process writes. Safe to share between threads."""

    def __init__(self, folder: Path, name: str) -> None:
        """Take the folder; nothing is made before the first line."""
        self._folder = folder
        self._name = name
        self._lock = threading.Lock()
        self._syncing = threading.Lock()
        self._file: int | None = None
        self._lines = 0
        self._written = 0
        self._synced = 0

    def append(self, line: bytes) -> None:
        """Write one line; when this returns it is on the disk. Raises OSError when it is not."""
        with self._lock:
            if self._file is None:
                self._file = self._new_segment()
            self._write(self._file, line + b"\n")
            self._lines += 1
            self._written += 1
            mine = self._written
        with self._syncing:  # One fsync serves all lines written before it.
            if self._synced >= mine:
                return
            with self._lock:
                upto, file = self._written, self._file
            if file is not None:
                os.fsync(file)
            self._synced = upto
            if self._lines >= MOST_LINES:
                with self._lock:
                    self._close()

    def seal(self) -> None:
        """Let go of the segment being written, so that it can be emptied; the next line starts another."""
        with self._syncing, self._lock:
            self._close()
            self._synced = self._written

    def _close(self) -> None:
        if self._file is not None:
            os.fsync(self._file)
            os.close(self._file)
            self._file = None
            self._lines = 0

    def _write(self, file: int, line: bytes) -> None:
        start = os.lseek(file, 0, os.SEEK_CUR)
        try:
            while line:
                line = line[os.write(file, line) :]
        except OSError:
            os.ftruncate(file, start)  # A torn line must not swallow the next one.
            os.lseek(file, start, os.SEEK_SET)
            raise

    def _new_segment(self) -> int:
        """Make a segment that is locked before anybody can see it under its name."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{new_id().hex}-{self._name}.jsonl"
        draft = path.with_suffix(".new")
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        draft.rename(path)
        _sync_folder(self._folder)
        return file


def is_empty(folder: Path) -> bool:
    """Tell whether no line waits in the folder, whoever wrote it."""
    return next(folder.glob("*.jsonl"), None) is None


def drain(folder: Path, deliver: Callable[[bytes], None]) -> int:
    """Hand over every line of every segment nobody writes any more, oldest first; return how many.

    `deliver` raises Undeliverable for a line that can never be taken; any other error stops the draining,
    and the segment stays for the next time.
    """
    delivered = 0
    for path in sorted(folder.glob("*.jsonl")):
        with _taken(path) as lines:
            for line in lines or ():
                try:
                    deliver(line)
                except Undeliverable as problem:
                    log.error("spool: a line was set aside in %s: %s", REJECTED, problem)
                    _set_aside(folder / REJECTED, line)
                delivered += 1
            if lines is not None:
                path.unlink()
    return delivered


@contextmanager
def _taken(path: Path) -> Iterator[list[bytes] | None]:
    """Lock a segment and read its whole lines; None when its writer lives or somebody else empties it."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield None
        return
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        if os.fstat(file).st_nlink == 0:
            yield None
            return
        with os.fdopen(os.dup(file), "rb") as reader:
            whole = reader.read().split(b"\n")[:-1]
        yield [line for line in whole if line]
    finally:
        os.close(file)


def _set_aside(path: Path, line: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, line + b"\n")
        os.fsync(file)
    finally:
        os.close(file)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
