"""Facts say that something changed about somebody: the journey is marked to be made again."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from calltrack.wiring import Services


def _marking(subjects: str) -> TextClause:
    statement = f"""
        INSERT INTO journey_dirty (company_id, subject_id, marked_at)
        SELECT :company_id, subject_id, :now FROM ({subjects}) concerned WHERE subject_id IS NOT NULL
    """  # noqa: S608 - constants of this file
    return text(statement).bindparams(bindparam("ids", type_=ARRAY(Uuid())))


# LATERAL and `(SELECT :company_id)` reach each row by its whole key, whatever the statistics say.
_CALL: Final = """
    CROSS JOIN LATERAL (SELECT * FROM call one
        WHERE one.company_id = (SELECT :company_id) AND one.id = {call} LIMIT 1) ca"""
_CALLER: Final = """
    CROSS JOIN LATERAL (SELECT * FROM person_caller one
        WHERE one.company_id = (SELECT :company_id) AND one.caller_hash = ca.caller_hash OFFSET 0) pc"""
_CHANGE: Final = """
    CROSS JOIN LATERAL (SELECT * FROM conversion_change one
        WHERE one.company_id = (SELECT :company_id) AND one.id = asked.id LIMIT 1) ch
    CROSS JOIN LATERAL (SELECT * FROM conversion one
        WHERE one.company_id = (SELECT :company_id) AND one.id = ch.conversion_id LIMIT 1) co"""
# A call is its caller's; a withheld one that of the browser it is surely of, or of whom its conversion names.
_OF_CALLS: Final = _marking(
    f"""
    SELECT pc.person_id AS subject_id FROM unnest(:ids) AS asked (id)
    {_CALL.format(call="asked.id")} {_CALLER}
    UNION
    SELECT v.visitor_id FROM unnest(:ids) AS asked (id)
    CROSS JOIN LATERAL (SELECT * FROM attribution one
        WHERE one.company_id = (SELECT :company_id) AND one.call_id = asked.id AND one.is_current LIMIT 1) cr
    CROSS JOIN LATERAL (SELECT * FROM visit one
        WHERE one.company_id = (SELECT :company_id) AND one.id = cr.visit_id LIMIT 1) v
    """  # noqa: S608 - constants of this file
)
_OF_CHANGES: Final = _marking(
    f"""
    SELECT co.person_id AS subject_id FROM unnest(:ids) AS asked (id) {_CHANGE}
    UNION
    SELECT pc.person_id FROM unnest(:ids) AS asked (id) {_CHANGE} {_CALL.format(call="co.call_id")} {_CALLER}
    """  # noqa: S608 - constants of this file
)
_OF_TYPED: Final = _marking(
    """
    SELECT visitor_id AS subject_id FROM visitor_phone
    WHERE company_id = (SELECT :company_id) AND id = ANY(:ids)
    UNION
    SELECT visitor_id FROM visitor_email WHERE company_id = (SELECT :company_id) AND id = ANY(:ids)
    """
)
_THEM: Final = _marking("SELECT unnest(:ids) AS subject_id")


def mark_calls(services: Services, company_id: UUID, call_ids: Sequence[UUID]) -> None:
    """Mark whoever these calls are of."""
    _mark(services, company_id, _OF_CALLS, call_ids)


def mark_changes(services: Services, company_id: UUID, change_ids: Sequence[UUID]) -> None:
    """Mark whoever these conversion changes are of."""
    _mark(services, company_id, _OF_CHANGES, change_ids)


def mark_typed(services: Services, company_id: UUID, typed_ids: Sequence[UUID]) -> None:
    """Mark the browsers in which these numbers or addresses were typed."""
    _mark(services, company_id, _OF_TYPED, typed_ids)


def mark(session: Session, company_id: UUID, subject_ids: Iterable[UUID], now: datetime) -> None:
    """Mark these persons and browsers within the caller's transaction."""
    session.execute(_THEM, {"company_id": company_id, "ids": list(subject_ids), "now": now})


def _mark(services: Services, company_id: UUID, statement: TextClause, ids: Sequence[UUID]) -> None:
    with services.db.tenant(company_id) as session:
        session.execute(statement, {"company_id": company_id, "ids": list(ids), "now": services.clock()})
    services.nudges.wake("keep_journeys", str(company_id))
