"""What campaigns are matched by: which ids visits carry beside their campaign's words, counted by day."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class SpendWatch(Base):
    """When a company's campaigns are matched next, and up to which moment its visits were looked at."""

    __tablename__ = "spend_watch"
    __table_args__ = (Index("ix_spend_watch_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    due_at: Mapped[datetime | None]
    visits_until: Mapped[datetime]
    # The currency that costs were last converted to; another one now, or none after new rates, and all are
    # converted again.
    converted_to: Mapped[str] = mapped_column(server_default=text("''"))


class CampaignSighting(Base):
    """How many visits of a day came under a campaign's words with this id in their address.

    `id_kind`: gad (gad_campaignid), utm (utm_id), or '' without an id: all visits of the words. Numbers only.
    """

    __tablename__ = "campaign_sighting"
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    # In the company's time zone.
    day: Mapped[date] = mapped_column(primary_key=True)
    campaign_key: Mapped[str] = mapped_column(primary_key=True)
    id_kind: Mapped[str] = mapped_column(primary_key=True)
    id_value: Mapped[str] = mapped_column(primary_key=True)
    visits: Mapped[int]
