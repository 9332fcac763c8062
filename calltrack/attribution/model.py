"""Attributions: every verdict is kept; the current one of a call is the newest."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class Attribution(Base):
    """A verdict on one call: the chosen visit (or none), the candidates, and why."""

    __tablename__ = "attribution"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "call_id"], ["call.company_id", "call.id"], ondelete="CASCADE"),
        Index(
            "ix_attribution_call", "company_id", "call_id", unique=True, postgresql_where=text("is_current")
        ),
        Index("ix_attribution_visit", "company_id", "visit_id"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID]
    is_current: Mapped[bool]
    decided_at: Mapped[datetime]
    model: Mapped[str]
    visit_id: Mapped[UUID | None]
    probability: Mapped[float]
    p_nobody: Mapped[float]
    # The campaign credited (it can be surer than the visit); static numbers name it without a visit.
    source: Mapped[str]
    medium: Mapped[str]
    campaign: Mapped[str]
    p_campaign: Mapped[float]
    # [{visit_id, visitor_id, probability, age_seconds, on_screen, tapped, source, medium, campaign}]
    candidates: Mapped[list[Any]]
    # Sentences a marketer understands.
    reasons: Mapped[list[str]]
