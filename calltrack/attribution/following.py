"""Which calls a changed verdict reaches: those that carry it on, and those whose caller it tells about."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, exists, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import LargeBinary, Uuid

from calltrack.attribution.evidence import REACH, RECENT
from calltrack.attribution.replay_book import RECENT_CALLS
from calltrack.calls.model import Call

# So many calls elsewhere are told of a phone; who calls more often is known by then.
MOST_ELSEWHERE = 40

_ON_NUMBER = text(
    """
    (SELECT id FROM call
     WHERE company_id = (SELECT CAST(:company_id AS uuid)) AND number_id = :number_id AND started_at > :at
       AND started_at <= :recent ORDER BY started_at, id LIMIT :most)
    UNION
    (SELECT id FROM call
     WHERE company_id = (SELECT CAST(:company_id AS uuid)) AND caller_hash = :caller
       AND number_id = :number_id AND started_at > :at AND started_at <= :reach
     ORDER BY started_at, id LIMIT 1)
    """
).bindparams(bindparam("caller", type_=LargeBinary()))

# Numbers that the visitors were shown: whoever calls one later may be them, or has another phone than theirs.
_SHOWN_TO = text(
    """
    SELECT DISTINCT c.id, c.started_at
    FROM visit v
    JOIN lease l ON l.company_id = v.company_id AND l.visit_id = v.id
    JOIN call c ON c.company_id = l.company_id AND c.number_id = l.number_id AND c.started_at > :at
     AND c.started_at >= l.shown_from AND c.started_at <= l.last_seen_at + :reach
    WHERE v.company_id = (SELECT CAST(:company_id AS uuid)) AND v.visitor_id = ANY(:visitors)
    ORDER BY c.started_at, c.id LIMIT :most
    """
).bindparams(bindparam("visitors", type_=ARRAY(Uuid())))


def carried_on_by(session: Session, call: Call) -> list[UUID]:
    """Return later calls on the number that look at this one: the next 40 of 14 days, its caller's next."""
    at = call.started_at
    asked = {
        "company_id": call.company_id, "number_id": call.number_id, "caller": call.caller_hash, "at": at,
        "recent": at + RECENT, "reach": at + REACH, "most": RECENT_CALLS,
    }  # fmt: skip
    return list(session.scalars(_ON_NUMBER, asked))


def told_about(
    session: Session, company_id: UUID, phone: bytes, visitors: Collection[UUID], since: datetime
) -> list[UUID]:
    """Return later calls to be told whose phone this is: its own, and those to the visitors' numbers."""
    later = (Call.company_id == company_id, Call.started_at > since)
    if not session.scalar(select(exists().where(*later))):
        return []
    own = session.scalars(
        select(Call.id)
        .where(*later, Call.caller_hash == phone)
        .order_by(Call.started_at, Call.id)
        .limit(MOST_ELSEWHERE)
    ).all()
    asked = {
        "company_id": company_id, "visitors": list(visitors), "at": since, "reach": REACH,
        "most": MOST_ELSEWHERE,
    }  # fmt: skip
    shown = session.scalars(_SHOWN_TO, asked).all() if visitors else []
    return list(dict.fromkeys([*own, *shown]))
