"""Distinct paths, each told apart by a key: the rows that sums are kept for."""

from array import array
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from calltrack.journeys.credit.paths import Places
from calltrack.journeys.credit.soft import Step, variants_of

NOWHERE = -1


class Way(NamedTuple):
    """A way a journey may have gone: its row (NOWHERE: no touch at all), which touches, how likely."""

    row: int
    places: Sequence[int]
    weight: float


class Rows:
    """Rows of touches end to end, and which row, or which ways, each key stands for."""

    def __init__(self, read: Callable[[Any], Sequence[Step]]) -> None:
        self._read = read
        self.form_of = _Forms(self._registered)
        self._soft: dict[int, tuple[Way, ...]] = {}
        self.channels: dict[str, int] = {}
        # Appended to for each distinct path: an order of magnitude quicker than growing numpy's arrays.
        self._lengths, self._rows = array("q"), array("q")
        self._touches, self._starts = array("q"), array("q")
        self._cuts: dict[tuple[int, int], int] = {}

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def touches(self) -> Places:
        """Return the channels of all rows, end to end."""
        return np.array(self._touches, np.int64)

    @property
    def touch_count(self) -> int:
        """Return how many touches all rows have."""
        return len(self._touches)

    def starts_of(self, rows: Places) -> Places:
        """Return where the touches of these rows begin."""
        return _taken(self._starts, rows)

    def lengths_of(self, forms: Places) -> Places:
        """Return how many touches were told in each form, doubtful ones included."""
        return _taken(self._lengths, forms)

    def rows_of(self, forms: Places) -> Places:
        """Return each form's row; NOWHERE where it has several ways."""
        return _taken(self._rows, forms)

    def ways_of(self, form: int) -> tuple[Way, ...]:
        """Return every way a journey of this form may have gone."""
        if form in self._soft:
            return self._soft[form]
        return (Way(self._rows[form], range(self._lengths[form]), 1.0),)

    def later_part(self, row: int, cut: int) -> int:
        """Return the row of a path without its first touches."""
        if (row, cut) not in self._cuts:
            start = self._starts[row]
            end = self._starts[row + 1] if row + 1 < len(self._starts) else len(self._touches)
            self._cuts[row, cut] = self._added(self._touches[start + cut : end])
        return self._cuts[row, cut]

    def _registered(self, key: Any) -> int:
        steps = self._read(key)
        try:
            # Channels known by name, the case of nearly all paths, were looked at when they first came.
            places = [self.channels[step] for step in steps]  # type: ignore[index]  # a doubt is no key
        except (KeyError, TypeError):
            return self._registered_slowly(steps)
        if not places:
            return self._registered_slowly(steps)
        return self._new_form(self._added(places), len(places))

    def _registered_slowly(self, steps: Sequence[Step]) -> int:
        variants = variants_of(steps)
        ways = tuple(
            Way(
                self._added([self._place(name) for name in one.channels]) if one.channels else NOWHERE,
                one.places,
                one.weight,
            )
            for one in variants
        )
        if len(ways) == 1 and len(ways[0].places) == len(steps):
            return self._new_form(ways[0].row, len(steps))
        form = self._new_form(NOWHERE, len(steps))
        self._soft[form] = ways
        return form

    def _place(self, name: str) -> int:
        return self.channels.setdefault(name, len(self.channels))

    def _added(self, touches: Sequence[int]) -> int:
        self._starts.append(len(self._touches))
        self._touches.extend(touches)
        return len(self._starts) - 1

    def _new_form(self, row: int, length: int) -> int:
        self._rows.append(row)
        self._lengths.append(length)
        return len(self._rows) - 1


class _Forms(dict[Any, int]):
    """Which form a key stands for; a new key is registered on the way."""

    def __init__(self, register: Callable[[Any], int]) -> None:
        self._register = register

    def __missing__(self, key: Any) -> int:
        self[key] = form = self._register(key)
        return form


def _taken(values: "array[int]", places: Places) -> Places:
    # The view must be gone before the next path comes: an array that is looked at cannot grow.
    return np.frombuffer(values, np.int64)[places] if len(values) else np.empty(0, np.int64)
