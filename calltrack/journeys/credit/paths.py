"""Journeys as columns: what every model of credit reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
OTHER = "(other)"


@dataclass(frozen=True)
class Totals:
    """What was read, to which all credits add up."""

    conversions: float = 0.0
    nulls: float = 0.0
    value_minor: int = 0
    uncredited: float = 0.0
    """Conversions without any touch in the window."""
    uncredited_value: float = 0.0

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(
            self.conversions + other.conversions,
            self.nulls + other.nulls,
            self.value_minor + other.value_minor,
            self.uncredited + other.uncredited,
            self.uncredited_value + other.uncredited_value,
        )


@dataclass(frozen=True)
class Paths:
    """Paths end to end: path i is `touches[starts[i]:starts[i + 1]]`, never empty; equal ones may recur."""

    channels: tuple[str, ...]
    touches: Places
    starts: Places
    conversions: Floats
    nulls: Floats
    values: Floats
    totals: Totals
    decayed: tuple[Floats, Floats] | None = field(default=None)
    """Per touch: its part of the conversions and of the value by time decay."""

    @property
    def lengths(self) -> Places:
        """Return how many touches each path has."""
        return np.diff(self.starts, append=len(self.touches))

    @property
    def lasts(self) -> Places:
        """Return where the last touch of each path stands."""
        return self.starts + self.lengths - 1

    def place_in_path(self) -> Places:
        """Return for each touch how many come before it in its path."""
        return np.arange(len(self.touches)) - np.repeat(self.starts, self.lengths)


def summed(places: Places, weights: Floats, size: int) -> Floats:
    """Return the sum of the weights at each place."""
    return np.asarray(np.bincount(places, weights, size), np.float64)


def joined(parts: Sequence[Paths]) -> Paths:
    """Return the paths of several readings as one, channels in the order of their names."""
    names = sorted({name for part in parts for name in part.channels})
    place = {name: at for at, name in enumerate(names)}
    offsets = np.cumsum([0, *(len(part.touches) for part in parts)], dtype=np.int64)
    # Filled in part by part: there is never more than one copy of all touches beside the parts.
    touches = np.empty(offsets[-1], np.int64)
    for part, offset in zip(parts, offsets, strict=False):
        touches[offset : offset + len(part.touches)] = renamed(part, place)
    starts = [part.starts + offset for part, offset in zip(parts, offsets, strict=False)]
    decays = [part.decayed for part in parts if part.decayed is not None]
    return Paths(
        channels=tuple(names),
        touches=touches,
        starts=np.concatenate([np.empty(0, np.int64), *starts]),
        conversions=np.concatenate([np.empty(0), *(part.conversions for part in parts)]),
        nulls=np.concatenate([np.empty(0), *(part.nulls for part in parts)]),
        values=np.concatenate([np.empty(0), *(part.values for part in parts)]),
        totals=sum((part.totals for part in parts), Totals()),
        decayed=(np.concatenate([one for one, _ in decays]), np.concatenate([two for _, two in decays]))
        if decays
        else None,
    )


def renamed(paths: Paths, place: Mapping[str, int]) -> Places:
    """Return the touches by their channels' places among other names."""
    places = np.array([place[name] for name in paths.channels], np.int64)
    return places[paths.touches]


def folded(paths: Paths, most: int) -> Paths:
    """Return the paths with at most `most` channels: those touched least become `(other)`."""
    if len(paths.channels) <= most:
        return paths
    weights = np.repeat(paths.conversions + paths.nulls, paths.lengths)
    seen = summed(paths.touches, weights, len(paths.channels))
    # A tie is broken by the name, so that the order of journeys does not matter.
    by_weight = sorted(range(len(seen)), key=lambda at: (-seen[at], paths.channels[at]))
    kept = {paths.channels[at] for at in by_weight[: most - 1]} - {OTHER}
    names = sorted(kept | {OTHER})
    place = {name: names.index(name if name in kept else OTHER) for name in paths.channels}
    return Paths(
        channels=tuple(names),
        touches=renamed(paths, place),
        starts=paths.starts,
        conversions=paths.conversions,
        nulls=paths.nulls,
        values=paths.values,
        totals=paths.totals,
        decayed=paths.decayed,
    )
