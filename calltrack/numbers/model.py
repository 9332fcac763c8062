"""Pools, tracking numbers, their hot slots, and the leases that say who was shown what, when."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base

# Rows that change all the time: their updates find room on the page. Dead ones go once they are as many as
# live ones: each cleaning and counting makes all connections plan their statements anew.
HOT = {
    "fillfactor": "50",
    "autovacuum_vacuum_scale_factor": "1",
    "autovacuum_analyze_scale_factor": "20",
    "autovacuum_vacuum_threshold": "500",
    "autovacuum_vacuum_cost_delay": "0",
}


class Pool(Base):
    """Numbers of one location that visitors are shown in turn."""

    __tablename__ = "pool"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "location_id"], ["location.company_id", "location.id"]),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    location_id: Mapped[UUID]
    name: Mapped[str]
    # How long a number counts as on screen after the last sign of life.
    lease_seconds: Mapped[int] = mapped_column(server_default=text("75"))
    # How long a number rests off screen before another visitor is shown it, while another one can be.
    cooldown_seconds: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime]
    # Leading digits (+3902) of the numbers visitors are shown first; none: no number comes first.
    near: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    # Leases given before that moment are on screen so long at the least: their pages were told to show a sign
    # of life as rarely as the screen time of then allowed.
    longer_seconds: Mapped[int] = mapped_column(server_default=text("0"))
    longer_before: Mapped[datetime] = mapped_column(server_default=text("'2000-01-01 00:00:00+00'"))


class TrackingNumber(Base):
    """A number that forwards to a location. kind: pool, overflow (all are on screen), static (one source)."""

    __tablename__ = "tracking_number"
    __table_args__ = (
        UniqueConstraint("company_id", "e164"),
        Index("ix_tracking_number_pool", "company_id", "pool_id"),
        ForeignKeyConstraint(["company_id", "pool_id"], ["pool.company_id", "pool.id"]),
        ForeignKeyConstraint(["company_id", "location_id"], ["location.company_id", "location.id"]),
        CheckConstraint("kind IN ('pool', 'overflow', 'static')", name="kind"),
        CheckConstraint("kind = 'static' OR pool_id IS NOT NULL", name="pool"),
        CheckConstraint("hooks IN ('own', 'application')", name="hooks"),
        CheckConstraint("health IN ('unknown', 'well', 'flawed', 'unfit')", name="health"),
        Index(
            "ix_tracking_number_leaving",
            "company_id",
            "leave_at",
            postgresql_where=text("leave_at IS NOT NULL AND released_at IS NULL"),
        ),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    e164: Mapped[str]
    kind: Mapped[str]
    pool_id: Mapped[UUID | None]
    location_id: Mapped[UUID]
    carrier_account_id: Mapped[UUID]
    carrier_number_id: Mapped[str] = mapped_column(server_default=text("''"))
    # What a static number stands for (source, medium, campaign): a billboard, a call asset.
    source: Mapped[str] = mapped_column(server_default=text("''"))
    medium: Mapped[str] = mapped_column(server_default=text("''"))
    campaign: Mapped[str] = mapped_column(server_default=text("''"))
    released_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    # Whether the carrier asks at addresses of the number's own, or at those of the company's application.
    hooks: Mapped[str] = mapped_column(server_default=text("'own'"))
    type: Mapped[str] = mapped_column(server_default=text("''"))
    # Rent a month in minor units; None until the carrier told it.
    rent_minor: Mapped[int | None]
    rent_currency: Mapped[str] = mapped_column(server_default=text("''"))
    # Our record against the carrier's: see health.py. unfit: visitors are not shown it.
    health: Mapped[str] = mapped_column(server_default=text("'unknown'"))
    # What was found, each with code, words, unfit, repairable.
    findings: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    checked_at: Mapped[datetime | None]
    # Until then visitors are not shown it: it had another use before.
    rests_until: Mapped[datetime | None]
    # When it is given back to the carrier, who said so, and what the carrier said when it could not be.
    leave_at: Mapped[datetime | None]
    leave_by: Mapped[str] = mapped_column(server_default=text("''"))
    leave_said: Mapped[str] = mapped_column(server_default=text("''"))

    @property
    def is_shown(self) -> bool:
        """Whether visitors may be shown it, now or after its rest."""
        return (
            self.kind == "pool"
            and self.released_at is None
            and self.leave_at is None
            and self.health != "unfit"
        )


class NumberClaim(Base):
    """Which company owns a number on this server: one number, one company (a table of no tenant)."""

    __tablename__ = "number_claim"
    e164: Mapped[str] = mapped_column(primary_key=True)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"))


class Slot(Base):
    """The hot part of a pool number: until when it is on screen, who holds it, which calls it may still get.

    Off screen means `busy_until` lies in the past (clock_timestamp()), so no sweeper is needed. The five sums
    are those of `masses.py` and stand for `summed_at`, the beginning of a window of 30 hours; the latest
    holder is not in them, but in `own_*`.
    """

    __tablename__ = "number_slot"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "number_id"],
            ["tracking_number.company_id", "tracking_number.id"],
            ondelete="CASCADE",
        ),
        # No column that a heartbeat changes: its update then touches no index.
        Index("ix_number_slot_visitor", "company_id", "visitor_id"),
        # The order in which numbers were given: of a large pool the first ones are looked at.
        Index(
            "ix_number_slot_given",
            "company_id",
            "pool_id",
            "is_far",
            text("given_at NULLS FIRST"),
            "number_id",
        ),
        {"postgresql_with": HOT},
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    number_id: Mapped[UUID] = mapped_column(primary_key=True)
    pool_id: Mapped[UUID]
    # Until when somebody has it on screen; or it rests from another use (then it was never given here).
    busy_until: Mapped[datetime]
    # The last sign of life of anybody it was given to; never given numbers are all equally old.
    seen_at: Mapped[datetime] = mapped_column(server_default=text("'2000-01-01 00:00:00+00'"))
    # The latest holder: lease, visitor, when given, and since when nobody given it earlier has it on screen.
    lease_id: Mapped[UUID | None]
    visitor_id: Mapped[UUID | None]
    given_at: Mapped[datetime | None]
    alone_since: Mapped[datetime | None]
    # Where the holder comes from (words of kernel/origin.py), and how likely he is to call.
    source: Mapped[str] = mapped_column(server_default=text("''"))
    campaign: Mapped[str] = mapped_column(server_default=text("''"))
    weight: Mapped[float] = mapped_column(server_default=text("0"))
    saw_contact: Mapped[bool] = mapped_column(server_default=text("false"))
    copied: Mapped[bool] = mapped_column(server_default=text("false"))
    called: Mapped[bool] = mapped_column(server_default=text("false"))
    # Seconds since 1970: the holder's last sign of life, and the moment that sums and own parts stand for.
    held_at: Mapped[float] = mapped_column(server_default=text("0"))
    summed_at: Mapped[float] = mapped_column(server_default=text("0"))
    sum_1: Mapped[float] = mapped_column(server_default=text("0"))
    sum_2: Mapped[float] = mapped_column(server_default=text("0"))
    sum_3: Mapped[float] = mapped_column(server_default=text("0"))
    sum_4: Mapped[float] = mapped_column(server_default=text("0"))
    sum_5: Mapped[float] = mapped_column(server_default=text("0"))
    own_1: Mapped[float] = mapped_column(server_default=text("0"))
    own_2: Mapped[float] = mapped_column(server_default=text("0"))
    own_3: Mapped[float] = mapped_column(server_default=text("0"))
    own_4: Mapped[float] = mapped_column(server_default=text("0"))
    own_5: Mapped[float] = mapped_column(server_default=text("0"))
    # Its pool prefers other numbers (`Pool.near`).
    is_far: Mapped[bool] = mapped_column(server_default=text("false"))


class Mass(Base):
    """The calls a number may still get from past holders of one origin: a source, or a campaign of it."""

    __tablename__ = "number_mass"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "number_id"],
            ["number_slot.company_id", "number_slot.number_id"],
            ondelete="CASCADE",
        ),
        Index("ix_number_mass_number", "company_id", "number_id"),
        {"postgresql_with": HOT},
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    pool_id: Mapped[UUID] = mapped_column(primary_key=True)
    # A word of kernel/origin.py.
    origin: Mapped[str] = mapped_column(primary_key=True)
    number_id: Mapped[UUID] = mapped_column(primary_key=True)
    summed_at: Mapped[float]
    sum_1: Mapped[float]
    sum_2: Mapped[float]
    sum_3: Mapped[float]
    sum_4: Mapped[float]
    sum_5: Mapped[float]


class Lease(Base):
    """This number was shown to this visit from..until (the last sign of life and the screen seconds)."""

    __tablename__ = "lease"
    __table_args__ = (
        Index("ix_lease_number", "company_id", "number_id", "shown_from"),
        Index("ix_lease_visit", "company_id", "visit_id"),
        {"postgresql_with": {"fillfactor": "80"}},
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    number_id: Mapped[UUID]
    visit_id: Mapped[UUID]
    shown_from: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    shown_until: Mapped[datetime]
    # Others had it on screen as well: the overflow number, or one of the pool while all were on screen.
    is_overflow: Mapped[bool] = mapped_column(server_default=text("false"))
    tapped_at: Mapped[datetime | None]
    copied_at: Mapped[datetime | None]
    # When the page told that it was left or hidden; None again with the next sign of life.
    left_at: Mapped[datetime | None]
    # When the visit first opened a contact page.
    contact_at: Mapped[datetime | None]
    # Every tap, in time order; `tapped_at` is the last one.
    # When a call first was almost surely this visit's.
    called_at: Mapped[datetime | None]
    # Given to another visit while still on screen: the last sign of life that counts in the number's sums.
    counted_until: Mapped[datetime | None]
    taps: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)), server_default=text("'{}'"))
    # What a call asks of the visit, copied when the number was given, so that it reads one table only.
    # `origin` is the campaign's word (kernel/origin.py). None in rows of before: the visit tells.
    visitor_id: Mapped[UUID | None]
    origin: Mapped[str | None]
    device: Mapped[str | None]
    is_returning: Mapped[bool | None]
    region: Mapped[str | None]


class NumberSighting(Base):
    """A page of the company's website in whose own text a number stands that visitors are shown in turn.

    An empty page: people who were not shown it for long call it; `times` then counts their calls.
    """

    __tablename__ = "number_sighting"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "number_id"],
            ["tracking_number.company_id", "tracking_number.id"],
            ondelete="CASCADE",
        ),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    number_id: Mapped[UUID] = mapped_column(primary_key=True)
    page: Mapped[str] = mapped_column(primary_key=True)
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    times: Mapped[int]


class SiteTarget(Base):
    """A business number written on a site, and the pool whose numbers take its place."""

    __tablename__ = "site_target"
    __table_args__ = (
        ForeignKeyConstraint(["company_id", "site_id"], ["site.company_id", "site.id"]),
        ForeignKeyConstraint(["company_id", "location_id"], ["location.company_id", "location.id"]),
        ForeignKeyConstraint(["company_id", "pool_id"], ["pool.company_id", "pool.id"]),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    target: Mapped[str] = mapped_column(primary_key=True)
    location_id: Mapped[UUID]
    pool_id: Mapped[UUID]
