"""Who was shown a number, read from leases and visits as the posterior and learning see them.

Moments are seconds since 1970 (UTC).
"""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, select, text
from sqlalchemy.orm import Session

from calltrack.attribution.facts import MOST_HOLDINGS, Holding
from calltrack.kernel.ids import first_id_of
from calltrack.kernel.origin import campaign_key, source_key
from calltrack.numbers.model import Lease
from calltrack.visits.model import Visit

# A visit lies in the month of its id, and may go on for so long before it is shown a number anew.
OPEN_FOR = timedelta(days=31)


# Moments come as seconds and ids as hex: a call reads hundreds of rows, and each value made here costs.
# LATERAL and `(SELECT ...)` reach each visit by its key, whatever the statistics say of the company; the
# bounds of its id leave the months out that cannot hold it.
_SHOWN = text(
    """
    SELECT encode(uuid_send(l.visit_id), 'hex') AS visit, v.visitor, v.source, v.medium, v.campaign, v.device,
           coalesce(v.region, '') AS region, v.is_returning,
           extract(epoch FROM l.shown_from)::float8 AS shown_from,
           extract(epoch FROM l.last_seen_at)::float8 AS last_seen, l.left_at IS NOT NULL AS has_left,
           CASE WHEN l.taps <> '{}' THEN l.taps
                WHEN l.tapped_at IS NOT NULL THEN ARRAY[l.tapped_at] END AS taps,
           extract(epoch FROM l.copied_at)::float8 AS copied_at,
           extract(epoch FROM l.contact_at)::float8 AS contact_at
    FROM (
        SELECT * FROM lease
        WHERE company_id = (SELECT CAST(:company_id AS uuid)) AND number_id = :number_id
          AND shown_from BETWEEN :since AND :until
        ORDER BY shown_from DESC, id DESC LIMIT :most) l
    CROSS JOIN LATERAL (
        SELECT encode(uuid_send(one.visitor_id), 'hex') AS visitor, one.source, one.medium, one.campaign,
               one.device, one.region, one.is_returning
        FROM visit one
        WHERE one.company_id = (SELECT CAST(:company_id AS uuid)) AND one.id = l.visit_id
          AND one.id BETWEEN :first AND :last LIMIT 1) v
    ORDER BY l.shown_from, l.id
    """
)


def holdings_of(
    session: Session, company_id: UUID, number_id: UUID, since: datetime, until: datetime
) -> tuple[Holding, ...]:
    """Return who was shown the number from `since` to `until`: the newest, oldest of them first."""
    asked = {
        "company_id": company_id, "number_id": number_id, "since": since, "until": until,
        "most": MOST_HOLDINGS, "first": first_id_of(since - OPEN_FOR), "last": first_id_of(until + OPEN_FOR),
    }  # fmt: skip
    return tuple(_of_number(*row) for row in session.execute(_SHOWN, asked))


def all_holdings(
    session: Session,
    company_id: UUID,
    since: datetime,
    until: datetime,
    numbers: Collection[UUID] | None = None,
) -> Iterator[tuple[UUID, Holding]]:
    """Yield every number (or these only) with each visit that was shown it, in time order."""
    wanted = () if numbers is None else (Lease.number_id.in_(numbers),)
    rows = session.execute(
        _rows(company_id)
        .where(Lease.shown_from >= since, Lease.shown_from < until, *wanted)
        .order_by(Lease.number_id, Lease.shown_from, Lease.id)
        .execution_options(yield_per=5_000)
    )
    for row in rows:
        yield row.number_id, _holding(row)


def _of_number(
    visit: str, visitor: str, source: str, medium: str, campaign: str, device: str, region: str,
    returning: bool, shown_from: float, last_seen: float, left: bool, taps: list[datetime] | None,
    copied_at: float | None, contact_at: float | None,
) -> Holding:  # fmt: skip
    return Holding(
        visit=visit,
        visitor=visitor,
        campaign=campaign_key(source, medium, campaign),
        source=source_key(source, medium),
        shown_from=shown_from,
        last_seen=last_seen,
        left=left,
        taps=tuple(tap.timestamp() for tap in taps) if taps else (),
        copied_at=copied_at,
        contact_at=contact_at,
        device=device,
        region=region,
        returning=returning,
    )


def _rows(company_id: UUID) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Lease.number_id, Lease.visit_id, Lease.shown_from, Lease.last_seen_at, Lease.left_at, Lease.taps,
            Lease.tapped_at, Lease.copied_at, Lease.contact_at, Visit.visitor_id, Visit.source, Visit.medium,
            Visit.campaign, Visit.device, Visit.region, Visit.is_returning,
        )
        .join(Visit, and_(Visit.company_id == Lease.company_id, Visit.id == Lease.visit_id))
        .where(Lease.company_id == company_id)
    )  # fmt: skip


def _holding(row: Any) -> Holding:
    taps = row.taps or ([row.tapped_at] if row.tapped_at else [])
    return Holding(
        visit=row.visit_id.hex,
        visitor=row.visitor_id.hex,
        campaign=campaign_key(row.source, row.medium, row.campaign),
        source=source_key(row.source, row.medium),
        shown_from=row.shown_from.timestamp(),
        last_seen=row.last_seen_at.timestamp(),
        left=row.left_at is not None,
        taps=tuple(tap.timestamp() for tap in taps),
        copied_at=row.copied_at.timestamp() if row.copied_at else None,
        contact_at=row.contact_at.timestamp() if row.contact_at else None,
        device=row.device,
        region=row.region or "",
        returning=row.is_returning,
    )
