"""Time decay: a touch weighs half as much for each half-life before the journey's end."""

import numpy as np

from calltrack.journeys.credit.choice import Decay
from calltrack.journeys.credit.paths import Floats, Places


def shares_by_age(hours: Floats, lengths: Places, decay: Decay) -> Floats:
    """Return each touch's share of its path's credit; the shares of a path add up to 1.

    `hours` end to end, paths of the given lengths, none empty.
    """
    ages = hours / decay.half_life_hours
    if decay.in_steps:
        ages = np.floor(ages)
    # Only differences within a path matter. Counted from its youngest touch, no path fades to nothing.
    starts = np.cumsum(lengths) - lengths
    youngest = np.minimum.reduceat(ages, starts) if len(starts) else np.empty(0)
    weights = np.exp2(np.repeat(youngest, lengths) - ages)
    wholes = np.add.reduceat(weights, starts) if len(starts) else np.empty(0)
    shares: Floats = weights / np.repeat(wholes, lengths)
    return shares
