"""Is there enough to go by, and how much more is needed?"""

from __future__ import annotations

from math import ceil
from statistics import NormalDist

import numpy as np

from calltrack.budgets.curves import FORGETTING
from calltrack.budgets.history import Floats, History

LEAST_CONVERSIONS = 30
LEAST_WEEKS = 4
SURE = 0.8
"""How likely a gain must be before money is moved for it."""
LEAST_VARIATION = 0.05
SEEN_AT_MOST = 1 / (1 - FORGETTING)
"""So many weeks' conversions count at once, however long one waits: older ones are forgotten."""


def conversions_missing(history: History) -> int:
    """Return how many more conversions with spend behind them it takes before any advice."""
    return max(ceil(LEAST_CONVERSIONS - float(history.conversions[history.spend > 0].sum())), 0)


def more_needed(gains: Floats, counted: float) -> int:
    """Return about how many more conversions make the gain sure, if it is what it seems to be now.

    Its error falls with the root of the conversions, until the gain is as many errors above 0 as SURE asks.
    """
    mean, error = float(gains.mean()), float(gains.std())
    wanted = NormalDist().inv_cdf(SURE)
    return max(ceil(counted * ((wanted * error / mean) ** 2 - 1)), 1) if mean > 0 else 0


def outpaced(wanted: float, per_week: float) -> bool:
    """Say whether at this pace older conversions are forgotten before there are as many as wanted."""
    return wanted > per_week * SEEN_AT_MOST


def hardly_varied(history: History) -> bool:
    """Say whether spend stayed so much the same that no slope can be seen in it."""
    running = history.spend[:, -1] > 0
    spend = history.spend[running]
    return bool(np.median(spend.std(1) / spend.mean(1)) < LEAST_VARIATION)
