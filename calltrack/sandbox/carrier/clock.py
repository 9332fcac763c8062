"""The time inside a call: it moves only when somebody waits, in real, compressed or no time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class VirtualClock:
    """A clock of one call. Waiting 60 s takes 60 s at speed 1, 6 s at speed 10 and nothing at speed 0."""

    def __init__(self, start: datetime, speed: float) -> None:
        self.start = start.astimezone(UTC)
        self.speed = speed
        self.elapsed = 0.0

    def now(self) -> datetime:
        """Return the moment inside the call."""
        return self.start + timedelta(seconds=self.elapsed)

    def sleep(self, seconds: float) -> None:
        """Let time pass in the call."""
        if seconds <= 0:
            return
        self.elapsed += seconds
        if self.speed > 0:
            time.sleep(seconds / self.speed)
