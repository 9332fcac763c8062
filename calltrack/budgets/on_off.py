"""The test that answers a causal question: a campaign is off in half of the weeks, and all conversions count.

Curves are correlational: what a campaign is credited with might have come without it. Weeks on and off by
chance, with everything counted that the company sells, show what is lost without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log1p, sqrt
from statistics import NormalDist

import numpy as np

from calltrack.budgets.curves import DISPERSION, weights_of
from calltrack.budgets.history import Floats, History

POWER = 0.8
MISTAKEN = 0.1
"""How often a campaign without any effect may look as if it had one, in either direction."""
PSEUDO_WEEKS = 8.0
LONGEST_WEEKS = 104


@dataclass(frozen=True, kw_only=True, slots=True)
class OnOffTest:
    """A test of one budget: how many weeks, half of them off, and which effect it is made to see."""

    budget: str
    lift: float
    """Conversions with the budget on, beyond those with it off, as a share of the latter."""
    weeks: int | None
    """Weeks in all; None when it takes more than two years."""
    conversions_at_stake: float
    """Conversions that the weeks off cost, if the lift is true."""


def plan_on_off(history: History, budget: str, credited_share: float = 0.5) -> OnOffTest | None:
    """Return the test that sees the lift if this share of the credited conversions is the budget's own doing.

    None when the budget brings nothing, or is all there is: then there is nothing to compare with.
    """
    place = history.names.index(budget)
    weights = weights_of(history)
    rates = (history.conversions @ weights) / weights.sum()
    own, all_ = float(rates[place]) * credited_share, float(rates.sum())
    if own <= 0 or all_ - own <= 0:
        return None
    lift = own / (all_ - own)
    weeks = weeks_needed(all_ - own, lift, scatter_of(history))
    lasting = weeks if weeks <= LONGEST_WEEKS else None
    return OnOffTest(
        budget=budget, lift=lift, weeks=lasting, conversions_at_stake=own * (lasting or LONGEST_WEEKS) / 2
    )


def weeks_needed(per_week: float, lift: float, scatter: float = DISPERSION) -> int:
    """Return how many weeks, half of them off, show a lift in four tests of five.

    Args:
        per_week: conversions of all campaigns in a week with the tested one off.
        lift: how many more come with it on, as a share.
        scatter: variance of a week's conversions over their mean; 1 is Poisson's law.
    """
    return 2 * max(
        ceil(_effort() * scatter * (1 / per_week + 1 / (per_week * (1 + lift))) / log1p(lift) ** 2), 1
    )


def lift_seen(per_week: float, weeks: int, scatter: float = DISPERSION) -> float:
    """Return the smallest lift that a test of so many weeks shows in four cases of five."""
    low, high = 0.0, 64.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if weeks_needed(per_week, middle, scatter) <= weeks else (middle, high)
    return high


def verdict(on: Floats, off: Floats, scatter: float = DISPERSION) -> tuple[float, float, float]:
    """Return the lift that weeks on and off show, with its interval at the mistakes allowed.

    Half a conversion is added to either side, so that weeks without any can be compared.
    """
    more = (on.sum() + 0.5) / len(on) / ((off.sum() + 0.5) / len(off))
    error = sqrt(scatter * (1 / (on.sum() + 0.5) + 1 / (off.sum() + 0.5)))
    wide = NormalDist().inv_cdf(1 - MISTAKEN / 2) * error
    return float(more - 1), float(more * np.exp(-wide) - 1), float(more * np.exp(wide) - 1)


def scatter_of(history: History) -> float:
    """Return how much more sums scatter from week to week than by Poisson's law; never less than 1."""
    sums = history.conversions.sum(0)
    if len(sums) < 2 or sums.sum() <= 0:
        return DISPERSION
    # Neighbouring weeks are compared, so that a slow trend is not taken for scatter.
    pairs = np.diff(sums) ** 2 / np.maximum(sums[1:] + sums[:-1], 1.0)
    return max(float((pairs.sum() + PSEUDO_WEEKS * DISPERSION) / (len(pairs) + PSEUDO_WEEKS)), 1.0)


def _effort() -> float:
    normal = NormalDist()
    return (normal.inv_cdf(1 - MISTAKEN / 2) + normal.inv_cdf(POWER)) ** 2
