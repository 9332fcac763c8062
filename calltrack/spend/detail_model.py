"""What stands beside a campaign's days: restated figures, ad groups and keywords, what clicks tell.

Costs stand in millionths of the account's currency, days are days of the account's time zone.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base

_CAMPAIGN = (["company_id", "campaign_id"], ["spend_campaign.company_id", "spend_campaign.id"])


class SpendChange(Base):
    """A day's figures that were told otherwise before: old and new, and when that was seen."""

    __tablename__ = "spend_change"
    __table_args__ = (
        ForeignKeyConstraint(*_CAMPAIGN, ondelete="CASCADE"),
        Index("ix_spend_change_seen", "company_id", "seen_at"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(primary_key=True)
    old_cost_micros: Mapped[int] = mapped_column(BigInteger)
    new_cost_micros: Mapped[int] = mapped_column(BigInteger)
    old_clicks: Mapped[int] = mapped_column(BigInteger)
    new_clicks: Mapped[int] = mapped_column(BigInteger)
    old_impressions: Mapped[int] = mapped_column(BigInteger)
    new_impressions: Mapped[int] = mapped_column(BigInteger)


class SpendPart(Base):
    """A part of a campaign: an ad group as a whole (`criterion_id` is empty), or one keyword in it."""

    __tablename__ = "spend_part"
    __table_args__ = (
        UniqueConstraint("company_id", "campaign_id", "ad_group_id", "criterion_id"),
        ForeignKeyConstraint(*_CAMPAIGN, ondelete="CASCADE"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[UUID]
    ad_group_id: Mapped[str]
    ad_group: Mapped[str]
    criterion_id: Mapped[str] = mapped_column(server_default=text("''"))
    keyword: Mapped[str] = mapped_column(server_default=text("''"))
    # exact, phrase, broad; empty: an ad group.
    match_type: Mapped[str] = mapped_column(server_default=text("''"))


class SpendPartDay(Base):
    """What an ad group or keyword cost on a day, as last read."""

    __tablename__ = "spend_part_day"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "part_id"], ["spend_part.company_id", "spend_part.id"], ondelete="CASCADE"
        ),
        Index("ix_spend_part_day_day", "company_id", "day"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    part_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    cost_micros: Mapped[int] = mapped_column(BigInteger)
    # In minor units of the company's currency; NULL: no rate is known.
    cost_minor: Mapped[int | None] = mapped_column(BigInteger)
    # What of its campaign's day it is: these add up to the campaign's cost (`shares.py`).
    share_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    clicks: Mapped[int] = mapped_column(BigInteger)
    impressions: Mapped[int] = mapped_column(BigInteger)


class SpendPartMonth(Base):
    """The sums of a part's shares in a month (`month` is its first day), kept with its days."""

    __tablename__ = "spend_part_month"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "part_id"], ["spend_part.company_id", "spend_part.id"], ondelete="CASCADE"
        ),
        Index("ix_spend_part_month_part", "company_id", "part_id"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    part_id: Mapped[UUID] = mapped_column(primary_key=True)
    share_minor: Mapped[int] = mapped_column(BigInteger)


class SpendClick(Base):
    """What Google tells of the click that brought a visit: campaign, ad group, keyword (no click id)."""

    __tablename__ = "spend_click"
    __table_args__ = (
        ForeignKeyConstraint(*_CAMPAIGN, ondelete="CASCADE"),
        Index("ix_spend_click_campaign", "company_id", "campaign_id"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[UUID]
    # The day of the click, in the account's time zone.
    day: Mapped[date]
    ad_group_id: Mapped[str]
    ad_group: Mapped[str]
    keyword: Mapped[str]
    match_type: Mapped[str]


class SpendClickDay(Base):
    """A day whose clicks were asked for: one query each, and none again once it is settled."""

    __tablename__ = "spend_click_day"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "account_id"],
            ["spend_account.company_id", "spend_account.id"],
            ondelete="CASCADE",
        ),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime]
    # How many visits the day's answer named.
    named: Mapped[int]
