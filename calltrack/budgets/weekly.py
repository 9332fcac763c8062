"""The weeks of a company: what its matched campaigns cost and brought, and what belongs to none of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from calltrack.budgets.history import WeekOfCampaign
from calltrack.budgets.units import CampaignRow, Unit, units_of
from calltrack.budgets.weekly_sql import (
    BY_DAY,
    CAMPAIGNS,
    CREDIT,
    EARNED,
    LACKING,
    PURCHASES,
    REACH,
    SPENT,
    UNMATCHED,
    UNREAD,
    WITHOUT_RATE,
)

Counts = Literal["lead", "purchase"]
WEEK: Final = timedelta(days=7)
MOST_WEEKS: Final = 104
# A week is whole once its Friday cost something: many advertise on working days only.
FRIDAY_BEFORE: Final = timedelta(days=3)
# Whose account was not read for so long is not waited for.
STALE: Final = timedelta(days=10)
MOST_UNITS: Final = 120
LATELY: Final = timedelta(weeks=8)
# Fewer purchases than these say less about campaigns than leads do.
ENOUGH, ENOUGH_A_WEEK = 30, 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """What the advice cannot see, in the newest four weeks; money in minor units."""

    unmatched_minor: int
    unmatched: tuple[tuple[str, int], ...]
    """The dearest campaigns that no visit's campaign was matched with, and what each cost."""
    without_rate: int
    """Days of spend in a currency without a rate."""
    without_campaign: float
    """Conversions that no campaign is known of."""
    without_spend: float
    """Conversions of campaigns and sources that nothing was spent on."""
    of_campaigns: float
    stale: tuple[str, ...]
    """Accounts that were not read for ten days."""
    smaller: int
    """Budgets too small and too many to be looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Weeks:
    """The weeks up to a Monday; row weeks count from 0, the oldest."""

    first: date
    end: date
    """The Monday after the newest whole week."""
    counts: Counts
    units: tuple[Unit, ...]
    rows: tuple[WeekOfCampaign, ...]
    beside: Beside

    @property
    def newest(self) -> date:
        """Return the Monday of the newest whole week."""
        return self.end - WEEK


def read_weeks(
    session: Session, company_id: UUID, zone: str, counts: str, now: datetime, weeks: int = MOST_WEEKS
) -> Weeks | None:
    """Return the whole weeks so far; None: no campaign with spend is matched, or no week is over yet."""
    where = ZoneInfo(zone)
    end = _end(session, company_id, where, now)
    if end is None:
        return None
    span = {"company_id": company_id, "first": end - weeks * WEEK, "until": end}
    spent = session.execute(SPENT, span).all()
    if not spent:
        return None
    first = min(row.week for row in spent)
    kind = chosen(session, span | {"first": first}) if counts == "auto" else counts
    units, smaller = _units(session, company_id, spent)
    place = {
        key: label if unit.is_shared else unit.name
        for unit in units
        for key, label in zip(unit.keys, unit.labels, strict=True)
    }
    earned = {
        (row.week, row.campaign_key): (row.conversions, row.value)
        for row in session.execute(EARNED, span | {"first": first, "kind": kind})
    }
    cost = {(row.week, row.campaign_key): int(row.minor) for row in spent}
    rows = [
        WeekOfCampaign(
            week=(week - first).days // 7,
            campaign=place[key],
            spend=cost.get((week, key), 0),
            conversions=earned.get((week, key), (0.0, 0.0))[0],
            value=earned.get((week, key), (0.0, 0.0))[1],
        )
        for week, key in sorted({*cost, *earned})
        if key in place
    ]
    return Weeks(
        first=first,
        end=end,
        counts="lead" if kind == "lead" else "purchase",
        units=units,
        rows=tuple(_reaching(rows, (end - first).days // 7)),
        beside=_beside(session, company_id, end, kind, smaller, now),
    )


def chosen(session: Session, span: dict[str, Any]) -> Counts:
    """Return what counts where the company leaves it to us: purchases once enough come, else leads."""
    lately = span | {"lately": span["until"] - LATELY}
    found = session.execute(PURCHASES, lately).one()
    often = (found.lately or 0) * WEEK / LATELY >= ENOUGH_A_WEEK
    return "purchase" if often and found.purchases >= ENOUGH else "lead"


def _reaching(rows: list[WeekOfCampaign], weeks: int) -> list[WeekOfCampaign]:
    """Let the history reach to its newest week even where nothing happened then."""
    if rows and max(row.week for row in rows) < weeks - 1:
        rows.append(
            WeekOfCampaign(week=weeks - 1, campaign=rows[0].campaign, spend=0, conversions=0, value=0)
        )
    return rows


def known_until(session: Session, company_id: UUID, where: ZoneInfo, now: datetime) -> date:
    """Return the first day whose spend is not whole yet: today, or the day an account was last read on."""
    today = now.astimezone(where).date()
    row = session.execute(REACH, {"company_id": company_id, "today": today, "fresh": now - STALE}).one()
    return today if row.read_at is None else min(today, row.read_at.astimezone(where).date())


def _end(session: Session, company_id: UUID, where: ZoneInfo, now: datetime) -> date | None:
    """Return the Monday after the newest week that every account was read to the end of."""
    today = now.astimezone(where).date()
    row = session.execute(REACH, {"company_id": company_id, "today": today, "fresh": now - STALE}).one()
    if row.last_day is None:
        return None
    until: date = min(today, row.last_day + FRIDAY_BEFORE)
    if row.read_at is not None:
        until = min(until, row.read_at.astimezone(where).date())
    return until - timedelta(days=until.weekday())


def _units(session: Session, company_id: UUID, spent: Sequence[object]) -> tuple[tuple[Unit, ...], int]:
    """Return the budgets that cost most, and how many smaller ones are left out."""
    found = units_of(campaigns_of(session, company_id))
    total: dict[str, int] = {}
    for row in spent:
        key: str = row.campaign_key  # type: ignore[attr-defined]  # a row of SPENT
        total[key] = total.get(key, 0) + int(row.minor)  # type: ignore[attr-defined]
    running = [unit for unit in found if any(total.get(key) for key in unit.keys)]
    dearest = sorted(running, key=lambda unit: -sum(total.get(key, 0) for key in unit.keys))[:MOST_UNITS]
    kept = {unit.key for unit in dearest}
    return tuple(unit for unit in running if unit.key in kept), len(running) - len(dearest)


def campaigns_of(session: Session, company_id: UUID) -> list[CampaignRow]:
    """Return the matched campaigns of all accounts."""
    return [CampaignRow(**row._mapping) for row in session.execute(CAMPAIGNS, {"company_id": company_id})]


def stale_accounts(session: Session, company_id: UUID, now: datetime) -> tuple[str, ...]:
    """Return the accounts that were not read for ten days: what they cost since then is missing."""
    return tuple(session.scalars(UNREAD, {"company_id": company_id, "fresh": now - STALE}))


def _beside(session: Session, company_id: UUID, end: date, kind: str, smaller: int, now: datetime) -> Beside:
    span = {"company_id": company_id, "first": end - 4 * WEEK, "until": end, "kind": kind}
    unmatched = session.execute(UNMATCHED, span).all()
    credit = session.execute(CREDIT, span).one()
    return Beside(
        unmatched_minor=sum(int(row.minor) for row in unmatched),
        unmatched=tuple((row.name, int(row.minor)) for row in unmatched[:5]),
        without_rate=session.scalar(WITHOUT_RATE, span) or 0,
        without_campaign=float(credit.nobody),
        without_spend=float(credit.idle),
        of_campaigns=float(credit.paid),
        stale=stale_accounts(session, company_id, now),
        smaller=smaller,
    )


def spent_by_day(
    session: Session, company_id: UUID, first: date, until: date, keys: Sequence[str]
) -> list[int]:
    """Return what campaigns cost on each day of a span, its end left out; without keys: everything."""
    found = session.execute(BY_DAY, _of(company_id, first, until, keys))
    by_day = {row.day: int(row.minor or 0) for row in found}
    return [by_day.get(first + timedelta(days=day), 0) for day in range(max((until - first).days, 0))]


def costs_without_rate(
    session: Session, company_id: UUID, first: date, until: date, keys: Sequence[str]
) -> int:
    """Return how many of these days' costs lack a rate, and are in no sum."""
    return session.scalar(LACKING, _of(company_id, first, until, keys)) or 0


def _of(company_id: UUID, first: date, until: date, keys: Sequence[str]) -> dict[str, Any]:
    return {
        "company_id": company_id, "first": first, "until": until, "keys": list(keys), "everything": not keys,
    }  # fmt: skip
