"""Attributions: every verdict is kept; the current one of a call is the newest."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class Attribution(Base):
    """A verdict on one call: the posterior, what it was credited to for reports, and why.

    `stored.py` reads the posterior back, also of rows of before 2026-12 (their candidates are objects, their
    reasons sentences).
    """

    __tablename__ = "attribution"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "call_id"], ["call.company_id", "call.id"], ondelete="CASCADE"),
        Index(
            "ix_attribution_call",
            "company_id",
            "call_id",
            unique=True,
            postgresql_where=text("is_current"),
            postgresql_include=["level"],
        ),
        Index("ix_attribution_history", "company_id", "call_id"),
        Index("ix_attribution_visit", "company_id", "visit_id"),
        CheckConstraint("level IN ('visit', 'campaign', 'source', 'unknown')", name="level"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID]
    is_current: Mapped[bool]
    decided_at: Mapped[datetime]
    # The version of the model that judged; `static`: the number stands for its campaign.
    model: Mapped[str]
    # The finest level that is credited, at the company's thresholds for reports.
    level: Mapped[str] = mapped_column(server_default=text("'unknown'"))
    visit_id: Mapped[UUID | None]
    # Of the likeliest visit, campaign and source, credited or not.
    probability: Mapped[float]
    p_campaign: Mapped[float]
    p_source: Mapped[float] = mapped_column(server_default=text("0"))
    p_nobody: Mapped[float]
    # What is credited: empty words where nothing is, no campaign where only the source is sure enough.
    source: Mapped[str]
    medium: Mapped[str]
    campaign: Mapped[str]
    # [[visit, visitor, campaign's key, p, carried]], likeliest first; ids are hex, and empty once erased.
    candidates: Mapped[list[Any]]
    # Visits too unlikely to be listed.
    rest: Mapped[float] = mapped_column(server_default=text("0"))
    # What came from earlier calls.
    p_repeat: Mapped[float] = mapped_column(server_default=text("0"))
    # Key of a campaign, or source, -> probability (`kernel/origin.py` makes the keys).
    by_campaign: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    by_source: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    # [[code, values]], the telling ones first: see `reasons.py`; `words.py` makes sentences of them.
    reasons: Mapped[list[Any]]
