"""Models that look at a touch's place in its path only."""

import numpy as np

from calltrack.journeys.credit.paths import Floats, Paths, Places, summed
from calltrack.kernel.origin import BETWEEN

DIRECT = frozenset({"direct", "(direct)", "direct / none", "(direct) / (none)"})
"""What a visit without a source is called, here and in other tools' exports."""
END, MIDDLE = 0.4, 0.2


def first(paths: Paths, counts: Floats) -> Floats:
    """Return all credit to where each journey began."""
    return _at(paths, paths.starts, counts)


def last(paths: Paths, counts: Floats) -> Floats:
    """Return all credit to where each journey ended."""
    return _at(paths, paths.lasts, counts)


def last_non_direct(paths: Paths, counts: Floats) -> Floats:
    """Return all credit to the last touch that had a source; to direct where all were direct."""
    is_direct = np.array([is_direct_name(name) for name in paths.channels], bool)
    places = np.where(is_direct[paths.touches], -1, np.arange(len(paths.touches)))
    found = np.maximum.reduceat(places, paths.starts) if len(paths.starts) else places
    return _at(paths, np.where(found < 0, paths.lasts, found), counts)


def is_direct_name(name: str) -> bool:
    """Tell whether a channel is what a visit without a source is called, as a name or as an origin's word."""
    return " / ".join(filter(None, name.split(BETWEEN))).strip().lower() in DIRECT


def linear(paths: Paths, counts: Floats) -> Floats:
    """Return credit shared equally by all touches of a journey, repeated ones too."""
    lengths = paths.lengths
    return summed(paths.touches, np.repeat(counts / lengths, lengths), len(paths.channels))


def position(paths: Paths, counts: Floats) -> Floats:
    """Return 40 % to the first touch, 40 % to the last, 20 % shared by those between; two share equally."""
    lengths, place = paths.lengths, paths.place_in_path()
    long = np.repeat(lengths, lengths)
    is_end = (place == 0) | (place == long - 1)
    ends = np.where(long == 1, 1.0, np.where(long == 2, 0.5, END))
    shares = np.where(is_end, ends, MIDDLE / np.maximum(long - 2, 1))
    return summed(paths.touches, shares * np.repeat(counts, lengths), len(paths.channels))


def _at(paths: Paths, touches: Places, counts: Floats) -> Floats:
    return summed(paths.touches[touches], counts, len(paths.channels))
