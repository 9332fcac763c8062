"""Giving a tracking number its place: claimed for the company, in a pool or static, resting where it must.

Its id, and with it its history, stays whatever it is used for.
"""

from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company, Location
from calltrack.accounts.rules import settings_of
from calltrack.kernel.errors import Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.kernel.phone import pretty
from calltrack.numbers import rules
from calltrack.numbers.counting import count_number
from calltrack.numbers.model import Lease, NumberClaim, Pool, Slot, TrackingNumber
from calltrack.numbers.order_model import NumberUse
from calltrack.numbers.resting import Past, needs_rest, rests_until
from calltrack.numbers.use import Kind, Use


def place(
    session: Session,
    company_id: UUID,
    e164: str,
    use: Use,
    carrier_account_id: UUID,
    now: datetime,
    *,
    number_id: UUID | None = None,
) -> TrackingNumber:
    """Take a number into service; one that comes back keeps its id and rests before visitors see it.

    Raises:
        Conflict: it is in use here, belongs to another company, or is itself a line calls are put through to.
        NotFound: the company has no such pool or location.
    """
    location_id = location_of(session, company_id, use)
    refuse_own_line(session, company_id, e164)
    claim_number(session, company_id, e164)
    number = _known(session, company_id, e164)
    if number is None:
        number = TrackingNumber(
            company_id=company_id,
            id=number_id or new_id(now),
            e164=e164,
            kind=use.kind,
            location_id=location_id,
            created_at=now,
        )
        session.add(number)
    elif number.released_at is None:
        raise Conflict(f"The number {e164} is in use already; release it first.")
    else:
        _rest(session, number, use, location_id, now, was_away=True)
    number.released_at = number.leave_at = None
    number.leave_by = number.leave_said = ""
    number.carrier_account_id, number.health, number.findings = carrier_account_id, "unknown", []
    _put(number, use, location_id)
    session.flush()
    settle_slot(session, number, now)
    return number


def move(
    session: Session, company_id: UUID, number_id: UUID, use: Use, now: datetime, *, by: str
) -> TrackingNumber:
    """Give a number another use: its history stays, its old use is written down, it rests where it must.

    Raises:
        Conflict: it is about to be given back, or it would have to rest and cannot.
        NotFound: the company has no such number in use, pool or location.
    """
    number = in_use(session, company_id, number_id)
    if number.leave_at is not None:
        raise Conflict("This number is about to be given back; keep it first, then move it.")
    location_id = location_of(session, company_id, use)
    before = use_now(number)
    if before == use and number.location_id == location_id:
        return number
    is_place_changed = (before.kind, before.pool_id, number.location_id) != (
        use.kind, use.pool_id, location_id
    )  # fmt: skip
    _write_down(session, number, now, by)
    if is_place_changed:
        _rest(session, number, use, location_id, now, was_away=False)
        end_leases(session, number, now)
    _put(number, use, location_id)
    session.flush()
    settle_slot(session, number, now)
    return number


def settle_slot(session: Session, number: TrackingNumber, now: datetime) -> None:
    """Let visitors be shown a number that is fit and in a pool, and no other; its rest is the slot's."""
    # Locked against a change of what is near, and before the slot, as such a change locks them.
    pool = number.pool_id and session.get(
        Pool, (number.company_id, number.pool_id), with_for_update={"read": True}, populate_existing=True
    )
    slot = session.get(Slot, (number.company_id, number.id), with_for_update=True, populate_existing=True)
    if not number.is_shown or not pool:
        if slot is not None:
            session.delete(slot)
            session.flush()
        return
    if slot is not None and slot.pool_id == pool.id:
        return
    if slot is not None:
        session.delete(slot)
        session.flush()
    # A number that was taken out while somebody looked at it is his for as long as his lease lasts.
    held = session.scalar(
        select(Lease.shown_until)
        .where(Lease.company_id == number.company_id, Lease.number_id == number.id, Lease.shown_until > now)
        .order_by(Lease.shown_until.desc())
        .limit(1)
    )
    moments = [now - rules.UNTOUCHED, *(one for one in (held, number.rests_until) if one is not None)]
    session.add(
        Slot(
            company_id=number.company_id,
            number_id=number.id,
            pool_id=pool.id,
            busy_until=max(moments),
            is_far=rules.is_far(number.e164, pool.near),
        )
    )
    session.flush()
    count_number(session, number.company_id, number.id, now)


def end_leases(session: Session, number: TrackingNumber, now: datetime) -> None:
    """End what is shown now; an open page asks for another number with its next sign of life."""
    session.execute(
        update(Lease)
        .where(Lease.company_id == number.company_id, Lease.number_id == number.id, Lease.shown_until > now)
        .values(shown_until=now)
    )


def claim_number(session: Session, company_id: UUID, e164: str) -> None:
    """Take a number for a company on this server; again by the same company is no mistake.

    Raises:
        Conflict: another company has it.
    """
    session.execute(insert(NumberClaim).values(e164=e164, company_id=company_id).on_conflict_do_nothing())
    owner = session.scalar(select(NumberClaim.company_id).where(NumberClaim.e164 == e164))
    if owner != company_id:
        raise Conflict(f"The number {e164} is in use on this server; release it there first.")


