"""The one courier of this process: its connections and access tokens are shared by all deliveries."""

from functools import lru_cache

from calltrack.destinations.sending import Courier
from calltrack.infra.http import HttpDoor
from calltrack.wiring import Services


def courier_of(services: Services) -> Courier:
    """Return this process's courier; only the demo's may reach the twins on this machine."""
    return _courier(allow_private=services.settings.is_demo)


def door_of(services: Services) -> HttpDoor:
    """Return this process's door to other people's servers."""
    return _door(allow_private=services.settings.is_demo)


@lru_cache
def _courier(*, allow_private: bool) -> Courier:
    return Courier(_door(allow_private=allow_private))


@lru_cache
def _door(*, allow_private: bool) -> HttpDoor:
    return HttpDoor(allow_private=allow_private)
