"""One wave of requests: those that leave before the ledger is written again.

A batch is a wave of its own. Requests of one conversion each leave several at once, and each of these goes on
to the next for a moment, because one short transaction for each conversion costs more than its request. What
a dying worker leaves unsettled is bounded by that moment, and a wave ends at the first sign of trouble.
"""

import threading
from collections import deque
from time import monotonic
from typing import Final

from calltrack.delivery.ledger import Claimed
from calltrack.delivery.trip import Trip
from calltrack.destinations.outcomes import Class
from calltrack.destinations.sending import Attempt
from calltrack.infra.parallel import at_once

Group = list[Claimed]
Sent = tuple[Group, Attempt]

# No request of a wave begins later than this after its first.
WAVE_SECONDS: Final = 0.25
_FINE: Final = (Class.DONE, Class.ACCEPTED, Class.ROW)


def send_wave(trip: Trip, waiting: deque[Group]) -> tuple[list[Sent], float]:
    """Send requests whose attempts are noted, from the front of `waiting`.

    Returns what came of each, and the seconds to wait before more may leave by the limits (0: none).
    """
    wave = _Wave(trip, waiting)
    at_once([wave.work] * max(min(trip.at_once, len(waiting)), 1))
    return wave.sent, wave.wait


class _Wave:
    """What the threads of one wave share."""

    def __init__(self, trip: Trip, waiting: deque[Group]) -> None:
        self._trip, self._waiting = trip, waiting
        self._lock = threading.Lock()
        self._ends = monotonic() + WAVE_SECONDS
        self._over = False
        self.sent: list[Sent] = []
        self.wait = 0.0

    def work(self) -> None:
        """Send one request after the other until the wave is over."""
        trip = self._trip
        while (group := self._next()) is not None:
            payloads = [row.payload for row in group]
            attempt = trip.courier.deliver(trip.destination, trip.settings, payloads, trip.now(), trip.keep)
            with self._lock:
                self.sent.append((group, attempt))
                alone = trip.at_once == 1
                self._over |= alone or any(one.class_ not in _FINE for one in attempt.outcomes)

    def _next(self) -> Group | None:
        """Take the next request, as far as time and limits allow."""
        with self._lock:
            late = bool(self.sent) and monotonic() > self._ends
            if self._over or late or self.wait or not self._waiting or not self._waiting[0][0].number:
                return None
            self.wait = self._trip.pace.take(self._trip.limits)
            return None if self.wait else self._waiting.popleft()
