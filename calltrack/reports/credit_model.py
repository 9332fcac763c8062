"""What each campaign earned by day, in parts where a call's campaign is not certain."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class CampaignCreditDay(Base):
    """Counted conversions of a day by campaign: each is spread by its call's probabilities.

    The parts of one conversion sum to 1; what no campaign has (nobody, or the source alone is known) stands
    under the empty key. Days are days of the company's time zone, values minor units of its currency.
    """

    __tablename__ = "campaign_credit_day"
    __table_args__ = (
        CheckConstraint("kind IN ('lead', 'purchase')", name="kind"),
        Index("ix_campaign_credit_day_key", "company_id", "campaign_key", "day"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    # `kernel/origin.campaign_key`; empty: no campaign's.
    campaign_key: Mapped[str] = mapped_column(primary_key=True)
    conversions: Mapped[float]
    value_minor: Mapped[float]
