"""What pages and the API read of pools and tracking numbers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select, text
from sqlalchemy.orm import Session

from calltrack.kernel.ids import first_id_of
from calltrack.kernel.money import Money
from calltrack.numbers.model import Pool, TrackingNumber
from calltrack.numbers.order_model import OPEN, NumberCheck, NumberOrphan
from calltrack.numbers.orphans import Orphan
from calltrack.numbers.printed import STANDS

LOOK_BACK = timedelta(hours=24)


@dataclass(frozen=True)
class NumberRow:
    """A tracking number and its use.

    state: free, shown, cooling, resting, unfit (pool numbers), overflow or static; leaving, whatever it was.
    """

    id: UUID
    e164: str
    kind: str
    state: str
    pool_id: UUID | None
    pool: str | None
    location_id: UUID
    location: str
    source: str
    medium: str
    campaign: str
    account_sid: str
    carrier_number_id: str
    leases_24h: int
    last_shown_at: datetime | None
    calls_30d: int
    last_call_at: datetime | None
    released_at: datetime | None
    hooks: str
    type: str
    rent_minor: int | None
    rent_currency: str
    health: str
    findings: list[dict[str, Any]]
    checked_at: datetime | None
    rests_until: datetime | None
    leave_at: datetime | None
    leave_said: str
    printed_on: list[str]

    @property
    def rent(self) -> Money | None:
        """What it costs a month; None where nobody knows yet."""
        return None if self.rent_minor is None else Money(self.rent_minor, self.rent_currency)

    @property
    def is_repairable(self) -> bool:
        """Whether something is the matter that can be set right from here."""
        return any(one["repairable"] for one in self.findings)


@dataclass(frozen=True)
class NamedRow:
    """A number to choose from; `source`: of a static one."""

    id: UUID
    e164: str
    source: str
    released_at: datetime | None
    kind: str
    medium: str
    campaign: str
    pool: str | None


@dataclass(frozen=True)
class OrderRow:
    """An order of a number as pages and the API show it."""

    id: UUID
    e164: str
    country: str
    type: str
    kind: str
    pool: str | None
    location: str | None
    source: str
    state: str
    said: str
    tries: int
    rent_minor: int
    rent_currency: str
    number_id: UUID
    ordered_by: str
    ordered_at: datetime
    changed_at: datetime

    @property
    def rent(self) -> Money:
        """What it costs a month."""
        return Money(self.rent_minor, self.rent_currency)

    @property
    def is_open(self) -> bool:
        """Whether a worker still has something to do."""
        return self.state in OPEN


@dataclass(frozen=True)
class OrphanRow:
    """A number the account pays for and nobody here answers."""

    e164: str
    name: str
    words: str
    found_at: datetime


@dataclass(frozen=True)
class AccountLook:
    """When the carrier account was last seen whole, and why the newest look failed; empty: it did not."""

    checked_at: datetime | None
    problem: str


@dataclass(frozen=True)
class PoolRow:
    """A pool: how many of its numbers are free, shown or cooling, and how often it ran dry lately."""

    id: UUID
    name: str
    location_id: UUID
    location: str
    lease_seconds: int
    cooldown_seconds: int
    numbers: int
    free: int
    shown: int
    cooling: int
    overflow_numbers: int
    leases_24h: int
    dry_24h: int
    last_dry_at: datetime | None
    visitors_overflow_now: int
    near: list[str]
    far: int
    """Numbers shown in turn that do not begin with one of `near`."""

    @property
    def in_use(self) -> float:
        """Share of the pool's numbers that cannot be given to the next visit."""
        return (self.shown + self.cooling) / self.numbers if self.numbers else 0.0


@dataclass(frozen=True)
class TargetRow:
    """A business number written on a site, and the pool whose numbers take its place."""

    site_id: UUID
    target: str
    pool: str
    location: str


_STATE = """
    CASE WHEN n.leave_at IS NOT NULL AND n.released_at IS NULL THEN 'leaving'
         WHEN n.kind <> 'pool' THEN n.kind
         WHEN n.health = 'unfit' THEN 'unfit'
         WHEN n.rests_until > :now AND s.lease_id IS NULL THEN 'resting'
         WHEN s.busy_until IS NULL OR s.busy_until <= :now THEN 'free'
         WHEN held.shown_until > :now THEN 'shown' ELSE 'cooling' END
"""

