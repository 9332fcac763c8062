"""How much one client network and one site may ask of the edge, counted in this process (memory only)."""

from collections.abc import Mapping, Sequence

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from calltrack.kernel.errors import CalltrackError
from calltrack.visits import rules
from calltrack.visits.holds import Holds
from calltrack.visits.service import Shown

# Requests a minute. An office behind one address stays far below, a flood does not.
PER_NETWORK = {"visit": 600, "beat": 3_000}
VISITS_PER_SITE = 30_000


class TooMany(CalltrackError):
    """More requests than a network of people sends (HTTP 429)."""


class Admission:
    """Rate limits per client network and per site, and each network's share of a pool."""

    def __init__(
        self, per_network: Mapping[str, int] = PER_NETWORK, visits_per_site: int = VISITS_PER_SITE
    ) -> None:
        """Begin to count from zero."""
        self.holds = Holds()
        self._window = FixedWindowRateLimiter(MemoryStorage())
        self._per_network = {what: RateLimitItemPerMinute(most) for what, most in per_network.items()}
        self._per_site = RateLimitItemPerMinute(visits_per_site)

    def check_network(self, what: str, network: str) -> None:
        """Count a request (`visit` or `beat`) of a client network.

        Raises:
            TooMany: the network asked too often in this minute.
        """
        if not self._window.hit(self._per_network[what], what, network):
            raise TooMany("Too many requests from this network; try again in a minute.")

    def check_site(self, site_id: str) -> None:
        """Count a page load of a site.

        Raises:
            TooMany: the site was asked for too often in this minute.
        """
        if not self._window.hit(self._per_site, "site", site_id):
            raise TooMany("Too many requests for this site; try again in a minute.")

    def reserve(
        self, caps: Mapping[str, int], network: str, visit: str, lease_seconds: int
    ) -> frozenset[str]:
        """Count a visit into its network's share of each pool; returns the pools whose share is used up.

        This machine and private networks have no share: no stranger comes from there.
        """
        if rules.is_local(network):
            return frozenset()
        return frozenset(
            pool
            for pool, cap in caps.items()
            if not self.holds.reserve(pool, network, visit, cap, lease_seconds)
        )

    def settle(
        self, pools: Sequence[str], network: str, visit: str, shown: Shown | None, lease_seconds: int
    ) -> None:
        """Replace the reservations by what the visit was really shown."""
        if rules.is_local(network):
            return
        for pool in pools:
            has_own = shown is not None and pool in shown.numbers and pool not in shown.overflowed
            holder = shown.visit if shown is not None and has_own else None
            self.holds.settle(pool, network, visit, holder, lease_seconds)
