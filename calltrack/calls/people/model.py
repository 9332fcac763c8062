"""Tags, notes, the work on a lead, and missed calls somebody should return."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class CallTag(Base):
    """A tag of a company; `key` is its name without case, so that no two tags differ only in that."""

    __tablename__ = "call_tag"
    __table_args__ = (UniqueConstraint("company_id", "key"),)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    key: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime]


class CallTagged(Base):
    """A call carries a tag."""

    __tablename__ = "call_tagged"
    __table_args__ = (
        Index("ix_call_tagged_tag", "company_id", "tag_id", "call_id"),
        ForeignKeyConstraint(["company_id", "call_id"], ["call.company_id", "call.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["company_id", "tag_id"], ["call_tag.company_id", "call_tag.id"]),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    tag_id: Mapped[UUID] = mapped_column(primary_key=True)
    tagged_by: Mapped[str]
    tagged_at: Mapped[datetime]


class CallNote(Base):
    """What somebody wrote about a call, sealed (place `call_note.text`)."""

    __tablename__ = "call_note"
    __table_args__ = (
        Index("ix_call_note_call", "company_id", "call_id"),
        ForeignKeyConstraint(["company_id", "call_id"], ["call.company_id", "call.id"], ondelete="CASCADE"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID]
    text: Mapped[bytes]
    written_by: Mapped[str]
    written_at: Mapped[datetime]


class CallWork(Base):
    """Who deals with a call, and how far its lead is. A call without a row is open and nobody's."""

    __tablename__ = "call_work"
    __table_args__ = (
        Index("ix_call_work_status", "company_id", "status", "call_id"),
        ForeignKeyConstraint(["company_id", "call_id"], ["call.company_id", "call.id"], ondelete="CASCADE"),
        CheckConstraint("status IN ('open', 'contacted', 'quoted', 'won', 'lost')", name="status"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(server_default=text("'open'"))
    assignee_id: Mapped[UUID | None]
    changed_by: Mapped[str]
    changed_at: Mapped[datetime]


class MissedCall(Base):
    """A call nobody talked to. state: open, reached (rung back), came_back (called again), closed.

    `tried_at` is the first time somebody rang back, reached or not; `reached_at` when they talked.
    """

    __tablename__ = "missed_call"
    __table_args__ = (
        Index("ix_missed_call_state", "company_id", "state", "missed_at"),
        Index("ix_missed_call_caller", "company_id", "caller_hash"),
        ForeignKeyConstraint(["company_id", "call_id"], ["call.company_id", "call.id"], ondelete="CASCADE"),
        CheckConstraint("state IN ('open', 'reached', 'came_back', 'closed')", name="state"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    # NULL: the number was withheld, so nobody can ring back.
    caller_hash: Mapped[bytes | None]
    missed_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(server_default=text("'open'"))
    tried_at: Mapped[datetime | None]
    reached_at: Mapped[datetime | None]
    settled_by: Mapped[str] = mapped_column(server_default=text("''"))
    settled_at: Mapped[datetime | None]
