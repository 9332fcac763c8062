"""The kept call masses, counted anew from stored leases and visits; and what has faded is forgotten.

The edge keeps the same sums with every visit (`migrations/edge_0024`). This is how they come back after a
restore, a move of a number, or a change of the rule.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import Uuid, bindparam, delete, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from calltrack.infra.db import Database
from calltrack.kernel.ids import first_id_of
from calltrack.kernel.origin import campaign_key, source_key
from calltrack.numbers.masses import FADES, Floats, weight
from calltrack.numbers.model import Lease, Mass, Slot

# Older than that, a holder weighs less than the ninth decimal of a score, however many there were.
REMEMBERED = timedelta(seconds=FADES[-1] * 22)
# A sum below that changes no score any more.
NOTHING = 1e-10
SUMS = ("sum_1", "sum_2", "sum_3", "sum_4", "sum_5")
OWN = ("own_1", "own_2", "own_3", "own_4", "own_5")
# Sums stand for the beginning of a window; smaller exponents and sums are taken for nothing (see edge_0024).
WINDOW, LEAST, TINY = 108_000.0, -600.0, 1e-30
_FADES = np.array(FADES)

_HELD = text(
    """
    SELECT l.id, l.shown_from, coalesce(l.counted_until, l.last_seen_at) AS counted, l.last_seen_at,
        l.shown_until, l.is_overflow, l.contact_at, l.copied_at, l.called_at,
        v.visitor_id, v.source, v.medium, v.campaign
    FROM lease l LEFT JOIN visit v ON v.company_id = l.company_id AND v.id = l.visit_id
    WHERE l.company_id = :company_id AND l.number_id = :number_id
      AND (l.id >= :since OR l.id = :held)
    ORDER BY l.shown_from, l.id
    """
)
_LEFT = " + ".join(
    f"{name} * exp(greatest((summed_at - :at) / {fade}, {LEAST}))"
    for name, fade in zip(SUMS, FADES, strict=True)
)
_FADED = text(
    f"DELETE FROM number_mass WHERE company_id = :company_id AND {_LEFT} < :nothing RETURNING number_id"  # noqa: S608 - constants of this file
)


def count_number(session: Session, company_id: UUID, number_id: UUID, now: datetime) -> bool:
    """Count a number's call masses anew, its slot locked until the transaction ends; False: it has none.

    A number that came to its pool after its last lease has no holder: all its leases are in the sums.
    """
    slot = session.get(Slot, (company_id, number_id), with_for_update=True, populate_existing=True)
    if slot is None:
        return False
    values = {"company_id": company_id, "number_id": number_id, "held": slot.lease_id}
    values["since"] = first_id_of(now - REMEMBERED)
    leases = session.execute(_HELD, values).all()
    session.execute(delete(Mass).where(Mass.company_id == company_id, Mass.number_id == number_id))
    if not leases:
        return True
    is_held = slot.lease_id is not None
    at = now.timestamp() // WINDOW * WINDOW
    sums = _sums(leases[:-1] if is_held else leases, leases, at)
    slot.summed_at = at
    for name, value in zip(SUMS, sums.pop("", np.zeros(len(SUMS))), strict=True):
        setattr(slot, name, float(value))
    for origin, found in sums.items():
        row = Mass(company_id=company_id, pool_id=slot.pool_id, origin=origin, number_id=number_id)
        row.summed_at = at
        for name, value in zip(SUMS, found, strict=True):
            setattr(row, name, float(value))
        session.add(row)
    if is_held:
        _hold(slot, leases)
    session.flush()
    return True


def _hold(slot: Slot, leases: Sequence[Row[Any]]) -> None:
    """Put down the latest lease as the number's holder."""
    latest = leases[-1]
    alone = max((one.shown_from for one in leases if not one.is_overflow), default=leases[0].shown_from)
    slot.lease_id, slot.visitor_id, slot.given_at, slot.alone_since = (
        latest.id, latest.visitor_id, latest.shown_from, alone,
    )  # fmt: skip
    slot.seen_at = max(one.last_seen_at for one in leases)
    slot.busy_until = max(one.shown_until for one in leases if one.shown_from >= alone)
    _, slot.source, slot.campaign = (*_origins(latest), "", "")[:3]
    slot.held_at = latest.last_seen_at.timestamp()
    slot.saw_contact, slot.copied, slot.called = (
        one is not None for one in (latest.contact_at, latest.copied_at, latest.called_at)
    )
    slot.weight = _weight(latest, None)
    for name, value in zip(OWN, _as_of(latest.last_seen_at, slot.weight, slot.summed_at), strict=True):
        setattr(slot, name, float(value))


