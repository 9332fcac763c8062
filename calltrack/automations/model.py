"""What is to be done by itself about a call: written down first, done at most once."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class Automation(Base):
    """One automatic step about one call.

    kind: alert (mail of a missed call), text_back (to the caller), ask (who answered what it brought),
    ask_back (who rang back). state: waiting, doing, done, skipped, failed.
    """

    __tablename__ = "automation"
    __table_args__ = (
        Index("ix_automation_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        ForeignKeyConstraint(["company_id", "call_id"], ["call.company_id", "call.id"], ondelete="CASCADE"),
        CheckConstraint("kind IN ('alert', 'text_back', 'ask', 'ask_back')", name="kind"),
        CheckConstraint("state IN ('waiting', 'doing', 'done', 'skipped', 'failed')", name="state"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(server_default=text("'waiting'"))
    due_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    # What was done, or why not, in words for people.
    words: Mapped[str] = mapped_column(server_default=text("''"))
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
