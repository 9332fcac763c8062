"""Advice: how to divide next week's total, what that is worth and how sure it is, or why nobody can know."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from calltrack.budgets.curves import Curves, curves_of, weights_of
from calltrack.budgets.enough import (
    LEAST_WEEKS,
    SURE,
    conversions_missing,
    hardly_varied,
    more_needed,
    outpaced,
)
from calltrack.budgets.estimates import Estimate, estimate
from calltrack.budgets.explanations import notes_on, why_moved
from calltrack.budgets.history import Floats, History
from calltrack.budgets.limits import Constraints, Limits, contradiction, limits_of
from calltrack.budgets.proposals import alternating, by_curves, by_roas, unchanged
from calltrack.budgets.reasons import Reason

CURVES_FROM = 10.0
"""Conversions a week from which on the curves divide better than the return of all time."""
SHRINK = 0.75
"""Predicted gains come out too high by this factor, in simulated markets."""
WIDEN = 1.3
"""Intervals of gains come out too narrow by this factor, in simulated markets."""
LEAST_GAIN = 0.005
"""Gains below this share of the value are not worth moving money for."""
WORTH_KNOWING = 0.02
"""A gain that seems small but may still be beyond this share is unsure rather than small."""

Method = Literal["curves", "roas", "none"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """What to do with the total next week; splits are minor units in the order of the history's budgets."""

    method: Method
    reasons: tuple[Reason, ...]
    unchanged: tuple[int, ...] | None = None
    """Today's split at this total: what a proposal is compared with."""
    proposed: tuple[int, ...] | None = None
    """What the method would do; it is recommended only if that is sure enough."""
    recommended: tuple[int, ...] | None = None
    trial: tuple[int, ...] | None = None
    """A split to learn from, where there is too little to go by."""
    gain: Estimate | None = None
    """Value a week that the proposal brings beyond the unchanged split."""
    p_gain: float | None = None
    value: Estimate | None = None
    """Value a week of the unchanged split."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Outlook:
    """A history with what was fitted to it: what pages ask several questions of."""

    history: History
    curves: Curves | None
    per_week: float
    total: int
    limits: Limits
    constraints: Constraints
    has_values: bool


def outlook(history: History, total: int, constraints: Constraints, minor: int = 100) -> Outlook:
    """Fit the curves, if anything came with spend.

    Where no value is known, a conversion counts as one unit of the currency: `minor` of its minor units.
    """
    weights = weights_of(history)
    has_values = bool(history.value.sum() > 0)
    if not has_values:
        history = replace(history, value=history.conversions * minor)
    earned = float(history.conversions[history.spend > 0].sum())
    return Outlook(
        history=history,
        curves=curves_of(history, constraints.late_share) if earned > 0 else None,
        per_week=float(history.conversions.sum(0) @ weights / weights.sum()),
        total=total,
        limits=limits_of(history.names, history.today(), total, constraints),
        constraints=constraints,
        has_values=has_values,
    )


def advise(seen: Outlook) -> Advice:
    """Return the advice; where there is none, the first reason says what stands in its way."""
    notes = notes_on(seen.history, seen.constraints, has_values=seen.has_values)
    if no := contradiction(seen.history.names, seen.total, seen.limits):
        return Advice(method="none", reasons=(no, *notes))
    base = unchanged(seen.history, seen.total, seen.limits)
    if sum(low < high for low, high in zip(seen.limits.low, seen.limits.high, strict=True)) < 2:
        return Advice(method="none", reasons=(Reason("nothing_to_move"), *notes), unchanged=base)
    if lack := _lacking(seen.history):
        trial = alternating(seen.history, seen.total, seen.limits)
        return Advice(method="none", reasons=(*lack, *notes), unchanged=base, trial=trial)
    assert seen.curves is not None
    return _judged(seen, seen.curves, base, notes)


def widened(gains: Floats) -> Floats:
    """Return draws of a gain as unsure as simulated markets show them to be."""
    mean = float(gains.mean())
    return np.asarray(mean + WIDEN * (gains - mean))


def _lacking(history: History) -> list[Reason]:
    lack = []
    if missing := conversions_missing(history):
        counted = round(float(history.conversions.sum()), 1)
        lack.append(Reason("not_enough_conversions", {"conversions": counted, "needed": missing}))
    if history.weeks < LEAST_WEEKS:
        lack.append(Reason("too_few_weeks", {"weeks": history.weeks, "needed": LEAST_WEEKS - history.weeks}))
    return lack


def _judged(seen: Outlook, curves: Curves, base: tuple[int, ...], notes: tuple[Reason, ...]) -> Advice:
    method: Method = "curves" if seen.per_week >= CURVES_FROM else "roas"
    if method == "curves":
        proposed = by_curves(curves, base, seen.limits)
    else:
        proposed = by_roas(seen.history, base, seen.limits)
        notes = (Reason("few_conversions", {"per_week": round(seen.per_week, 1)}), *notes)
    now = curves.value(np.array(base, float))
    gains = widened(curves.value(np.array(proposed, float)) - now)
    p_gain = float((gains > 0).mean())
    kept = _why_not(seen, gains, p_gain, float(now.mean()))
    varied = hardly_varied(seen.history)
    moved = why_moved(seen.history, curves, proposed, seen.limits, p_gain, has_values=seen.has_values)
    return Advice(
        method=method,
        reasons=(*(kept or moved), *notes),
        unchanged=base,
        proposed=proposed,
        recommended=None if kept else proposed,
        trial=alternating(seen.history, seen.total, seen.limits) if kept and varied else None,
        gain=estimate(gains - (1 - SHRINK) * gains.mean()),
        p_gain=p_gain,
        value=estimate(now),
    )


def _why_not(seen: Outlook, gains: Floats, p_gain: float, value: float) -> list[Reason]:
    """Say why the proposal is not recommended; nothing when it is."""
    mean = float(gains.mean())
    may_be_more = p_gain < SURE and mean > 0 and estimate(gains).high > WORTH_KNOWING * value
    if mean < LEAST_GAIN * value and not may_be_more:
        return [Reason("near_best", {"gain": round(mean * SHRINK), "p": round(p_gain, 3)})]
    if p_gain >= SURE:
        return []
    counted = float(seen.history.conversions.sum(0) @ weights_of(seen.history))
    needed = more_needed(gains, counted)
    kept = [Reason("not_sure", {"p": round(p_gain, 3), "needed": needed})]
    if outpaced(counted + needed, seen.per_week):
        kept.append(Reason("too_slow", {"per_week": round(seen.per_week, 1)}))
    return kept
