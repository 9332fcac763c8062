"""What weeks on and off show: a test read in whole pairs, with what was kept to."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from calltrack.budgets.making import ask
from calltrack.budgets.model import BudgetTest
from calltrack.budgets.on_off import scatter_of, verdict
from calltrack.budgets.on_off_tests import WEEK, history_with
from calltrack.budgets.weekly import known_until, spent_by_day

# Off is off: so little of the usual spend may be left in a week off.
KEPT_TO: Final = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class WeekOfTest:
    """A week of a test: off or on, and what happened; None: not over yet."""

    monday: date
    is_off: bool
    conversions: float | None
    spend_minor: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A test so far. The lift is conversions with the campaigns on, beyond those with them off."""

    id: UUID
    name: str
    counts: str
    weeks: tuple[WeekOfTest, ...]
    planned_lift: float
    state: Literal["planned", "running", "over", "stopped"]
    this_week: Literal["on", "off", ""]
    lift: float | None
    low: float | None
    high: float | None
    more_a_week: float | None
    """Conversions a week that came because the campaigns were on."""
    spend_a_week: int | None
    kept_to: bool
    said: str


def readings(session: Session, company_id: UUID, zone: str, now: datetime) -> tuple[Reading, ...]:
    """Return the company's tests, newest first, as far as they can be read."""
    rows = session.scalars(
        select(BudgetTest).where(BudgetTest.company_id == company_id).order_by(BudgetTest.id.desc())
    ).all()
    if not rows:
        return ()
    asked = ask(session, company_id, now)
    scatter = scatter_of(history_with(asked, (), "")) if asked else 1.5
    return tuple(_read(session, row, zone, scatter, now) for row in rows)


def _read(session: Session, row: BudgetTest, zone: str, scatter: float, now: datetime) -> Reading:
    today = now.astimezone(ZoneInfo(zone)).date()
    until = row.starts_on + row.weeks * WEEK
    ended = row.stopped_at.astimezone(ZoneInfo(zone)).date() if row.stopped_at else until
    known = min(known_until(session, row.company_id, ZoneInfo(zone), now), ended)
    weeks = _weeks(session, row, known)
    over = [week for week in weeks if week.conversions is not None]
    # Whole pairs only: a week on beside no week off would compare seasons.
    pairs = len(over) // 2 * 2
    on = np.array([week.conversions for week in over[:pairs] if not week.is_off], float)
    off = np.array([week.conversions for week in over[:pairs] if week.is_off], float)
    lift = verdict(on, off, scatter) if pairs else (None, None, None)
    spend = [week.spend_minor or 0 for week in over[:pairs] if not week.is_off]
    usual = sum(spend) / len(spend) if spend else 0.0
    return Reading(
        id=row.id,
        name=row.name,
        counts=row.counts,
        weeks=tuple(weeks),
        planned_lift=row.lift,
        state=_state(row, today, known, until),
        this_week=_this_week(row, today) if not row.stopped_at else "",
        lift=lift[0],
        low=lift[1],
        high=lift[2],
        more_a_week=float(on.mean() - off.mean()) if pairs else None,
        spend_a_week=round(usual) if spend else None,
        kept_to=all(
            (week.spend_minor or 0) <= KEPT_TO * usual for week in over[:pairs] if week.is_off and usual
        ),
        said=_said(lift[1], lift[2], pairs, row.weeks),
    )


def _state(
    row: BudgetTest, today: date, known: date, until: date
) -> Literal["planned", "running", "over", "stopped"]:
    if row.stopped_at is not None:
        return "stopped"
    if today < row.starts_on:
        return "planned"
    return "over" if known >= until else "running"


def _this_week(row: BudgetTest, today: date) -> Literal["on", "off", ""]:
    monday = today - timedelta(days=today.weekday())
    if not row.starts_on <= monday < row.starts_on + row.weeks * WEEK:
        return ""
    return "off" if monday.isoformat() in row.off_weeks else "on"


def _said(low: float | None, high: float | None, weeks: int, planned_weeks: int) -> str:
    if low is None or high is None:
        return "Nothing to read yet: the first two weeks are not over."
    early = "" if weeks >= planned_weeks else f" So far {weeks} of {planned_weeks} weeks; it may still turn."
    if low > 0:
        return f"The campaigns bring customers who would not have come without them.{early}"
    if high < 0:
        return f"More came while they were off: nothing speaks for these campaigns.{early}"
    return f"The weeks on and off do not differ by more than chance explains.{early}"


def _weeks(session: Session, row: BudgetTest, known: date) -> list[WeekOfTest]:
    until = row.starts_on + row.weeks * WEEK
    span = {"company_id": row.company_id, "first": row.starts_on, "until": until, "kind": row.counts}
    came = {one.week: float(one.conversions) for one in session.execute(_ALL, span)}
    days = spent_by_day(session, row.company_id, row.starts_on, until, row.campaign_keys)
    found = []
    for place in range(row.weeks):
        monday = row.starts_on + place * WEEK
        is_over = monday + WEEK <= known
        found.append(
            WeekOfTest(
                monday=monday,
                is_off=monday.isoformat() in row.off_weeks,
                conversions=came.get(monday, 0.0) if is_over else None,
                spend_minor=sum(days[place * 7 : place * 7 + 7]) if is_over else None,
            )
        )
    return found


_ALL = text(
    """
    SELECT date_trunc('week', day)::date AS week, sum(conversions) AS conversions FROM campaign_credit_day
    WHERE company_id = :company_id AND day >= :first AND day < :until AND kind = :kind GROUP BY 1
    """
)
