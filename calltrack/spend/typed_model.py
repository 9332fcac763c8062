"""What people bring themselves: entries for offline media, files of spend, rates of currencies."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class SpendEntry(Base):
    """A cost somebody typed: so much for a campaign from one day to another, both included."""

    __tablename__ = "spend_entry"
    __table_args__ = (
        CheckConstraint("last_day >= first_day", name="days"),
        ForeignKeyConstraint(
            ["company_id", "campaign_id"],
            ["spend_campaign.company_id", "spend_campaign.id"],
            ondelete="CASCADE",
        ),
        Index("ix_spend_entry_campaign", "company_id", "campaign_id"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[UUID]
    first_day: Mapped[date]
    last_day: Mapped[date]
    # In minor units of the account's currency.
    cost_minor: Mapped[int] = mapped_column(BigInteger)
    note: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class SpendFile(Base):
    """An uploaded table of spend: its cells, how it is read, what became of it."""

    __tablename__ = "spend_file"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'applied')", name="state"),
        ForeignKeyConstraint(
            ["company_id", "account_id"],
            ["spend_account.company_id", "spend_account.id"],
            ondelete="SET NULL (account_id)",
        ),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    state: Mapped[str]
    sha256: Mapped[bytes]
    header: Mapped[list[str]]
    # [line, cells] each.
    lines: Mapped[list[Any]]
    # How it is read (`spend.file_rules.Plan`).
    plan: Mapped[dict[str, Any]]
    # Where it was last applied to.
    account_id: Mapped[UUID | None]
    counts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    applied_at: Mapped[datetime | None]


class CurrencyRate(Base):
    """On this day one unit of `base` was worth `rate` units of `quote`."""

    __tablename__ = "currency_rate"
    __table_args__ = (CheckConstraint("rate > 0", name="rate"),)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    base: Mapped[str] = mapped_column(primary_key=True)
    quote: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    rate: Mapped[Decimal] = mapped_column(Numeric(24, 12))
