"""What we do about calls beside hearing of them: polling the carrier, keeping recordings, transcripts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import BigInteger

from calltrack.infra.db import Base


def _due_index(table: str) -> Index:
    return Index(f"ix_{table}_due", "company_id", "due_at", postgresql_where=text("due_at IS NOT NULL"))


def _of_call() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["company_id", "call_id"], ["call.company_id", "call.id"], ondelete="CASCADE")


class CarrierPoll(Base):
    """Up to when one carrier account's own list of calls was read, and how that went."""

    __tablename__ = "carrier_poll"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "account_id"],
            ["carrier_account.company_id", "carrier_account.id"],
            ondelete="CASCADE",
        ),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    # NULL: never. Everything the carrier knew up to this moment is stored.
    polled_until: Mapped[datetime | None]
    # When to ask again; while somebody asks, when his lease ends.
    due_at: Mapped[datetime]
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    problem: Mapped[str] = mapped_column(server_default=text("''"))
    # The carrier said no (a wrong token): a person must change something.
    is_refused: Mapped[bool] = mapped_column(server_default=text("false"))
    # Events that only the list told, ever.
    found: Mapped[int] = mapped_column(server_default=text("0"))


class CallCheck(Base):
    """When to ask the carrier about one call: for an end that never came, then for its price."""

    __tablename__ = "call_check"
    __table_args__ = (
        _of_call(),
        CheckConstraint("step IN ('end', 'price', 'late_price')", name="step"),
        _due_index("call_check"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    step: Mapped[str]
    # NULL: nothing more to ask.
    due_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(server_default=text("0"))


class KeptRecording(Base):
    """Where the sound of a recording lies, and what is to be done with it.

    `file_key` seals the key of our own copy (place `recording.<sid>`); without a copy it is NULL.
    """

    __tablename__ = "kept_recording"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "call_id", "recording_sid"],
            ["recording.company_id", "recording.call_id", "recording.recording_sid"],
            ondelete="CASCADE",
        ),
        _due_index("kept_recording"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    recording_sid: Mapped[str] = mapped_column(primary_key=True)
    at_carrier: Mapped[bool] = mapped_column(server_default=text("true"))
    byte_count: Mapped[int | None] = mapped_column(BigInteger)
    content_type: Mapped[str] = mapped_column(server_default=text("''"))
    file_key: Mapped[bytes | None]
    copied_at: Mapped[datetime | None]
    delete_asked_at: Mapped[datetime | None]
    delete_asked_by: Mapped[str] = mapped_column(server_default=text("''"))
    # Since then it is neither here nor at the carrier; both were seen.
    gone_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    problem: Mapped[str] = mapped_column(server_default=text("''"))


class Transcript(Base):
    """What was said in a call. `source` is `live` or the recording it was made from.

    `spoken` seals the utterances as JSON (place `transcript.spoken`); `search` holds keyed hashes of its
    words (docs/decisions/0013-searching-sealed-transcripts.md).
    """

    __tablename__ = "transcript"
    __table_args__ = (
        _of_call(),
        CheckConstraint("state IN ('waiting', 'made', 'failed')", name="state"),
        Index("ix_transcript_search", "search", postgresql_using="gin"),
        _due_index("transcript"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    engine: Mapped[str]
    state: Mapped[str]
    language: Mapped[str] = mapped_column(server_default=text("''"))
    words: Mapped[int] = mapped_column(server_default=text("0"))
    spoken: Mapped[bytes | None]
    search: Mapped[Any | None] = mapped_column(TSVECTOR)
    made_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    problem: Mapped[str] = mapped_column(server_default=text("''"))
