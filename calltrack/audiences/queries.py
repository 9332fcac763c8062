"""Audiences as pages and the API show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from calltrack.audiences.ledger import PHONE
from calltrack.destinations.audience_platforms import PLATFORMS
from calltrack.infra.crypto import Vault


@dataclass(frozen=True, slots=True)
class ListRow:
    """A customer list that an audience is kept in step with; counts are identifiers."""

    id: UUID
    audience_id: UUID
    destination_id: UUID
    destination: str
    kind: str
    is_connected: bool
    list_id: str
    status: str
    status_reason: str
    last_sent_at: datetime | None
    last_confirmed_at: datetime | None
    last_trouble: str
    match_rate: str
    invalid: int
    confirmed: int
    sent: int
    waiting: int
    leaving: int
    refused: int

    @property
    def there(self) -> int:
        """How many identifiers the platform has taken, judged or not."""
        return self.confirmed + self.sent

    @property
    def too_small(self) -> str:
        """Return the platform's note where the list is too small to be shown ads to; else nothing."""
        platform = PLATFORMS.get(self.kind)
        if platform is None or self.status != "active" or self.there + self.waiting >= platform.smallest:
            return ""
        return platform.smallest_note


@dataclass(frozen=True, slots=True)
class AudienceRow:
    """An audience with its size and its lists."""

    id: UUID
    name: str
    sentence: str
    condition: dict[str, Any]
    status: str
    members: int
    denied: int
    unknown: int
    no_identifier: int
    checked_at: datetime | None
    full_due_at: datetime | None
    repaired: int
    created_at: datetime
    created_by: str
    lists: tuple[ListRow, ...]

    @property
    def withheld(self) -> int:
        """How many persons the condition holds for who are left out."""
        return self.denied + self.unknown + self.no_identifier


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A person the condition holds for. `phone` is a number of his, E.164; None where none is known."""

    person_id: UUID
    phone: str | None
    status: str
    withheld: str
    since: datetime
    why: str
    consent: dict[str, Any]
    states: tuple[str, ...]
    """One word for each identifier and list: wanted, sent, confirmed, leaving, refused."""


@dataclass(frozen=True, slots=True)
class EventRow:
    """One line of the history."""

    at: datetime
    what: str
    why: str
    person_id: UUID
    destination: str | None


_AUDIENCES: Final = text(
    """
    SELECT a.id, a.name, a.sentence, a.condition, a.status, a.checked_at, a.full_due_at, a.repaired,
           a.created_at, a.created_by, coalesce(m.members, 0) AS members, coalesce(m.denied, 0) AS denied,
           coalesce(m.unknown, 0) AS unknown, coalesce(m.no_identifier, 0) AS no_identifier
    FROM audience a LEFT JOIN LATERAL (
        SELECT count(*) FILTER (WHERE status = 'in') AS members,
               count(*) FILTER (WHERE withheld = 'denied') AS denied,
               count(*) FILTER (WHERE withheld = 'unknown') AS unknown,
               count(*) FILTER (WHERE withheld = 'no_identifier') AS no_identifier
        FROM audience_member m WHERE m.company_id = a.company_id AND m.audience_id = a.id) m ON true
    WHERE a.company_id = :company_id AND a.status <> 'deleted'
      AND (CAST(:audience_id AS uuid) IS NULL OR a.id = :audience_id)
    ORDER BY a.name, a.id
    """
)
_LISTS: Final = text(
    """
    SELECT pl.id, pl.audience_id, pl.destination_id, t.name AS destination, t.kind,
           t.status = 'active' AS is_connected, pl.list_id, pl.status, pl.status_reason, pl.last_sent_at,
           pl.last_confirmed_at, pl.last_trouble, pl.match_rate, pl.invalid,
           coalesce(e.confirmed, 0) AS confirmed, coalesce(e.sent, 0) AS sent,
           coalesce(e.waiting, 0) AS waiting, coalesce(e.leaving, 0) AS leaving,
           coalesce(e.refused, 0) AS refused
    FROM audience_place pl
    JOIN destination t ON t.company_id = pl.company_id AND t.id = pl.destination_id
    LEFT JOIN LATERAL (
        SELECT count(*) FILTER (WHERE wanted AND state = 'settled') AS confirmed,
               count(*) FILTER (WHERE wanted AND state = 'sent') AS sent,
               count(*) FILTER (WHERE wanted AND state IN ('due', 'sending')) AS waiting,
               count(*) FILTER (WHERE NOT wanted AND state <> 'settled') AS leaving,
               count(*) FILTER (WHERE state = 'refused') AS refused
        FROM audience_entry e WHERE e.company_id = pl.company_id AND e.place_id = pl.id) e ON true
    WHERE pl.company_id = :company_id AND pl.status <> 'removed'
      AND (CAST(:audience_id AS uuid) IS NULL OR pl.audience_id = :audience_id)
    ORDER BY t.name, pl.id
    """
)
_MEMBERS: Final = text(
    """
    SELECT m.person_id, m.status, m.withheld, m.since, m.why, m.consent, pc.phone
    FROM audience_member m LEFT JOIN LATERAL (
        SELECT phone FROM person_caller pc
        WHERE pc.company_id = m.company_id AND pc.person_id = m.person_id
        ORDER BY linked_at LIMIT 1) pc ON true
    WHERE m.company_id = :company_id AND m.audience_id = :audience_id
      AND (CAST(:after AS uuid) IS NULL OR m.person_id < :after)
      AND (:status = '' OR m.status = :status)
    ORDER BY m.person_id DESC LIMIT :most
    """
)
_STATES: Final = text(
    """
    SELECT e.person_id, e.wanted, e.state FROM audience_entry e
    JOIN audience_place pl ON pl.company_id = e.company_id AND pl.id = e.place_id
    WHERE e.company_id = :company_id AND pl.audience_id = :audience_id AND e.person_id = ANY(:ids)
    ORDER BY pl.id
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))
_EVENTS: Final = text(
    """
    SELECT e.at, e.what, e.why, e.person_id, t.name AS destination
    FROM audience_event e
    LEFT JOIN audience_place pl ON pl.company_id = e.company_id AND pl.id = e.place_id
    LEFT JOIN destination t ON t.company_id = pl.company_id AND t.id = pl.destination_id
    WHERE e.company_id = :company_id AND e.audience_id = :audience_id
    ORDER BY e.at DESC, e.id LIMIT :most
    """
)


