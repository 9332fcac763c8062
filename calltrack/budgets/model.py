"""What a company wants kept, what it was advised, what was changed at the platforms, pacing and on/off tests.

Amounts are minor units of the company's currency, but for those of platforms, which stand in millionths.
Nothing here is about a caller or visitor.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from calltrack.infra.db import Base

STATES = "'checking', 'checked', 'refused', 'unanswered', 'sending', 'unknown', 'done', 'failed', 'dropped'"


class BudgetPlan(Base):
    """What the company wants kept when its budget is divided, and when advice is made next."""

    __tablename__ = "budget_plan"
    __table_args__ = (
        CheckConstraint("counts IN ('auto', 'lead', 'purchase')", name="counts"),
        CheckConstraint("total_minor > 0", name="total"),
        Index("ix_budget_plan_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    # auto: purchases where there are enough of them, else leads.
    counts: Mapped[str] = mapped_column(server_default=text("'auto'"))
    # What is to be divided, a week; NULL: what the newest whole week cost.
    total_minor: Mapped[int | None] = mapped_column(BigInteger)
    # In hundredths of a percent, so that a third is written down exactly as it was typed.
    most_change: Mapped[int] = mapped_column(server_default=text("3000"))
    late_share: Mapped[int] = mapped_column(server_default=text("0"))
    # Campaign's word -> {"floor": minor, "cap": minor, "locked": true}.
    limits: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    changed_by: Mapped[str] = mapped_column(server_default=text("''"))
    changed_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    looked_at: Mapped[datetime | None]
    # How the last look ended, in words.
    said: Mapped[str] = mapped_column(server_default=text("''"))


class BudgetAdvice(Base):
    """Advice as it was given, from the inputs of its fingerprint, and what happened after it."""

    __tablename__ = "budget_advice"
    __table_args__ = (
        UniqueConstraint("company_id", "week", "fingerprint"),
        Index("ix_budget_advice_made", "company_id", "made_at"),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    # The Monday of the newest whole week it knew.
    week: Mapped[date]
    made_at: Mapped[datetime]
    # SHA-256 in hex of weeks, constraints and method: equal inputs are one advice.
    fingerprint: Mapped[str]
    counts: Mapped[str]
    result: Mapped[dict[str, Any]]
    # The first whole week after it was made, and how that went; NULL: not over yet.
    after_week: Mapped[date | None]
    after: Mapped[dict[str, Any] | None]


class BudgetChange(Base):
    """A change of budgets at one ad account: intended before it is sent, settled after."""

    __tablename__ = "budget_change"
    __table_args__ = (
        CheckConstraint(f"state IN ({STATES})", name="state"),
        Index("ix_budget_change_asked", "company_id", "asked_at"),
        # One account has one check under way.
        Index(
            "ix_budget_change_checking",
            "company_id",
            "account_id",
            unique=True,
            postgresql_where=text("state = 'checking'"),
        ),
        Index("ix_budget_change_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    advice_id: Mapped[UUID | None]
    # The change that this one takes back.
    undoes_id: Mapped[UUID | None]
    state: Mapped[str]
    currency: Mapped[str]
    # What is to be checked: the budgets' wished amounts, and the campaigns a person named.
    request: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    # One entry a budget: id, name, campaigns, is_shared, before and wanted in millionths a day.
    lines: Mapped[list[Any]]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    # How often a worker has begun the check, and when Google said that it would carry it out.
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    checked_at: Mapped[datetime | None]
    confirmed_by: Mapped[str] = mapped_column(server_default=text("''"))
    sent_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    said: Mapped[str] = mapped_column(server_default=text("''"))
    # When it is checked, or looked up what became of it; NULL: known, or nothing was sent.
    due_at: Mapped[datetime | None]


class BudgetPace(Base):
    """A monthly budget whose spending is watched: of the whole company, or of some campaigns."""

    __tablename__ = "budget_pace"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="amount"),)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    # The campaigns' words; empty: everything the company spends.
    campaign_keys: Mapped[list[str]]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    made_by: Mapped[str]
    made_at: Mapped[datetime]


class BudgetTest(Base):
    """An on/off test: in some weeks the campaigns are off, and all conversions of the company count."""

    __tablename__ = "budget_test"
    __table_args__ = (CheckConstraint("weeks BETWEEN 2 AND 104", name="weeks"),)
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    campaign_keys: Mapped[list[str]]
    counts: Mapped[str]
    # A Monday.
    starts_on: Mapped[date]
    weeks: Mapped[int]
    # Mondays of the weeks off, as days in ISO form: one of each pair of weeks, by chance.
    off_weeks: Mapped[list[str]]
    # The lift it is made to see.
    lift: Mapped[float]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