def numbers_of(session: Session, company_id: UUID, *, uncounted: bool = False) -> list[UUID]:
    """Return the numbers that visitors are shown; `uncounted`: held, but with no sums yet."""
    query = select(Slot.number_id).where(Slot.company_id == company_id).order_by(Slot.pool_id, Slot.number_id)
    if uncounted:
        query = query.where(Slot.summed_at == 0, Slot.lease_id.is_not(None))
    return list(session.scalars(query))


def count_company(db: Database, company_id: UUID, now: datetime, *, uncounted: bool = False) -> int:
    """Count the company's numbers anew, each in a transaction of its own; returns how many."""
    with db.tenant(company_id) as session:
        numbers = numbers_of(session, company_id, uncounted=uncounted)
    for number_id in numbers:
        with db.tenant(company_id) as session:
            count_number(session, company_id, number_id, now)
    return len(numbers)


def rename_holders(session: Session, company_id: UUID, instead: Mapping[UUID, UUID]) -> None:
    """Forget which browser holds and held numbers, as its visits do: it is a new one when it comes again."""
    values = {"company_id": company_id, "before": list(instead), "after": list(instead.values())}
    for statement in _RENAME:
        session.execute(statement, values)


_RENAME = tuple(
    text(statement).bindparams(
        bindparam("before", type_=ARRAY(Uuid())), bindparam("after", type_=ARRAY(Uuid()))
    )
    for statement in (
        # A number's latest lease outlives its visit.
        """
        UPDATE lease l SET visitor_id = new.after, region = NULL
        FROM unnest(:before, :after) AS new (before, after)
        JOIN number_slot s ON s.company_id = :company_id AND s.visitor_id = new.before
        WHERE l.company_id = :company_id AND l.id = s.lease_id AND l.visitor_id = new.before
        """,
        """
        UPDATE number_slot s SET visitor_id = new.after FROM unnest(:before, :after) AS new (before, after)
        WHERE s.company_id = :company_id AND s.visitor_id = new.before
        """,
        """
        UPDATE lease l SET visitor_id = new.after, region = NULL
        FROM unnest(:before, :after) AS new (before, after)
        JOIN visit v ON v.company_id = :company_id AND v.visitor_id = new.after
        WHERE l.company_id = :company_id AND l.visit_id = v.id AND l.visitor_id = new.before
        """,
    )
)


def forget_leases(session: Session, company_id: UUID, before: datetime, most: int) -> int:
    """Delete leases of before a moment, the oldest, so many at most; returns how many.

    A number's latest one stays: it says who holds it.
    """
    old = (
        select(Lease.id)
        .where(
            Lease.company_id == company_id,
            Lease.id < first_id_of(before),
            Lease.last_seen_at < before,
            ~select(Slot.lease_id)
            .where(Slot.company_id == Lease.company_id, Slot.number_id == Lease.number_id)
            .where(Slot.lease_id == Lease.id)
            .exists(),
        )
        .order_by(Lease.id)
        .limit(most)
    )
    gone = list(session.scalars(old))
    session.execute(delete(Lease).where(Lease.company_id == company_id, Lease.id.in_(gone)))
    return len(gone)


def forget_faded(session: Session, company_id: UUID, now: datetime) -> int:
    """Delete the sums of origins that weigh nothing any more; returns how many."""
    gone = session.execute(_FADED, {"company_id": company_id, "at": now.timestamp(), "nothing": NOTHING})
    return len(gone.all())


def _sums(counted: Sequence[Row[Any]], leases: Sequence[Row[Any]], at: float) -> dict[str, Floats]:
    """Return the five sums of all holders (under '') and of each origin, as they stand at a moment."""
    sums: dict[str, Floats] = {}
    for place, lease in enumerate(counted):
        given_on = leases[place + 1].shown_from if place + 1 < len(leases) else None
        heavy = _weight(lease, given_on)
        faded = _as_of(lease.counted, heavy, at)
        for origin in _origins(lease):
            sums[origin] = sums.get(origin, np.zeros(len(SUMS))) + faded
    return sums


def _as_of(moment: datetime, heavy: float, at: float) -> Floats:
    found: Floats = heavy * np.exp(np.maximum((moment.timestamp() - at) / _FADES, LEAST))
    found[found < TINY] = 0.0
    return found


def _weight(lease: Row[Any], until: datetime | None) -> float:
    """Return how likely the lease's visit was to call, when the number was given on."""

    def had(moment: datetime | None) -> bool:
        return moment is not None and (until is None or moment <= until)

    stayed = (lease.counted - lease.shown_from).total_seconds()
    return weight(
        stayed, contact=had(lease.contact_at), copied=had(lease.copied_at), called=had(lease.called_at)
    )


def _origins(lease: Row[Any]) -> Iterator[str]:
    yield ""
    if lease.source is not None:
        yield source_key(lease.source, lease.medium)
        yield campaign_key(lease.source, lease.medium, lease.campaign)
