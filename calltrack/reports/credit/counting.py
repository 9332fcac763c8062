"""Counts the days that are due: claimed one by one, read, stored whole. Repetitions change nothing."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from time import thread_time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import delete, insert, or_, select, union, update
from sqlalchemy.orm import Session

from calltrack.attribution.night_work import zone_of
from calltrack.attribution.nights import next_night
from calltrack.reports.credit.answers import keep_usual
from calltrack.reports.credit.day_paths import QUESTIONS, DayPaths
from calltrack.reports.credit.marking import claim_look, look
from calltrack.reports.credit.model import CreditDay, CreditLook, CreditPaths
from calltrack.reports.credit.packing import pack
from calltrack.reports.credit.reading import Stretch, read_day
from calltrack.wiring import Services

LEASE = timedelta(minutes=5)
"""Many times what the largest day takes; a day whose counting was killed is due again after that."""
MOST_TRIES = 4
MOST_AT_ONCE = 60
"""So many days are counted in one turn, so that one company's past does not keep the others waiting."""


def companies_with_due_credit(system: Session, now: datetime) -> list[UUID]:
    """Name the companies with days to count or a look to take (system role)."""
    days = select(CreditDay.company_id).where(or_(CreditDay.due_at <= now, CreditDay.leased_until <= now))
    looks = select(CreditLook.company_id).where(CreditLook.due_at <= now)
    return sorted(system.scalars(union(days, looks)))


def count_credit_due(services: Services, company_id: UUID) -> int:
    """Take the nightly look if it is due, then count due days, the newest first; returns how many."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        is_due = claim_look(session, company_id, now)
    if is_due:
        with services.db.tenant(company_id) as session:
            look(session, company_id, now)
    counted = 0
    while counted < MOST_AT_ONCE and _count_next(services, company_id):
        counted += 1
    if counted < MOST_AT_ONCE and (counted or is_due):
        with services.db.tenant(company_id) as session:
            today = now.astimezone(ZoneInfo(zone_of(session, company_id))).date()
        keep_usual(services, company_id, today, is_night=is_due)
    return counted


def _count_next(services: Services, company_id: UUID) -> bool:
    now = services.clock()
    with services.db.tenant(company_id) as session:
        claimed = _claim(session, company_id, now)
    if claimed is None:
        return False
    day, lease = claimed
    begun = thread_time()
    with services.db.tenant(company_id) as session:
        zone = zone_of(session, company_id)
        today = now.astimezone(ZoneInfo(zone)).date()
        found = read_day(session, company_id, stretch_of(day, zone), is_over=day < today)
    rows = rows_of(company_id, day, found)
    took_ms = round((thread_time() - begun) * 1000)
    with services.db.tenant(company_id) as session:
        if _settle(session, company_id, day, lease, took_ms, now):
            store(session, company_id, day, rows)
    return True


def stretch_of(day: date, zone: str) -> Stretch:
    """Return when a day begins and ends in a time zone; it may have 23 or 25 hours."""
    where = ZoneInfo(zone)
    return Stretch(
        datetime.combine(day, time(), tzinfo=where),
        datetime.combine(day + timedelta(days=1), time(), tzinfo=where),
    )


def _claim(session: Session, company_id: UUID, now: datetime) -> tuple[date, datetime] | None:
    """Take the newest due day for the length of a lease; one that failed too often waits for the night."""
    row = session.scalars(
        select(CreditDay)
        .where(
            CreditDay.company_id == company_id,
            or_(CreditDay.leased_until <= now, CreditDay.leased_until.is_(None) & (CreditDay.due_at <= now)),
        )
        .order_by(CreditDay.day.desc())
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return None
    if row.tries >= MOST_TRIES:
        row.tries, row.leased_until = 0, None
        row.due_at = next_night(now, zone_of(session, company_id), company_id)
        return None
    row.tries, row.due_at, row.leased_until = row.tries + 1, None, now + LEASE
    return row.day, row.leased_until


def _settle(
    session: Session, company_id: UUID, day: date, lease: datetime, took_ms: int, now: datetime
) -> bool:
    """Note that a day is counted; False: somebody else took it over since."""
    still_ours = session.scalar(
        update(CreditDay)
        .where(CreditDay.company_id == company_id, CreditDay.day == day, CreditDay.leased_until == lease)
        .values(leased_until=None, tries=0, took_ms=took_ms, counted_at=now)
        .returning(CreditDay.day)
    )
    return still_ours is not None


def store(session: Session, company_id: UUID, day: date, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store the paths of a day instead of those that were there; the day has its row."""
    session.execute(delete(CreditPaths).where(CreditPaths.company_id == company_id, CreditPaths.day == day))
    session.execute(insert(CreditPaths), list(rows))


def rows_of(company_id: UUID, day: date, found: DayPaths) -> list[dict[str, Any]]:
    """Return the rows that keep the paths of a day, one for each question."""
    rows: list[dict[str, Any]] = []
    for level, kind, days in QUESTIONS:
        paths = found.paths((level, kind, days))
        rows.append(
            {
                "company_id": company_id, "day": day, "level": level, "kind": kind, "days": days,
                "channels": list(paths.channels), "conversions": paths.totals.conversions,
                "nulls": paths.totals.nulls, "value_minor": paths.totals.value_minor,
                "uncredited": paths.totals.uncredited, "uncredited_value": paths.totals.uncredited_value,
                "packed": pack(paths),
            }
        )  # fmt: skip
    return rows
