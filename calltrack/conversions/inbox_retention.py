"""How long outcomes stay in the inbox: they hold phone numbers and names, so none stays for ever."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.model import Company
from calltrack.accounts.rules import settings_of
from calltrack.conversions.sources_model import InboxRow, Subject

BATCH = 1_000
BY = "housekeeping"


def forgotten_at(told_or_settled: datetime, days: int) -> datetime:
    """Return when an outcome of the inbox is forgotten: so many days after it was told, or was settled."""
    return told_or_settled + timedelta(days=days)


def forget_outcomes(session: Session, company_id: UUID, now: datetime) -> int:
    """Forget up to `BATCH` outcomes whose time in the inbox is over; returns how many.

    What was matched lives on in its conversions. How many were forgotten without a call, and of which time,
    stays in the audit trail. The same thing told again later is taken as new.
    """
    stored = session.execute(select(Company.settings).where(Company.id == company_id)).scalar_one()
    before = now - timedelta(days=settings_of(stored).inbox_days)
    since = func.coalesce(InboxRow.settled_at, InboxRow.received_at)
    old = session.execute(
        select(InboxRow.id, InboxRow.state, InboxRow.subject, InboxRow.received_at)
        .where(InboxRow.company_id == company_id, since < before)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    if not old:
        return 0
    ids = [row.id for row in old]
    session.execute(delete(InboxRow).where(InboxRow.company_id == company_id, InboxRow.id.in_(ids)))
    lost = [row for row in old if row.state == "unmatched"]
    if lost:
        subjects = {row.subject for row in lost}
        session.execute(
            delete(Subject).where(Subject.company_id == company_id, Subject.subject.in_(subjects))
        )
        told = [row.received_at for row in lost]
        audit.note(
            session, company_id, BY, "outcome.forget", f"{len(lost)} without a call", now,
            count=len(lost), first=min(told).isoformat(), last=max(told).isoformat(),
        )  # fmt: skip
    return len(old)
