"""How much one client network and one site may ask of the edge, counted in this process (memory only).

A counter of our own: the storage of the `limits` package starts a thread for about every third request, which
cost more than all else together (measured: 400 us a hit under load, this one 0.3 us).
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from calltrack.kernel.errors import CalltrackError
from calltrack.visits.addresses import is_local
from calltrack.visits.holds import Holds
from calltrack.visits.service import Shown

# Requests a minute. An office behind one address stays far below, a flood does not.
PER_NETWORK = {"visit": 600, "beat": 3_000, "form": 60}
VISITS_PER_SITE = 30_000
MOVED_SHARES = 3


class TooMany(CalltrackError):
    """More requests than a network of people sends (HTTP 429)."""


class Window:
    """Counts per key within the running minute; all counters fall to zero together when it ends."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        """Begin at zero; `seconds` is a clock that never goes back."""
        self._seconds = seconds
        self._lock = threading.Lock()
        self._minute = -1
        self._counts: dict[tuple[str, str], int] = {}

    def count(self, what: str, who: str) -> int:
        """Count one more of `what` by `who`; returns how many there were in this minute."""
        minute = int(self._seconds() // 60)
        with self._lock:
            if minute != self._minute:
                self._minute, self._counts = minute, {}
            counted = self._counts.get((what, who), 0) + 1
            self._counts[what, who] = counted
            return counted


class Admission:
    """Rate limits per client network and per site, and each network's share of a pool."""

    def __init__(
        self, per_network: Mapping[str, int] = PER_NETWORK, visits_per_site: int = VISITS_PER_SITE
    ) -> None:
        """Begin to count from zero."""
        self.holds = Holds()
        self._window = Window()
        self._per_network = per_network
        self._visits_per_site = visits_per_site

    def check_network(self, what: str, network: str) -> None:
        """Count a request (`visit`, `beat` or `form`) of a client network.

        Raises:
            TooMany: the network asked too often in this minute.
        """
        if self._window.count(what, network) > self._per_network[what]:
            raise TooMany("Too many requests from this network; try again in a minute.")

    def check_site(self, site_id: str) -> None:
        """Count a page load of a site.

        Raises:
            TooMany: the site was asked for too often in this minute.
        """
        if self._window.count("site", site_id) > self._visits_per_site:
            raise TooMany("Too many requests for this site; try again in a minute.")

    def reserve(
        self,
        caps: Mapping[str, int],
        network: str,
        visit: str,
        lease_seconds: int,
        *,
        has_moved: bool = False,
    ) -> frozenset[str]:
        """Count a visit into its network's share of each pool; returns the pools whose share is used up.

        Visits of which a sign of somebody came (`has_moved`) have a share three times as large: many
        people share an office's or a mobile network's address.
        This machine and private networks have no share: no stranger comes from there.
        """
        if is_local(network):
            return frozenset()
        factor = MOVED_SHARES if has_moved else 1
        return frozenset(
            pool
            for pool, cap in caps.items()
            if not self.holds.reserve(pool, network, visit, cap * factor, lease_seconds)
        )

    def crowded(self, caps: Mapping[str, int], network: str, visit: str) -> frozenset[str]:
        """Return the pools of which this visit holds no number and its network its whole share."""
        if is_local(network):
            return frozenset()
        return frozenset(pool for pool, cap in caps.items() if self.holds.is_full(pool, network, visit, cap))

    def settle(
        self, pools: Sequence[str], network: str, visit: str, shown: Shown | None, lease_seconds: int
    ) -> None:
        """Replace the reservations by what the visit was really shown."""
        if is_local(network):
            return
        for pool in pools:
            has_own = shown is not None and pool in shown.numbers and pool not in shown.shared
            holder = shown.visit if shown is not None and has_own else None
            self.holds.settle(pool, network, visit, holder, lease_seconds)
