"""Keeps the rows current: days that were marked are counted anew, one at a time; months when they are over.

A day is claimed for the length of a lease and counted in one transaction, so a worker that dies leaves the
rows of before and a day that is due again. A reason that comes up meanwhile adds a mark: then the day stays.
"""

import threading
import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as midnight
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company
from calltrack.kernel.ids import first_id_of
from calltrack.reports.building import build_day, build_month
from calltrack.reports.days import day_of, last_of, month_of
from calltrack.reports.marking import LONG_MS, PATIENCE, SOON, mark_days
from calltrack.reports.model import ReportDue, ReportState
from calltrack.wiring import Services

# Longer than the largest day takes; a killed one is due again after that.
LEASE: Final = timedelta(minutes=2)
# Visits tell nobody that they came: they are looked for so often.
LOOK_EVERY: Final = timedelta(minutes=3)
# A visit may be written a little later than its id says.
LATE: Final = timedelta(minutes=5)
# So many days are counted again each night, whatever was marked.
WEEK: Final = 7
# After so many days and months other companies have their turn.
PORTION: Final = 40


@dataclass(frozen=True)
class Due:
    """A day or month somebody claimed, and how often it had been marked by then."""

    span: str
    day: date
    marks: int


def companies_to_count(system: Session, now: datetime) -> list[UUID]:
    """Name the companies whose visits are to be looked for, or with marked days (system role)."""
    looks = select(ReportState.company_id).where(ReportState.due_at <= now)
    marks = select(ReportDue.company_id).where(ReportDue.due_at <= now)
    return list(system.scalars(looks.union(marks)))


def companies_to_begin(system: Session) -> list[UUID]:
    """Name the companies nobody ever counted (system role)."""
    begun = select(ReportState.company_id)
    return list(system.scalars(select(Company.id).where(Company.id.not_in(begun))))


def keep_reports(services: Services, company_id: UUID, stop: threading.Event, most: int = PORTION) -> bool:
    """Look for new visits if it is time, count what is marked; True: there is more to do."""
    with services.db.tenant(company_id) as session:
        look(session, company_id, services.clock())
    for _ in range(most):
        if stop.is_set():
            return False
        if not count_next(services, company_id):
            return False
    return True


def count_next(services: Services, company_id: UUID) -> bool:
    """Count the newest marked day, or month, anew; False: none is due."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        due = _claim(session, company_id, now)
    if due is None:
        return False
    begun = time.perf_counter()
    with services.db.tenant(company_id) as session:
        # A page's limit is none for the largest days; the lease is.
        session.execute(text("SET LOCAL statement_timeout = '100s'"))
        if due.span == "day":
            _count_day(session, company_id, due.day, now, services.settings.visits_kept_months)
        else:
            build_month(session, company_id, due.day)
        _settle(session, company_id, due, now, timedelta(seconds=time.perf_counter() - begun))
    return True


def look(session: Session, company_id: UUID, now: datetime) -> None:
    """Mark the days of visits that came since the last look; all days where zone or currency changed."""
    company = session.scalars(select(Company).where(Company.id == company_id)).one()
    state = session.get(ReportState, (company_id,), with_for_update=True)
    if state is None or (state.timezone, state.currency) != (company.timezone, company.currency):
        mark_all(session, company_id, now)
        _begin(session, company, now)
        return
    if state.due_at > now:
        return
    today = day_of(now, company.timezone)
    days = _days_with_visits(session, company_id, state.seen_at - LATE, now, company.timezone)
    if state.week_day != today:
        days |= {today - timedelta(days=back) for back in range(WEEK + 1)}
        state.week_day = today
    mark_days(session, company_id, sorted(days), now)
    state.seen_at, state.due_at = now, now + LOOK_EVERY


def mark_all(session: Session, company_id: UUID, now: datetime) -> int:
    """Mark every day with a visit, call, conversion or counted row; returns how many."""
    days = all_days(session, company_id)
    mark_days(session, company_id, days, now)
    return len(days)


def all_days(session: Session, company_id: UUID) -> list[date]:
    """Return every day from the first to the last with a visit, call, conversion or counted row."""
    zone = session.scalars(select(Company.timezone).where(Company.id == company_id)).one()
    row = session.execute(_ENDS, {"company_id": company_id, "zone": zone}).one()
    if row.first is None:
        return []
    return [row.first + timedelta(days=at) for at in range((row.last - row.first).days + 1)]


def may_be_forgotten(day: date, now: datetime, visits_kept_months: int) -> bool:
    """Tell whether the day's visits may have been dropped with their month (`VISITS_KEPT_MONTHS`)."""
    return bool(visits_kept_months) and day < (now - timedelta(days=31 * visits_kept_months)).date()


