"""Hours of the week: when people browse and when they phone."""

import numpy as np
from numpy.typing import NDArray

from tests.worlds.assumptions import HOUR, PHONING_DAYS, PHONING_HOURS, TRAFFIC_DAYS, TRAFFIC_HOURS, WEEK

Floats = NDArray[np.float64]
TRIES = 40


def week(hours: tuple[float, ...], days: tuple[float, ...]) -> Floats:
    """Return the 168 weights of a week's hours, their mean 1."""
    weights: Floats = np.outer(days, hours).ravel()
    weights /= weights.mean()
    return weights


TRAFFIC = week(TRAFFIC_HOURS, TRAFFIC_DAYS)
PHONING = week(PHONING_HOURS, PHONING_DAYS)


def hour_of_week(at: Floats) -> NDArray[np.int64]:
    """Return which of the week's 168 hours each time lies in; time 0 is a Monday's midnight."""
    return ((at % WEEK) // HOUR).astype(np.int64)


def arrivals(rng: np.random.Generator, per_day: float, days: int) -> Floats:
    """Return the sorted times of a Poisson process that follows the week's traffic."""
    hours = np.arange(days * 24)
    counts = rng.poisson(TRAFFIC[hours % 168] * per_day / 24)
    return np.sort(np.repeat(hours * HOUR, counts) + rng.random(counts.sum()) * HOUR)


def later(
    rng: np.random.Generator, since: Floats, median: Floats | float, sigma: float, weights: Floats
) -> Floats:
    """Return a lognormal wait after each time, drawn again until it ends at an hour people do it."""
    middle = np.log(np.broadcast_to(median, since.shape))
    at: Floats = since + np.exp(rng.normal(middle, sigma))
    open_ = np.arange(len(at))
    for _ in range(TRIES):
        refused = rng.random(len(open_)) * weights.max() > weights[hour_of_week(at[open_])]
        open_ = open_[refused]
        if not len(open_):
            break
        at[open_] = since[open_] + np.exp(rng.normal(middle[open_], sigma))
    return at
