"""Whom time alone moves: persons with an event that reaches the age a condition asks for."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.audiences.conditions import read
from calltrack.audiences.model import Audience
from calltrack.audiences.rules import days_of

# How often those are looked for whom only time has moved: a limit counts days, minutes do not matter.
SWEEP: Final = timedelta(minutes=5)

_CONVERSIONS: Final = """
    SELECT coalesce(pc.person_id, co.person_id) AS person_id
    FROM conversion co JOIN call ca ON ca.company_id = co.company_id AND ca.id = co.call_id
    LEFT JOIN person_caller pc ON pc.company_id = ca.company_id AND pc.caller_hash = ca.caller_hash
    WHERE co.company_id = :company_id AND co.kind = '{kind}'
      AND co.occurred_at > :since - CAST(:age AS interval)
      AND co.occurred_at <= :now - CAST(:age AS interval)"""
_CALLS: Final = """
    SELECT pc.person_id
    FROM call ca JOIN person_caller pc ON pc.company_id = ca.company_id AND pc.caller_hash = ca.caller_hash
    WHERE ca.company_id = :company_id
      AND ca.started_at > :since - CAST(:age AS interval)
      AND ca.started_at <= :now - CAST(:age AS interval)"""
# Persons with such an event exactly so many days before a moment of the span.
_AGED: Final = {
    kind: text(f"SELECT DISTINCT person_id FROM ({events}) aged WHERE person_id IS NOT NULL")  # noqa: S608 - constants
    for kind, events in (
        ("lead", _CONVERSIONS.format(kind="lead")),
        ("purchase", _CONVERSIONS.format(kind="purchase")),
        ("call", _CALLS),
    )
}


def aged(session: Session, audience: Audience, now: datetime) -> set[UUID]:
    """Return whom time can have moved in or out of the audience since it was swept last."""
    found: set[UUID] = set()
    for kind, days in days_of(read(audience.condition)):
        values = {"company_id": audience.company_id, "since": audience.swept_until, "now": now}
        found |= set(session.scalars(_AGED[kind], values | {"age": timedelta(days=days)}))
    return found


def is_timed(audience: Audience) -> bool:
    """Tell whether time alone can move somebody."""
    return bool(days_of(read(audience.condition)))
