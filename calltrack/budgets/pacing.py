"""Will the budget of a period be spent, overspent or left over, and is that worth an alert?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Literal

from calltrack.budgets.estimates import Estimate
from calltrack.budgets.reasons import Reason

OVER, UNDER = 1.05, 0.85
"""A budget may be missed by this much before anybody is told."""
SURE = 0.8
LEAST_DAYS = 3
RECENT_DAYS = 14
PSEUDO_DAYS = 3.0
USUAL_SCATTER = 0.3
"""Standard deviation of a day's spend over its mean, before any is seen; counts as PSEUDO_DAYS days."""
TOWARDS = NormalDist().inv_cdf(0.9)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """Where a budget stands; amounts in minor units."""

    budget: int
    spent: int
    by_now: int
    """What would be spent by now if every day took the same."""
    forecast: Estimate
    alert: Literal["over", "under"] | None
    reason: Reason


def pace(budget: int, spent_by_day: Sequence[int], days: int) -> Pace:
    """Return the pace of a period of so many days, from the spend of its days that are over.

    Raises:
        ValueError: more days are over than the period has, or the budget is not above 0.
    """
    if budget <= 0 or len(spent_by_day) > days:
        raise ValueError("a period has a budget above 0 and at most all of its days behind it")
    spent, over = sum(spent_by_day), len(spent_by_day)
    forecast, error = _forecast(spent_by_day, days, budget)
    wide = TOWARDS * error
    alert, reason = _alert(budget, spent, over, forecast, error)
    return Pace(
        budget=budget,
        spent=spent,
        by_now=round(budget * over / days),
        forecast=Estimate(forecast, max(forecast - wide, spent), forecast + wide),
        alert=alert,
        reason=reason,
    )


def _forecast(spent_by_day: Sequence[int], days: int, budget: int) -> tuple[float, float]:
    """Return spend at the period's end and its error: the rest goes on as the last two weeks did."""
    left = days - len(spent_by_day)
    recent = spent_by_day[-RECENT_DAYS:]
    if not recent:
        even = budget / days
        return float(budget), USUAL_SCATTER * even * sqrt(left + left**2 / PSEUDO_DAYS)
    mean = sum(recent) / len(recent)
    squares = sum((each - mean) ** 2 for each in recent) + PSEUDO_DAYS * (USUAL_SCATTER * mean) ** 2
    error = sqrt(squares / (len(recent) + PSEUDO_DAYS - 1) * (left + left**2 / len(recent)))
    return sum(spent_by_day) + left * mean, error


def _alert(
    budget: int, spent: int, days_over: int, forecast: float, error: float
) -> tuple[Literal["over", "under"] | None, Reason]:
    values = {"budget_amount": budget, "spent": spent, "forecast": round(forecast)}
    if spent > budget:
        return "over", Reason("overspent", values)
    if days_over < LEAST_DAYS:
        return None, Reason("pace_unknown", {"needed": LEAST_DAYS - days_over})
    if 1 - _below(OVER * budget, forecast, error) >= SURE:
        return "over", Reason("will_overspend", values)
    if _below(UNDER * budget, forecast, error) >= SURE:
        return "under", Reason("will_underspend", values)
    return None, Reason("on_pace", values)


def _below(bound: float, mean: float, error: float) -> float:
    """Return how likely it ends below the bound; without an error that is known."""
    return NormalDist(mean, error).cdf(bound) if error > 0 else float(mean < bound)
