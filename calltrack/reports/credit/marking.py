"""Which days are to be counted anew: marked by facts at once, and by a look every night."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import TextClause, bindparam, delete, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import Date

from calltrack.attribution.night_work import zone_of
from calltrack.attribution.nights import next_night
from calltrack.kernel.ids import first_id_of
from calltrack.reports.credit.model import CreditAnswer, CreditDay, CreditLook, CreditMonth
from calltrack.reports.credit.told import LONGEST, WINDOWS
from calltrack.wiring import Services

SOON = timedelta(seconds=15)
"""Facts come in crowds: a day is counted once for all of those that come within so long."""
PATIENCE = 200
"""A day waits for so many times as long as it took the last time: no day takes more than half a per cent."""
BACK = timedelta(days=400)
"""So far back days are counted when a company's are counted for the first time."""
LEASE = timedelta(minutes=10)
"""A look takes seconds, in the largest companies some minutes; a killed one is due again after that."""
QUICK_MS = 300
"""A day that is counted quicker is counted anew in every night that changed it."""
NIGHTS = tuple(sorted({1, 2, 3, 5, 15, 60, *(days + 1 for days in WINDOWS)}))
"""A day of a large company changes in each of the ninety nights in which somebody of it comes back: it is
counted anew so many nights after. When a window is over its figures stay what they are."""
MARK = """
    INSERT INTO credit_day (company_id, day, due_at)
    SELECT DISTINCT CAST(:company_id AS uuid), found.day, CAST(:due AS timestamptz) FROM ({days}) found
    ON CONFLICT (company_id, day) DO UPDATE SET due_at =
      LEAST(credit_day.due_at, EXCLUDED.due_at + :patience * credit_day.took_ms * INTERVAL '1 millisecond')
"""
TOUCHED = """
    SELECT (c.occurred_at AT TIME ZONE m.timezone)::date AS day
    FROM conversion c JOIN company m ON m.id = c.company_id
    WHERE c.company_id = (SELECT CAST(:company_id AS uuid)) AND c.id IN ({conversions})
"""
OF_CHANGES = text(MARK.format(days=TOUCHED.format(conversions=
    "SELECT conversion_id FROM conversion_change"
    " WHERE company_id = (SELECT CAST(:company_id AS uuid)) AND id = ANY(:ids)"
)))  # fmt: skip
OF_CALLS = text(MARK.format(days=TOUCHED.format(conversions=
    "SELECT id FROM conversion"
    " WHERE company_id = (SELECT CAST(:company_id AS uuid)) AND call_id = ANY(:ids)"
)))  # fmt: skip
IS_QUICK = """
    SELECT * FROM ({days}) changed WHERE {also} NOT EXISTS (
        SELECT FROM credit_day d WHERE d.company_id = (SELECT CAST(:company_id AS uuid))
          AND d.day = changed.day AND d.took_ms >= :slow)
"""
# Days before today at which somebody was who came by since the last look: their journeys did not end there.
SEEN_AGAIN = text(MARK.format(days=IS_QUICK.format(also="", days="""
    SELECT (v.started_at AT TIME ZONE :zone)::date AS day
    FROM (SELECT DISTINCT visitor_id FROM visit
          WHERE company_id = (SELECT CAST(:company_id AS uuid)) AND id >= :begin AND id < :end) s
    JOIN visit v ON v.company_id = (SELECT CAST(:company_id AS uuid)) AND v.visitor_id = s.visitor_id
      AND v.id >= :first AND v.id < :end
""")))  # fmt: skip
# ... nor did those of persons whose conversions changed since.
WON_SINCE = text(MARK.format(days=IS_QUICK.format(also="changed.day < :settled OR", days="""
    SELECT (v.started_at AT TIME ZONE :zone)::date AS day
    FROM conversion c
    JOIN call k ON k.company_id = c.company_id AND k.id = c.call_id
    JOIN person_visitor p ON p.company_id = c.company_id AND p.person_id = c.person_id
    JOIN visit v ON v.company_id = p.company_id AND v.visitor_id = p.visitor_id
      AND v.started_at <= k.started_at AND v.started_at >= k.started_at - INTERVAL '90 days'
    WHERE c.company_id = (SELECT CAST(:company_id AS uuid)) AND c.changed_at >= :since
""")))  # fmt: skip
# The days of large companies whose night it is.
IN_TURN = text(MARK.format(days="""
    SELECT asked.day FROM unnest(:days) AS asked (day) JOIN credit_day d
      ON d.company_id = (SELECT CAST(:company_id AS uuid)) AND d.day = asked.day AND d.took_ms >= :slow
""")).bindparams(bindparam("days", type_=ARRAY(Date())))  # fmt: skip
ALL_DAYS = text(MARK.format(days="""
    SELECT (started_at AT TIME ZONE :zone)::date AS day FROM visit
    WHERE company_id = (SELECT CAST(:company_id AS uuid)) AND id >= :first AND id < :end
"""))  # fmt: skip
# Whatever a fact missed: days whose counted conversions are not those that count.
DIFFERENT = text(MARK.format(days="""
    SELECT coalesce(told.day, kept.day) AS day
    FROM (SELECT (c.occurred_at AT TIME ZONE :zone)::date AS day, c.kind, count(*) AS conversions,
                 sum(CASE WHEN c.currency = m.currency THEN coalesce(c.value_minor, 0) ELSE 0 END) AS value
          FROM conversion c JOIN company m ON m.id = c.company_id
          WHERE c.company_id = (SELECT CAST(:company_id AS uuid)) AND c.status = 'counted'
            AND c.occurred_at >= :since
          GROUP BY 1, 2) told
    FULL JOIN (SELECT day, kind, conversions, value_minor AS value FROM credit_paths
               WHERE company_id = (SELECT CAST(:company_id AS uuid)) AND level = 'source' AND days = 7
                 AND conversions > 0 AND day >= (CAST(:since AS timestamptz) AT TIME ZONE :zone)::date) kept
      ON kept.day = told.day AND kept.kind = told.kind
    WHERE told.conversions IS DISTINCT FROM kept.conversions OR told.value IS DISTINCT FROM kept.value
"""))  # fmt: skip


