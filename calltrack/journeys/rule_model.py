"""Versions of the rules that join persons, whom a person shall decide about, and what a worker still does."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class PersonRulesRow(Base):
    """A saved version of the rules; the highest number holds. `doing` is what a worker does for it.

    join: it joins the past; part: it takes apart what the version joined; empty: nothing. `due_at` is when a
    worker goes on, and meanwhile the lease of the one that does.
    """

    __tablename__ = "person_rules"
    __table_args__ = (
        UniqueConstraint("company_id", "number"),
        CheckConstraint("doing IN ('', 'join', 'part')", name="doing"),
        Index("ix_person_rules_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int]
    rules: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime]
    saved_by: Mapped[str]
    note: Mapped[str] = mapped_column(server_default=text("''"))
    doing: Mapped[str] = mapped_column(server_default=text("''"))
    due_at: Mapped[datetime | None]
    asked_by: Mapped[str] = mapped_column(server_default=text("''"))


class PersonSuggestion(Base):
    """Two who may be one person, the smaller id first; somebody decides. decision: open, apart.

    What was said of two stays when one of them becomes part of somebody else, and holds for that one.
    """

    __tablename__ = "person_suggestion"
    __table_args__ = (
        UniqueConstraint("company_id", "one_id", "other_id"),
        Index("ix_person_suggestion_other", "company_id", "other_id"),
        CheckConstraint("decision IN ('open', 'apart')", name="decision"),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    one_id: Mapped[UUID]
    other_id: Mapped[UUID]
    via: Mapped[str]
    found_at: Mapped[datetime]
    decision: Mapped[str]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(server_default=text("''"))
