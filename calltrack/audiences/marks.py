"""Facts say that something changed about a person: whoever may be concerned is marked to be judged again.

One statement each, and nothing is written for a company without an audience.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from calltrack.wiring import Services

_HAS_AUDIENCES: Final = """
    EXISTS (SELECT FROM audience a WHERE a.company_id = :company_id AND a.status <> 'deleted')"""


def _marking(persons: str) -> TextClause:
    statement = f"""
        INSERT INTO audience_dirty (company_id, person_id, marked_at)
        SELECT :company_id, person_id, :now FROM ({persons}) concerned
        WHERE person_id IS NOT NULL AND {_HAS_AUDIENCES}
    """  # noqa: S608 - constants of this file
    return text(statement).bindparams(bindparam("ids", type_=ARRAY(Uuid())))


# LATERAL and `(SELECT :company_id)` reach each row by its whole key, whatever the statistics say: see
# `delivery/plan.py`.
# A call's person: its caller's, else (number withheld) the one whom its conversions name.
_OF_CALLS: Final = _marking(
    """
    SELECT pc.person_id FROM unnest(:ids) AS asked (id)
    CROSS JOIN LATERAL (SELECT * FROM call one
        WHERE one.company_id = (SELECT :company_id) AND one.id = asked.id LIMIT 1) ca
    CROSS JOIN LATERAL (SELECT * FROM person_caller one
        WHERE one.company_id = (SELECT :company_id) AND one.caller_hash = ca.caller_hash OFFSET 0) pc
    UNION
    SELECT co.person_id FROM unnest(:ids) AS asked (id)
    CROSS JOIN LATERAL (SELECT * FROM conversion one
        WHERE one.company_id = (SELECT :company_id) AND one.call_id = asked.id OFFSET 0) co
    """
)
_OF_CHANGES: Final = _marking(
    """
    SELECT co.person_id FROM unnest(:ids) AS asked (id)
    CROSS JOIN LATERAL (SELECT * FROM conversion_change one
        WHERE one.company_id = (SELECT :company_id) AND one.id = asked.id LIMIT 1) ch
    CROSS JOIN LATERAL (SELECT * FROM conversion one
        WHERE one.company_id = (SELECT :company_id) AND one.id = ch.conversion_id LIMIT 1) co
    UNION
    SELECT pc.person_id FROM unnest(:ids) AS asked (id)
    CROSS JOIN LATERAL (SELECT * FROM conversion_change one
        WHERE one.company_id = (SELECT :company_id) AND one.id = asked.id LIMIT 1) ch
    CROSS JOIN LATERAL (SELECT * FROM conversion one
        WHERE one.company_id = (SELECT :company_id) AND one.id = ch.conversion_id LIMIT 1) co
    CROSS JOIN LATERAL (SELECT * FROM call one
        WHERE one.company_id = (SELECT :company_id) AND one.id = co.call_id LIMIT 1) ca
    CROSS JOIN LATERAL (SELECT * FROM person_caller one
        WHERE one.company_id = (SELECT :company_id) AND one.caller_hash = ca.caller_hash OFFSET 0) pc
    """
)
_PERSONS: Final = _marking("SELECT unnest(:ids) AS person_id")


def mark_calls(services: Services, company_id: UUID, call_ids: Sequence[UUID]) -> None:
    """Mark the persons of these calls."""
    _mark(services, company_id, _OF_CALLS, call_ids)


def mark_changes(services: Services, company_id: UUID, change_ids: Sequence[UUID]) -> None:
    """Mark the persons of these conversion changes."""
    _mark(services, company_id, _OF_CHANGES, change_ids)


def mark_persons(services: Services, company_id: UUID, person_ids: Sequence[UUID]) -> None:
    """Mark these persons."""
    _mark(services, company_id, _PERSONS, person_ids)


def mark(session: Session, company_id: UUID, person_ids: Iterable[UUID], now: datetime) -> None:
    """Mark these persons within the caller's transaction."""
    session.execute(_PERSONS, {"company_id": company_id, "ids": list(person_ids), "now": now})


def _mark(services: Services, company_id: UUID, statement: TextClause, ids: Sequence[UUID]) -> None:
    values = {"company_id": company_id, "ids": list(ids), "now": services.clock()}
    with services.db.tenant(company_id) as session:
        marked = getattr(session.execute(statement, values), "rowcount", 0)
    if marked:
        services.nudges.wake("keep_audiences", str(company_id))
