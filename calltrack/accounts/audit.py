"""The audit trail: who changed what, written in the transaction that changed it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.accounts.model import AuditEntry
from calltrack.kernel.ids import new_id


def note(
    session: Session, company_id: UUID, actor: str, action: str, subject: str, now: datetime, **detail: Any
) -> UUID:
    """Write down that somebody did something; secrets and callers' numbers never go into `detail`.

    Nor does what people write freely: it may hold both, and no entry is ever changed or erased.

    Returns the entry's id.
    """
    entry = AuditEntry(
        company_id=company_id,
        id=new_id(now),
        at=now,
        actor=actor,
        action=action,
        subject=subject,
        detail=detail,
    )
    session.add(entry)
    return entry.id