def audiences(session: Session, company_id: UUID, audience_id: UUID | None = None) -> tuple[AudienceRow, ...]:
    """Return the company's audiences by name, or the one with that id."""
    lists: dict[UUID, list[ListRow]] = {}
    asked = {"company_id": company_id, "audience_id": audience_id}
    for row in session.execute(_LISTS, asked):
        lists.setdefault(row.audience_id, []).append(ListRow(**row._mapping))
    rows = session.execute(_AUDIENCES, asked)
    return tuple(AudienceRow(**row._mapping, lists=tuple(lists.get(row.id, ()))) for row in rows)


def members(
    session: Session,
    vault: Vault,
    company_id: UUID,
    audience_id: UUID,
    *,
    after: UUID | None = None,
    status: str = "",
    most: int = 50,
) -> tuple[MemberRow, ...]:
    """Return persons the condition holds for, the newest person first; `after` is the last one shown."""
    given = {"company_id": company_id, "audience_id": audience_id, "after": after, "status": status}
    rows = session.execute(_MEMBERS, given | {"most": most}).all()
    keys = {"company_id": company_id, "audience_id": audience_id}
    states: dict[UUID, list[str]] = {}
    for row in session.execute(_STATES, keys | {"ids": [row.person_id for row in rows]}):
        states.setdefault(row.person_id, []).append(state_word(row.wanted, row.state))
    return tuple(
        MemberRow(
            row.person_id, vault.open(company_id, PHONE, row.phone) if row.phone else None, row.status,
            row.withheld, row.since, row.why, row.consent, tuple(states.get(row.person_id, ())),
        )
        for row in rows
    )  # fmt: skip


def events(session: Session, company_id: UUID, audience_id: UUID, most: int = 50) -> Sequence[EventRow]:
    """Return the newest lines of the history."""
    given = {"company_id": company_id, "audience_id": audience_id, "most": most}
    return [EventRow(**row._mapping) for row in session.execute(_EVENTS, given)]


def state_word(wanted: bool, state: str) -> str:
    """Return what became of an identifier at a list, in the ledger's words for people."""
    if state == "refused":
        return "refused"
    if not wanted:
        return "removed" if state == "settled" else "leaving"
    return {"settled": "confirmed", "sent": "sent"}.get(state, "wanted")
