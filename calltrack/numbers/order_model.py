"""What was ordered at the carrier, what numbers were used for, what the last look at the account found."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base

OPEN = ("intended", "lost", "bought")


class NumberOrder(Base):
    """The intention to buy one number, written before the carrier is asked, and what became of it.

    intended -> bought -> in_service, or refused. lost: the carrier's answer is missing, and the account's own
    list says whether it was bought.
    """

    __tablename__ = "number_order"
    __table_args__ = (
        Index(
            "uq_number_order_open",
            "company_id",
            "e164",
            unique=True,
            postgresql_where=text("state IN ('intended', 'lost', 'bought')"),
        ),
        Index("ix_number_order_due", "company_id", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        CheckConstraint("state IN ('intended', 'lost', 'bought', 'in_service', 'refused')", name="state"),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    e164: Mapped[str]
    country: Mapped[str]
    type: Mapped[str]
    # The id the number has, or will have, here: its own addresses contain it before it is bought.
    number_id: Mapped[UUID]
    # See use.Use.
    use: Mapped[dict[str, Any]]
    hooks: Mapped[str]
    address_sid: Mapped[str | None]
    bundle_sid: Mapped[str | None]
    rent_minor: Mapped[int]
    rent_currency: Mapped[str]
    state: Mapped[str]
    # What the carrier said, or what is in the way, in words.
    said: Mapped[str] = mapped_column(server_default=text("''"))
    carrier_number_id: Mapped[str] = mapped_column(server_default=text("''"))
    # How often somebody began to carry it out: from the second time on the account is looked at first.
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    # When somebody should go on with it; None: nothing is left to do.
    due_at: Mapped[datetime | None]
    ordered_by: Mapped[str]
    ordered_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class NumberUse(Base):
    """What a number was for, from..until; there are rows for a number only once its use has changed."""

    __tablename__ = "number_use"
    __table_args__ = (
        ForeignKeyConstraint(
            ["company_id", "number_id"], ["tracking_number.company_id", "tracking_number.id"]
        ),
    )
    company_id: Mapped[UUID] = mapped_column(primary_key=True)
    number_id: Mapped[UUID] = mapped_column(primary_key=True)
    used_from: Mapped[datetime] = mapped_column(primary_key=True)
    used_until: Mapped[datetime]
    kind: Mapped[str]
    pool_id: Mapped[UUID | None]
    location_id: Mapped[UUID]
    source: Mapped[str]
    medium: Mapped[str]
    campaign: Mapped[str]
    # Who changed it to something else.
    ended_by: Mapped[str]


class NumberOrphan(Base):
    """A number the account has and nobody here answers."""

    __tablename__ = "number_orphan"
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    e164: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[UUID]
    carrier_number_id: Mapped[str]
    name: Mapped[str]
    # released: given up here, still billed; ours: it leads here and was never set up.
    reason: Mapped[str]
    found_at: Mapped[datetime]


class NumberCheck(Base):
    """The last look at a company's carrier account."""

    __tablename__ = "number_check"
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID]
    # The last look that could see everything.
    checked_at: Mapped[datetime | None]
    # Why the last one could not; empty: it could.
    problem: Mapped[str] = mapped_column(server_default=text("''"))
    # A person must do something about it: the carrier said no.
    is_refused: Mapped[bool] = mapped_column(server_default=text("false"))
