"""What the ledger itself says of one destination and day: the side of a comparison that is ours."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.kernel.ids import first_id_of

# How long before it leaves a delivery may have been planned and is still looked for.
PLANNED_WITHIN: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Ours:
    """Deliveries of one destination and day: the platform took, confirmed, refused."""

    sent: int
    confirmed: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """A request that the platform accepted for a later verdict, and what the ledger says of its deliveries.

    `carried` is how many left with it; those that were sent again since belong to a newer receipt.
    """

    id: str
    carried: int
    confirmed: int
    rejected: int


def day_of(day: date) -> tuple[datetime, datetime]:
    """Return when a day begins and ends (UTC)."""
    since = datetime.combine(day, time(), tzinfo=UTC)
    return since, since + timedelta(days=1)


def ours_of(session: Session, company_id: UUID, destination_id: UUID, day: date) -> Ours:
    """Count the day's deliveries by the moment the platform answered."""
    row = session.execute(_OURS, _of_day(company_id, destination_id, day)).one()
    return Ours(row.sent, row.confirmed, row.rejected)


def receipts_of(session: Session, company_id: UUID, destination_id: UUID, day: date) -> tuple[Receipt, ...]:
    """Return the receipts that the platform gave on that day, those with the most deliveries first."""
    rows = session.execute(_RECEIPTS, _of_day(company_id, destination_id, day))
    return tuple(Receipt(row.id, row.carried, row.confirmed, row.rejected) for row in rows)


def _of_day(company_id: UUID, destination_id: UUID, day: date) -> dict[str, Any]:
    since, until = day_of(day)
    return {
        "company_id": company_id, "destination_id": destination_id, "since": since, "until": until,
        "oldest": first_id_of(since - PLANNED_WITHIN), "newest": first_id_of(until),
    }  # fmt: skip


_OURS = text(
    """
    SELECT count(DISTINCT d.id) FILTER (WHERE a.class IN ('DONE', 'ACCEPTED') AND a.step = 'send') AS sent,
           count(DISTINCT d.id) FILTER (WHERE a.class = 'DONE') AS confirmed,
           count(DISTINCT d.id) FILTER (WHERE a.class IN ('ROW', 'BUG')) AS rejected
    FROM delivery_attempt a
    JOIN delivery d ON d.company_id = a.company_id AND d.id = a.delivery_id
    WHERE a.company_id = :company_id AND a.delivery_id >= :oldest AND a.delivery_id < :newest
      AND a.finished_at >= :since AND a.finished_at < :until
      AND d.destination_id = :destination_id AND NOT d.is_demo
    """
)
# A delivery knows the receipt of its newest send: that one must be of this day.
_RECEIPTS = text(
    """
    SELECT d.request_id AS id, max(d.request_size) AS carried,
           count(*) FILTER (WHERE d.state = 'confirmed') AS confirmed,
           count(*) FILTER (WHERE d.state = 'rejected') AS rejected
    FROM delivery d
    CROSS JOIN LATERAL (
        SELECT max(a.finished_at) AS at FROM delivery_attempt a
        WHERE a.company_id = d.company_id AND a.delivery_id = d.id AND a.class = 'ACCEPTED') accepted
    WHERE d.company_id = :company_id AND d.destination_id = :destination_id AND NOT d.is_demo
      AND d.id >= :oldest AND d.id < :newest AND d.request_id IS NOT NULL
      AND accepted.at >= :since AND accepted.at < :until
    GROUP BY d.request_id
    ORDER BY carried DESC, id
    """
)
