"""Call flows, their versions, and what they are assigned to."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class CallFlow(Base):
    """A named flow. `current_version` answers new calls; a deleted flow keeps its versions."""

    __tablename__ = "call_flow"
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    current_version: Mapped[UUID]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class CallFlowVersion(Base):
    """A flow as it was saved: written once, never changed. `replaced_at`: when a newer one took its place.

    Number 0 is no version but the draft (`drafts`): it changes, and never answers.
    """

    __tablename__ = "call_flow_version"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "flow_id"], ["call_flow.company_id", "call_flow.id"]),
        Index("uq_call_flow_version_number", "company_id", "flow_id", "number", unique=True),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    flow_id: Mapped[UUID]
    number: Mapped[int]
    definition: Mapped[dict[str, Any]]
    saved_by: Mapped[str]
    saved_at: Mapped[datetime]
    replaced_at: Mapped[datetime | None]


class FlowAssignment(Base):
    """Which flow answers a number, a pool, a location or the whole company; the narrowest one counts."""

    __tablename__ = "flow_assignment"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "flow_id"], ["call_flow.company_id", "call_flow.id"]),
        CheckConstraint("scope IN ('number', 'pool', 'location', 'company')", name="scope"),
        Index("ix_flow_assignment_flow", "company_id", "flow_id"),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    scope: Mapped[str] = mapped_column(primary_key=True)
    # The number, pool or location; the company itself for scope `company`.
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    flow_id: Mapped[UUID]
    assigned_by: Mapped[str]
    assigned_at: Mapped[datetime]
