"""Conversions and their changes; a change is what destinations are told of."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base

VIAS = "'rule', 'dashboard', 'api', 'crm', 'import', 'link', 'call_back'"
ENDS = "'', 'none', 'refund', 'cancel', 'rule', 'merge'"


class Conversion(Base):
    """A lead or a purchase that a call brought.

    A call has at most one conversion of a kind without a name (`external_id` empty), and one more for each
    order that another system names. An order's name belongs to one purchase of the company.
    """

    __tablename__ = "conversion"
    __table_args__ = (
        UniqueConstraint("company_id", "call_id", "kind", "external_id"),
        Index(
            "uq_conversion_external",
            "company_id",
            "kind",
            "external_id",
            unique=True,
            postgresql_where=text("external_id <> ''"),
        ),
        ForeignKeyConstraint(["company_id", "call_id"], ["call.company_id", "call.id"], ondelete="CASCADE"),
        Index("ix_conversion_occurred", "company_id", "occurred_at"),
        Index("ix_conversion_person", "company_id", "person_id"),
        CheckConstraint("kind IN ('lead', 'purchase')", name="kind"),
        CheckConstraint("status IN ('counted', 'retracted')", name="status"),
        CheckConstraint(f"via IN ({VIAS})", name="via"),
        CheckConstraint(f"ended_by IN ({ENDS})", name="ended_by"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID]
    person_id: Mapped[UUID | None]
    kind: Mapped[str]
    # The order's id where it came from (a CRM, a file); empty: the call's own conversion.
    external_id: Mapped[str] = mapped_column(server_default=text("''"))
    status: Mapped[str]
    # What took it back: a word (none), a refund in full, a cancellation, the rule, a merge; empty: it counts.
    ended_by: Mapped[str] = mapped_column(server_default=text("''"))
    value_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str]
    occurred_at: Mapped[datetime]
    decided_by: Mapped[str]
    # Through which door the present state came.
    via: Mapped[str] = mapped_column(server_default=text("'rule'"))
    reason: Mapped[str]
    # Number of the newest change; the first is 0.
    sequence: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    is_demo: Mapped[bool] = mapped_column(server_default=text("false"))


class ConversionChange(Base):
    """The creation (sequence 0), a new value (restate) or the taking back (retract) of a conversion."""

    __tablename__ = "conversion_change"
    __table_args__ = (
        UniqueConstraint("company_id", "conversion_id", "sequence"),
        ForeignKeyConstraint(
            ["company_id", "conversion_id"], ["conversion.company_id", "conversion.id"], ondelete="CASCADE"
        ),
        CheckConstraint("action IN ('create', 'restate', 'retract')", name="action"),
        CheckConstraint(f"via IN ({VIAS})", name="via"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    conversion_id: Mapped[UUID]
    sequence: Mapped[int]
    action: Mapped[str]
    value_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
    via: Mapped[str] = mapped_column(server_default=text("'rule'"))
    reason: Mapped[str]


class OutcomeWord(Base):
    """Something that was said about a call, kept for ever: its purchases and its lead follow from all words.

    `currency` is filled in even where the word itself names none; see `conversions.word_rules.Word`.
    """

    __tablename__ = "outcome_word"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "call_id"], ["call.company_id", "call.id"], ondelete="CASCADE"),
        Index("ix_outcome_word_call", "company_id", "call_id"),
        Index(
            "ix_outcome_word_external",
            "company_id",
            "external_id",
            postgresql_where=text("external_id <> ''"),
        ),
        CheckConstraint("kind IN ('purchase', 'lead', 'none', 'refund', 'cancelled')", name="kind"),
        CheckConstraint(f"via IN ({VIAS})", name="via"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID]
    kind: Mapped[str]
    external_id: Mapped[str] = mapped_column(server_default=text("''"))
    value_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str]
    occurred_at: Mapped[datetime | None]
    said_at: Mapped[datetime]
    said_by: Mapped[str]
    via: Mapped[str]
    reason: Mapped[str] = mapped_column(server_default=text("''"))
    recorded_at: Mapped[datetime]


class RuleVersion(Base):
    """A company's rule tree as it was saved; it judges calls that began at `applies_since` or later.

    `again_until` is how far earlier calls were judged again (None: nothing to do or not begun);
    `again_done_at` is when that ended.
    """

    __tablename__ = "rule_version"
    __table_args__ = (UniqueConstraint("company_id", "number"),)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int]
    tree: Mapped[dict[str, Any]]
    applies_since: Mapped[datetime]
    saved_at: Mapped[datetime]
    saved_by: Mapped[str]
    note: Mapped[str] = mapped_column(server_default=text("''"))
    again_until: Mapped[datetime | None]
    again_judged: Mapped[int] = mapped_column(server_default=text("0"))
    again_changed: Mapped[int] = mapped_column(server_default=text("0"))
    again_done_at: Mapped[datetime | None]


class CallVerdict(Base):
    """What the rules made of a call the last time it was judged: rule (empty: none fits), version, reason."""

    __tablename__ = "call_verdict"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "call_id"], ["call.company_id", "call.id"], ondelete="CASCADE"),
        CheckConstraint("mark IN ('lead', 'purchase', 'nothing')", name="mark"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    mark: Mapped[str]
    rule_id: Mapped[str] = mapped_column(server_default=text("''"))
    # 0: the tree that follows from the company's limits.
    version: Mapped[int] = mapped_column(server_default=text("0"))
    reason: Mapped[str]
    judged_at: Mapped[datetime]
