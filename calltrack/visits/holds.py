"""How many numbers of a pool each client network holds, counted in this process.

A flood from one /24 (IPv6: /56) must not drain a pool: past its share a network is shown a number that others
have already.
Several edge processes count each for itself, so the true limit is the share times their number.
"""

import threading
import time
from collections.abc import Callable

SWEEP_SECONDS = 60.0


class Holds:
    """(pool, network) -> visits that hold a number there, until when."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        """Begin with no holds; `seconds` is a clock that never goes back."""
        self._seconds = seconds
        self._held: dict[tuple[str, str], dict[str, float]] = {}
        self._lock = threading.Lock()
        self._sweep_at = 0.0

    def reserve(self, pool_id: str, network: str, visit: str, cap: int, lease_seconds: float) -> bool:
        """Count a visit that may get a number; False when the network holds its share already."""
        now = self._seconds()
        with self._lock:
            self._sweep(now)
            held = self._held.setdefault((pool_id, network), {})
            if len(held) >= cap:
                _drop_expired(held, now)
                if len(held) >= cap:
                    return False
            held[visit] = now + lease_seconds
            return True

    def is_full(self, pool_id: str, network: str, visit: str, cap: int) -> bool:
        """Whether visits of the network other than this one hold its share."""
        now = self._seconds()
        with self._lock:
            held = self._held.get((pool_id, network), {})
            return sum(until >= now for one, until in held.items() if one != visit) >= cap

    def settle(
        self, pool_id: str, network: str, visit: str, holder: str | None, lease_seconds: float
    ) -> None:
        """Replace a reservation by the visit that holds the number now; None: nobody does."""
        with self._lock:
            held = self._held.setdefault((pool_id, network), {})
            held.pop(visit, None)
            if holder is not None:
                held[holder] = self._seconds() + lease_seconds

    def extend(self, pool_id: str, network: str, visit: str, lease_seconds: float) -> None:
        """Lengthen what the visit holds; nothing where it holds nothing."""
        with self._lock:
            held = self._held.get((pool_id, network))
            if held is not None and visit in held:
                held[visit] = self._seconds() + lease_seconds

    def _sweep(self, now: float) -> None:
        if now < self._sweep_at:
            return
        self._sweep_at = now + SWEEP_SECONDS
        for key, held in list(self._held.items()):
            _drop_expired(held, now)
            if not held:
                del self._held[key]


def _drop_expired(held: dict[str, float], now: float) -> None:
    for visit in [visit for visit, until in held.items() if until < now]:
        del held[visit]
