"""Pools and tracking numbers: make, add, target, release. A number belongs to one company on this server."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts.model import Location
from calltrack.kernel.errors import Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.kernel.phone import to_e164
from calltrack.numbers import rules
from calltrack.numbers.model import Lease, NumberClaim, Pool, SiteTarget, Slot, TrackingNumber


def create_pool(
    session: Session,
    company_id: UUID,
    location_id: UUID,
    name: str,
    now: datetime,
    *,
    lease_seconds: int = 150,
    cooldown_seconds: int = 60,
) -> UUID:
    """Make an empty pool of a location; returns its id.

    Raises:
        BadInput: no name, or times outside the limits.
        NotFound: the company has no such location.
    """
    rules.check_pool(name, lease_seconds, cooldown_seconds)
    _refuse_unknown_location(session, company_id, location_id)
    pool = Pool(
        company_id=company_id,
        id=new_id(now),
        location_id=location_id,
        name=name.strip(),
        lease_seconds=lease_seconds,
        cooldown_seconds=cooldown_seconds,
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
    location_id = _pool_of(session, company_id, pool_id).location_id
    added = []
    for text in numbers:
        number = _of_pool("pool", pool_id, location_id, carrier_account_id)
        number_id = _store(session, company_id, text, number, now)
        session.add(
            Slot(
                company_id=company_id,
                number_id=number_id,
                pool_id=pool_id,
                busy_until=now - rules.UNTOUCHED,
            )
        )
        added.append(number_id)
    session.flush()
    return added


def add_overflow_number(
    session: Session, company_id: UUID, pool_id: UUID, carrier_account_id: UUID, number: str, now: datetime
) -> UUID:
    """Add the number that visitors share while the pool is dry; returns its id.

    Raises:
        BadInput: it is no phone number.
        Conflict: it is in use, here or by another company.
        NotFound: the company has no such pool.
    """
    location_id = _pool_of(session, company_id, pool_id).location_id
    row = _of_pool("overflow", pool_id, location_id, carrier_account_id)
    return _store(session, company_id, number, row, now)


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
    _refuse_unknown_location(session, company_id, location_id)
    row = TrackingNumber(
        kind="static",
        pool_id=None,
        location_id=location_id,
        carrier_account_id=carrier_account_id,
        source=source,
        medium=medium,
        campaign=campaign,
    )
    return _store(session, company_id, number, row, now)


def add_target(
    session: Session, company_id: UUID, site_id: UUID, target: str, location_id: UUID, pool_id: UUID
) -> None:
    """Let a pool's numbers take the place of a business number on a site; said again, it is changed.

    Raises:
        BadInput: it is no phone number.
        NotFound: the company has no such pool.
    """
    _pool_of(session, company_id, pool_id)
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


def claim_number(session: Session, company_id: UUID, e164: str) -> None:
    """Take a number for a company on this server; again by the same company is no mistake.

    Raises:
        Conflict: another company has it.
    """
    session.execute(insert(NumberClaim).values(e164=e164, company_id=company_id).on_conflict_do_nothing())
    owner = session.scalar(select(NumberClaim.company_id).where(NumberClaim.e164 == e164))
    if owner != company_id:
        raise Conflict(f"The number {e164} is in use on this server; release it there first.")


def release_number(session: Session, company_id: UUID, number_id: UUID, now: datetime) -> None:
    """Give a number back: nobody is shown it from now on, its history stays, others may claim it.

    Raises:
        NotFound: the company has no such number in use.
    """
    number = session.get(TrackingNumber, (company_id, number_id))
    if number is None or number.released_at is not None:
        raise NotFound("This number is not in use; see the list of numbers.")
    number.released_at = now
    session.execute(delete(Slot).where(Slot.company_id == company_id, Slot.number_id == number_id))
    session.execute(
        update(Lease)
        .where(Lease.company_id == company_id, Lease.number_id == number_id, Lease.shown_until > now)
        .values(shown_until=now)
    )
    session.execute(
        delete(NumberClaim).where(NumberClaim.e164 == number.e164, NumberClaim.company_id == company_id)
    )


def _pool_of(session: Session, company_id: UUID, pool_id: UUID) -> Pool:
    pool = session.get(Pool, (company_id, pool_id))
    if pool is None:
        raise NotFound("The company has no such pool; see its list of numbers.")
    return pool


def _refuse_unknown_location(session: Session, company_id: UUID, location_id: UUID) -> None:
    if session.get(Location, (company_id, location_id)) is None:
        raise NotFound("The company has no such location; see Settings, Locations.")


def _of_pool(kind: str, pool_id: UUID, location_id: UUID, carrier_account_id: UUID) -> TrackingNumber:
    return TrackingNumber(
        kind=kind,
        pool_id=pool_id,
        location_id=location_id,
        carrier_account_id=carrier_account_id,
        source="",
        medium="",
        campaign="",
    )


def _refuse_own_line(session: Session, company_id: UUID, e164: str) -> None:
    """A tracking number that is put through to itself would ring for ever."""
    rings = select(Location.name).where(Location.company_id == company_id, Location.forward_to == e164)
    if name := session.scalar(rings.limit(1)):
        raise Conflict(f"Calls of {name} are put through to {e164}; a tracking number is another number.")


def _store(session: Session, company_id: UUID, text: str, number: TrackingNumber, now: datetime) -> UUID:
    e164 = to_e164(text)
    _refuse_own_line(session, company_id, e164)
    claim_number(session, company_id, e164)
    old = session.scalar(
        select(TrackingNumber).where(TrackingNumber.company_id == company_id, TrackingNumber.e164 == e164)
    )
    if old is not None and old.released_at is None:
        raise Conflict(f"The number {e164} is in use already; release it first.")
    number.company_id, number.id, number.e164 = company_id, old.id if old else new_id(now), e164
    number.created_at, number.released_at = old.created_at if old else now, None
    # A number that comes back keeps its id and with it its history.
    session.merge(number)
    session.flush()
    return number.id
