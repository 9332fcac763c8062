"""Destinations that are connected, deliveries to them, every attempt, daily comparisons and notices."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base

STATES = (
    "pending", "sending", "accepted", "confirmed", "rejected", "unknown", "parked", "withheld",
)  # fmt: skip


class DestinationAccount(Base):
    """A connected ad account or webhook; `settings` fit the class's Settings, secrets are sealed apart."""

    __tablename__ = "destination"
    __table_args__ = (CheckConstraint("status IN ('active', 'paused', 'removed')", name="status"),)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    settings: Mapped[dict[str, Any]]
    # Seals the JSON of the secret settings (place `destination.secrets`).
    secrets: Mapped[bytes]
    status: Mapped[str]
    # Why it is paused, in words that name the next step.
    status_reason: Mapped[str] = mapped_column(server_default=text("''"))
    status_changed_at: Mapped[datetime]
    # Deliveries planned before this, and never tried, are frozen anew: the fault may have been the settings.
    settings_changed_at: Mapped[datetime | None]
    # The platform was unwell, or asked for a pause: nothing is sent before this moment.
    held_until: Mapped[datetime | None]
    # How many requests in a row found the platform unwell.
    unwell: Mapped[int] = mapped_column(server_default=text("0"))
    # Since when every request has failed; NULL: the last one did not.
    failing_since: Mapped[datetime | None]
    # When the access a person gave by signing in ends by itself; NULL: not known, or not before withdrawn.
    access_until: Mapped[datetime | None]
    # The last trial: when, whether the platform would take conversions, and what it said.
    trial_at: Mapped[datetime | None]
    trial_ok: Mapped[bool | None]
    trial_said: Mapped[str] = mapped_column(server_default=text("''"))
    created_at: Mapped[datetime]
    is_demo: Mapped[bool] = mapped_column(server_default=text("false"))


class Delivery(Base):
    """One conversion change on its way to one destination; the payload is frozen when it is planned."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("company_id", "destination_id", "change_id"),
        ForeignKeyConstraint(["company_id", "destination_id"], ["destination.company_id", "destination.id"]),
        ForeignKeyConstraint(
            ["company_id", "conversion_id"], ["conversion.company_id", "conversion.id"], ondelete="CASCADE"
        ),
        Index("ix_delivery_conversion", "company_id", "conversion_id"),
        Index(
            "ix_delivery_due",
            "company_id",
            "destination_id",
            "due_at",
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        Index("ix_delivery_sweep", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index(
            "ix_delivery_request", "company_id", "request_id", postgresql_where=text("request_id IS NOT NULL")
        ),
        # The states people look for; deliveries that go well never enter it.
        Index(
            "ix_delivery_trouble",
            "company_id",
            "state",
            "id",
            postgresql_where=text("state IN ('rejected', 'unknown', 'parked', 'withheld')"),
        ),
        CheckConstraint("state IN ('" + "', '".join(STATES) + "')", name="state"),
        CheckConstraint("preflight IN ('', 'send', 'wait', 'never')", name="preflight"),
        {"postgresql_with": {"fillfactor": "70"}},
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    destination_id: Mapped[UUID]
    conversion_id: Mapped[UUID]
    change_id: Mapped[UUID]
    sequence: Mapped[int]
    # Stable at the destination for all attempts: `conv-<hex>`.
    upload_id: Mapped[str]
    payload: Mapped[bytes]
    payload_hash: Mapped[bytes]
    state: Mapped[str]
    # When something is to be done next: send, send again, poll, or take over a dead lease. NULL: nothing,
    # or not before a person resumes the destination (parked).
    due_at: Mapped[datetime | None]
    lease_token: Mapped[UUID | None]
    # Tries that count: refusals for another row or for wrong settings burn none.
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    # What the platform called the request, to poll its verdict by.
    request_id: Mapped[str | None]
    # Which event of that request this was, and how many it carried: verdicts name events by their place.
    request_place: Mapped[int | None]
    request_size: Mapped[int | None]
    last_class: Mapped[str | None]
    # The last answer in words a marketer understands, with the next step.
    explanation: Mapped[str] = mapped_column(server_default=text("''"))
    # The verdict before anything was sent, whatever happened later: send, wait or never ('' where none was
    # kept), its code, its reason in words, and when it was given. See `delivery/preflight.py`.
    preflight: Mapped[str] = mapped_column(server_default=text("''"))
    preflight_code: Mapped[str] = mapped_column(server_default=text("''"))
    preflight_reason: Mapped[str] = mapped_column(server_default=text("''"))
    preflight_until: Mapped[datetime | None]
    preflight_at: Mapped[datetime | None]
    planned_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    is_demo: Mapped[bool] = mapped_column(server_default=text("false"))


class Attempt(Base):
    """One try of one delivery: what was sent (hash), what came back, when, and its class."""

    __tablename__ = "delivery_attempt"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "delivery_id"], ["delivery.company_id", "delivery.id"], ondelete="CASCADE"
        ),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    # send or poll
    step: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    request_hash: Mapped[bytes]
    status: Mapped[int | None]
    answer: Mapped[str] = mapped_column(server_default=text("''"))
    class_: Mapped[str | None] = mapped_column("class")
    message: Mapped[str] = mapped_column(server_default=text("''"))


class DeliveryTally(Base):
    """One day of one destination: what we sent and what the platform says it has counted."""

    __tablename__ = "delivery_tally"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "destination_id"], ["destination.company_id", "destination.id"]),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    destination_id: Mapped[UUID] = mapped_column(primary_key=True)
    # A day in UTC, by the time the request left.
    day: Mapped[date] = mapped_column(primary_key=True)
    sent: Mapped[int]
    confirmed: Mapped[int]
    rejected: Mapped[int]
    # None: the platform does not tell.
    received: Mapped[int | None]
    counted: Mapped[int | None]
    refused: Mapped[int | None]
    # Theirs minus ours; None where there is nothing to compare.
    difference: Mapped[int | None]
    note: Mapped[str] = mapped_column(server_default=text("''"))
    asked_at: Mapped[datetime]


class Notice(Base):
    """Something a company must know or do, until it is over; one open row for each kind and subject."""

    __tablename__ = "notice"
    __table_args__ = (
        Index(
            "ix_notice_open",
            "company_id",
            "kind",
            "subject",
            unique=True,
            postgresql_where=text("resolved_at IS NULL"),
        ),
        CheckConstraint("level IN ('action', 'info')", name="level"),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    # The destination's id, or another word that tells two of a kind apart.
    subject: Mapped[str]
    # action: somebody must do something; info: good to know, may be dismissed.
    level: Mapped[str]
    # What is the matter and the next step.
    text: Mapped[str]
    since: Mapped[datetime]
    seen_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    dismissed_at: Mapped[datetime | None]
    mailed_at: Mapped[datetime | None]
