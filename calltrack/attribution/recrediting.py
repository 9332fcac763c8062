"""After thresholds were moved: what verdicts are credited to is worked out anew, from what they keep."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.attribution.crediting import credit, thresholds_of
from calltrack.attribution.evidence import settings_for
from calltrack.attribution.model import Attribution
from calltrack.attribution.stored import posterior_of
from calltrack.infra import outbox

BATCH: Final = 500
FROM_THE_BEGINNING: Final = UUID(int=0)


def ask_to_credit_again(session: Session, company_id: UUID, now: datetime) -> None:
    """Let all verdicts be credited by the thresholds of now; a worker does it, 500 at a time."""
    outbox.record(session, company_id, "thresholds.moved", FROM_THE_BEGINNING, now)


def credit_again(session: Session, company_id: UUID, after: UUID, now: datetime) -> int:
    """Credit the next verdicts anew, by their calls' ids, and record what is left; returns how many changed.

    The posteriors stay: a threshold changes no verdict, only what reports make of it.
    """
    thresholds = thresholds_of(settings_for(session, company_id))
    rows = session.scalars(
        select(Attribution)
        .where(Attribution.company_id == company_id, Attribution.is_current, Attribution.call_id > after)
        .order_by(Attribution.call_id)
        .limit(BATCH)
    ).all()
    changed = 0
    for row in rows:
        fresh = credit(posterior_of(row), thresholds).columns()
        if any(getattr(row, name) != value for name, value in fresh.items()):
            for name, value in fresh.items():
                setattr(row, name, value)
            outbox.record(session, company_id, "call.attributed", row.call_id, now)
            changed += 1
    if len(rows) == BATCH:
        outbox.record(session, company_id, "thresholds.moved", rows[-1].call_id, now)
    session.flush()
    return changed
