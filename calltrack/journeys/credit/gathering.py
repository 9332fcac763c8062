"""Adds up equal paths while journeys come in, whole batches at a time."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import chain, compress, islice
from operator import mul
from typing import Any, NamedTuple

import numpy as np

from calltrack.journeys.credit.choice import Choice
from calltrack.journeys.credit.journey import Journey, Told
from calltrack.journeys.credit.paths import Floats, Paths, Places, Totals, renamed
from calltrack.journeys.credit.rows import NOWHERE, Rows
from calltrack.journeys.credit.soft import Step
from calltrack.journeys.credit.time_decay import shares_by_age
from calltrack.kernel.errors import BadInput

BATCH = 10_000


class _Entries(NamedTuple):
    """Rows to be added to, the line each comes from, its part of that line, and its hours end to end."""

    rows: Places
    lines: Places
    weights: Floats
    lengths: Places
    hours: Floats | None


def gather(journeys: Iterable[Journey], choice: Choice | None = None) -> Paths:
    """Return journeys as columns, equal paths added up.

    Raises:
        BadInput: one of them makes no sense.
    """
    gathering = Gathering(choice or Choice())
    coming = iter(journeys)
    while batch := list(islice(coming, BATCH)):
        gathering.add(batch, [one.path for one in batch])
    return gathering.paths()


class Gathering:
    """Sums of what was told about each distinct path."""

    def __init__(self, choice: Choice, read: Callable[[Any], Sequence[Step]] = tuple) -> None:
        self._choice = choice
        self._rows = Rows(read)
        self._sums = [np.zeros(0) for _ in range(3)]
        self._decays = [np.zeros(0) for _ in range(2)]
        self._totals = Totals()

    def add(self, told: Sequence[Told], keys: Sequence[Hashable], times: Sequence[int] | None = None) -> None:
        """Add journeys; `keys` are their paths, in the form the reading function takes.

        `times` says how often each is told, where not once.

        Raises:
            BadInput: one of them makes no sense; then the whole batch is of no use.
        """
        times = [1] * len(told) if times is None else times
        if self._choice.kinds:
            kept = [self._choice.keeps(one.kind, one.conversions) for one in told]
            told, keys, times = (
                list(compress(told, kept)),
                list(compress(keys, kept)),
                list(compress(times, kept)),
            )
        forms = np.array(list(map(self._rows.form_of.__getitem__, keys)), np.int64)
        lengths = self._rows.lengths_of(forms)
        hours = _hours_of(told, lengths, needed=self._choice.needs_hours)
        value_minor = list(map(mul, [one.value_minor for one in told], times))
        often = np.array(times, np.float64)
        columns = (
            np.array([one.conversions for one in told], np.float64) * often,
            np.array([one.nulls for one in told], np.float64) * often,
            np.array(value_minor, np.float64),
        )
        if np.any((columns[0] == 0) & (columns[2] > 0)):
            raise BadInput("it has a value but no conversion")
        self._totals += Totals(float(columns[0].sum()), float(columns[1].sum()), sum(value_minor))
        entries = self._entries(forms, lengths, hours if self._choice.needs_hours else None)
        self._add_up(self._in_window(entries), columns)

    def paths(self) -> Paths:
        """Return what was gathered, channels in the order of their names; nothing can be added any more."""
        # The keys are most of the memory, and of no use to any model.
        self._rows.form_of.clear()
        self._make_room()
        names = sorted(self._rows.channels)
        found = Paths(
            channels=tuple(self._rows.channels),
            touches=self._rows.touches,
            starts=self._rows.starts_of(np.arange(len(self._rows))),
            conversions=self._sums[0][: len(self._rows)],
            nulls=self._sums[1][: len(self._rows)],
            values=self._sums[2][: len(self._rows)],
            totals=self._totals,
            decayed=self._decayed(),
        )
        touches = renamed(found, {name: at for at, name in enumerate(names)})
        return Paths(**(vars(found) | {"channels": tuple(names), "touches": touches}))

    def _decayed(self) -> tuple[Floats, Floats] | None:
        if self._choice.decay is None:
            return None
        conversions, values = (column[: self._rows.touch_count] for column in self._decays)
        return conversions, values

    def _entries(self, forms: Places, lengths: Places, hours: Floats | None) -> _Entries:
        rows = self._rows.rows_of(forms)
        plain = _Entries(rows, np.arange(len(forms)), np.ones(len(forms)), lengths, hours)
        if not np.any(rows == NOWHERE):
            return plain
        ways = [(line, way) for line, form in enumerate(forms.tolist()) for way in self._rows.ways_of(form)]
        begins = np.cumsum(lengths) - lengths
        kept = [begins[line] + np.array(way.places, np.int64) for line, way in ways]
        return _Entries(
            np.array([way.row for _, way in ways], np.int64),
            np.array([line for line, _ in ways], np.int64),
            np.array([way.weight for _, way in ways]),
            np.array([len(way.places) for _, way in ways], np.int64),
            None if hours is None else hours[np.concatenate(kept)],
        )

    def _in_window(self, entries: _Entries) -> _Entries:
        """Leave out the touches before the window: they come first."""
        if self._choice.lookback_hours is None or entries.hours is None:
            return entries
        inside = entries.hours <= self._choice.lookback_hours
        path = np.repeat(np.arange(len(entries.rows)), entries.lengths)
        left = np.bincount(path, inside, len(entries.rows)).astype(np.int64)
        rows = entries.rows.copy()
        rows[left == 0] = NOWHERE
        for at in np.flatnonzero((left > 0) & (left < entries.lengths)):
            rows[at] = self._rows.later_part(int(rows[at]), int(entries.lengths[at] - left[at]))
        return _Entries(rows, entries.lines, entries.weights, left, entries.hours[inside])

    def _add_up(self, entries: _Entries, columns: tuple[Floats, ...]) -> None:
        self._make_room()
        told = [column[entries.lines] * entries.weights for column in columns]
        there = entries.rows != NOWHERE
        if not there.all():
            self._totals += Totals(
                uncredited=float(told[0][~there].sum()), uncredited_value=float(told[2][~there].sum())
            )
        rows = entries.rows[there]
        for sums, column in zip(self._sums, told, strict=True):
            np.add.at(sums, rows, column[there])
        if self._choice.decay is None or entries.hours is None:
            return
        lengths = entries.lengths[there]
        shares = shares_by_age(entries.hours, lengths, self._choice.decay)
        within = np.arange(len(shares)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        touches = np.repeat(self._rows.starts_of(rows), lengths) + within
        for decays, column in zip(self._decays, (told[0], told[2]), strict=True):
            np.add.at(decays, touches, shares * np.repeat(column[there], lengths))

    def _make_room(self) -> None:
        self._sums = [_at_least(column, len(self._rows)) for column in self._sums]
        if self._choice.decay is not None:
            self._decays = [_at_least(column, self._rows.touch_count) for column in self._decays]


def _at_least(column: Floats, length: int) -> Floats:
    """Return a column with room for so many; it doubles, so that the cost of each stays constant."""
    if length <= len(column):
        return column
    return np.concatenate([column, np.zeros(max(length - len(column), len(column)))])


def _hours_of(told: Sequence[Told], lengths: Places, *, needed: bool) -> Floats | None:
    """Return the hours end to end; they fit the paths and fall towards the end, wherever they are told."""
    hours = [one.hours_before for one in told]
    if None in hours:
        if needed:
            raise BadInput("it lacks hours_before, which time decay and windows need")
        kept = np.array([some is not None for some in hours])
        hours, lengths = [some for some in hours if some is not None], lengths[kept]
    told_lengths = np.array([len(some) for some in hours if some is not None], np.int64)
    if np.any(told_lengths != lengths):
        raise BadInput("hours_before must have one number for each touch of the path")
    flat = np.fromiter(chain.from_iterable(some for some in hours if some is not None), np.float64)
    rises = np.diff(flat) > 0
    # Between the last touch of one path and the first of the next it may rise.
    rises[np.cumsum(lengths)[:-1] - 1] = False
    if np.any(rises):
        raise BadInput("hours_before must fall from the first touch to the last")
    return flat
