"""Facts say what changed: the days it counts on are marked, and counted anew soon after.

One statement each; a fact that is handled twice marks twice, which costs a count and changes nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Date, Uuid

from calltrack.wiring import Services

# What comes in a burst is counted once.
SOON: Final = timedelta(seconds=15)
# A large company's day waits for so many times as long as one took, so that it leaves others their turn. Days
# that take less than a second leave it anyway.
PATIENCE: Final = 20
LONG_MS: Final = 1_000


def _marking(days: str) -> str:
    """Return the statement that marks days; a mark never brings a day forward that is being counted."""
    return f"""
        INSERT INTO report_due (company_id, span, day, marks, due_at)
        SELECT CAST(:company_id AS uuid), CAST(:span AS text), days.day, 1, CAST(:due_at AS timestamptz)
            + CAST(:patience AS int) * interval '1 millisecond' * coalesce(
                (SELECT took_ms FROM report_state WHERE company_id = :company_id
                 AND took_ms >= {LONG_MS}), 0)
        FROM ({days}) days WHERE days.day IS NOT NULL GROUP BY days.day ORDER BY days.day
        ON CONFLICT (company_id, span, day) DO UPDATE SET marks = report_due.marks + 1
    """  # noqa: S608 - constants of this file


def _by_ids(days: str) -> TextClause:
    return text(_marking(days)).bindparams(bindparam("ids", type_=ARRAY(Uuid())))


_DAYS: Final = text(_marking("SELECT unnest(:days) AS day")).bindparams(
    bindparam("days", type_=ARRAY(Date()))
)
# A call counts on the day it rang; what it brought counts on days of its own. LATERAL and `(SELECT ...)`
# reach each row by its whole key, whatever the statistics say: see `delivery/plan.py`.
_OF_CALLS: Final = _by_ids(
    """
    WITH zone AS (SELECT timezone FROM company WHERE id = :company_id)
    SELECT (c.started_at AT TIME ZONE (SELECT timezone FROM zone))::date AS day
    FROM unnest(:ids) AS asked (id) CROSS JOIN LATERAL (SELECT started_at FROM call one
        WHERE one.company_id = (SELECT CAST(:company_id AS uuid)) AND one.id = asked.id LIMIT 1) c
    UNION
    SELECT (o.occurred_at AT TIME ZONE (SELECT timezone FROM zone))::date
    FROM unnest(:ids) AS asked (id) CROSS JOIN LATERAL (SELECT occurred_at FROM conversion one
        WHERE one.company_id = (SELECT CAST(:company_id AS uuid)) AND one.call_id = asked.id OFFSET 0) o
    """
)
# A visit counts on the day it began; whatever is credited to it has the same keyword and ad group.
_OF_VISITS: Final = _by_ids(
    """
    WITH zone AS (SELECT timezone FROM company WHERE id = :company_id), credited AS (
        SELECT c.id, c.started_at FROM unnest(:ids) AS asked (id)
        CROSS JOIN LATERAL (SELECT call_id FROM attribution one
            WHERE one.company_id = (SELECT CAST(:company_id AS uuid)) AND one.visit_id = asked.id
                AND one.is_current OFFSET 0) a
        CROSS JOIN LATERAL (SELECT id, started_at FROM call one
            WHERE one.company_id = (SELECT CAST(:company_id AS uuid)) AND one.id = a.call_id LIMIT 1) c
    )
    SELECT (v.started_at AT TIME ZONE (SELECT timezone FROM zone))::date AS day
    FROM unnest(:ids) AS asked (id) CROSS JOIN LATERAL (SELECT started_at FROM visit one
        WHERE one.company_id = (SELECT CAST(:company_id AS uuid)) AND one.id = asked.id LIMIT 1) v
    UNION
    SELECT (started_at AT TIME ZONE (SELECT timezone FROM zone))::date FROM credited
    UNION
    SELECT (o.occurred_at AT TIME ZONE (SELECT timezone FROM zone))::date
    FROM credited CROSS JOIN LATERAL (SELECT occurred_at FROM conversion one
        WHERE one.company_id = (SELECT CAST(:company_id AS uuid)) AND one.call_id = credited.id OFFSET 0) o
    """
)
_OF_CHANGES: Final = _by_ids(
    """
    SELECT (o.occurred_at AT TIME ZONE (SELECT timezone FROM company WHERE id = :company_id))::date AS day
    FROM unnest(:ids) AS asked (id)
    CROSS JOIN LATERAL (SELECT conversion_id FROM conversion_change one
        WHERE one.company_id = (SELECT CAST(:company_id AS uuid)) AND one.id = asked.id LIMIT 1) h
    CROSS JOIN LATERAL (SELECT occurred_at FROM conversion one
        WHERE one.company_id = (SELECT CAST(:company_id AS uuid)) AND one.id = h.conversion_id LIMIT 1) o
    """
)


def count_calls(services: Services, company_id: UUID, call_ids: Sequence[UUID]) -> None:
    """Let the days of these calls, and of what they brought, be counted anew."""
    _mark(services, company_id, _OF_CALLS, call_ids)


def count_changes(services: Services, company_id: UUID, change_ids: Sequence[UUID]) -> None:
    """Let the days of these changed conversions be counted anew."""
    _mark(services, company_id, _OF_CHANGES, change_ids)


def count_visits(services: Services, company_id: UUID, visit_ids: Sequence[UUID]) -> None:
    """Let the days of these visits, and of what is credited to them, be counted anew."""
    _mark(services, company_id, _OF_VISITS, visit_ids)


def mark_days(
    session: Session, company_id: UUID, days: Iterable[date], due_at: datetime, span: str = "day"
) -> None:
    """Mark days (or months, by their first day) within the caller's transaction."""
    asked = {"company_id": company_id, "days": list(days), "span": span, "due_at": due_at, "patience": 0}
    session.execute(_DAYS, asked)


def _mark(services: Services, company_id: UUID, statement: TextClause, ids: Sequence[UUID]) -> None:
    asked: dict[str, Any] = {
        "company_id": company_id, "ids": list(ids), "span": "day", "due_at": services.clock() + SOON,
        "patience": PATIENCE,
    }  # fmt: skip
    with services.db.tenant(company_id) as session:
        session.execute(statement, asked)
