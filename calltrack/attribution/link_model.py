"""Whose phone is whose, as far as anything told it, and how many phones a company knows."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base


class PhoneLink(Base):
    """Something told that a phone is a visitor's, and how sure that is; of several the surest counts.

    kind: call (one by the phone was judged), form (the visitor typed it), record (a customer record names
    both). `told_by` is that call's, typed number's, or recorded call's id.
    """

    __tablename__ = "phone_link"
    __table_args__ = (
        Index("ix_phone_link_visitor", "company_id", "visitor_id"),
        Index("ix_phone_link_told_by", "company_id", "told_by"),
        CheckConstraint("kind IN ('call', 'form', 'record')", name="kind"),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    caller_hash: Mapped[bytes] = mapped_column(primary_key=True)
    visitor_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    told_by: Mapped[UUID] = mapped_column(primary_key=True)
    p: Mapped[float]
    # When it was told: no call is judged by what came after it.
    known_from: Mapped[datetime]


class KnownPhone(Base):
    """A phone that called the company or was typed into a form, and since when it is known."""

    __tablename__ = "known_phone"
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    caller_hash: Mapped[bytes] = mapped_column(primary_key=True)
    known_from: Mapped[datetime]


class KnownPhonesDay(Base):
    """How many phones became known on a day (UTC): what is summed up instead of counting phones."""

    __tablename__ = "known_phones_day"
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    phones: Mapped[int]
