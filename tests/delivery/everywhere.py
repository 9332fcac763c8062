"""One company connected to every platform there is, and visits that carry what every platform asks for."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from calltrack.conversions.model import ConversionChange
from calltrack.destinations import DESTINATIONS
from calltrack.sandbox.platforms.accounts import SETTINGS
from tests.delivery.world import World

# Which state a delivery ends in that the platform has taken: asynchronous ones judge later.
TAKEN = ("accepted", "confirmed")


def connect_all(world: World, names: Collection[str] = tuple(DESTINATIONS)) -> dict[str, UUID]:
    """Connect the company to each of these platforms; a new platform is included by its registry line."""
    return {name: world.connect(name, SETTINGS[name](world.origin)) for name in names}


def conversions(world: World, count: int, *, bad: Sequence[int] = (), planned: bool = True) -> list[UUID]:
    """Store conversions whose visits have every platform's click id and consent; returns the first changes.

    The click ids of the `bad` ones begin with INVALID, which every twin refuses.
    """
    marks = [mark(place, bad) for place in range(count)]
    return world.conversions(count, gclids=marks, planned=planned, carrying=carried)


def carried(click: str, visit_id: UUID, started_at: datetime) -> dict[str, Any]:
    """Return what a visit with this click carries of every platform."""
    own, number = f"{click}-{visit_id}", visit_id.int % 900_000_000 + 100_000_000
    bad = click.startswith("INVALID")
    clicked = int(started_at.timestamp() * 1000)
    return {
        "click_ids": {
            "gclid": own, "fbclid": own, "ttclid": own,
            "msclkid": "INVALID" if bad else visit_id.hex,
            "li_fat_id": "INVALID" if bad else str(visit_id),
        },
        "ad_cookies": {
            "_ga": f"GA1.1.{number}.1790000000", "_fbp": f"fb.1.{clicked}.{number}",
            "_fbc": f"fb.1.{clicked}.{own}",
        },
        "consent": {"ad": True, "measure": True},
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
        "landing_url": "https://www.prova.test/",
    }  # fmt: skip


def mark(place: int, bad: Sequence[int]) -> str:
    """Return a click id of this place, refused everywhere or taken everywhere."""
    return f"{'INVALID' if place in bad else 'Cj0'}-{place}"


def upload_ids(world: World, changes: Sequence[UUID]) -> set[str]:
    """Return the ids under which platforms know these conversions."""
    with world.services.db.tenant(world.company.id) as session:
        found = session.query(ConversionChange.conversion_id).filter(ConversionChange.id.in_(changes))
        return {f"conv-{id_.hex}" for (id_,) in found}


def counted(world: World, destinations: Mapping[str, UUID]) -> dict[str, int]:
    """Return how often each platform's twin counts something."""
    return {name: len(world.effects(name)) for name in destinations}
