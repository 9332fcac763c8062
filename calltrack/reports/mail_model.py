"""Reports that somebody gets by e-mail."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class ReportMail(Base):
    """A report for one address, again and again; `email` seals the address (`report_mail.email`)."""

    __tablename__ = "report_mail"
    __table_args__ = (
        CheckConstraint("every IN ('day', 'week', 'month')", name="every"),
        CheckConstraint("hour BETWEEN 0 AND 23", name="hour"),
        Index("ix_report_mail_wakes", "wakes_at", postgresql_where=text("wakes_at IS NOT NULL")),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[bytes]
    email_hash: Mapped[bytes]
    dimension: Mapped[str]
    every: Mapped[str]
    # Of the company's day, from which on it is sent.
    hour: Mapped[int]
    filters: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    # The moment the next one is for.
    due_at: Mapped[datetime]
    # When a worker looks at it: `due_at`, the end of a lease, or a later try; NULL: never again.
    wakes_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    sent_at: Mapped[datetime | None]
    # What came of the last one.
    said: Mapped[str] = mapped_column(server_default=text("''"))
    stopped_at: Mapped[datetime | None]
    stopped_by: Mapped[str] = mapped_column(server_default=text("''"))
