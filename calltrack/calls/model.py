"""Calls, legs and recordings; all of them are a function of the stored call events (I8)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base

STATUSES = "'ringing', 'in_progress', 'completed', 'busy', 'no_answer', 'failed', 'canceled'"


class CallEventRow(Base):
    """One normalised carrier event as it arrived (`telephony.base.CallEvent`), sealed, kept for replay."""

    __tablename__ = "call_event"
    __table_args__ = (
        Index("ix_call_event_call", "company_id", "call_sid"),
        {"postgresql_partition_by": "RANGE (id)"},
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    call_sid: Mapped[str]
    number_id: Mapped[UUID]
    key: Mapped[str]
    received_at: Mapped[datetime]
    # Seals the event's JSON: it holds the caller's number (place `call_event.event`).
    event: Mapped[bytes]


class Call(Base):
    """A call to a tracking number. `caller` seals the E.164 number; `caller_hash` finds it again."""

    __tablename__ = "call"
    __table_args__ = (
        UniqueConstraint("company_id", "call_sid"),
        Index("ix_call_started", "company_id", "started_at"),
        Index("ix_call_caller", "company_id", "caller_hash", "started_at"),
        Index("ix_call_number", "company_id", "number_id", "started_at"),
        Index("ix_call_changed", "company_id", "changed_at"),
        # What is no part of a journey: calls that still last, or were turned away.
        Index(
            "ix_call_odd",
            "company_id",
            "started_at",
            postgresql_where=text("outcome IS NULL OR outcome IN ('blocked', 'over_limit')"),
        ),
        ForeignKeyConstraint(
            ["company_id", "number_id"], ["tracking_number.company_id", "tracking_number.id"]
        ),
        ForeignKeyConstraint(["company_id", "location_id"], ["location.company_id", "location.id"]),
        CheckConstraint(f"status IN ({STATUSES})", name="status"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    call_sid: Mapped[str]
    number_id: Mapped[UUID]
    location_id: Mapped[UUID]
    # NULL: withheld. A withheld caller is never an identity.
    caller: Mapped[bytes | None]
    caller_hash: Mapped[bytes | None]
    caller_city: Mapped[str] = mapped_column(server_default=text("''"))
    caller_country: Mapped[str] = mapped_column(server_default=text("''"))
    # ISO 3166-2, where the beginning of the number tells one (kernel/region.py).
    caller_region: Mapped[str | None]
    status: Mapped[str]
    # The outcome for people: answered, mailbox, busy, missed, abandoned, failed, blocked (the caller was
    # refused), over_limit (a cap of the day stood in the way); NULL while it lasts.
    outcome: Mapped[str | None]
    started_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ring_seconds: Mapped[int | None]
    duration_seconds: Mapped[int | None]
    # Seconds two people were bridged; 0 when nobody talked.
    talk_seconds: Mapped[int] = mapped_column(server_default=text("0"))
    is_bridged: Mapped[bool] = mapped_column(server_default=text("false"))
    # The phone that answered the caller; '' when nobody did.
    answered_by: Mapped[str] = mapped_column(server_default=text("''"))
    # Who ended it: caller, business or unknown; '' while it lasts.
    hung_up_by: Mapped[str] = mapped_column(server_default=text("''"))
    # The network's verdict on the caller's number (STIR), in the carrier's words.
    stir: Mapped[str] = mapped_column(server_default=text("''"))
    sip_code: Mapped[int | None]
    # Why the carrier turned to our fallback address (its own error number).
    error_code: Mapped[int | None]
    # Length of the message left; NULL when none was.
    message_seconds: Mapped[int | None]
    # The caller's own leg, in millionths; the legs to the business have prices of their own.
    price_micros: Mapped[int | None] = mapped_column(BigInteger)
    price_currency: Mapped[str] = mapped_column(server_default=text("''"))
    line_type: Mapped[str] = mapped_column(server_default=text("''"))
    changed_at: Mapped[datetime]
    # The call event was written to the spool first because the database did not answer.
    was_spooled: Mapped[bool] = mapped_column(server_default=text("false"))
    # The keys pressed, the steps of the flow the call came through (`menu=1`: a key), and the flow's version.
    keys: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    flow_path: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    flow_version: Mapped[UUID | None]
    note: Mapped[str] = mapped_column(server_default=text("''"))
    # Since then nothing names the caller any more, and what comes later of this call is stored nameless.
    erased_at: Mapped[datetime | None]
    is_demo: Mapped[bool] = mapped_column(server_default=text("false"))


class Leg(Base):
    """One phone that was rung for a call; `position` counts from 1 in the order they began to ring."""

    __tablename__ = "leg"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "call_id"], ["call.company_id", "call.id"], ondelete="CASCADE"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    leg_sid: Mapped[str] = mapped_column(primary_key=True)
    to_number: Mapped[str]
    status: Mapped[str]
    seconds: Mapped[int | None]
    position: Mapped[int] = mapped_column(server_default=text("0"))
    started_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ring_seconds: Mapped[int | None]
    # Whether this phone and the caller talked.
    is_joined: Mapped[bool] = mapped_column(server_default=text("false"))
    sip_code: Mapped[int | None]
    price_micros: Mapped[int | None] = mapped_column(BigInteger)
    price_currency: Mapped[str] = mapped_column(server_default=text("''"))


class Recording(Base):
    """A recording or voicemail of a call; where its sound lies: `keeping_model.KeptRecording`."""

    __tablename__ = "recording"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "call_id"], ["call.company_id", "call.id"], ondelete="CASCADE"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    recording_sid: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    status: Mapped[str]
    url: Mapped[str]
    seconds: Mapped[int | None]
    channels: Mapped[int | None]
    started_at: Mapped[datetime | None]


class UnknownCall(Base):
    """A call to a number nobody here owns: answered safely and written down (a table of no tenant)."""

    __tablename__ = "unknown_call"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    account_sid: Mapped[str]
    call_sid: Mapped[str]
    to_number: Mapped[str]
    detail: Mapped[dict[str, Any]]