# The ids of visits carry their time, and so the primary key finds the first and the last.
_ENDS: Final = text(
    """
    WITH moments AS (
        SELECT min(started_at) AS first, max(started_at) AS last FROM call WHERE company_id = :company_id
        UNION ALL SELECT min(occurred_at), max(occurred_at) FROM conversion WHERE company_id = :company_id
        UNION ALL
        (SELECT started_at, started_at FROM visit WHERE company_id = :company_id ORDER BY id LIMIT 1)
        UNION ALL
        (SELECT started_at, started_at FROM visit WHERE company_id = :company_id ORDER BY id DESC LIMIT 1)
    ), days AS (
        SELECT (min(first) AT TIME ZONE :zone)::date AS first, (max(last) AT TIME ZONE :zone)::date AS last
        FROM moments
        UNION ALL SELECT min(day), max(day) FROM report_day
        WHERE company_id = :company_id AND dimension = 'campaign'
    )
    SELECT min(first) AS first, max(last) AS last FROM days
    """
)
_VISIT_IN: Final = text(
    "SELECT EXISTS (SELECT FROM visit WHERE company_id = :company_id AND id >= :first AND id < :last)"
)
_CLAIM: Final = text(
    """
    UPDATE report_due SET due_at = :lease_end
    WHERE company_id = :company_id AND (span, day) = (
        SELECT span, day FROM report_due WHERE company_id = :company_id AND due_at <= :now
        ORDER BY span, day DESC LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING span, day, marks
    """
).bindparams(bindparam("now"), bindparam("lease_end"))


def _claim(session: Session, company_id: UUID, now: datetime) -> Due | None:
    row = session.execute(
        _CLAIM, {"company_id": company_id, "now": now, "lease_end": now + LEASE}
    ).one_or_none()
    return Due(row.span, row.day, row.marks) if row else None


def _settle(session: Session, company_id: UUID, due: Due, now: datetime, took: timedelta) -> None:
    """End the claim; a day that was marked meanwhile is due again, in time for others to have their turn."""
    took_ms = round(took / timedelta(milliseconds=1))
    if due.span == "day":
        state = update(ReportState).where(ReportState.company_id == company_id)
        session.execute(state.values(took_ms=took_ms))
    this = (ReportDue.company_id == company_id, ReportDue.span == due.span, ReportDue.day == due.day)
    gone = session.scalar(
        delete(ReportDue).where(*this, ReportDue.marks == due.marks).returning(ReportDue.day)
    )
    if gone is None:
        wait = SOON + (PATIENCE * took if took_ms >= LONG_MS else timedelta())
        session.execute(update(ReportDue).where(*this).values(due_at=now + wait))


def _count_day(
    session: Session, company_id: UUID, day: date, now: datetime, visits_kept_months: int = 0
) -> None:
    company = session.scalars(select(Company).where(Company.id == company_id)).one()
    build_day(
        session, company_id, day, company.timezone, company.currency,
        may_be_forgotten=may_be_forgotten(day, now, visits_kept_months),
    )  # fmt: skip
    month = month_of(day)
    # A month that lasts is always read by its days; adding it up waits until it is over.
    over = datetime.combine(last_of(month) + timedelta(days=2), midnight(), ZoneInfo(company.timezone))
    mark_days(session, company_id, [month], max(now + SOON, over), "month")


def _days_with_visits(
    session: Session, company_id: UUID, since: datetime, now: datetime, zone: str
) -> set[date]:
    """Return the days since then (in general one, or two around midnight) on which visits came."""
    days, at = set(), since
    while at < now:
        until = min(now, datetime.combine(day_of(at, zone) + timedelta(days=1), midnight(), ZoneInfo(zone)))
        asked = {
            "company_id": company_id, "first": first_id_of(at),
            "last": first_id_of(until + timedelta(milliseconds=1)),
        }  # fmt: skip
        if session.scalar(_VISIT_IN, asked):
            days.add(day_of(at, zone))
        at = until
    return days


def _begin(session: Session, company: Company, now: datetime) -> None:
    kept = {
        "timezone": company.timezone, "currency": company.currency, "seen_at": now,
        "week_day": day_of(now, company.timezone), "due_at": now + LOOK_EVERY,
    }  # fmt: skip
    row = insert(ReportState).values(company_id=company.id, **kept)
    session.execute(row.on_conflict_do_update(index_elements=["company_id"], set_=kept))
