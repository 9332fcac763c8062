"""Shapley values of the game whose coalitions are worth the conversions of journeys they cover alone.

A coalition S is worth the conversions of the journeys all of whose channels are in S. This game is a sum of
one simple game per journey, worth 1 to whoever holds all its channels, and in that one these are alike: each
gets an equal part. So this is the value over all 2^K coalitions, exact for any number of channels.
"""

import numpy as np

from calltrack.journeys.credit.paths import Floats, Paths

CELLS = 1 << 23


def shapley(paths: Paths, counts: Floats) -> Floats:
    """Return each journey's credit shared equally by its distinct channels."""
    channels = len(paths.channels)
    found = np.zeros(channels)
    block = max(1, CELLS // max(channels, 1))
    ends = np.append(paths.starts, len(paths.touches))
    for begin in range(0, len(paths.starts), block):
        end = min(begin + block, len(paths.starts))
        lengths = np.diff(ends[begin : end + 1])
        touched = np.zeros((end - begin, channels), bool)
        touched[np.repeat(np.arange(end - begin), lengths), paths.touches[ends[begin] : ends[end]]] = True
        found += (counts[begin:end] / touched.sum(axis=1)) @ touched
    return found
