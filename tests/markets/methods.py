"""Ways to divide a budget that others use: each sees the weeks told so far and returns the next split."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.markets.world import BUDGET, Floats

FLOOR = 0.03


@dataclass(frozen=True)
class Told:
    """What a method sees: arrays of campaigns by weeks; the newest week is not told whole."""

    spend: Floats
    conversions: Floats
    value: Floats


Method = Callable[[Told], Floats]


def equal(told: Told) -> Floats:
    """Return the same for every campaign."""
    size = len(told.spend)
    return np.full(size, BUDGET / size)


def last_weeks_roas(told: Told) -> Floats:
    """Return shares in proportion to what each earned per spend in the newest week."""
    return _shared(told.value[:, -1] / told.spend[:, -1])


def all_time_roas(told: Told) -> Floats:
    """Return shares in proportion to what each earned per spend in all weeks."""
    return _shared(told.value.sum(1) / told.spend.sum(1))


def power_curve(told: Told) -> Floats:
    """Return the best split under `c * s^b`, each campaign fitted by Poisson likelihood on a grid of b."""
    grid = np.linspace(0.1, 0.95, 18)
    spend, counts = told.spend / BUDGET, told.conversions
    raised = spend[:, None, :] ** grid[None, :, None]
    scale = (counts.sum(1)[:, None] + 0.1) / raised.sum(2)
    fit = (counts[:, None, :] * np.log(scale[:, :, None] * raised)).sum(2) - scale * raised.sum(2)
    chosen = fit.argmax(1)
    each = np.arange(len(spend))
    b, c = grid[chosen], scale[each, chosen]
    worth = (told.value.sum(1) + 8 * told.value.sum() / max(counts.sum(), 1)) / (counts.sum(1) + 8)
    low, high = 1e-9, 1e12
    for _ in range(100):
        price = np.sqrt(low * high)
        split = np.maximum((c * worth * b / price) ** (1 / (1 - b)), FLOOR)
        low, high = (price, high) if split.sum() > 1 else (low, price)
    return np.asarray(BUDGET * split / split.sum())


def _shared(weights: Floats) -> Floats:
    if weights.sum() <= 0:
        return np.full(len(weights), BUDGET / len(weights))
    shares = weights / weights.sum()
    return np.asarray(BUDGET * (FLOOR + (1 - FLOOR * len(shares)) * shares))
