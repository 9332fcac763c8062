"""Where spend is read from, the campaigns found there, and what each cost by day.

Costs stand in millionths of the account's currency, as Google writes them (`metrics.cost_micros`); days are
days of the account's time zone.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base

PLATFORMS = "'google_ads', 'meta', 'microsoft', 'file', 'manual'"


class SpendAccount(Base):
    """An ad account, or what stands for one: a file somebody imports, entries somebody types."""

    __tablename__ = "spend_account"
    __table_args__ = (
        UniqueConstraint("company_id", "platform", "external_id"),
        CheckConstraint(f"platform IN ({PLATFORMS})", name="platform"),
        CheckConstraint("status IN ('active', 'paused', 'stopped')", name="status"),
        Index("ix_spend_account_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    platform: Mapped[str]
    # The platform's own id of the account; a name for files and typed entries.
    external_id: Mapped[str]
    name: Mapped[str]
    currency: Mapped[str]
    timezone: Mapped[str]
    # Whose access is used to read it; NULL for files and typed entries.
    destination_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    # When a worker reads it next; NULL: never by itself.
    due_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    # active; paused: a person must do something first; stopped: nobody wants it read any more.
    status: Mapped[str] = mapped_column(server_default=text("'active'"))
    # What the platform last refused, with the next step; empty: the last look went well.
    trouble: Mapped[str] = mapped_column(server_default=text("''"))
    # How many looks in a row found the platform unwell.
    unwell: Mapped[int] = mapped_column(server_default=text("0"))
    # Who reads it now, until when; somebody else may after that.
    lease_token: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    # The oldest day that is wanted; read at the first look.
    first_day: Mapped[date | None]
    # The account's day on which the last 30 days were read anew.
    night_on: Mapped[date | None]
    # A report the platform is still making: its id and days; empty: none.
    waiting: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


class SpendCampaign(Base):
    """A campaign of an account. `campaign_key` says which visits it paid for."""

    __tablename__ = "spend_campaign"
    __table_args__ = (
        UniqueConstraint("company_id", "account_id", "external_id"),
        ForeignKeyConstraint(
            ["company_id", "account_id"], ["spend_account.company_id", "spend_account.id"], ondelete="CASCADE"
        ),
        Index("ix_spend_campaign_key", "company_id", "campaign_key"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    external_id: Mapped[str]
    name: Mapped[str]
    # The campaign's word in visits and verdicts (`kernel/origin.campaign_key`); empty: not matched.
    campaign_key: Mapped[str] = mapped_column(server_default=text("''"))
    # What matched it: id, name, person; empty: nothing did.
    matched_by: Mapped[str] = mapped_column(server_default=text("''"))
    # The platform's budget it spends from, and whether other campaigns spend from it, too.
    budget_id: Mapped[str] = mapped_column(server_default=text("''"))
    budget_micros: Mapped[int | None] = mapped_column(BigInteger)
    is_budget_shared: Mapped[bool] = mapped_column(server_default=text("false"))


class SpendDay(Base):
    """What a campaign cost on a day, as last read."""

    __tablename__ = "spend_day"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "campaign_id"],
            ["spend_campaign.company_id", "spend_campaign.id"],
            ondelete="CASCADE",
        ),
        Index("ix_spend_day_day", "company_id", "day"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    cost_micros: Mapped[int] = mapped_column(BigInteger)
    # The same in minor units of the company's currency, at the rate of that day; NULL: no rate is known.
    cost_minor: Mapped[int | None] = mapped_column(BigInteger)
    clicks: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    impressions: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    read_at: Mapped[datetime]
