"""Audiences, who is in them and why, and what each platform was told.

`audience_member` is about persons (our wanted set), `audience_entry` about identifiers at one list.
No table here holds a number or an address in clear: entries carry the keyed hash, and the platform's own
hash sealed.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base

STATUSES = ("active", "paused", "deleting", "deleted")
ENTRY_STATES = ("due", "sending", "sent", "settled", "refused")


class Audience(Base):
    """A saved condition over persons; `condition` fits `conditions.Condition`, `sentence` restates it."""

    __tablename__ = "audience"
    __table_args__ = (CheckConstraint(f"status IN {STATUSES}", name="status"),)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    condition: Mapped[dict[str, Any]]
    sentence: Mapped[str]
    status: Mapped[str]
    # When everybody is asked next: at once after a change of the condition, then every night.
    full_due_at: Mapped[datetime | None]
    # How far a look at everybody has come, in order of persons, and what it found; NULL: none is under way.
    looked_until: Mapped[UUID | None]
    look_found: Mapped[int] = mapped_column(server_default=text("0"))
    # When those are asked next whom time alone can have moved; NULL: the condition knows no time.
    sweep_due_at: Mapped[datetime | None]
    swept_until: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    # How many differences the last nightly check found and repaired.
    repaired: Mapped[int] = mapped_column(server_default=text("0"))
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class Place(Base):
    """The list of one connected destination that an audience is kept in step with."""

    __tablename__ = "audience_place"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "audience_id"], ["audience.company_id", "audience.id"]),
        ForeignKeyConstraint(["company_id", "destination_id"], ["destination.company_id", "destination.id"]),
        CheckConstraint("status IN ('active', 'paused', 'leaving', 'removed')", name="status"),
        Index("ix_audience_place_audience", "company_id", "audience_id"),
        # Two audiences in one list would throw each other's members out.
        Index(
            "uq_audience_place_list",
            "company_id",
            "destination_id",
            "list_id",
            unique=True,
            postgresql_where=text("status <> 'removed'"),
        ),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    audience_id: Mapped[UUID]
    destination_id: Mapped[UUID]
    list_id: Mapped[str]
    status: Mapped[str]
    # Why it is paused, in words that name the next step.
    status_reason: Mapped[str] = mapped_column(server_default=text("''"))
    # One request at a time: what a worker holds, and until when.
    lease_token: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    held_until: Mapped[datetime | None]
    unwell: Mapped[int] = mapped_column(server_default=text("0"))
    # How many members go into the next request; halved when a request is refused and no row is named.
    batch: Mapped[int]
    due_at: Mapped[datetime | None]
    last_sent_at: Mapped[datetime | None]
    last_confirmed_at: Mapped[datetime | None]
    last_trouble: Mapped[str] = mapped_column(server_default=text("''"))
    # What the platform says: share of members it knows, identifiers it could not read.
    match_rate: Mapped[str] = mapped_column(server_default=text("''"))
    invalid: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime]


class Member(Base):
    """A person the condition holds for: in the audience, or withheld for want of consent or identifier."""

    __tablename__ = "audience_member"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "audience_id"], ["audience.company_id", "audience.id"]),
        CheckConstraint("status IN ('in', 'withheld')", name="status"),
        Index("ix_audience_member_person", "company_id", "person_id"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    audience_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    status: Mapped[str]
    # denied, unknown, no_identifier; empty for a member.
    withheld: Mapped[str] = mapped_column(server_default=text("''"))
    since: Mapped[datetime]
    why: Mapped[str]
    # What the newest visit said when this person was judged:
    # {ad_user_data, ad_personalization, visit_id, at}.
    consent: Mapped[dict[str, Any]]


class Entry(Base):
    """One identifier at one list: whether we want it there, and what the platform was last told about it."""

    __tablename__ = "audience_entry"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "place_id"], ["audience_place.company_id", "audience_place.id"]),
        CheckConstraint(f"state IN {ENTRY_STATES}", name="state"),
        CheckConstraint("told IN ('add', 'remove')", name="told"),
        CheckConstraint("confirmed IN ('add', 'remove')", name="confirmed"),
        Index(
            "ix_audience_entry_due",
            "company_id",
            "place_id",
            "wanted",
            "changed_at",
            postgresql_where=text("state = 'due'"),
        ),
        Index("ix_audience_entry_person", "company_id", "person_id"),
        Index("ix_audience_entry_request", "company_id", "request_id"),
        Index(
            "ix_audience_entry_recheck",
            "company_id",
            "recheck_id",
            postgresql_where=text("recheck_id IS NOT NULL"),
        ),
        {"postgresql_with": {"fillfactor": "70"}},
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    place_id: Mapped[UUID] = mapped_column(primary_key=True)
    caller_hash: Mapped[bytes] = mapped_column(primary_key=True)
    person_id: Mapped[UUID]
    wanted: Mapped[bool]
    state: Mapped[str]
    # The last thing the platform was told, or may have been: written before the request leaves.
    told: Mapped[str | None]
    told_at: Mapped[datetime | None]
    # Seals the identifier as the platform takes it (place `audience_entry.identifier`); wiped once it left.
    identifier: Mapped[bytes | None]
    # What the platform is known to have done last.
    confirmed: Mapped[str | None]
    request_id: Mapped[UUID | None]
    # Its place in that request: verdicts name members by their place.
    request_place: Mapped[int | None]
    # An earlier request that said the opposite and is not judged yet: when it is, this is told once more.
    recheck_id: Mapped[UUID | None]
    said: Mapped[str] = mapped_column(server_default=text("''"))
    changed_at: Mapped[datetime]


class Request(Base):
    """One request to a platform: the intention before it leaves, the answer and the verdict after."""

    __tablename__ = "audience_request"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "place_id"], ["audience_place.company_id", "audience_place.id"]),
        Index("ix_audience_request_place", "company_id", "place_id", "started_at"),
        Index(
            "ix_audience_request_due",
            "company_id",
            "place_id",
            "due_at",
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        CheckConstraint("action IN ('add', 'remove')", name="action"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    place_id: Mapped[UUID]
    action: Mapped[str]
    size: Mapped[int]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    request_hash: Mapped[bytes] = mapped_column(server_default=text("''"))
    status: Mapped[int | None]
    class_: Mapped[str | None] = mapped_column("class")
    message: Mapped[str] = mapped_column(server_default=text("''"))
    answer: Mapped[str] = mapped_column(server_default=text("''"))
    # What the platform calls it, and when its verdict is asked for next; NULL: judged, or judged at once.
    platform_id: Mapped[str | None]
    due_at: Mapped[datetime | None]
    received: Mapped[int | None]
    invalid: Mapped[int | None]
    match_rate: Mapped[str] = mapped_column(server_default=text("''"))


class Event(Base):
    """The history: who joined, left, was told to a platform or taken away there, when and why."""

    __tablename__ = "audience_event"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "audience_id"], ["audience.company_id", "audience.id"]),
        CheckConstraint("what IN ('joined', 'left', 'added', 'removed', 'refused')", name="what"),
        Index("ix_audience_event_at", "company_id", "audience_id", "at"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    audience_id: Mapped[UUID]
    # Only for what a platform was told.
    place_id: Mapped[UUID | None]
    person_id: Mapped[UUID]
    at: Mapped[datetime]
    what: Mapped[str]
    why: Mapped[str] = mapped_column(server_default=text("''"))


class Dirty(Base):
    """A person to be judged again; filled by facts, and by triggers on visits and on persons that vanish.

    Only companies with an audience get rows. A queue without a unique key: nobody who marks ever waits.
    """

    __tablename__ = "audience_dirty"
    __table_args__ = (Index("ix_audience_dirty_marked", "company_id", "marked_at"),)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    person_id: Mapped[UUID]
    marked_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
