"""Calls we begin, the phones people may be rung at, and reports of the carrier kept as they came."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class CarrierReport(Base):
    """A report of the carrier that is about no call of a caller: of calls we begin, and of messages.

    `about` is our own id where the address named one. `report` seals its fields (place `carrier_report`).
    """

    __tablename__ = "carrier_report"
    __table_args__ = (
        UniqueConstraint("company_id", "key"),
        Index("ix_carrier_report_about", "company_id", "about"),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    key: Mapped[str]
    about: Mapped[UUID | None]
    number_id: Mapped[UUID]
    received_at: Mapped[datetime]
    report: Mapped[bytes]


class OutboundCall(Base):
    """A call we begin, written down before the carrier is asked, so that it is begun once at most.

    kind: back (somebody of the company, then the missed caller), score (asks who answered for a key), verify
    (says a code). state: intended, placed, over, refused, unknown (nobody knows whether it was begun).
    It is never a call of a caller, and never a lead: what it wins counts for `call_id`.
    """

    __tablename__ = "outbound_call"
    __table_args__ = (
        Index("ix_outbound_call_call", "company_id", "call_id"),
        Index(
            "uq_outbound_call_score",
            "company_id",
            "call_id",
            unique=True,
            postgresql_where=text("kind = 'score'"),
        ),
        Index("ix_outbound_call_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        ForeignKeyConstraint(["company_id", "call_id"], ["call.company_id", "call.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["company_id", "number_id"], ["tracking_number.company_id", "tracking_number.id"]
        ),
        CheckConstraint("kind IN ('back', 'score', 'verify')", name="kind"),
        CheckConstraint("state IN ('intended', 'placed', 'over', 'refused', 'unknown')", name="state"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    # NULL: it confirms a phone.
    call_id: Mapped[UUID | None]
    number_id: Mapped[UUID]
    user_id: Mapped[UUID | None]
    # The phone that rings first, sealed (place `outbound_call.to_number`).
    to_number: Mapped[bytes]
    asked_by: Mapped[str]
    created_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(server_default=text("'intended'"))
    call_sid: Mapped[str | None]
    # How the first leg ended, in the words of `CallStatus`; '' while it lasts.
    status: Mapped[str] = mapped_column(server_default=text("''"))
    # The key that was pressed; '' none.
    digits: Mapped[str] = mapped_column(server_default=text("''"))
    keyed_at: Mapped[datetime | None]
    joined_at: Mapped[datetime | None]
    talk_seconds: Mapped[int] = mapped_column(server_default=text("0"))
    # How the leg to the caller ended; '' when it was never rung.
    caller_status: Mapped[str] = mapped_column(server_default=text("''"))
    ended_at: Mapped[datetime | None]
    # Why it could not be begun, in words for people.
    problem: Mapped[str] = mapped_column(server_default=text("''"))
    due_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(server_default=text("0"))


class OwnPhone(Base):
    """The phone on which somebody of the company is rung to call back; the code was said to it by a call."""

    __tablename__ = "own_phone"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "user_id"], ["membership.company_id", "membership.user_id"],
                             ondelete="CASCADE"),
    )  # fmt: skip
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    # Sealed (place `own_phone.phone`).
    phone: Mapped[bytes]
    code_hash: Mapped[bytes | None]
    code_until: Mapped[datetime | None]
    wrong_codes: Mapped[int] = mapped_column(server_default=text("0"))
    asked_at: Mapped[datetime]
    # How many codes were asked for since `first_asked_at`.
    asked: Mapped[int] = mapped_column(server_default=text("1"))
    first_asked_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
