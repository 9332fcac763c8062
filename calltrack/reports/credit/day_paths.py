"""The paths of one day as columns, for each level, kind and window one may choose. Pure."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from uuid import UUID

import numpy as np

from calltrack.journeys.credit.choice import Decay
from calltrack.journeys.credit.grouping import grouped
from calltrack.journeys.credit.paths import Paths, Totals
from calltrack.journeys.credit.time_decay import shares_by_age
from calltrack.reports.credit.lost import Won, lost_of
from calltrack.reports.credit.told import KINDS, LEVELS, WINDOWS, Ended, Seen, Way, at_level, ways_of, within

Question = tuple[str, str, int]
"""A level, a kind of conversion, and a window in days."""
QUESTIONS: tuple[Question, ...] = tuple(
    (level, kind, days) for level in LEVELS for kind in KINDS for days in WINDOWS
)
DECAY = Decay()
LostPaths = dict[Question, dict[tuple[str, ...], float]]


class DayPaths:
    """Adds up the conversions and the lost journeys of a day."""

    def __init__(self) -> None:
        self._ended: list[tuple[Ended, list[Way]]] = []
        self._lost: LostPaths = {question: defaultdict(float) for question in QUESTIONS}
        self._single: dict[str, int] = defaultdict(int)

    def add(self, ended: Iterable[Ended], visits: Mapping[UUID, Sequence[Seen]]) -> None:
        """Add conversions; `visits` are those of their suspects and browsers, oldest first."""
        self._ended += [(one, ways_of(one, visits)) for one in ended]

    def add_lost(self, visits: Sequence[Seen], won: Sequence[Won], since: datetime, until: datetime) -> None:
        """Add what a browser did between two moments, if it led to nothing."""
        if len(visits) == 1 and not won and since <= visits[0].at < until:
            # Most browsers: the same whatever is asked.
            self._single[visits[0].campaign] += 1
            return
        for kind in KINDS:
            for days in WINDOWS:
                found = lost_of(visits, won, kind, days, since, until)
                if found is None:
                    continue
                for level in LEVELS:
                    self._lost[level, kind, days][_named(found.campaigns, level)] += found.weight

    def paths(self, question: Question) -> Paths:
        """Return what was added, as an answer to a question; equal paths are added up."""
        level, kind, days = question
        told = [
            (at_level(within(way.touches, days), level), way.weight, 0.0, value)
            for ended, ways in self._ended
            if ended.kind == kind
            for way, value in zip(ways, _values(ended, ways), strict=True)
        ]
        lost = [*self._lost[question].items()]
        lost += [(_named((name,), level), float(count)) for name, count in self._single.items()]
        told += [(tuple((name, 0.0) for name in names), 0.0, weight, 0.0) for names, weight in sorted(lost)]
        mine = [ended for ended, _ in self._ended if ended.kind == kind]
        return _as_paths(told, float(len(mine)), sum(one.value_minor for one in mine))


def _named(campaigns: Sequence[str], level: str) -> tuple[str, ...]:
    return tuple(name for name, _ in at_level([(name, 0.0) for name in campaigns], level))


def _values(ended: Ended, ways: Sequence[Way]) -> list[float]:
    return [ended.value_minor * way.weight for way in ways]


def _as_paths(
    told: Sequence[tuple[Sequence[tuple[str, float]], float, float, float]],
    conversions: float,
    value_minor: int,
) -> Paths:
    kept = [one for one in told if one[0]]
    nowhere = [one for one in told if not one[0]]
    totals = Totals(
        conversions=conversions,
        nulls=math.fsum(one[2] for one in told),
        value_minor=value_minor,
        uncredited=math.fsum(one[1] for one in nowhere),
        uncredited_value=math.fsum(one[3] for one in nowhere),
    )
    names = sorted({name for touches, *_ in kept for name, _ in touches})
    place = {name: at for at, name in enumerate(names)}
    lengths = np.array([len(touches) for touches, *_ in kept], np.int64)
    columns = [np.array([one[at] for one in kept], np.float64) for at in (1, 2, 3)]
    hours = np.array(list(chain.from_iterable([hour for _, hour in one[0]] for one in kept)), np.float64)
    shares = shares_by_age(hours, lengths, DECAY)
    return grouped(
        Paths(
            channels=tuple(names),
            touches=np.array(
                list(chain.from_iterable([place[name] for name, _ in one[0]] for one in kept)), np.int64
            ),
            starts=np.cumsum(lengths) - lengths,
            conversions=columns[0],
            nulls=columns[1],
            values=columns[2],
            totals=totals,
            decayed=(shares * np.repeat(columns[0], lengths), shares * np.repeat(columns[2], lengths)),
        )
    )
