"""Threads of messages with one person's number, the messages, and who asked for none."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base

STATES = (
    "'due', 'sending', 'queued', 'sent', 'delivered', 'undelivered', 'failed', 'refused', 'unknown', "
    "'dropped', 'received'"
)


class MessageThread(Base):
    """All messages with one number; `party` seals it (place `message_thread.party`)."""

    __tablename__ = "message_thread"
    __table_args__ = (
        UniqueConstraint("company_id", "party_hash"),
        Index("ix_message_thread_last", "company_id", "last_at"),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    party: Mapped[bytes]
    party_hash: Mapped[bytes]
    last_at: Mapped[datetime]
    # Messages received that nobody has looked at.
    unread: Mapped[int] = mapped_column(server_default=text("0"))
    # The person wants no messages (STOP), since when.
    stopped_at: Mapped[datetime | None]
    # What kind of line it is, as the carrier said; '' not asked yet.
    line_type: Mapped[str] = mapped_column(server_default=text("''"))
    line_asked_at: Mapped[datetime | None]


class Message(Base):
    """One message. `body` seals its words (place `message.body`); `once` keeps automatic ones from doubling.

    kind: received, answer (a person wrote it), text_back, outcome_link, forward.
    state: due, sending, queued, sent, delivered, undelivered, failed, refused (the carrier said no), unknown
    (nobody knows whether it was sent, so it is not sent again), dropped (a rule held it back), received.
    """

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("company_id", "sid"),
        UniqueConstraint("company_id", "once"),
        Index("ix_message_thread", "company_id", "thread_id", "at"),
        Index("ix_message_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        ForeignKeyConstraint(["company_id", "thread_id"], ["message_thread.company_id", "message_thread.id"]),
        ForeignKeyConstraint(
            ["company_id", "number_id"], ["tracking_number.company_id", "tracking_number.id"]
        ),
        CheckConstraint(
            "kind IN ('received', 'answer', 'text_back', 'outcome_link', 'forward')", name="kind"
        ),
        CheckConstraint(f"state IN ({STATES})", name="state"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    thread_id: Mapped[UUID]
    number_id: Mapped[UUID]
    kind: Mapped[str]
    body: Mapped[bytes]
    at: Mapped[datetime]
    written_by: Mapped[str]
    state: Mapped[str]
    sid: Mapped[str | None]
    once: Mapped[str | None]
    # The call it is about, and the visit that was shown the number when it came.
    call_id: Mapped[UUID | None]
    visit_id: Mapped[UUID | None]
    source: Mapped[str] = mapped_column(server_default=text("''"))
    medium: Mapped[str] = mapped_column(server_default=text("''"))
    campaign: Mapped[str] = mapped_column(server_default=text("''"))
    media: Mapped[int] = mapped_column(server_default=text("0"))
    problem: Mapped[str] = mapped_column(server_default=text("''"))
    error_code: Mapped[int | None]
    due_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    # Not sent any more after this moment; NULL: whenever the carrier is back.
    until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]


class LocationContact(Base):
    """Where a location is told of missed calls and messages, and asked what its calls brought."""

    __tablename__ = "location_contact"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "location_id"], ["location.company_id", "location.id"]),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    location_id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(server_default=text("''"))
    # A mobile that messages are forwarded to, E.164.
    mobile: Mapped[str] = mapped_column(server_default=text("''"))
