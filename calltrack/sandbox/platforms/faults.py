"""Fault scripts: what the twins do wrong, and when, because a test or a curious person said so.

A script is a list of steps; each request to the target takes the next one. Steps:

    ok                                  no fault
    503  429:Retry-After=2  401  ...    that HTTP status, nothing processed
    reason:NOT_ALLOWLISTED              refused with that reason or code of the platform's own
    slow:0.5                            answered after that many seconds
    timeout:30                          no answer for that long, nothing processed
    timeout-after-processing:30         processed, no answer for that long
    drop-connection                     nothing processed, connection closed without an answer
    drop-after-processing               processed, connection closed without an answer
    garbage                             200 with a body that is no JSON, nothing processed
    invalid_grant                       the refresh token is revoked (sign-in)
"""

import contextlib
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from flask import Response, request

LONGEST_HANG: Final = 120.0
MAX_STEPS: Final = 10_000

_STEP: Final = re.compile(
    r"ok|garbage|invalid_grant|drop-connection|drop-after-processing|reason:[A-Za-z0-9_/]{1,100}"
    r"|slow:[0-9.]{1,6}|timeout(-after-processing)?(:[0-9.]{1,6})?|[345][0-9]{2}(:Retry-After=[\w ,:]{1,40})?"
)


class Modes(NamedTuple):
    """Lasting behaviour of the twins; where nothing else is said, of the Data Manager's."""

    processing_seconds: float = 2.0
    """How long a request stays PROCESSING."""
    counts_only: bool = False
    """The verdict counts failures without naming the records, as before v1.9."""
    too_recent_click: bool = False
    """Every click is too recent."""
    report_duplicates: bool = False
    """An identical event again is reported as DUPLICATE_TRANSACTION_ID instead of passing silently."""
    rows_per_batch: float = 10_000
    """How many rows Google puts into one batch of an answered question."""
    daily_operations: float = 15_000
    """How many questions Google answers in 24 hours."""
    counts_fewer: float = 0
    """The counters of Google, Meta and Microsoft tell so many fewer than came: per receipt, name or day."""

    def less(self, count: int) -> int:
        """Return what a counter tells where so many came."""
        return max(count - int(self.counts_fewer), 0)


class Faults:
    """The scripts and modes of all twins. Thread-safe."""

    def __init__(self, targets: Iterable[str]) -> None:
        """Prepare an empty script for each target."""
        self._lock = threading.Lock()
        self._scripts: dict[str, deque[str]] = {target: deque() for target in targets}
        self.modes = Modes()

    def add(self, target: str, steps: list[str]) -> None:
        """Append steps to a script; raises ValueError for what is no step or target."""
        if target not in self._scripts:
            raise ValueError(f"target must be one of {', '.join(self._scripts)}")
        for step in steps:
            if not isinstance(step, str) or not _STEP.fullmatch(step):
                raise ValueError(
                    f"{str(step)[:60]!r} is not a step; see calltrack/sandbox/platforms/faults.py"
                )
        with self._lock:
            if len(self._scripts[target]) + len(steps) > MAX_STEPS:
                raise ValueError(f"a script has at most {MAX_STEPS} steps")
            self._scripts[target].extend(steps)

    def set_modes(self, **values: float | bool) -> None:
        """Change some modes; raises ValueError for unknown names or wrong types."""
        for name, value in values.items():
            wanted = Modes.__annotations__.get(name)
            if wanted is None:
                raise ValueError(f"{name[:60]!r} is not a mode; modes are {', '.join(Modes._fields)}")
            if wanted is bool and not isinstance(value, bool):
                raise ValueError(f"{name} must be true or false")
            if wanted is float and (isinstance(value, bool) or not 0 <= value <= 86_400):
                raise ValueError(f"{name} must be a number of seconds up to 86400")
        with self._lock:
            self.modes = self.modes._replace(**values)  # type: ignore[arg-type]  # checked just above

    def next(self, target: str) -> str | None:
        """Take the next step of a target's script."""
        with self._lock:
            script = self._scripts[target]
            step = script.popleft() if script else "ok"
        return None if step == "ok" else step

    def waiting(self) -> dict[str, list[str]]:
        """Return the steps not yet taken."""
        with self._lock:
            return {target: list(script) for target, script in self._scripts.items()}

    def reset(self) -> None:
        """Forget all scripts and modes."""
        with self._lock:
            for script in self._scripts.values():
                script.clear()
            self.modes = Modes()


def play(step: str, answer: Callable[[], Response], refuse: Callable[[int, str], Response]) -> Response:
    """Carry out a step; `answer` processes the request, `refuse(status, reason)` gives the twin's error."""
    word, _, rest = step.partition(":")
    if word.isdigit():
        refusal = refuse(int(word), "")
        name, _, value = rest.partition("=")
        if name:
            refusal.headers[name] = value
        return refusal
    if word == "reason":
        return refuse(400, rest)
    if word == "invalid_grant":
        return refuse(400, "invalid_grant")
    if word == "garbage":
        return Response("<html>one moment please", 200, content_type="text/html")
    processed = answer() if word in ("slow", "timeout-after-processing", "drop-after-processing") else None
    if word.startswith("drop-"):
        return _dropped()
    time.sleep(min(float(rest or 30), LONGEST_HANG))
    return processed if word == "slow" and processed is not None else _dropped()


class _BrokenOff:
    """A body whose sending breaks off before its first byte."""

    def __iter__(self) -> "_BrokenOff":
        return self

    def __next__(self) -> bytes:
        raise ConnectionResetError("the fault script drops this connection")


def _dropped() -> Response:
    raw = request.environ.get("werkzeug.socket")
    if isinstance(raw, socket.socket):
        with contextlib.suppress(OSError):
            raw.shutdown(socket.SHUT_RDWR)  # The development server would keep the connection open.
    return Response(_BrokenOff(), 200, headers={"content-length": "2"}, direct_passthrough=True)
