"""What a person did, one event each, in the order in which rules look at it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

# Of events of one moment, the cause comes before what follows from it.
KINDS: Final = ("visit", "form", "tap", "call", "touchpoint", "lead", "purchase")
_RANK: Final = {kind: rank for rank, kind in enumerate(KINDS)}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing a person did; words that its kind does not know stay empty.

    pages, seconds, contact, price, landing, last_page: of a visit. talked, talk_seconds, ring_seconds, tags,
    work, country, city: of a call. name: what a touchpoint is. value_minor: of a purchase in the company's
    currency.
    """

    at: datetime
    kind: str
    id: UUID
    source: str = ""
    medium: str = ""
    campaign: str = ""
    landing: str = ""
    last_page: str = ""
    pages: int = 0
    seconds: int = 0
    contact: bool = False
    price: bool = False
    talked: bool = False
    talk_seconds: int = 0
    ring_seconds: int = 0
    tags: tuple[str, ...] = ()
    work: str = ""
    country: str = ""
    city: str = ""
    name: str = ""
    value_minor: int = 0
    is_demo: bool = False


def in_order(events: Iterable[Event]) -> list[Event]:
    """Return each event once, in time order; equal moments by kind, then by id."""
    known = {(one.kind, one.id): one for one in events}
    return sorted(known.values(), key=lambda one: (one.at, _RANK[one.kind], one.id))
