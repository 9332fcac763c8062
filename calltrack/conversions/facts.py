"""Reads the facts that rules ask for: many calls in one query."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from calltrack.conversions.tree_rules import Facts


@dataclass(frozen=True)
class KnownCall:
    """A call with its facts (`earlier` is not filled in) and the key of who called (withheld: None)."""

    id: UUID
    started_at: datetime
    person: str | None
    has_ended: bool
    facts: Facts


_FACTS = """
    SELECT c.id, c.started_at, c.is_bridged, c.talk_seconds, c.caller_hash,
           c.outcome IS NOT NULL AS has_ended, c.location_id, c.number_id, n.pool_id,
           a.source, a.medium, a.campaign, p.person_id, company.timezone,
           (SELECT w.kind FROM outcome_word w
            WHERE w.company_id = c.company_id AND w.call_id = c.id AND w.kind IN ('purchase', 'lead', 'none')
            ORDER BY w.said_at DESC, w.id DESC LIMIT 1) AS told
    FROM call c
    JOIN company ON company.id = c.company_id
    JOIN tracking_number n ON n.company_id = c.company_id AND n.id = c.number_id
    LEFT JOIN attribution a ON a.company_id = c.company_id AND a.call_id = c.id AND a.is_current
    LEFT JOIN person_caller p ON p.company_id = c.company_id AND p.caller_hash = c.caller_hash
    WHERE c.company_id = :company_id
"""
_BY_ID = text(_FACTS + " AND c.id = ANY(:ids)").bindparams(bindparam("ids", type_=ARRAY(Uuid())))
_BY_TIME = text(_FACTS + " AND c.started_at >= :since AND c.started_at < :until ORDER BY c.started_at, c.id")


def facts_of(session: Session, company_id: UUID, call_ids: Collection[UUID]) -> dict[UUID, KnownCall]:
    """Return the facts of those of the calls that exist."""
    rows = session.execute(_BY_ID, {"company_id": company_id, "ids": list(call_ids)})
    return {row.id: _known(row) for row in rows}


def facts_between(
    session: Session, company_id: UUID, since: datetime, until: datetime
) -> tuple[KnownCall, ...]:
    """Return the facts of the calls that began from `since` and before `until`, in the order they began."""
    rows = session.execute(_BY_TIME, {"company_id": company_id, "since": since, "until": until})
    return tuple(_known(row) for row in rows)


def _known(row: Any) -> KnownCall:
    person = str(row.person_id) if row.person_id else row.caller_hash.hex() if row.caller_hash else None
    facts = Facts(
        started_at=row.started_at,
        answered=row.is_bridged,
        talk_seconds=row.talk_seconds,
        is_withheld=row.caller_hash is None,
        told=row.told or "",
        source=row.source or "",
        medium=row.medium or "",
        campaign=row.campaign or "",
        location=str(row.location_id),
        number=str(row.number_id),
        pool=str(row.pool_id) if row.pool_id else "",
        timezone=row.timezone,
    )
    return KnownCall(row.id, row.started_at, person, row.has_ended, facts)
