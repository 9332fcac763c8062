"""Who entered a segment since the last look: kept for segments whose entering somebody wants to hear of.

Where a webhook wants to hear of it, each entering is written down for it in the same transaction.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from calltrack.infra import outbox
from calltrack.infra.turns import take_turn
from calltrack.stages.model import SegmentRow
from calltrack.stages.segment_events import tell_webhook, withhold_removed
from calltrack.stages.segment_rules import Sql, read_segment
from calltrack.wiring import Services

_WATCHED: Final = text(
    "SELECT DISTINCT company_id FROM journey_segment WHERE tell_to <> 'off' OR webhook_id IS NOT NULL"
)
# Whoever leaves is forgotten, and told of again when coming back.
_LEAVE: Final = """
    DELETE FROM segment_member m WHERE m.company_id = :company_id AND m.segment_id = :segment_id
      AND NOT EXISTS (SELECT FROM journey j WHERE j.company_id = m.company_id AND j.id = m.person_id
                      AND j.is_person AND {0})
"""
_ENTER: Final = """
    INSERT INTO segment_member (company_id, segment_id, person_id, entered_at, told_at)
    SELECT j.company_id, :segment_id, j.id, :at, CAST(:told_at AS timestamptz) FROM journey j
    JOIN person p ON p.company_id = j.company_id AND p.id = j.id
    WHERE j.company_id = :company_id AND j.is_person AND {0}
    ON CONFLICT DO NOTHING
"""


def watch_entering(services: Services) -> int:
    """Look who entered, in all companies; returns in how many somebody did."""
    with services.db.system() as system:
        companies = list(system.scalars(_WATCHED))
    return sum(look(services, company_id) for company_id in companies)


def look(services: Services, company_id: UUID) -> bool:
    """Write down who entered each watched segment since the last look; `segment.entered` follows.

    Whoever is in it at the first look did not enter. Telling is another one's work: a row that was not told
    of stays so until a mail went out. Tells whether anybody entered.
    """
    now, is_new = services.clock(), False
    with services.db.tenant(company_id) as session:
        session.execute(text("SET LOCAL statement_timeout = '60s'"))
        take_turn(session, "segment members", company_id)
        watched = session.scalars(
            select(SegmentRow).where(
                SegmentRow.company_id == company_id,
                or_(SegmentRow.tell_to != "off", SegmentRow.webhook_id.is_not(None)),
            )
        ).all()
        withhold_removed(session, company_id, now)
        for row in watched:
            is_new |= _look_at(session, row, now)
    if is_new:
        services.nudges.wake("handle_facts", str(company_id))
    return is_new


def _look_at(session: Session, row: SegmentRow, now: datetime) -> bool:
    sql = Sql()
    where = sql.where(read_segment(row.condition))
    values: dict[str, Any] = sql.values | {"company_id": row.company_id, "segment_id": row.id}
    values |= {"now": now} if ":now" in where else {}
    session.execute(text(_LEAVE.replace("{0}", where)), values)
    is_first = row.watched_since is None
    told = {"at": now, "told_at": now if is_first else None}
    entered = session.execute(
        text(_ENTER.replace("{0}", where) + " RETURNING person_id"), values | told
    ).all()
    if is_first:
        row.watched_since = now
        return False
    if entered:
        tell_webhook(session, row, [one.person_id for one in entered], now)
        outbox.record(session, row.company_id, "segment.entered", row.id, now)
    return bool(entered)
