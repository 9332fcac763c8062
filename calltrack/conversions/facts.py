"""Reads the facts that rules ask for: many calls in one query."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from calltrack.calls.transcripts import open_transcripts
from calltrack.conversions.tree_rules import Facts
from calltrack.infra.crypto import Vault


@dataclass(frozen=True)
class KnownCall:
    """A call with its facts (`earlier` is not filled in) and the key of who called (withheld: None)."""

    id: UUID
    started_at: datetime
    person: str | None
    has_ended: bool
    facts: Facts


# `apart`: LIMIT 1 keeps the look-ups of named calls apart; without it PostgreSQL joins as it likes.
_FACTS = """
    SELECT c.id, c.started_at, c.is_bridged, c.talk_seconds, c.caller_hash,
           c.outcome IS NOT NULL AS has_ended, c.location_id, c.number_id, n.pool_id,
           EXISTS (SELECT 1 FROM call_spam s WHERE s.company_id = c.company_id AND s.call_id = c.id
                   AND s.mark = 'spam') AS is_spam,
           ARRAY(SELECT t.name FROM call_tagged g
                 JOIN call_tag t ON t.company_id = g.company_id AND t.id = g.tag_id
                 WHERE g.company_id = c.company_id AND g.call_id = c.id ORDER BY t.key) AS tags,
           c.keys, c.flow_path, a.source, a.medium, a.campaign, p.person_id, company.timezone,
           (SELECT w.kind FROM outcome_word w
            WHERE w.company_id = c.company_id AND w.call_id = c.id AND w.kind IN ('purchase', 'lead', 'none')
            ORDER BY w.said_at DESC, w.id DESC LIMIT 1) AS told
    FROM call c
    JOIN company ON company.id = c.company_id
    JOIN tracking_number n ON n.company_id = c.company_id AND n.id = c.number_id
    LEFT JOIN LATERAL (SELECT * FROM attribution one WHERE one.company_id = c.company_id
        AND one.call_id = c.id AND one.is_current {apart}) a ON true
    LEFT JOIN LATERAL (SELECT * FROM person_caller one WHERE one.company_id = c.company_id
        AND one.caller_hash = c.caller_hash {apart}) p ON true
"""
# `(SELECT :company_id)` hides the company while the plan is made: see `delivery/plan.py`.
_BY_ID = text(
    _FACTS.format(apart="LIMIT 1") + " WHERE c.company_id = (SELECT :company_id) AND c.id = ANY(:ids)"
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))
_BY_TIME = text(
    _FACTS.format(apart="") + " WHERE c.company_id = :company_id"
    " AND c.started_at >= :since AND c.started_at < :until ORDER BY c.started_at, c.id"
)


def facts_of(
    session: Session, company_id: UUID, call_ids: Collection[UUID], *, with_words: bool = False
) -> dict[UUID, KnownCall]:
    """Return the facts of those of the calls that exist; `with_words` opens their transcripts too."""
    rows = session.execute(_BY_ID, {"company_id": company_id, "ids": list(call_ids)})
    known = {row.id: _known(row) for row in rows}
    return _with_transcripts(session, company_id, known) if with_words else known


def facts_between(
    session: Session, company_id: UUID, since: datetime, until: datetime, *, with_words: bool = False
) -> tuple[KnownCall, ...]:
    """Return the facts of the calls that began from `since` and before `until`, in the order they began."""
    rows = session.execute(_BY_TIME, {"company_id": company_id, "since": since, "until": until})
    known = {row.id: _known(row) for row in rows}
    return tuple((_with_transcripts(session, company_id, known) if with_words else known).values())


def _with_transcripts(
    session: Session, company_id: UUID, known: dict[UUID, KnownCall]
) -> dict[UUID, KnownCall]:
    """Fill in what was said in each call; transcripts are sealed, and the session carries the vault."""
    vault: Vault = session.info["vault"]
    for call_id, spoken in open_transcripts(session, vault, company_id, known).items():
        said = "\n".join(one.text for one in spoken)
        known[call_id] = replace(known[call_id], facts=replace(known[call_id].facts, transcript=said))
    return known


def _known(row: Any) -> KnownCall:
    person = str(row.person_id) if row.person_id else row.caller_hash.hex() if row.caller_hash else None
    facts = Facts(
        started_at=row.started_at,
        answered=row.is_bridged,
        talk_seconds=row.talk_seconds,
        is_withheld=row.caller_hash is None,
        told=row.told or "",
        keys=_keys(row.keys, row.flow_path),
        source=row.source or "",
        medium=row.medium or "",
        campaign=row.campaign or "",
        location=str(row.location_id),
        number=str(row.number_id),
        pool=str(row.pool_id) if row.pool_id else "",
        timezone=row.timezone,
        is_spam=row.is_spam,
        tags=tuple(row.tags),
    )
    return KnownCall(row.id, row.started_at, person, row.has_ended, facts)


def _keys(pressed: list[str], path: list[str]) -> tuple[str, ...] | None:
    """Return the keys pressed, each alone and with its step (`1`, `menu=1`); None: no flow answered."""
    if not path and not pressed:
        return None
    return (*pressed, *(step for step in path if "=" in step))
