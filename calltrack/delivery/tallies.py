"""Once a day: what we sent beside what the platform says it has counted, for each destination that tells."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.delivery.courier import courier_of
from calltrack.delivery.model import DeliveryTally, DestinationAccount
from calltrack.delivery.our_counts import Ours, Receipt, day_of, ours_of, receipts_of
from calltrack.delivery.receipts import COULD_NOT_BE_READ, MOST_RECEIPTS, receipts_compared
from calltrack.delivery.trip import Trip, trip_to
from calltrack.destinations import DESTINATIONS
from calltrack.destinations.base import Tally
from calltrack.destinations.sending import Courier
from calltrack.infra import outbox
from calltrack.infra.outbox import Fact
from calltrack.wiring import Services

# Where a platform did not answer it is asked again after this long.
AGAIN_AFTER: Final = timedelta(hours=6)
# A day is asked about when it has been over for this long: platforms count late.
SETTLES: Final = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class TallyRow:
    """One day of a destination as pages and the API show it."""

    day: date
    sent: int
    confirmed: int
    rejected: int
    received: int | None
    counted: int | None
    refused: int | None
    difference: int | None
    note: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Comparison:
    """The newest comparison of a destination, as the ledger shows it; `difference` is theirs minus ours."""

    destination_id: UUID
    name: str
    day: date
    sent: int
    difference: int


def tells_counts(kind: str) -> bool:
    """Tell whether a kind of destination has counters of its own that can be asked for."""
    found = DESTINATIONS.get(kind)
    return found is not None and found.tells_counts()


def ask_for_tallies(services: Services) -> int:
    """Record a fact for each destination whose comparison of yesterday is missing; returns how many."""
    now = services.clock()
    with services.db.system() as system:
        rows = system.execute(
            text("SELECT company_id, id, kind FROM destination WHERE status = 'active' ORDER BY company_id")
        ).all()
    asked = 0
    for row in rows:
        if tells_counts(row.kind):
            with services.db.tenant(row.company_id) as session:
                asked += _ask_once(session, row.company_id, row.id, day_over(now), now)
    return asked


def day_over(now: datetime) -> date:
    """Return the last day (UTC) that has been over for long enough to be counted."""
    return (now.astimezone(UTC) - SETTLES).date() - timedelta(days=1)


def compare(
    services: Services, company_id: UUID, destination_id: UUID, *, courier: Courier | None = None
) -> None:
    """Ask the platform for the last day that is over and keep the comparison; again, it replaces it."""
    now = services.clock()
    day = day_over(now)
    with services.db.tenant(company_id) as session:
        account = session.get(DestinationAccount, (company_id, destination_id))
        if account is None or account.status != "active" or not tells_counts(account.kind):
            return
        trip = trip_to(services, courier or courier_of(services), account, now)
        ours = ours_of(session, company_id, destination_id, day)
        receipts: tuple[Receipt, ...] = ()
        if trip.destination.counts_receipts:
            receipts = receipts_of(session, company_id, destination_id, day)
    if trip.destination.counts_receipts:
        ours, theirs = receipts_compared(trip, receipts[:MOST_RECEIPTS], ours, of=len(receipts))
    else:
        theirs = _told(trip, day)
    with services.db.tenant(company_id) as session:
        _keep(session, company_id, destination_id, day, ours, theirs, now)


def _told(trip: Trip, day: date) -> Tally:
    """Ask for the platform's counters of a whole day."""
    since, until = day_of(day)
    asked = trip.courier.tally(trip.destination, trip.settings, since, until, trip.now(), trip.keep)
    if isinstance(asked, Tally):
        return asked
    return Tally(note=COULD_NOT_BE_READ if asked is None else asked.message)


def difference(ours: Ours, theirs: Tally) -> int | None:
    """Return theirs minus ours: what counts there against what we know confirmed, else what arrived."""
    if theirs.counted is not None:
        return theirs.counted - ours.confirmed
    if theirs.received is not None:
        return theirs.received - ours.sent
    return None


def tallies(session: Session, company_id: UUID, destination_id: UUID, most: int = 14) -> tuple[TallyRow, ...]:
    """Return the newest comparisons of a destination."""
    rows = session.execute(
        select(
            DeliveryTally.day, DeliveryTally.sent, DeliveryTally.confirmed, DeliveryTally.rejected,
            DeliveryTally.received, DeliveryTally.counted, DeliveryTally.refused, DeliveryTally.difference,
            DeliveryTally.note, DeliveryTally.asked_at,
        )
        .where(DeliveryTally.company_id == company_id, DeliveryTally.destination_id == destination_id)
        .order_by(DeliveryTally.day.desc())
        .limit(most)
    )  # fmt: skip
    return tuple(TallyRow(**row._mapping) for row in rows)


def newest(session: Session, company_id: UUID, since: date) -> tuple[Comparison, ...]:
    """Return the newest comparison of each destination that was told something since that day, by name."""
    rows = session.execute(_NEWEST, {"company_id": company_id, "since": since})
    return tuple(Comparison(**row._mapping) for row in rows)


_NEWEST = text(
    """
    SELECT * FROM (
        SELECT DISTINCT ON (t.destination_id) t.destination_id, d.name, t.day, t.sent, t.difference
        FROM delivery_tally t
        JOIN destination d ON d.company_id = t.company_id AND d.id = t.destination_id
        WHERE t.company_id = :company_id AND t.day >= :since AND t.difference IS NOT NULL
          AND d.status <> 'removed'
        ORDER BY t.destination_id, t.day DESC) newest
    ORDER BY name, destination_id
    """
)


def _ask_once(session: Session, company_id: UUID, destination_id: UUID, day: date, now: datetime) -> bool:
    kept = session.get(DeliveryTally, (company_id, destination_id, day))
    if kept is not None and not (_is_silent(kept) and now - kept.asked_at >= AGAIN_AFTER):
        return False
    waiting = session.scalar(
        select(Fact.id).where(
            Fact.company_id == company_id,
            Fact.done_at.is_(None),
            Fact.kind == "tally.due",
            Fact.subject_id == destination_id,
        )
    )
    if waiting is not None:
        return False
    outbox.record(session, company_id, "tally.due", destination_id, now)
    return True


def _is_silent(row: DeliveryTally) -> bool:
    return row.received is None and row.counted is None and row.refused is None


def _keep(
    session: Session,
    company_id: UUID,
    destination_id: UUID,
    day: date,
    ours: Ours,
    theirs: Tally,
    now: datetime,
) -> None:
    key = {"company_id": company_id, "destination_id": destination_id, "day": day}
    values: dict[str, Any] = {
        "sent": ours.sent, "confirmed": ours.confirmed, "rejected": ours.rejected,
        "received": theirs.received, "counted": theirs.counted, "refused": theirs.refused,
        "difference": difference(ours, theirs), "note": theirs.note, "asked_at": now,
    }  # fmt: skip
    session.execute(
        insert(DeliveryTally)
        .values(**key, **values)
        .on_conflict_do_update(index_elements=list(key), set_=values)
    )
