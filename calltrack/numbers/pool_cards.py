"""A pool's settings, and which of its numbers come first: what its page and the API tell."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts.model import Location
from calltrack.kernel.errors import NotFound
from calltrack.numbers.model import Pool, TrackingNumber
from calltrack.numbers.rules import is_far


@dataclass(frozen=True)
class PoolCard:
    """A pool as it is set, and the numbers visitors are shown in turn: the near ones and the far ones."""

    id: UUID
    name: str
    location_id: UUID
    location: str
    lease_seconds: int
    cooldown_seconds: int
    near: tuple[str, ...]
    near_numbers: tuple[str, ...]
    far_numbers: tuple[str, ...]


def pool_cards(session: Session, company_id: UUID) -> tuple[PoolCard, ...]:
    """Return every pool of a company, by location and name."""
    return _cards(session, company_id, None)


def pool_card(session: Session, company_id: UUID, pool_id: UUID) -> PoolCard:
    """Return one pool; raises NotFound when the company has none of that id."""
    found = _cards(session, company_id, pool_id)
    if not found:
        raise NotFound("The company has no such pool; see its list of numbers.")
    return found[0]


def _cards(session: Session, company_id: UUID, pool_id: UUID | None) -> tuple[PoolCard, ...]:
    query = (
        select(Pool, Location.name)
        .join(Location, (Location.company_id == Pool.company_id) & (Location.id == Pool.location_id))
        .where(Pool.company_id == company_id)
        .order_by(Location.name, Pool.name, Pool.id)
    )
    numbers = (
        select(TrackingNumber)
        .where(TrackingNumber.company_id == company_id, TrackingNumber.kind == "pool")
        .where(TrackingNumber.released_at.is_(None))
        .order_by(TrackingNumber.e164)
    )
    if pool_id is not None:
        query, numbers = query.where(Pool.id == pool_id), numbers.where(TrackingNumber.pool_id == pool_id)
    shown: dict[UUID | None, list[str]] = {}
    for number in session.scalars(numbers):
        if number.is_shown:
            shown.setdefault(number.pool_id, []).append(number.e164)
    return tuple(_card(pool, location, shown.get(pool.id, [])) for pool, location in session.execute(query))


def _card(pool: Pool, location: str, numbers: list[str]) -> PoolCard:
    return PoolCard(
        id=pool.id,
        name=pool.name,
        location_id=pool.location_id,
        location=location,
        lease_seconds=pool.lease_seconds,
        cooldown_seconds=pool.cooldown_seconds,
        near=tuple(pool.near),
        near_numbers=tuple(one for one in numbers if not is_far(one, pool.near)),
        far_numbers=tuple(one for one in numbers if is_far(one, pool.near)),
    )
