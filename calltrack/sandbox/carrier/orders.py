"""What somebody outside wants of a call that is going on: its end, or another document."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from calltrack.sandbox.carrier.clock import VirtualClock


@dataclass(frozen=True)
class Order:
    """Hang up a call or leg, or let the call go on with another document."""

    sid: str
    url: str | None = None
    """Where the next document is; None hangs up."""
    method: str = "POST"


class Orders:
    """The orders of one call, given by any thread, taken by the call's own."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[Order] = []
        self._is_over = False

    def give(self, order: Order) -> bool:
        """Leave an order and wake the call up; False when the call is over."""
        with self._lock:
            if self._is_over:
                return False
            self._waiting.append(order)
            self._clock.cut()
            return True

    def close(self) -> None:
        """The call is over: what was ordered too late disturbs its reports no more."""
        with self._lock:
            self._is_over = True
            self._clock.go_on()

    def take(self, *sids: str) -> Order | None:
        """Take the first order for one of these calls or legs; None when there is none."""
        with self._lock:
            found = next((order for order in self._waiting if order.sid in sids), None)
            if found is not None:
                self._waiting.remove(found)
        return found
