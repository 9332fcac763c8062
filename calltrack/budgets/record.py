"""What became of past advice: was it followed, and what was spent and brought in the week after it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from calltrack.budgets.model import BudgetAdvice
from calltrack.kernel.origin import campaign_key

WEEK: Final = timedelta(days=7)
# Conversions are told late: a week is looked at again for so long.
SETTLES: Final = 5 * WEEK
FOLLOWED, HARDLY = 0.6, 0.2
SHOWN: Final = 26
# Each night's advice is kept so long; then the last of each week.
SUPERSEDED_AFTER: Final = 2 * WEEK


@dataclass(frozen=True, slots=True)
class Followed:
    """How much of the moves that were advised was made: 1 all of it, 0 none, below 0 the other way."""

    share: float
    word: str


def followed(
    unchanged: Mapping[str, float], recommended: Mapping[str, float], spent: Mapping[str, float]
) -> Followed | None:
    """Compare what was spent with what was advised, both as shares of their sum; None: nothing was to move.

    Shares, because a week that costs more in all follows the advice all the same.
    """
    names = sorted(recommended)
    sums = [sum(each.get(name, 0.0) for name in names) for each in (unchanged, recommended, spent)]
    if not all(sums):
        return None
    base, aim, real = (
        [each.get(name, 0.0) / sum_ for name in names]
        for each, sum_ in zip((unchanged, recommended, spent), sums, strict=True)
    )
    moved = sum((to - from_) ** 2 for to, from_ in zip(aim, base, strict=True))
    if moved < 1e-9:
        return None
    share = sum((now - b) * (to - b) for now, to, b in zip(real, aim, base, strict=True)) / moved
    word = "followed" if share >= FOLLOWED else "in part" if share > HARDLY else "not followed"
    return Followed(round(share, 3), word)


def first_week_after(made_at: datetime, zone: str) -> date:
    """Return the Monday of the first whole week after advice was made; made on a Monday it is that one."""
    day = made_at.astimezone(ZoneInfo(zone)).date()
    return day + timedelta(days=-day.weekday() % 7)


def look_back(session: Session, company_id: UUID, zone: str, end: date, now: datetime) -> int:
    """Note what happened after each advice whose week is over by `end`; returns how many were looked at."""
    rows = session.scalars(
        select(BudgetAdvice).where(
            BudgetAdvice.company_id == company_id,
            BudgetAdvice.made_at > now - SETTLES - 2 * WEEK,
            BudgetAdvice.made_at < now,
        )
    ).all()
    looked = 0
    for row in rows:
        week = first_week_after(row.made_at, zone)
        if week + WEEK <= end and end - week <= SETTLES + WEEK:
            row.after_week, row.after = week, _after(session, row, week)
            looked += 1
    return looked


def forget_superseded(session: Session, company_id: UUID, now: datetime) -> int:
    """Delete old advice that a newer one of its week stands for, unless somebody acted on it."""
    result = session.execute(_SUPERSEDED, {"company_id": company_id, "before": now - SUPERSEDED_AFTER})
    return int(getattr(result, "rowcount", 0))


def past_advice(session: Session, company_id: UUID) -> tuple[BudgetAdvice, ...]:
    """Return the last advice of each week, newest first, half a year of them."""
    newest = (
        select(BudgetAdvice)
        .where(BudgetAdvice.company_id == company_id)
        .ext(distinct_on(BudgetAdvice.week))
        .order_by(BudgetAdvice.week.desc(), BudgetAdvice.made_at.desc())
        .limit(SHOWN)
    )
    return tuple(session.scalars(newest))


def _after(session: Session, row: BudgetAdvice, week: date) -> dict[str, Any]:
    name_of = {
        campaign_key(one["source"], one["medium"], one["campaign"]): budget["budget"]
        for budget in row.result["budgets"]
        for one in budget["origins"]
    }
    span = {"company_id": row.company_id, "first": week, "until": week + WEEK, "kind": row.counts}
    spent: dict[str, int] = {}
    for key, minor in session.execute(_SPENT, span):
        if key in name_of:
            spent[name_of[key]] = spent.get(name_of[key], 0) + int(minor)
    earned = [one for one in session.execute(_EARNED, span) if one.campaign_key in name_of]
    result = row.result
    found = followed(result["unchanged"], result["recommended"], spent) if result.get("recommended") else None
    return {
        "spend": sum(spent.values()),
        "by_budget": spent,
        "conversions": round(sum(one.conversions for one in earned), 2),
        "value": round(sum(one.value for one in earned)),
        "followed": found.share if found else None,
        "word": found.word if found else "",
    }


_SUPERSEDED = text(
    """
    DELETE FROM budget_advice a WHERE company_id = :company_id AND made_at < :before
      AND EXISTS (SELECT 1 FROM budget_advice b
                  WHERE b.company_id = a.company_id AND b.week = a.week AND b.made_at > a.made_at)
      AND NOT EXISTS (SELECT 1 FROM budget_change c WHERE c.company_id = a.company_id AND c.advice_id = a.id)
    """
)
_SPENT = text(
    """
    SELECT c.campaign_key, sum(d.cost_minor) AS minor
    FROM spend_day d JOIN spend_campaign c ON c.company_id = d.company_id AND c.id = d.campaign_id
    WHERE d.company_id = :company_id AND d.day >= :first AND d.day < :until AND d.cost_minor IS NOT NULL
    GROUP BY 1
    """
)
_EARNED = text(
    """
    SELECT campaign_key, sum(conversions) AS conversions, sum(value_minor) AS value
    FROM campaign_credit_day
    WHERE company_id = :company_id AND day >= :first AND day < :until AND kind = :kind
    GROUP BY 1
    """
)
