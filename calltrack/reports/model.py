"""Report rows by day and month, and what is still to be counted anew. No row tells of a person."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class Measures:
    """What is counted of a row: words that name it, and sums over its calls, visits and conversions.

    `detail` is the keyword, the page, the location... of its dimension (`dimensions.py`). Each dimension with
    details is kept twice: per campaign, and alone (`keyword_alone`: words empty) for who asks for all. Times
    are days of the company's time zone, values minor units of its currency. `place` only tells rows of a day
    apart.
    """

    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    dimension: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str]
    medium: Mapped[str]
    campaign: Mapped[str]
    detail: Mapped[str]
    visits: Mapped[int]
    calls: Mapped[int]
    # Calls that ended and were not turned away; answered ones among them; their talk.
    ended: Mapped[int]
    answered: Mapped[int]
    talk_seconds: Mapped[int] = mapped_column(BigInteger)
    # Calls with a credited source, and by the finest level that is credited.
    with_source: Mapped[int]
    on_visit: Mapped[int]
    on_campaign: Mapped[int]
    on_source: Mapped[int]
    leads: Mapped[int]
    purchases: Mapped[int]
    value_minor: Mapped[int] = mapped_column(BigInteger)
    # Purchases with a value in another currency: counted, their value is not added.
    other_currency: Mapped[int]
    # The sum of squared values and the largest value: how far the sum may be chance.
    value_squared: Mapped[float]
    largest_minor: Mapped[int] = mapped_column(BigInteger)


class ReportDay(Measures, Base):
    """What a day brought, per dimension and row."""

    __tablename__ = "report_day"


class ReportMonth(Measures, Base):
    """The sums of a whole month (`day` is its first); of use while no mark says that a day changed."""

    __tablename__ = "report_month"


class ReportDue(Base):
    """A day, or a month, that is to be counted anew. `marks` grows with every reason to."""

    __tablename__ = "report_due"
    __table_args__ = (
        CheckConstraint("span IN ('day', 'month')", name="span"),
        Index("ix_report_due_due", "due_at"),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    span: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    marks: Mapped[int] = mapped_column(BigInteger)
    due_at: Mapped[datetime]


class ReportState(Base):
    """The time zone and currency a company's rows are in, and until when its visits were looked at."""

    __tablename__ = "report_state"
    __table_args__ = (Index("ix_report_state_due", "due_at"),)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    timezone: Mapped[str]
    currency: Mapped[str]
    seen_at: Mapped[datetime]
    # The day on which the week before it was last counted again.
    week_day: Mapped[date]
    due_at: Mapped[datetime]
    # What the last day took to be counted.
    took_ms: Mapped[int] = mapped_column(server_default=text("0"))
