"""The models once more, as slowly and plainly as their definitions read."""

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from math import factorial

import numpy as np

from calltrack.journeys.credit.journey import Journey

State = tuple[str, ...]
START: State = ()
Shares = dict[str, Fraction]


def shares(model: str, path: Sequence[str]) -> Shares:
    """Return what one journey's touches get under a model that looks at places only."""
    count = len(path)
    if model == "first":
        return {path[0]: Fraction(1)}
    if model == "last":
        return {path[-1]: Fraction(1)}
    if model == "last_non_direct":
        return {([one for one in path if one != "direct"] or [path[-1]])[-1]: Fraction(1)}
    each = [Fraction(1, count)] * count
    if model == "position" and count > 2:
        each = [Fraction(2, 5), *[Fraction(1, 5) / (count - 2)] * (count - 2), Fraction(2, 5)]
    found: Shares = defaultdict(Fraction)
    for channel, share in zip(path, each, strict=True):
        found[channel] += share
    return found


def summed(model: str, journeys: Sequence[Journey]) -> dict[str, Fraction]:
    """Return all journeys' credit under such a model."""
    found: dict[str, Fraction] = defaultdict(Fraction)
    for one in journeys:
        for channel, share in shares(model, path_of(one)).items():
            found[channel] += share * Fraction(one.conversions)
    return found


def shapley(journeys: Sequence[Journey]) -> dict[str, Fraction]:
    """Return Shapley values by their definition, over every coalition."""
    channels = sorted({step for one in journeys for step in path_of(one)})
    count = len(channels)

    def worth(coalition: set[str]) -> Fraction:
        return sum(
            (Fraction(one.conversions) for one in journeys if set(path_of(one)) <= coalition), Fraction()
        )

    return {
        channel: sum(
            (
                Fraction(factorial(size) * factorial(count - size - 1), factorial(count))
                * (worth({*some, channel}) - worth(set(some)))
                for size in range(count)
                for some in combinations([one for one in channels if one != channel], size)
            ),
            Fraction(),
        )
        for channel in channels
    }


def removal(journeys: Sequence[Journey], order: int) -> dict[str, float]:
    """Return removal effects by removing: what contains the channel goes, the rest is solved anew."""
    moves: dict[State, dict[State | bool, float]] = defaultdict(lambda: defaultdict(float))
    for one in journeys:
        state = START
        for step in path_of(one):
            after = (*state, step)[-order:]
            moves[state][after] += one.conversions + one.nulls
            state = after
        moves[state][True] += one.conversions
        moves[state][False] += one.nulls
    whole = _chance(moves, None)
    channels = sorted({step for one in journeys for step in path_of(one)})
    return {channel: 1 - _chance(moves, channel) / whole if whole else 0.0 for channel in channels}


def _chance(moves: dict[State, dict[State | bool, float]], without: str | None) -> float:
    states = [state for state in moves if without not in state]
    place = {state: at for at, state in enumerate(states)}
    matrix, converts = np.eye(len(states)), np.zeros(len(states))
    for state in states:
        out = sum(moves[state].values())
        for after, weight in moves[state].items():
            if after is True:
                converts[place[state]] += weight / out if out else 0.0
            elif isinstance(after, tuple) and after in place and out:
                matrix[place[state], place[after]] -= weight / out
    return float(np.linalg.solve(matrix, converts)[place[START]])


def path_of(one: Journey) -> list[str]:
    return [step for step in one.path if isinstance(step, str)]
