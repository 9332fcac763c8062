"""Who is not put through, what was made of a call, and what companies told each other without names."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class BlockedCaller(Base):
    """A number, or all numbers that begin so, whose calls a company refuses.

    `caller_hash` is the company's keyed hash of the number or prefix, `caller` seals it for the page
    (place `blocked_caller.caller`).
    """

    __tablename__ = "blocked_caller"
    __table_args__ = (
        UniqueConstraint("company_id", "caller_hash"),
        CheckConstraint("kind IN ('number', 'prefix')", name="kind"),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    caller: Mapped[bytes]
    caller_hash: Mapped[bytes]
    # How many characters the prefix has, the plus included; of a number: all.
    length: Mapped[int]
    reason: Mapped[str] = mapped_column(server_default=text("''"))
    added_by: Mapped[str]
    added_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class CallSpam(Base):
    """What was made of a call: clean, suspect or spam, why, and what was done with the caller meanwhile.

    `told_by` names who said so; what a person said is never judged again.
    """

    __tablename__ = "call_spam"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "call_id"], ["call.company_id", "call.id"], ondelete="CASCADE"),
        CheckConstraint("mark IN ('clean', 'suspect', 'spam')", name="mark"),
        CheckConstraint("action IN ('', 'challenge', 'reject', 'cut')", name="action"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    mark: Mapped[str]
    points: Mapped[int]
    reasons: Mapped[list[str]]
    action: Mapped[str] = mapped_column(server_default=text("''"))
    told_by: Mapped[str] = mapped_column(server_default=text("''"))
    judged_at: Mapped[datetime]


class SpamReport(Base):
    """Some company's people called this caller a nuisance (a table of no tenant).

    Both columns are keyed hashes of this server; the reporter's is different for every caller, so that
    reports count companies without telling which.
    """

    __tablename__ = "spam_report"
    __table_args__ = (Index("ix_spam_report_at", "reported_at"),)
    caller_hash: Mapped[bytes] = mapped_column(primary_key=True)
    reporter_hash: Mapped[bytes] = mapped_column(primary_key=True)
    reported_at: Mapped[datetime]
