"""Erasures: asked for, under way, done. A row that is done names nobody."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class Erasure(Base):
    """One erasure. state: asked, waiting (for recordings at the carrier), done.

    `numbers` seals the person's numbers as JSON (place `erasure.numbers`) until everything is gone.
    """

    __tablename__ = "erasure"
    __table_args__ = (
        CheckConstraint("state IN ('asked', 'waiting', 'done')", name="state"),
        Index("ix_erasure_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    numbers: Mapped[bytes | None]
    state: Mapped[str] = mapped_column(server_default=text("'asked'"))
    # The calls that were made nameless; their recordings are waited for.
    call_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default=text("'{}'"))
    # How many calls, recordings, messages, visits and deliveries were found.
    counts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    due_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    # What is still in the way, in words.
    problem: Mapped[str] = mapped_column(server_default=text("''"))
    done_at: Mapped[datetime | None]