def mark_credit_of_changes(services: Services, company_id: UUID, change_ids: Sequence[UUID]) -> None:
    """Let the days of these conversion changes be counted anew."""
    _mark(services, company_id, OF_CHANGES, change_ids)


def mark_credit_of_calls(services: Services, company_id: UUID, call_ids: Sequence[UUID]) -> None:
    """Let the days of these calls' conversions be counted anew: they may be credited to another visit."""
    _mark(services, company_id, OF_CALLS, call_ids)


def companies_without_look(system: Session) -> list[UUID]:
    """Name the companies with numbers that nobody looks at yet (system role)."""
    rows = """
        SELECT DISTINCT company_id FROM tracking_number n WHERE released_at IS NULL
        AND NOT EXISTS (SELECT FROM credit_look l WHERE l.company_id = n.company_id) ORDER BY company_id
    """
    return list(system.scalars(text(rows)))


def plan_look(session: Session, company_id: UUID, now: datetime) -> None:
    """Let the company be looked at for the first time; what is planned stays."""
    session.execute(insert(CreditLook).values(company_id=company_id, due_at=now).on_conflict_do_nothing())


def claim_look(session: Session, company_id: UUID, now: datetime) -> bool:
    """Take the company's look for the length of a lease, if it is due."""
    claimed = (
        update(CreditLook)
        .where(CreditLook.company_id == company_id, CreditLook.due_at <= now)
        .values(due_at=now + LEASE)
        .returning(CreditLook.company_id)
    )
    return session.scalar(claimed) is not None


def look(session: Session, company_id: UUID, now: datetime) -> None:
    """Mark the days that changed since the last look; all days the first time, and in another time zone."""
    session.execute(text("SET LOCAL statement_timeout = '300s'"))
    row = session.scalars(
        select(CreditLook).where(CreditLook.company_id == company_id).with_for_update()
    ).one()
    zone = zone_of(session, company_id)
    where = ZoneInfo(zone)
    midnight = datetime.combine(now.astimezone(where).date(), time(), tzinfo=where)
    since = row.looked_until if row.timezone == zone else None
    asked = {
        "company_id": company_id, "due": now, "zone": zone, "end": first_id_of(midnight), "patience": 0,
    }  # fmt: skip
    if since is None:
        session.execute(delete(CreditDay).where(CreditDay.company_id == company_id))
        session.execute(ALL_DAYS, asked | {"first": first_id_of(now - BACK)})
    else:
        seen = {"begin": first_id_of(since), "first": first_id_of(since - LONGEST)}
        today, quick = midnight.date(), {"slow": QUICK_MS}
        session.execute(SEEN_AGAIN, asked | seen | quick)
        settled = today - timedelta(days=max(NIGHTS))
        session.execute(WON_SINCE, asked | quick | {"since": since, "settled": settled})
        days = days_in_turn(since.astimezone(where).date(), today)
        session.execute(IN_TURN, asked | quick | {"days": days})
    session.execute(DIFFERENT, asked | {"since": midnight - BACK})
    row.timezone, row.looked_until = zone, midnight
    row.due_at = next_night(now, zone, company_id)


def days_in_turn(looked_on: date, today: date) -> list[date]:
    """Return the days whose turn it is in the nights after the last look, up to today's. Pure."""
    nights = [looked_on + timedelta(days=night) for night in range(1, (today - looked_on).days + 1)]
    return sorted({night - timedelta(days=after) for night in nights for after in NIGHTS})


def count_all_anew(session: Session, company_id: UUID, now: datetime) -> None:
    """Forget what is counted and let every day be counted again: what it stood on is gone."""
    for table in (CreditAnswer, CreditMonth, CreditDay):
        session.execute(delete(table).where(table.company_id == company_id))
    session.execute(
        update(CreditLook).where(CreditLook.company_id == company_id).values(due_at=now, looked_until=None)
    )


def _mark(services: Services, company_id: UUID, statement: TextClause, ids: Sequence[UUID]) -> None:
    now = services.clock()
    with services.db.tenant(company_id) as session:
        plan_look(session, company_id, now)
        session.execute(
            statement, {"company_id": company_id, "ids": list(ids), "due": now + SOON, "patience": PATIENCE}
        )
