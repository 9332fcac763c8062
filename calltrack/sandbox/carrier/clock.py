"""The time inside a call: it moves only when somebody waits, in real, compressed or no time."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta


class Cut(Exception):
    """Somebody outside changed the call while it waited (`VirtualClock.cut`)."""


class VirtualClock:
    """A clock of one call. Waiting 60 s takes 60 s at speed 1, 6 s at speed 10 and nothing at speed 0.

    One thread waits; others may read the time meanwhile.
    """

    def __init__(self, start: datetime, speed: float) -> None:
        self.start = start.astimezone(UTC)
        self.speed = speed
        self._state: tuple[float, float | None, float] = (0.0, None, 0.0)
        """Seconds passed, since when it waits (real time), for how long: one value, seen whole."""
        self._cut = threading.Event()

    @property
    def elapsed(self) -> float:
        """Return the seconds of the call so far."""
        passed, since, seconds = self._state
        if since is None:
            return passed
        return passed + min(seconds, (time.monotonic() - since) * self.speed)

    def now(self) -> datetime:
        """Return the moment inside the call."""
        return self.start + timedelta(seconds=self.elapsed)

    def sleep(self, seconds: float) -> None:
        """Let time pass in the call; raises Cut when somebody changes it meanwhile."""
        if seconds <= 0:
            return
        passed = self._state[0]
        if self.speed > 0:
            self._state = (passed, time.monotonic(), seconds)
            if self._cut.wait(seconds / self.speed):
                self._cut.clear()
                self._state = (self.elapsed, None, 0.0)
                raise Cut
        self._state = (passed + seconds, None, 0.0)

    def go_on(self) -> None:
        """Forget a cut nobody waited for."""
        self._cut.clear()

    def cut(self) -> None:
        """End the present wait, or the next one: the call has something else to do."""
        self._cut.set()
