"""What a webhook is told of segments: one row for each person who entered, until it was taken."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class SegmentEvent(Base):
    """One entering on its way to one webhook; the body is frozen when somebody enters.

    state: waiting, sending, sent, failed (given up, can be sent again), withheld (the webhook was removed).
    """

    __tablename__ = "segment_event"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "segment_id"],
            ["journey_segment.company_id", "journey_segment.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["company_id", "person_id"], ["person.company_id", "person.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(["company_id", "destination_id"], ["destination.company_id", "destination.id"]),
        CheckConstraint("state IN ('waiting', 'sending', 'sent', 'failed', 'withheld')", name="state"),
        Index("ix_segment_event_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_segment_event_segment", "company_id", "segment_id", "id"),
        Index("ix_segment_event_person", "company_id", "person_id"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    segment_id: Mapped[UUID]
    person_id: Mapped[UUID]
    destination_id: Mapped[UUID]
    body: Mapped[bytes]
    state: Mapped[str] = mapped_column(server_default=text("'waiting'"))
    # When it is sent next; while it is being sent, the lease of the worker that does.
    due_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    # The last answer in words, with the next step.
    said: Mapped[str] = mapped_column(server_default=text("''"))
    entered_at: Mapped[datetime]
    tried_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