_NUMBERS = text(
    f"""
    WITH recent AS (
        SELECT number_id, count(*) AS leases, max(shown_from) AS last_shown_at
        FROM lease WHERE company_id = :company_id AND id >= :since GROUP BY number_id
    ), rung AS (
        SELECT number_id, count(*) AS calls, max(started_at) AS last_call_at
        FROM call WHERE company_id = :company_id AND started_at >= :month_ago GROUP BY number_id
    ), written AS (
        SELECT number_id, array_agg(page ORDER BY last_seen_at DESC, page) AS pages
        FROM number_sighting WHERE company_id = :company_id AND page <> '' AND last_seen_at > :written_since
        GROUP BY number_id
    )
    SELECT n.id, n.e164, n.kind, {_STATE} AS state, n.pool_id, p.name AS pool, n.location_id,
           l.name AS location, n.source, n.medium, n.campaign, a.account_sid, n.carrier_number_id,
           coalesce(r.leases, 0) AS leases_24h, r.last_shown_at,
           coalesce(c.calls, 0) AS calls_30d, c.last_call_at, n.released_at,
           n.hooks, n.type, n.rent_minor, n.rent_currency, n.health, n.findings, n.checked_at, n.rests_until,
           n.leave_at, n.leave_said, coalesce(w.pages, ARRAY[]::text[]) AS printed_on
    FROM tracking_number n
    JOIN location l ON l.company_id = n.company_id AND l.id = n.location_id
    JOIN carrier_account a ON a.company_id = n.company_id AND a.id = n.carrier_account_id
    LEFT JOIN pool p ON p.company_id = n.company_id AND p.id = n.pool_id
    LEFT JOIN number_slot s ON s.company_id = n.company_id AND s.number_id = n.id
    LEFT JOIN lease held ON held.company_id = s.company_id AND held.id = s.lease_id
    LEFT JOIN recent r ON r.number_id = n.id
    LEFT JOIN rung c ON c.number_id = n.id
    LEFT JOIN written w ON w.number_id = n.id
    WHERE n.company_id = :company_id
    ORDER BY l.name, p.name NULLS LAST, n.kind DESC, n.e164
    """  # noqa: S608 - put together from constants of this file only
)

_POOLS = text(
    f"""
    WITH state AS (
        SELECT n.pool_id, n.kind, s.is_far, {_STATE} AS state
        FROM tracking_number n
        LEFT JOIN number_slot s ON s.company_id = n.company_id AND s.number_id = n.id
        LEFT JOIN lease held ON held.company_id = s.company_id AND held.id = s.lease_id
        WHERE n.company_id = :company_id AND n.released_at IS NULL
    ), counted AS (
        SELECT pool_id,
               count(*) FILTER (WHERE kind = 'pool') AS numbers,
               count(*) FILTER (WHERE state = 'free') AS free,
               count(*) FILTER (WHERE state = 'shown') AS shown,
               count(*) FILTER (WHERE state IN ('cooling', 'resting', 'unfit', 'leaving') AND kind = 'pool')
                   AS cooling,
               count(*) FILTER (WHERE kind = 'overflow') AS overflow_numbers,
               count(*) FILTER (WHERE is_far) AS far
        FROM state GROUP BY pool_id
    ), recent AS (
        SELECT n.pool_id, count(*) AS leases,
               count(*) FILTER (WHERE e.is_overflow) AS dry,
               max(e.shown_from) FILTER (WHERE e.is_overflow) AS last_dry_at,
               count(*) FILTER (WHERE e.is_overflow AND e.shown_until > :now) AS overflow_now
        FROM lease e
        JOIN tracking_number n ON n.company_id = e.company_id AND n.id = e.number_id
        WHERE e.company_id = :company_id AND e.id >= :since GROUP BY n.pool_id
    )
    SELECT p.id, p.name, p.location_id, l.name AS location, p.lease_seconds, p.cooldown_seconds,
           coalesce(c.numbers, 0) AS numbers, coalesce(c.free, 0) AS free, coalesce(c.shown, 0) AS shown,
           coalesce(c.cooling, 0) AS cooling, coalesce(c.overflow_numbers, 0) AS overflow_numbers,
           coalesce(r.leases, 0) AS leases_24h, coalesce(r.dry, 0) AS dry_24h, r.last_dry_at,
           coalesce(r.overflow_now, 0) AS visitors_overflow_now, p.near, coalesce(c.far, 0) AS far
    FROM pool p
    JOIN location l ON l.company_id = p.company_id AND l.id = p.location_id
    LEFT JOIN counted c ON c.pool_id = p.id
    LEFT JOIN recent r ON r.pool_id = p.id
    WHERE p.company_id = :company_id
    ORDER BY l.name, p.name, p.id
    """  # noqa: S608 - put together from constants of this file only
)

