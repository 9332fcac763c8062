"""The time inside a call: it moves only when somebody waits, in real, compressed or no time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class VirtualClock:
    """A clock of one call. Waiting 60 s takes 60 s at speed 1, 6 s at speed 10 and nothing at speed 0.

    One thread waits; others may read the time meanwhile.
    """

    def __init__(self, start: datetime, speed: float) -> None:
        self.start = start.astimezone(UTC)
        self.speed = speed
        self._state: tuple[float, float | None, float] = (0.0, None, 0.0)
        """Seconds passed, since when it waits (real time), for how long: one value, seen whole."""

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
        """Let time pass in the call."""
        if seconds <= 0:
            return
        passed = self._state[0]
        if self.speed > 0:
            self._state = (passed, time.monotonic(), seconds)
            time.sleep(seconds / self.speed)
        self._state = (passed + seconds, None, 0.0)
