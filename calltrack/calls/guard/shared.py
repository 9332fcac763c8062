"""Nuisance callers known to other companies of this server, as keyed hashes that name nobody.

Only what people said is shared: a mark by hand and an entry of a block list, never a mark the rules made;
otherwise one company's automatic marks would become another's evidence.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.calls.guard.model import SpamReport
from calltrack.infra.crypto import Vault

KEPT = timedelta(days=30)


def shared_hash(vault: Vault, caller: str) -> bytes:
    """Return the server's hash of a caller."""
    return vault.look_up_anywhere("spam/caller", caller)


def report(session: Session, vault: Vault, company_id: UUID, caller: str, now: datetime) -> None:
    """Say, without saying who, that a company's people call this caller a nuisance."""
    row = insert(SpamReport).values(
        caller_hash=shared_hash(vault, caller),
        reporter_hash=_reporter(vault, company_id, caller),
        reported_at=now,
    )
    key = [SpamReport.caller_hash, SpamReport.reporter_hash]
    session.execute(row.on_conflict_do_update(index_elements=key, set_={"reported_at": now}))


def take_back(session: Session, vault: Vault, company_id: UUID, caller: str) -> None:
    """Take a company's report of a caller back."""
    session.execute(
        delete(SpamReport).where(
            SpamReport.caller_hash == shared_hash(vault, caller),
            SpamReport.reporter_hash == _reporter(vault, company_id, caller),
        )
    )


def reports_of_others(session: Session, vault: Vault, company_id: UUID, caller: str, now: datetime) -> int:
    """Return how many other companies reported the caller within the last 30 days."""
    count = session.scalar(
        select(func.count()).where(
            SpamReport.caller_hash == shared_hash(vault, caller),
            SpamReport.reporter_hash != _reporter(vault, company_id, caller),
            SpamReport.reported_at > now - KEPT,
        )
    )
    return count or 0


def forget_old(session: Session, now: datetime) -> None:
    """Delete reports of more than 30 days ago."""
    session.execute(delete(SpamReport).where(SpamReport.reported_at < now - KEPT))


def _reporter(vault: Vault, company_id: UUID, caller: str) -> bytes:
    return vault.look_up_anywhere("spam/reporter", f"{company_id.hex}:{caller}")
