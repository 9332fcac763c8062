"""What comes from outside: the inbox of outcomes, contacts, imported files, and the doors they come in by."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class InboxRow(Base):
    """An outcome that led to no call yet. `payload` seals what was told (place `outcome_inbox.payload`)."""

    __tablename__ = "outcome_inbox"
    __table_args__ = (
        CheckConstraint("state IN ('unmatched', 'matched', 'dismissed')", name="state"),
        Index("ix_outcome_inbox_subject", "company_id", "subject", "id"),
        Index("ix_outcome_inbox_state", "company_id", "state", "id"),
        Index("ix_outcome_inbox_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    via: Mapped[str]
    told_by: Mapped[str]
    outcome: Mapped[str]
    order_id: Mapped[str]
    payload: Mapped[bytes]
    # The same thing said again has the same fingerprint; the same order (or clues) the same subject.
    fingerprint: Mapped[bytes]
    subject: Mapped[bytes]
    received_at: Mapped[datetime]
    state: Mapped[str]
    reason: Mapped[str]
    tries: Mapped[int] = mapped_column(server_default=text("1"))
    tried_at: Mapped[datetime]
    # When it is tried again by itself; NULL: only when news of a call fits, or by hand.
    due_at: Mapped[datetime | None]
    call_id: Mapped[UUID | None]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str] = mapped_column(server_default=text("''"))


class InboxKey(Base):
    """One clue of a waiting outcome (keyed hash): news of a call with the same clue tries it again."""

    __tablename__ = "outcome_key"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "inbox_id"], ["outcome_inbox.company_id", "outcome_inbox.id"], ondelete="CASCADE"
        ),
        Index("ix_outcome_key_inbox", "company_id", "inbox_id"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(primary_key=True)
    inbox_id: Mapped[UUID] = mapped_column(primary_key=True)


class Subject(Base):
    """What was last told of one order (or of one call's clues): keyed hash of its name.

    `told` is the hash of all that one file (or one message) said of it: the same again changes nothing.
    """

    __tablename__ = "outcome_subject"
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject: Mapped[bytes] = mapped_column(primary_key=True)
    told: Mapped[bytes]
    changed_at: Mapped[datetime]


class Contact(Base):
    """Who called, as a CRM or a file knows him: sealed JSON (place `contact.sealed`), e-mail's keyed hash."""

    __tablename__ = "contact"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "call_id"], ["call.company_id", "call.id"], ondelete="CASCADE"),
        Index("ix_contact_email", "company_id", "email_hash"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    sealed: Mapped[bytes]
    email_hash: Mapped[bytes | None]
    told_at: Mapped[datetime]


class Import(Base):
    """A file of outcomes: uploaded, looked at, tried, applied."""

    __tablename__ = "outcome_import"
    __table_args__ = (
        CheckConstraint(
            "state IN ('draft', 'trying', 'tried', 'applying', 'applied', 'failed')", name="state"
        ),
        Index("ix_outcome_import_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    state: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    # Size in bytes, SHA-256 of the file's bytes, encoding, delimiter, header.
    size: Mapped[int]
    sha256: Mapped[bytes]
    encoding: Mapped[str]
    delimiter: Mapped[str]
    header: Mapped[list[str]]
    # How it is read: columns, decimal mark, order of dates, days to look back, default outcome, currency.
    plan: Mapped[dict[str, Any]]
    rows: Mapped[int]
    # The part that is worked on next, and the counts so far; both begin anew with each run.
    next_part: Mapped[int] = mapped_column(server_default=text("0"))
    counts: Mapped[dict[str, Any]]
    due_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(server_default=text("''"))


class ImportPart(Base):
    """Some lines of a file and what came of each; both sealed (`outcome_import.lines`, `.results`)."""

    __tablename__ = "outcome_import_part"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "import_id"],
            ["outcome_import.company_id", "outcome_import.id"],
            ondelete="CASCADE",
        ),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    import_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    lines: Mapped[bytes]
    results: Mapped[bytes | None]


class Door(Base):
    """How outcomes come in without a login: the CRM's secret address, and the secret of one-click links."""

    __tablename__ = "outcome_door"
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    # The token of the CRM's address: its hash, and sealed (`outcome_door.hook_token`) to be shown again.
    hook_hash: Mapped[bytes | None]
    hook_token: Mapped[bytes | None]
    # Our name -> the CRM's field name, and the CRM's words for outcomes.
    mapping: Mapped[dict[str, Any]]
    # Sealed (`outcome_door.link_secret`); a new one makes every link given out useless.
    link_secret: Mapped[bytes | None]
    hook_used_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]