_TARGETS = text(
    """
    SELECT t.site_id, t.target, p.name AS pool, l.name AS location
    FROM site_target t
    JOIN pool p ON p.company_id = t.company_id AND p.id = t.pool_id
    JOIN location l ON l.company_id = t.company_id AND l.id = t.location_id
    WHERE t.company_id = :company_id ORDER BY l.name, t.target
    """
)


def numbers(session: Session, company_id: UUID, now: datetime) -> tuple[NumberRow, ...]:
    """Return every number of the company and its use in the last 24 hours."""
    rows = session.execute(_NUMBERS, _when(company_id, now))
    return tuple(NumberRow(**row._mapping) for row in rows)


def named(session: Session, company_id: UUID) -> tuple[NamedRow, ...]:
    """Return what every number of the company is called, released ones too; its use is not counted."""
    number = TrackingNumber
    rows = session.execute(
        select(
            number.id,
            number.e164,
            number.source,
            number.released_at,
            number.kind,
            number.medium,
            number.campaign,
            Pool.name,
        )
        .outerjoin(Pool, and_(Pool.company_id == number.company_id, Pool.id == number.pool_id))
        .where(number.company_id == company_id)
        .order_by(number.e164)
    )
    return tuple(NamedRow(*row) for row in rows)


def pools(session: Session, company_id: UUID, now: datetime) -> tuple[PoolRow, ...]:
    """Return every pool with the state of its numbers at this moment."""
    rows = session.execute(_POOLS, _when(company_id, now))
    return tuple(PoolRow(**row._mapping) for row in rows)


_ORDERS = text(
    """
    SELECT o.id, o.e164, o.country, o.type, o.use ->> 'kind' AS kind, p.name AS pool, l.name AS location,
           o.use ->> 'source' AS source, o.state, o.said, o.tries, o.rent_minor, o.rent_currency, o.number_id,
           o.ordered_by, o.ordered_at, o.changed_at
    FROM number_order o
    LEFT JOIN pool p ON p.company_id = o.company_id AND p.id = CAST(o.use ->> 'pool_id' AS uuid)
    LEFT JOIN location l ON l.company_id = o.company_id AND l.id = CAST(o.use ->> 'location_id' AS uuid)
    WHERE o.company_id = :company_id AND (CAST(:id AS uuid) IS NULL OR o.id = :id)
      AND (CAST(:before AS uuid) IS NULL OR o.id < :before)
    ORDER BY o.id DESC LIMIT :most
    """
)


def orders(
    session: Session, company_id: UUID, before: UUID | None = None, most: int = 50
) -> tuple[OrderRow, ...]:
    """Return the newest orders, those that are over included."""
    wanted = {"company_id": company_id, "id": None, "before": before, "most": most}
    return tuple(OrderRow(**row._mapping) for row in session.execute(_ORDERS, wanted))


def order(session: Session, company_id: UUID, order_id: UUID) -> OrderRow | None:
    """Return one order; None when the company has none of that id."""
    wanted = {"company_id": company_id, "id": order_id, "before": None, "most": 1}
    row = session.execute(_ORDERS, wanted).one_or_none()
    return OrderRow(**row._mapping) if row else None


def orphans(session: Session, company_id: UUID) -> tuple[OrphanRow, ...]:
    """Return the orphans the last survey found."""
    rows = session.scalars(
        select(NumberOrphan).where(NumberOrphan.company_id == company_id).order_by(NumberOrphan.e164)
    )
    return tuple(
        OrphanRow(
            row.e164,
            row.name,
            Orphan(row.e164, row.carrier_number_id, row.name, row.reason).words,  # type: ignore[arg-type]  # stored word
            row.found_at,
        )
        for row in rows
    )


def account_look(session: Session, company_id: UUID) -> AccountLook | None:
    """Return how the last look at the carrier account went; None before the first."""
    row = session.get(NumberCheck, company_id)
    return AccountLook(row.checked_at, row.problem) if row else None


def targets(session: Session, company_id: UUID) -> tuple[TargetRow, ...]:
    """Return which business numbers the snippet replaces on which site."""
    rows = session.execute(_TARGETS, {"company_id": company_id})
    return tuple(TargetRow(**row._mapping) for row in rows)


def _when(company_id: UUID, now: datetime) -> dict[str, object]:
    return {
        "company_id": company_id,
        "now": now,
        "since": first_id_of(now - LOOK_BACK),
        "month_ago": now - timedelta(days=30),
        "written_since": now - STANDS,
    }
