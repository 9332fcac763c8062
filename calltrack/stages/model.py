"""Journeys, their sums by day, whom to look at again, how far that is, rules and segments."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class JourneyRow(Base):
    """What one person, or one browser that is nobody's yet, did: a function of stored facts and rules.

    `history` is [[stage, at (ISO), code, value], ...] in time order; `stage` is the last of it (0 to 4).
    `day` is the day of the first touch in the company's time zone. `figures` holds what only the score and
    segments ask. `stop_*` say where somebody is who is no lead yet.
    """

    __tablename__ = "journey"
    __table_args__ = (
        # Holds what segments ask most, so that persons are counted and listed from it alone.
        Index(
            "ix_journey_last",
            "company_id",
            text("last_at DESC"),
            "id",
            postgresql_where=text("is_person"),
            postgresql_include=[
                "first_at",
                "last_call_at",
                "lead_at",
                "last_bought_at",
                "stage",
                "visits",
                "calls",
                "answered",
                "missed",
                "short_calls",
                "longest_talk",
                "leads",
                "purchases",
                "value_minor",
                "waits",
                "is_lost",
                "score",
            ],
        ),
        Index("ix_journey_person_day", "company_id", "day", postgresql_where=text("is_person")),
        # Views of one source are counted from its rows.
        Index("ix_journey_source_day", "company_id", "source", "day", postgresql_include=["medium"]),
        Index(
            "ix_journey_call",
            "company_id",
            text("last_call_at DESC"),
            postgresql_where=text("last_call_at IS NOT NULL"),
        ),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    is_person: Mapped[bool]
    is_demo: Mapped[bool] = mapped_column(server_default=text("false"))
    day: Mapped[date]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    source: Mapped[str]
    medium: Mapped[str]
    campaign: Mapped[str]
    landing: Mapped[str]
    stage: Mapped[int] = mapped_column(SmallInteger)
    stage_at: Mapped[datetime]
    history: Mapped[list[Any]]
    lead_at: Mapped[datetime | None]
    bought_at: Mapped[datetime | None]
    last_call_at: Mapped[datetime | None]
    last_bought_at: Mapped[datetime | None]
    visits: Mapped[int]
    calls: Mapped[int]
    answered: Mapped[int]
    missed: Mapped[int]
    short_calls: Mapped[int]
    longest_talk: Mapped[int]
    leads: Mapped[int]
    purchases: Mapped[int]
    # Of the purchases in the company's currency, in its minor units.
    value_minor: Mapped[int] = mapped_column(BigInteger)
    # Called, nobody talked, and nobody has since.
    waits: Mapped[bool]
    is_won: Mapped[bool]
    is_lost: Mapped[bool]
    score: Mapped[int] = mapped_column(SmallInteger)
    figures: Mapped[dict[str, Any]]
    path: Mapped[str]
    stop_kind: Mapped[str]
    stop_detail: Mapped[str]


class JourneyCell(Base):
    """How many journeys that began on a day share three words of a view; kept with every journey's change."""

    __tablename__ = "journey_cell"
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    view: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    a: Mapped[str] = mapped_column(primary_key=True)
    b: Mapped[str] = mapped_column(primary_key=True)
    c: Mapped[str] = mapped_column(primary_key=True)
    persons: Mapped[int]
    value_minor: Mapped[int] = mapped_column(BigInteger)


class JourneyDirty(Base):
    """A person or browser whose journey is to be made again."""

    __tablename__ = "journey_dirty"
    __table_args__ = (Index("ix_journey_dirty_marked", "company_id", "marked_at"),)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    subject_id: Mapped[UUID]
    marked_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class JourneyState(Base):
    """How far a company's journeys are: visits looked at, and the recomputation that goes on, if any."""

    __tablename__ = "journey_state"
    __table_args__ = (CheckConstraint("again_phase IN ('', 'persons', 'visitors')", name="phase"),)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    due_at: Mapped[datetime]
    visits_until: Mapped[datetime]
    again_phase: Mapped[str] = mapped_column(server_default=text("''"))
    again_after: Mapped[UUID | None]
    # When a worker goes on; meanwhile it is the lease of the one that does.
    again_due_at: Mapped[datetime | None]
    again_done: Mapped[int] = mapped_column(server_default=text("0"))
    again_began_at: Mapped[datetime | None]
    again_ended_at: Mapped[datetime | None]


class JourneyRules(Base):
    """A saved version of the stage rules or of the score's; the highest number of a kind holds."""

    __tablename__ = "journey_rules"
    __table_args__ = (
        UniqueConstraint("company_id", "kind", "number"),
        CheckConstraint("kind IN ('stages', 'score')", name="kind"),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    number: Mapped[int]
    rules: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime]
    saved_by: Mapped[str]
    note: Mapped[str] = mapped_column(server_default=text("''"))


class SegmentRow(Base):
    """A saved filter over persons: name, colour, condition (`segment_rules.py`)."""

    __tablename__ = "journey_segment"
    __table_args__ = (
        UniqueConstraint("company_id", "name"),
        ForeignKeyConstraint(["company_id", "webhook_id"], ["destination.company_id", "destination.id"]),
        CheckConstraint("tell_to IN ('off', 'owners', 'managers')", name="tell_to"),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    color: Mapped[str]
    condition: Mapped[dict[str, Any]]
    # From so many persons in it a notice stands; NULL: none is wanted.
    alert_from: Mapped[int | None]
    # Who is mailed when somebody enters (off, owners, managers), which webhook is told, and since when it is
    # looked at.
    tell_to: Mapped[str] = mapped_column(server_default=text("'off'"))
    webhook_id: Mapped[UUID | None]
    watched_since: Mapped[datetime | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class SegmentMember(Base):
    """Who is in a segment whose entering somebody wants to hear of; `told_at` NULL: not told of yet."""

    __tablename__ = "segment_member"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "segment_id"],
            ["journey_segment.company_id", "journey_segment.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["company_id", "person_id"], ["person.company_id", "person.id"], ondelete="CASCADE"
        ),
        Index("ix_segment_member_person", "company_id", "person_id"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    segment_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    entered_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
