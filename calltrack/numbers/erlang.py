"""How many visits are on screen at once, and how often that is every number of a pool.

Erlang's loss formula, which holds whatever the lengths of visits look like; a visit that finds every number
on screen is not lost, though, but shares one and keeps it busy for longer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

HOUR = 3600.0
HOURS_OF_WEEK = 168
# A pool is dry in one visit of a hundred at its busy hours: what is wanted when nothing else is said.
RARELY = 0.01
BUSY_HOUR = 0.99
MOST_NUMBERS = 20_000
# The second visit on a number lasts, in the mean, half a visit longer than the first one still does.
LONGER_BY = 0.5
MOST_ROUNDS, NEAR_ENOUGH = 40, 1e-7


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """One pool's week: visits per hour of the week, mean seconds on screen, campaigns and sources in use."""

    visits: tuple[float, ...]
    seconds_on_screen: float
    campaigns: int = 1
    sources: int = 1
    seconds_by_hour: tuple[float, ...] | None = None
    """Of each hour of the week, where hours differ."""

    def loads(self) -> Floats:
        """Return how many visits are on screen at once, on average, in each hour of the week."""
        seconds = self.seconds_on_screen if self.seconds_by_hour is None else np.array(self.seconds_by_hour)
        loads: Floats = np.array(self.visits) / HOUR * seconds
        return loads


def blocked(loads: Floats, numbers: int) -> Floats:
    """Return Erlang's B: the share of arrivals that find every number taken, for each load."""
    share = np.ones_like(loads)
    for count in range(1, numbers + 1):
        share = loads * share / (count + loads * share)
    return share


def shared(loads: Floats, numbers: int) -> Floats:
    """Return the share of arrivals that find every number on screen and share one, for each load.

    Erlang's B of the load that the numbers carry, which contains the part of a shared visit that goes on when
    the other has left. The rounds rise towards the answer.
    """
    found = blocked(loads, numbers)
    for _ in range(MOST_ROUNDS):
        carried = 1 - (1 - LONGER_BY) * found
        share = blocked(loads * carried / np.maximum(1 - found, NEAR_ENOUGH), numbers)
        is_there = np.abs(share - found).max(initial=0.0) < NEAR_ENOUGH
        found = share
        if is_there:
            break
    return found


def dry_share(traffic: Traffic, numbers: int) -> float:
    """Return the share of visits that would find every number on screen."""
    visits = np.array(traffic.visits)
    if visits.sum() == 0:
        return 0.0
    return float((visits * shared(traffic.loads(), numbers)).sum() / visits.sum())


def numbers_for_dry_share(traffic: Traffic, share: float) -> int:
    """Return the smallest pool that is dry for at most this share of visits."""
    visits, loads = np.array(traffic.visits), traffic.loads()
    wanted, found = share * visits.sum(), np.ones_like(loads)
    for count in range(1, MOST_NUMBERS):
        found = loads * found / (count + loads * found)
        # A visit that shares stays on screen, so a little more than Erlang's formula asks for.
        if (visits * found).sum() <= wanted and dry_share(traffic, count) <= share:
            return count
    return MOST_NUMBERS


def busy_hour_numbers(traffic: Traffic) -> int:
    """Return what the busy hour takes: the smallest pool that one visit of 200 then finds on screen whole."""
    busy = np.array([np.quantile(traffic.loads(), BUSY_HOUR)])
    found = np.ones(1)
    for count in range(1, MOST_NUMBERS):
        found = busy * found / (count + busy * found)
        if found[0] <= RARELY / 2:
            return count
    return MOST_NUMBERS
