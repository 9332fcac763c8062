"""What a company's attribution has learnt, how far it can be trusted, and what was judged anew."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base

STATES = "'serving', 'pinned', 'waiting', 'retired'"
KINDS = "'lesson', 'calibration'"


class AttributionModel(Base):
    """A model as it was learnt; only its `state` and `served_at` ever change.

    state: serving (judges calls until the next lesson), pinned (judges calls until somebody unpins it),
    waiting (learnt while another was pinned), retired. At most one of a company is serving or pinned; where
    none is, the shipped model judges.
    """

    __tablename__ = "attribution_model"
    __table_args__ = (
        Index(
            "uq_attribution_model_serving",
            "company_id",
            unique=True,
            postgresql_where=text("state IN ('serving', 'pinned')"),
        ),
        CheckConstraint(f"state IN ({STATES})", name="state"),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    learnt_at: Mapped[datetime]
    # The weeks it was learnt from; NULL: it came with the product.
    since: Mapped[datetime | None]
    until: Mapped[datetime | None]
    calls: Mapped[int]
    visits: Mapped[int]
    # How many of the company's numbers it was learnt from, and how many there were.
    numbers: Mapped[int]
    numbers_in_use: Mapped[int]
    # `densities.Model.to_json`; reads back to an equal model.
    parameters: Mapped[dict[str, Any]]
    # The parts that would have changed more than one night may bring (`drift.Lesson.held`).
    held: Mapped[list[str]]
    # The version it was compared with that night.
    before: Mapped[str]
    state: Mapped[str]
    # When it last began to judge calls; NULL: never.
    served_at: Mapped[datetime | None]


class AttributionTask(Base):
    """When a company's next lesson or calibration is due, and how the last one ended."""

    __tablename__ = "attribution_task"
    __table_args__ = (
        Index("ix_attribution_task_due", "due_at"),
        CheckConstraint(f"kind IN ({KINDS})", name="kind"),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    ended_at: Mapped[datetime | None]
    # What came of it, in words.
    said: Mapped[str] = mapped_column(server_default=text("''"))


class AttributionCalibration(Base):
    """A week's calls whose visitor became known: how likely the answer was said to be, and was it right.

    outcomes: {"visitor": [[0.93, true], ...], "campaign": ..., "source": ...} without any id; "tap" and
    "caller": the same for visitors that a tap, or the caller's other calls, made known.
    """

    __tablename__ = "attribution_calibration"
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    # The Monday it began on, in the company's time zone.
    week: Mapped[date] = mapped_column(primary_key=True)
    made_at: Mapped[datetime]
    model: Mapped[str]
    # All calls of the week that were judged, and those of them whose visitor became known by a form.
    calls: Mapped[int]
    known: Mapped[int]
    # Known callers who rang a number that their visitor was never shown: nothing could have been right.
    never_shown: Mapped[int]
    outcomes: Mapped[dict[str, Any]]


class Rejudging(Base):
    """Somebody asked to judge past calls anew; `place_at` and `place_id` say how far that has come."""

    __tablename__ = "rejudging"
    __table_args__ = (
        Index("ix_rejudging_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("uq_rejudging_open", "company_id", unique=True, postgresql_where=text("done_at IS NULL")),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime]
    asked_by: Mapped[str]
    since: Mapped[datetime]
    model: Mapped[str]
    # Whether destinations hear of what changed.
    tells: Mapped[bool]
    place_at: Mapped[datetime | None]
    place_id: Mapped[UUID | None]
    judged: Mapped[int] = mapped_column(server_default=text("0"))
    changed_visit: Mapped[int] = mapped_column(server_default=text("0"))
    changed_campaign: Mapped[int] = mapped_column(server_default=text("0"))
    changed_source: Mapped[int] = mapped_column(server_default=text("0"))
    due_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    stopped_by: Mapped[str] = mapped_column(server_default=text("''"))


class RejudgedCall(Base):
    """A call whose credit changed when it was judged anew; both verdicts are kept."""

    __tablename__ = "rejudged_call"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "rejudging_id"], ["rejudging.company_id", "rejudging.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(["company_id", "call_id"], ["call.company_id", "call.id"], ondelete="CASCADE"),
        Index("ix_rejudged_call_call", "company_id", "call_id"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    rejudging_id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(primary_key=True)
    before_id: Mapped[UUID | None]
    after_id: Mapped[UUID]
    visit: Mapped[bool]
    campaign: Mapped[bool]
    source: Mapped[bool]