def pool_of(session: Session, company_id: UUID, pool_id: UUID) -> Pool:
    """Return a pool; raises NotFound when the company has none of that id."""
    pool = session.get(Pool, (company_id, pool_id))
    if pool is None:
        raise NotFound("The company has no such pool; see its list of numbers.")
    return pool


def refuse_unknown_location(session: Session, company_id: UUID, location_id: UUID) -> None:
    """Raise NotFound when the company has no such location."""
    if session.get(Location, (company_id, location_id)) is None:
        raise NotFound("The company has no such location; see Settings, Locations.")


def refuse_own_line(session: Session, company_id: UUID, e164: str) -> None:
    """A tracking number that is put through to itself would ring for ever: raises Conflict."""
    rings = select(Location.name).where(Location.company_id == company_id, Location.forward_to == e164)
    if name := session.scalar(rings.limit(1)):
        raise Conflict(f"Calls of {name} are put through to {e164}; a tracking number is another number.")


def location_of(session: Session, company_id: UUID, use: Use) -> UUID:
    """Return the location whose line rings; raises NotFound for an unknown pool or location."""
    if use.pool_id is not None:
        return pool_of(session, company_id, use.pool_id).location_id
    assert use.location_id is not None
    refuse_unknown_location(session, company_id, use.location_id)
    return use.location_id


def in_use(session: Session, company_id: UUID, number_id: UUID) -> TrackingNumber:
    """Return a number and lock its row; raises NotFound when it is not in use."""
    number = session.get(
        TrackingNumber, (company_id, number_id), with_for_update=True, populate_existing=True
    )
    if number is None or number.released_at is not None:
        raise NotFound("This number is not in use; see the list of numbers.")
    return number


def use_now(number: TrackingNumber) -> Use:
    """Return what a number is for."""
    return Use(
        kind=cast(Kind, number.kind),
        pool_id=number.pool_id,
        location_id=number.location_id if number.kind == "static" else None,
        source=number.source,
        medium=number.medium,
        campaign=number.campaign,
    )


def close_use(session: Session, number: TrackingNumber, now: datetime, by: str) -> None:
    """Write down what a number was for until now: it ends, or becomes something else."""
    _write_down(session, number, now, by)


def _known(session: Session, company_id: UUID, e164: str) -> TrackingNumber | None:
    return session.scalars(
        select(TrackingNumber)
        .where(TrackingNumber.company_id == company_id, TrackingNumber.e164 == e164)
        .with_for_update()
    ).one_or_none()


def _put(number: TrackingNumber, use: Use, location_id: UUID) -> None:
    number.kind, number.pool_id, number.location_id = use.kind, use.pool_id, location_id
    number.source, number.medium, number.campaign = use.source, use.medium, use.campaign


def _write_down(session: Session, number: TrackingNumber, now: datetime, by: str) -> None:
    last = session.scalar(
        select(NumberUse.used_until)
        .where(NumberUse.company_id == number.company_id, NumberUse.number_id == number.id)
        .order_by(NumberUse.used_from.desc())
        .limit(1)
    )
    begun = last or number.created_at
    if now <= begun:  # It lasted no time: nobody can have called it in that use.
        return
    session.add(
        NumberUse(
            company_id=number.company_id,
            number_id=number.id,
            used_from=begun,
            used_until=now,
            kind=number.kind,
            pool_id=number.pool_id,
            location_id=number.location_id,
            source=number.source,
            medium=number.medium,
            campaign=number.campaign,
            ended_by=by,
        )
    )
    session.flush()


def _rest(
    session: Session, number: TrackingNumber, use: Use, location_id: UUID, now: datetime, *, was_away: bool
) -> None:
    """Set until when it rests; a number on its way to static keeps the rest it has, for a later pool."""
    if use.kind == "static":
        return
    was_static = number.kind == "static"
    if not needs_rest(
        was_static=was_static, was_away=was_away, same_location=number.location_id == location_id
    ):
        return
    days = settings_of(
        session.scalars(select(Company.settings).where(Company.id == number.company_id)).one()
    ).number_rest_days
    until = rests_until(_past(session, number, now), days)
    until = max(filter(None, (until, number.rests_until)), default=None)
    if use.kind == "overflow" and until is not None and until > now:
        raise Conflict(
            f"{pretty(number.e164)} rests until {until:%d.%m.%Y}, because people may still call its old use. "
            "Until then it cannot be the number that visitors share; take another one."
        )
    number.rests_until = until


_PAST = text(
    """
    SELECT (SELECT max(shown_until) FROM lease WHERE company_id = :company_id AND number_id = :number_id)
               AS last_shown_at,
           (SELECT max(started_at) FROM call WHERE company_id = :company_id AND number_id = :number_id)
               AS last_call_at
    """
)


def _past(session: Session, number: TrackingNumber, now: datetime) -> Past:
    row = session.execute(_PAST, {"company_id": number.company_id, "number_id": number.id}).one()
    shown = min(row.last_shown_at, now) if row.last_shown_at else None
    left_print = (number.released_at or now) if number.kind == "static" else None
    return Past(last_shown_at=shown, last_call_at=row.last_call_at, left_print_at=left_print)
