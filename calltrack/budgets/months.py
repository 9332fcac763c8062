"""Monthly budgets and how their spending goes: made, removed, read for pages, the API and alerts."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.model import Company
from calltrack.accounts.rules import display_name
from calltrack.budgets.model import BudgetPace
from calltrack.budgets.pacing import Pace, pace
from calltrack.budgets.units import id_of, labels_of
from calltrack.budgets.weekly import campaigns_of, costs_without_rate, known_until, spent_by_day
from calltrack.budgets.words import said
from calltrack.kernel.errors import BadFields, Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.kernel.money import LARGEST_MINOR

MOST: Final = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Month:
    """A month of a company: its days, and up to which its spend is known (that day left out)."""

    first: date
    until: date
    known: date

    @property
    def days(self) -> int:
        """Return how many days it has."""
        return (self.until - self.first).days


@dataclass(frozen=True, kw_only=True, slots=True)
class PaceRow:
    """A monthly budget and how it goes; amounts in minor units."""

    id: UUID
    name: str
    campaigns: tuple[str, ...]
    """Names of its campaigns; empty: everything the company spends."""
    campaign_ids: tuple[str, ...]
    month: Month
    spent_by_day: tuple[int, ...]
    without_rate: int
    """Costs of its days that are in no sum, because their currency has no rate."""
    found: Pace
    text: str


def month_of(session: Session, company_id: UUID, zone: str, now: datetime) -> Month:
    """Return the present month of the company's time zone."""
    today = now.astimezone(ZoneInfo(zone)).date()
    first = today.replace(day=1)
    until = first + timedelta(days=monthrange(first.year, first.month)[1])
    known = known_until(session, company_id, ZoneInfo(zone), now)
    return Month(first=first, until=until, known=max(first, min(known, today)))


def paces(session: Session, company_id: UUID, now: datetime) -> tuple[PaceRow, ...]:
    """Return the company's monthly budgets, oldest first, with what will become of each."""
    rows = session.scalars(
        select(BudgetPace).where(BudgetPace.company_id == company_id).order_by(BudgetPace.id)
    ).all()
    if not rows:
        return ()
    company = session.get_one(Company, company_id)
    month = month_of(session, company_id, company.timezone, now)
    labels = labels_of(
        {one.key for one in campaigns_of(session, company_id)}
        | {k for row in rows for k in row.campaign_keys}
    )
    return tuple(_row(session, row, month, labels, company.currency) for row in rows)


def add_pace(
    session: Session,
    company_id: UUID,
    name: str,
    amount_minor: int,
    campaigns: Sequence[str],
    now: datetime,
    *,
    by: str,
) -> UUID:
    """Watch a monthly budget; `campaigns` are ids of matched campaigns, none of them: the whole company.

    Raises:
        BadFields: the amount is not above 0, the name is missing, or a campaign is unknown.
        Conflict: there are as many as may be.
    """
    keys = _keys(session, company_id, name, amount_minor, campaigns, ())
    count = session.scalar(
        select(func.count()).select_from(BudgetPace).where(BudgetPace.company_id == company_id)
    )
    if (count or 0) >= MOST:
        raise Conflict(f"There are {MOST} monthly budgets already; remove one first.")
    row = BudgetPace(
        company_id=company_id,
        id=new_id(now),
        name=display_name(name),
        campaign_keys=keys,
        amount_minor=amount_minor,
        made_by=by,
        made_at=now,
    )
    session.add(row)
    session.flush()
    audit.note(session, company_id, by, "budget.pace_add", str(row.id), now, amount=amount_minor)
    return row.id


def change_pace(
    session: Session,
    company_id: UUID,
    pace_id: UUID,
    name: str,
    amount_minor: int,
    campaigns: Sequence[str],
    now: datetime,
    *,
    by: str,
) -> None:
    """Give a monthly budget another name, amount or campaigns, from the present month on.

    Campaigns that it has may stay although they are matched no more.

    Raises:
        NotFound: the company has no such budget.
        BadFields: as `add_pace`.
    """
    row = session.get(BudgetPace, (company_id, pace_id), with_for_update=True)
    if row is None:
        raise NotFound("There is no such monthly budget.")
    keys = _keys(session, company_id, name, amount_minor, campaigns, row.campaign_keys)
    before, row.amount_minor = row.amount_minor, amount_minor
    row.name, row.campaign_keys = display_name(name), keys
    audit.note(
        session, company_id, by, "budget.pace_change", str(pace_id), now, amount=[before, amount_minor]
    )


def _keys(
    session: Session,
    company_id: UUID,
    name: str,
    amount_minor: int,
    campaigns: Sequence[str],
    kept: Sequence[str],
) -> list[str]:
    """Return the keys of the chosen campaigns, if all of the form makes sense."""
    known = {id_of(key): key for key in (*kept, *(one.key for one in campaigns_of(session, company_id)))}
    problems = {}
    if not 0 < amount_minor <= LARGEST_MINOR:
        problems["amount"] = "The budget is an amount above 0 a month."
    if not name.strip():
        problems["name"] = "Give the budget a name, such as Google."
    if unknown := [one for one in campaigns if one not in known]:
        problems["campaigns"] = f"There is no matched campaign {unknown[0][:40]!r}; choose from the list."
    if problems:
        raise BadFields(" ".join(problems.values()), problems)
    return sorted({known[one] for one in campaigns})


def is_watched(session: Session, company_id: UUID) -> bool:
    """Tell whether the company watches any monthly budget."""
    rows = select(BudgetPace.id).where(BudgetPace.company_id == company_id).limit(1)
    return session.scalar(rows) is not None


def is_pace(session: Session, company_id: UUID, pace_id: UUID) -> bool:
    """Tell whether the company has this monthly budget."""
    return session.get(BudgetPace, (company_id, pace_id)) is not None


def remove_pace(session: Session, company_id: UUID, pace_id: UUID, now: datetime, *, by: str) -> None:
    """Watch a monthly budget no more; its alert ends.

    Raises:
        NotFound: the company has no such budget.
    """
    row = session.get(BudgetPace, (company_id, pace_id))
    if row is None:
        raise NotFound("There is no such monthly budget.")
    session.delete(row)
    audit.note(session, company_id, by, "budget.pace_remove", str(pace_id), now)


def _row(session: Session, row: BudgetPace, month: Month, labels: dict[str, str], currency: str) -> PaceRow:
    spent = spent_by_day(session, row.company_id, month.first, month.known, row.campaign_keys)
    found = pace(row.amount_minor, spent, month.days)
    return PaceRow(
        id=row.id,
        name=row.name,
        campaigns=tuple(labels[key] for key in row.campaign_keys),
        campaign_ids=tuple(id_of(key) for key in row.campaign_keys),
        month=month,
        spent_by_day=tuple(spent),
        without_rate=costs_without_rate(session, row.company_id, month.first, month.known, row.campaign_keys),
        found=found,
        text=said(found.reason, currency),
    )
