"""Paths by day: what the models of credit read, kept by a worker; no row names a person."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class CreditLook(Base):
    """A company's nightly look for days whose paths changed; `timezone` is the one its days are of."""

    __tablename__ = "credit_look"
    __table_args__ = (Index("ix_credit_look_due", "due_at"),)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    due_at: Mapped[datetime]
    timezone: Mapped[str] = mapped_column(server_default=text("''"))
    # Visits before this moment were looked at; none: all days are to be counted.
    looked_until: Mapped[datetime | None]


class CreditDay(Base):
    """A day whose paths are counted, or due to be: `due_at` since when, `leased_until` while one counts."""

    __tablename__ = "credit_day"
    __table_args__ = (
        Index("ix_credit_day_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_credit_day_leased", "leased_until", postgresql_where=text("leased_until IS NOT NULL")),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    due_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    # What counting it took of a processor, in this process.
    took_ms: Mapped[int] = mapped_column(server_default=text("0"))
    counted_at: Mapped[datetime | None]


class CreditAnswer(Base):
    """A report that took long to make, kept as it was; `counted_at` is of the newest day it stands on."""

    __tablename__ = "credit_answer"
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    level: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    days: Mapped[int] = mapped_column(primary_key=True)
    since: Mapped[date] = mapped_column(primary_key=True)
    until: Mapped[date] = mapped_column(primary_key=True)
    made_at: Mapped[datetime]
    counted_at: Mapped[datetime | None]
    took_ms: Mapped[int]
    answer: Mapped[bytes]


class CreditPaths(Base):
    """The distinct paths of a day for one level, kind of conversion and window (days), with their sums.

    `packed` holds them as `stored.py` writes them; the totals stand beside it, so that they can be compared
    with conversions without unpacking.
    """

    __tablename__ = "credit_paths"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "day"], ["credit_day.company_id", "credit_day.day"], ondelete="CASCADE"
        ),
        CheckConstraint("level IN ('source', 'campaign')", name="level"),
        CheckConstraint("kind IN ('lead', 'purchase')", name="kind"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    level: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    days: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    # Keys of `kernel/origin.py`.
    channels: Mapped[list[str]] = mapped_column(ARRAY(Text))
    conversions: Mapped[float]
    nulls: Mapped[float]
    value_minor: Mapped[int] = mapped_column(BigInteger)
    uncredited: Mapped[float]
    uncredited_value: Mapped[float]
    packed: Mapped[bytes]


class CreditMonth(Base):
    """The paths of a whole month's counted days, added up; of use while its days are the same ones."""

    __tablename__ = "credit_month"
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    level: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    days: Mapped[int] = mapped_column(primary_key=True)
    # The first of the month.
    month: Mapped[date] = mapped_column(primary_key=True)
    # Of how many days it is, and when the newest of them was counted.
    counted_days: Mapped[int]
    counted_at: Mapped[datetime]
    channels: Mapped[list[str]] = mapped_column(ARRAY(Text))
    conversions: Mapped[float]
    nulls: Mapped[float]
    value_minor: Mapped[int] = mapped_column(BigInteger)
    uncredited: Mapped[float]
    uncredited_value: Mapped[float]
    packed: Mapped[bytes]
