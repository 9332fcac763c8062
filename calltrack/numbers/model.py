"""Pools, tracking numbers, their hot slots, and the leases that say who was shown what, when."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


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
    # How long a number stays with a visit after the last sign of life.
    lease_seconds: Mapped[int] = mapped_column(server_default=text("150"))
    # How long a number rests after a lease before the next visit may be shown it.
    cooldown_seconds: Mapped[int] = mapped_column(server_default=text("60"))
    created_at: Mapped[datetime]


class TrackingNumber(Base):
    """A number that forwards to a location. kind: pool (leased), overflow (pool dry), static (one source)."""

    __tablename__ = "tracking_number"
    __table_args__ = (
        UniqueConstraint("company_id", "e164"),
        Index("ix_tracking_number_pool", "company_id", "pool_id"),
        ForeignKeyConstraint(["company_id", "pool_id"], ["pool.company_id", "pool.id"]),
        ForeignKeyConstraint(["company_id", "location_id"], ["location.company_id", "location.id"]),
        CheckConstraint("kind IN ('pool', 'overflow', 'static')", name="kind"),
        CheckConstraint("kind = 'static' OR pool_id IS NOT NULL", name="pool"),
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


class NumberClaim(Base):
    """Which company owns a number on this server: one number, one company (a table of no tenant)."""

    __tablename__ = "number_claim"
    e164: Mapped[str] = mapped_column(primary_key=True)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"))


class Slot(Base):
    """The hot part of a pool number: until when it is taken, and by which lease.

    Free means `busy_until` lies in the past (clock_timestamp()), so no sweeper is needed.
    """

    __tablename__ = "number_slot"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "number_id"],
            ["tracking_number.company_id", "tracking_number.id"],
            ondelete="CASCADE",
        ),
        Index("ix_number_slot_idle", "company_id", "pool_id", "busy_until"),
        {
            "postgresql_with": {
                "fillfactor": "50",
                "autovacuum_vacuum_scale_factor": "0",
                "autovacuum_vacuum_threshold": "500",
                "autovacuum_vacuum_cost_delay": "0",
            },
        },
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    number_id: Mapped[UUID] = mapped_column(primary_key=True)
    pool_id: Mapped[UUID]
    busy_until: Mapped[datetime]
    lease_id: Mapped[UUID | None]


class Lease(Base):
    """This number was shown to this visit from..until (the last heartbeat plus the pool's lease)."""

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
    # The pool was dry and the visit was shown the pool's overflow number, shared with others.
    is_overflow: Mapped[bool] = mapped_column(server_default=text("false"))
    tapped_at: Mapped[datetime | None]


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
