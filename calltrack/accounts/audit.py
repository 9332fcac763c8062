"""The audit trail: who changed what, written in the transaction that changed it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.accounts.model import AuditEntry
from calltrack.kernel.ids import new_id


def note(
    session: Session, company_id: UUID, actor: str, action: str, subject: str, now: datetime, **detail: Any
) -> None:
    """Write down that somebody did something; secrets and callers' numbers never go into `detail`."""
    session.add(
        AuditEntry(
            company_id=company_id,
            id=new_id(now),
            at=now,
            actor=actor,
            action=action,
            subject=subject,
            detail=detail,
        )
    )
