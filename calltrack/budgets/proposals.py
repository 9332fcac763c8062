"""Which split to try next: a step towards the best one, or one from which the curves can be learnt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calltrack.budgets.allocation import best_splits, in_minor_units, within
from calltrack.budgets.curves import Curves, worth_of
from calltrack.budgets.history import Floats, History
from calltrack.budgets.limits import Limits

ALTERNATION = 0.25
PSEUDO_CONVERSIONS = 2.0


def unchanged(history: History, total: int, limits: Limits) -> tuple[int, ...]:
    """Return today's split at the total wanted: every budget scaled alike, as far as its limits let it."""
    return _kept(history.spend[:, -1], total, limits)


def by_curves(curves: Curves, base: Sequence[int], limits: Limits) -> tuple[int, ...]:
    """Return next week's step from a split towards the mean of those that would be best under each draw."""
    lowest, highest = np.array(limits.lowest, float), np.array(limits.highest, float)
    return _towards(best_splits(curves, sum(base), lowest, highest).mean(0), base, limits)


def by_roas(history: History, base: Sequence[int], limits: Limits) -> tuple[int, ...]:
    """Return next week's step from a split towards shares in proportion to the return of all time."""
    lowest, highest = np.array(limits.lowest, float), np.array(limits.highest, float)
    return _towards(within(shrunken_roas(history), sum(base), lowest, highest), base, limits)


def shrunken_roas(history: History) -> Floats:
    """Return value per spend of all weeks, drawn towards the common one by PSEUDO_CONVERSIONS conversions."""
    spent, counts = history.spend.sum(1), history.conversions.sum(1)
    common = counts.sum() / spent.sum()
    return np.asarray((counts + PSEUDO_CONVERSIONS) / (spent + PSEUDO_CONVERSIONS / common)) * worth_of(
        history
    )


def alternating(history: History, total: int, limits: Limits) -> tuple[int, ...]:
    """Return a split off the usual one, every other budget up and the others down, the next week reversed.

    Without differences in spend no slope can be seen.
    """
    signs = np.where((np.arange(len(history.names)) + history.weeks) % 2, 1.0, -1.0)
    return _kept(history.spend.mean(1) * (1 + ALTERNATION * signs), total, limits)


def _towards(wanted: Floats, base: Sequence[int], limits: Limits) -> tuple[int, ...]:
    """Go from the base towards what is wanted as far as limits allow, raising as much as is cut."""
    start = np.array(base, float)
    step = np.clip(wanted, limits.low, limits.high) - start
    up, down = np.maximum(step, 0), np.maximum(-step, 0)
    moved = min(up.sum(), down.sum())
    if moved <= 0:
        return tuple(base)
    split = start + moved * (up / up.sum() - down / down.sum())
    return in_minor_units(split, sum(base), limits.low, limits.high)


def _kept(wanted: Floats, total: int, limits: Limits) -> tuple[int, ...]:
    low, high = np.array(limits.low, float), np.array(limits.high, float)
    return in_minor_units(within(wanted, total, low, high), total, limits.low, limits.high)
