"""Pools and tracking numbers: make, add, target, release. A number belongs to one company on this server."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.kernel.ids import new_id
from calltrack.kernel.phone import to_e164
from calltrack.numbers import rules
from calltrack.numbers.masses import HAS_CALLED
from calltrack.numbers.model import NumberClaim, Pool, SiteTarget
from calltrack.numbers.placing import (
    close_use,
    end_leases,
    in_use,
    place,
    pool_of,
    refuse_unknown_location,
    settle_slot,
)
from calltrack.numbers.use import Use


def create_pool(
    session: Session,
    company_id: UUID,
    location_id: UUID,
    name: str,
    now: datetime,
    *,
    lease_seconds: int = 75,
    cooldown_seconds: int = 0,
    near: Sequence[str] = (),
) -> UUID:
    """Make an empty pool of a location; `near`: what `rules.near_in` returned. Returns its id.

    Raises:
        BadInput: no name, or times outside the limits.
        NotFound: the company has no such location.
    """
    rules.check_pool(name, lease_seconds, cooldown_seconds)
    refuse_unknown_location(session, company_id, location_id)
    pool = Pool(
        company_id=company_id,
        id=new_id(now),
        location_id=location_id,
        name=name.strip(),
        lease_seconds=lease_seconds,
        cooldown_seconds=cooldown_seconds,
        near=list(near),
        created_at=now,
    )
    session.add(pool)
    session.flush()
    return pool.id


def add_pool_numbers(
    session: Session,
    company_id: UUID,
    pool_id: UUID,
    carrier_account_id: UUID,
    numbers: Iterable[str],
    now: datetime,
) -> list[UUID]:
    """Add numbers that visitors are shown in turn; free at once. Returns their ids.

    Raises:
        BadInput: one of them is no phone number.
        Conflict: one of them is in use, here or by another company.
        NotFound: the company has no such pool.
    """
    use = Use(kind="pool", pool_id=pool_id)
    return [place(session, company_id, to_e164(text), use, carrier_account_id, now).id for text in numbers]


def add_overflow_number(
    session: Session, company_id: UUID, pool_id: UUID, carrier_account_id: UUID, number: str, now: datetime
) -> UUID:
    """Add the number that visitors share while all of the pool are on screen; returns its id.

    Raises:
        BadInput: it is no phone number.
        Conflict: it is in use, here or by another company.
        NotFound: the company has no such pool.
    """
    use = Use(kind="overflow", pool_id=pool_id)
    return place(session, company_id, to_e164(number), use, carrier_account_id, now).id


def add_static_number(
    session: Session,
    company_id: UUID,
    location_id: UUID,
    carrier_account_id: UUID,
    number: str,
    source: str,
    medium: str,
    campaign: str,
    now: datetime,
) -> UUID:
    """Add a number that stands for one source (a billboard, a call asset); returns its id.

    Raises:
        BadInput: it is no phone number.
        Conflict: it is in use, here or by another company.
        NotFound: the company has no such location.
    """
    use = Use(kind="static", location_id=location_id, source=source, medium=medium, campaign=campaign)
    return place(session, company_id, to_e164(number), use, carrier_account_id, now).id


def add_target(
    session: Session, company_id: UUID, site_id: UUID, target: str, location_id: UUID, pool_id: UUID
) -> None:
    """Let a pool's numbers take the place of a business number on a site; said again, it is changed.

    Raises:
        BadInput: it is no phone number.
        NotFound: the company has no such pool.
    """
    pool_of(session, company_id, pool_id)
    values = {"location_id": location_id, "pool_id": pool_id}
    session.execute(
        insert(SiteTarget)
        .values(company_id=company_id, site_id=site_id, target=to_e164(target), **values)
        .on_conflict_do_update(
            index_elements=[SiteTarget.company_id, SiteTarget.site_id, SiteTarget.target], set_=values
        )
    )


def remove_target(session: Session, company_id: UUID, site_id: UUID, target: str) -> bool:
    """Leave a business number on a site as it is from now on; tells whether it was replaced before."""
    found = session.execute(
        delete(SiteTarget)
        .where(
            SiteTarget.company_id == company_id,
            SiteTarget.site_id == site_id,
            SiteTarget.target == to_e164(target),
        )
        .returning(SiteTarget.target)
    )
    return found.first() is not None


# Slots are locked in the order in which the edge takes them.
_HELD = text(
    """
    SELECT s.number_id FROM number_slot s
    JOIN lease l ON l.company_id = s.company_id AND l.id = s.lease_id
    WHERE s.company_id = :company_id AND l.visit_id = ANY(:visits) AND NOT s.called
    ORDER BY s.pool_id, s.number_id FOR UPDATE OF s
    """
)
_CALLED = text(
    """
    UPDATE number_slot SET called = true, weight = weight * :has_called, own_1 = own_1 * :has_called,
        own_2 = own_2 * :has_called, own_3 = own_3 * :has_called, own_4 = own_4 * :has_called,
        own_5 = own_5 * :has_called
    WHERE company_id = :company_id AND number_id = ANY(:numbers)
      AND lease_id IN (SELECT id FROM lease WHERE company_id = :company_id AND visit_id = ANY(:visits))
    """
)
_CALLED_AT = text(
    """
    UPDATE lease SET called_at = :now
    WHERE company_id = :company_id AND visit_id = ANY(:visits) AND called_at IS NULL
    """
)


def note_called(session: Session, company_id: UUID, visit_ids: Collection[UUID], now: datetime) -> None:
    """Note that these visits have almost surely called: their numbers wait for their calls no more."""
    values = {"company_id": company_id, "visits": list(visit_ids)}
    held = list(session.scalars(_HELD, values))
    if held:
        session.execute(_CALLED, values | {"numbers": held, "has_called": HAS_CALLED})
    session.execute(_CALLED_AT, values | {"now": now})


def release_number(
    session: Session, company_id: UUID, number_id: UUID, now: datetime, *, by: str = "calltrack"
) -> None:
    """Give a number back: nobody is shown it from now on, its history stays, others may claim it.

    Raises:
        NotFound: the company has no such number in use.
    """
    number = in_use(session, company_id, number_id)
    close_use(session, number, now, by)
    number.released_at, number.leave_at = now, None
    session.flush()
    settle_slot(session, number, now)
    end_leases(session, number, now)
    session.execute(
        delete(NumberClaim).where(NumberClaim.e164 == number.e164, NumberClaim.company_id == company_id)
    )
