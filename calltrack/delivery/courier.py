"""The one courier of this process: its connections and access tokens are shared by all deliveries."""

from functools import lru_cache

from calltrack.destinations.sending import Courier
from calltrack.infra.http import HttpDoor
from calltrack.wiring import Services


def courier_of(services: Services) -> Courier:
    """Return this process's courier; only the demo's may reach the twins on this machine."""
    return _courier(allow_private=services.settings.is_demo)


@lru_cache
def _courier(*, allow_private: bool) -> Courier:
    return Courier(HttpDoor(allow_private=allow_private))
