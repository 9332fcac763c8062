"""Facts, recorded in the transaction that made them true; `workers/subscriptions.py` says who reacts.

A fact is due until every subscriber has handled it; a lease keeps two workers apart, an expired lease
brings the work of a killed one back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Index, bindparam, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.types import Uuid

from calltrack.infra.db import Base
from calltrack.kernel.ids import new_id

LEASE = timedelta(seconds=40)
# Waiting time after the n-th failure; the last repeats for ever: infrastructure errors are never given up.
STEPS = (1, 5, 15, 60, 300, 900)


class Fact(Base):
    """Something that became true and that others may react to."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_due", "company_id", "due_at", postgresql_where=text("done_at IS NULL")),
        {
            "postgresql_with": {"fillfactor": "70"},
        },
    )

    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject_id: Mapped[UUID]
    recorded_at: Mapped[datetime]
    due_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]


@dataclass(frozen=True)
class Claimed:
    """A fact this worker may handle until its lease ends."""

    company_id: UUID
    id: UUID
    kind: str
    subject_id: UUID
    failures: int


def record(session: Session, company_id: UUID, kind: str, subject_id: UUID, now: datetime) -> None:
    """Write down that `kind` became true of the subject; commits with the caller's transaction."""
    session.add(
        Fact(
            company_id=company_id,
            id=new_id(now),
            kind=kind,
            subject_id=subject_id,
            recorded_at=now,
            due_at=now,
            failures=0,
        )
    )


# The materialised list is read once; a plain IN (SELECT ... LIMIT) may be run again per row and take more.
_CLAIM = text(
    """
    WITH taken AS MATERIALIZED (
        SELECT id FROM outbox
        WHERE company_id = :company_id AND done_at IS NULL AND due_at <= :now
        ORDER BY due_at, id LIMIT :most FOR UPDATE SKIP LOCKED)
    UPDATE outbox SET due_at = :lease_end FROM taken
    WHERE outbox.company_id = :company_id AND outbox.id = taken.id
    RETURNING outbox.id, outbox.kind, outbox.subject_id, outbox.failures
    """
).bindparams(bindparam("now"), bindparam("lease_end"))


_SETTLE = text(
    "UPDATE outbox SET done_at = :now, last_error = NULL WHERE company_id = :company_id AND id = ANY(:ids)"
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))
_GIVE_BACK = text(
    "UPDATE outbox SET due_at = :now WHERE company_id = :company_id AND id = ANY(:ids) AND done_at IS NULL"
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))


def claim(session: Session, company_id: UUID, now: datetime, most: int = 100) -> list[Claimed]:
    """Take up to `most` due facts of the company, oldest first, for the length of a lease."""
    rows = session.execute(
        _CLAIM, {"company_id": company_id, "now": now, "lease_end": now + LEASE, "most": most}
    ).all()
    claimed = [Claimed(company_id, row.id, row.kind, row.subject_id, row.failures) for row in rows]
    return sorted(claimed, key=lambda fact: fact.id)


def settle(session: Session, facts: Sequence[Claimed], now: datetime) -> None:
    """Mark facts of one company as handled by every subscriber."""
    if facts:
        ids = [fact.id for fact in facts]
        session.execute(_SETTLE, {"company_id": facts[0].company_id, "ids": ids, "now": now})


def postpone(session: Session, fact: Claimed, error: str, now: datetime) -> None:
    """Put a fact back after a subscriber failed; it stays due for ever, more and more rarely."""
    wait = STEPS[min(fact.failures, len(STEPS) - 1)]
    session.execute(
        update(Fact)
        .where(Fact.company_id == fact.company_id, Fact.id == fact.id)
        .values(due_at=now + timedelta(seconds=wait), failures=Fact.failures + 1, last_error=error[:500])
    )


def give_back(session: Session, facts: Sequence[Claimed], now: datetime) -> None:
    """End the lease of facts nobody began to handle: they are due at once, and this was no failure."""
    if facts:
        ids = [fact.id for fact in facts]
        session.execute(_GIVE_BACK, {"company_id": facts[0].company_id, "ids": ids, "now": now})


# Company by company: however many facts one of them has waiting, the first tells enough.
_DUE = text(
    """
    SELECT c.id FROM company c CROSS JOIN LATERAL (
        SELECT FROM outbox o WHERE o.company_id = c.id AND o.done_at IS NULL AND o.due_at <= :now
        ORDER BY o.due_at LIMIT 1) first_one
    ORDER BY c.id
    """
)


def companies_with_due_facts(system: Session, now: datetime) -> list[UUID]:
    """Name the companies that have facts to handle (the sweeper's question; system role)."""
    return list(system.scalars(_DUE, {"now": now}))
