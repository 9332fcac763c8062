"""Notes on a call, who deals with it, and how far its lead is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.model import Membership, User
from calltrack.calls.model import Call
from calltrack.calls.people.model import CallNote, CallWork
from calltrack.infra.crypto import Vault
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.ids import new_id
from calltrack.kernel.text import as_written

NOTE_PLACE: Final = "call_note.text"
LONGEST_NOTE: Final = 4_000
# The states of a lead, and how people read them.
STATUSES: Final = {
    "open": "Open",
    "contacted": "Contacted",
    "quoted": "Quoted",
    "won": "Won",
    "lost": "Lost",
}
KEEP: Final = object()


@dataclass(frozen=True)
class NoteRow:
    """A note, its author and its time."""

    id: UUID
    text: str
    written_by: str
    written_at: datetime


@dataclass(frozen=True)
class WorkRow:
    """How far the lead of a call is, and who deals with it (None: nobody)."""

    status: str = "open"
    assignee_id: UUID | None = None
    assignee: str = ""
    changed_by: str = ""
    changed_at: datetime | None = None


def add_note(
    session: Session, vault: Vault, company_id: UUID, call_id: UUID, text: str, now: datetime, *, by: str
) -> UUID:
    """Write a note on a call and return its id; notes are added, never changed.

    Raises:
        BadInput: it is empty or too long.
        NotFound: the company has no such call.
    """
    call = _call(session, company_id, call_id)
    kept = as_written(text)
    if not 1 <= len(kept) <= LONGEST_NOTE:
        raise BadInput(f"A note has 1 to {LONGEST_NOTE} characters.")
    row = CallNote(
        company_id=company_id,
        id=new_id(now),
        call_id=call_id,
        text=vault.seal(company_id, NOTE_PLACE, kept),
        written_by=by,
        written_at=now,
    )
    session.add(row)
    call.changed_at = now
    audit.note(session, company_id, by, "call.note", call_id.hex, now)
    session.flush()
    return row.id


def notes_of(session: Session, vault: Vault, company_id: UUID, call_id: UUID) -> tuple[NoteRow, ...]:
    """Return the notes of a call, oldest first."""
    rows = session.scalars(
        select(CallNote)
        .where(CallNote.company_id == company_id, CallNote.call_id == call_id)
        .order_by(CallNote.written_at, CallNote.id)
    )
    return tuple(
        NoteRow(row.id, vault.open(company_id, NOTE_PLACE, row.text), row.written_by, row.written_at)
        for row in rows
    )


def set_work(
    session: Session,
    company_id: UUID,
    call_id: UUID,
    now: datetime,
    *,
    by: str,
    status: str | None = None,
    assignee_id: UUID | object | None = KEEP,
) -> None:
    """Say how far a call's lead is (None: as it is) and who deals with it (None: nobody).

    Raises:
        BadInput: no such status.
        NotFound: the company has no such call, or the assignee is no active member.
    """
    call = _call(session, company_id, call_id)
    if status is not None and status not in STATUSES:
        raise BadInput(f"The status of a lead is {', '.join(STATUSES)}.")
    if isinstance(assignee_id, UUID):
        _member(session, company_id, assignee_id)
    row = session.get(CallWork, (company_id, call_id), with_for_update=True)
    if row is None:
        row = CallWork(company_id=company_id, call_id=call_id, status="open", changed_by=by, changed_at=now)
        session.add(row)
    before = (row.status, row.assignee_id)
    row.status = status or row.status
    if assignee_id is not KEEP:
        row.assignee_id = assignee_id if isinstance(assignee_id, UUID) else None
    row.changed_by, row.changed_at = by, now
    if before != (row.status, row.assignee_id):
        call.changed_at = now
        audit.note(
            session, company_id, by, "call.work", call_id.hex, now, status=row.status,
            assignee=row.assignee_id.hex if row.assignee_id else "",
        )  # fmt: skip
    session.flush()


def work_of(session: Session, company_id: UUID, call_id: UUID) -> WorkRow:
    """Return how far the lead of a call is, and who deals with it."""
    row = session.execute(
        select(CallWork, User.name)
        .outerjoin(User, User.id == CallWork.assignee_id)
        .where(CallWork.company_id == company_id, CallWork.call_id == call_id)
    ).one_or_none()
    if row is None:
        return WorkRow()
    work: CallWork = row[0]
    return WorkRow(work.status, work.assignee_id, row[1] or "", work.changed_by, work.changed_at)


def _member(session: Session, company_id: UUID, user_id: UUID) -> None:
    found = session.scalar(
        select(User.id)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.company_id == company_id, User.id == user_id, User.is_active)
    )
    if found is None:
        raise NotFound("There is no such member of the company.")


def _call(session: Session, company_id: UUID, call_id: UUID) -> Call:
    call = session.get(Call, (company_id, call_id), with_for_update=True)
    if call is None:
        raise NotFound("There is no such call.")
    return call
