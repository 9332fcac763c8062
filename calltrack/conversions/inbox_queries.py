"""What pages and the API read of the inbox."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from calltrack.conversions.inbox import SEALED
from calltrack.conversions.sources_model import InboxRow
from calltrack.conversions.told import Told, from_json
from calltrack.infra.crypto import Vault

STATES = ("unmatched", "matched", "dismissed")


@dataclass(frozen=True)
class InboxEntry:
    """An outcome of the inbox, opened. `told.clues.phone` is the full number: mask it for viewers."""

    id: UUID
    via: str
    told_by: str
    told: Told
    received_at: datetime
    state: str
    reason: str
    tries: int
    tried_at: datetime
    due_at: datetime | None
    call_id: UUID | None
    settled_at: datetime | None
    settled_by: str


def find_entries(
    session: Session,
    vault: Vault,
    company_id: UUID,
    state: str = "",
    before: UUID | None = None,
    most: int = 50,
) -> list[InboxEntry]:
    """Return outcomes of the inbox, newest first, in one state or all."""
    query = select(InboxRow).where(InboxRow.company_id == company_id)
    if state:
        query = query.where(InboxRow.state == state)
    if before:
        query = query.where(InboxRow.id < before)
    return [_entry(vault, row) for row in session.scalars(query.order_by(InboxRow.id.desc()).limit(most))]


def entry(session: Session, vault: Vault, company_id: UUID, inbox_id: UUID) -> InboxEntry | None:
    """Return one outcome of the inbox, None where the company has none of this id."""
    row = session.get(InboxRow, (company_id, inbox_id))
    return _entry(vault, row) if row else None


def counts(session: Session, company_id: UUID) -> dict[str, int]:
    """Return how many outcomes are in each state."""
    rows = session.execute(
        select(InboxRow.state, func.count()).where(InboxRow.company_id == company_id).group_by(InboxRow.state)
    )
    found = {row[0]: row[1] for row in rows}
    return {state: found.get(state, 0) for state in STATES}


def _entry(vault: Vault, row: InboxRow) -> InboxEntry:
    return InboxEntry(
        id=row.id, via=row.via, told_by=row.told_by,
        told=from_json(vault.open(row.company_id, SEALED, row.payload)),
        received_at=row.received_at, state=row.state, reason=row.reason, tries=row.tries,
        tried_at=row.tried_at, due_at=row.due_at, call_id=row.call_id, settled_at=row.settled_at,
        settled_by=row.settled_by,
    )  # fmt: skip
