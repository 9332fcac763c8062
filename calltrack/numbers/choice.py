"""Which number of a pool a visit is shown.

Pure: the pool's state and the moment in, a number out. A visitor keeps her number while nobody else had it
since. Else, among the numbers that are off screen, the one whose remaining callers would cost least if mixed
up with her: callers of the same campaign cost little, of the same source less than strangers. Of a large pool
only the numbers given out longest ago are weighed: callers of the others are still to come. Numbers that have
rested come before those that rest, and of each the near ones before the far ones. When every number is on
screen the one given out first is shared, and that is said. There is no lease; no pool runs dry.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from calltrack.numbers.masses import LONG_AGO, Doubt, Floats, Masses, Origin
from calltrack.visits.rules import LOOKED_AT

Flags = npt.NDArray[np.bool_]

How = Literal["kept", "free", "early", "shared"]
# A page that gave a sign of life this recently is still on screen: beats come once a minute at the least.
SCREEN_SECONDS = 75.0
# Scores are compared to the ninth decimal: two machines agree on them, and what is equal stays a tie.
DECIMALS = 9


@dataclass(frozen=True, slots=True)
class Policy:
    """How numbers are chosen: by risk (with or without regard to campaigns), by idleness, or by chance.

    By risk at most `looked_at` numbers are weighed.
    """

    name: str
    doubt: Doubt | None = None
    by_chance: bool = False
    looked_at: int = LOOKED_AT


AFFINE = Policy("affine", Doubt())
RESIDUAL = Policy("residual", Doubt(1.0, 1.0, 1.0))
LONGEST_IDLE = Policy("longest-idle")
RANDOM = Policy("random", by_chance=True)
POLICIES = {policy.name: policy for policy in (AFFINE, RESIDUAL, LONGEST_IDLE, RANDOM)}


@dataclass(frozen=True, slots=True)
class Choice:
    """The number a visit gets, and how: kept, free, taken before its rest was over, or shared."""

    number: int
    how: How
    with_others: bool = False
    """Kept, and somebody else has it on screen as well."""

    @property
    def is_shared(self) -> bool:
        """Tell whether somebody else has the number on screen."""
        return self.how == "shared" or self.with_others


class Pool:
    """What the numbers of a pool stand at: who holds which, until when it is on screen, its call mass."""

    def __init__(self, numbers: int, *, rest_seconds: float = 0.0, far: Iterable[int] = ()) -> None:
        """Begin with numbers nobody was ever shown; each rests so long before another visitor gets it.

        `far`: the numbers that are not where the pool's customers are; the others come first.
        """
        if numbers < 1:
            raise ValueError("A pool has at least one number.")
        self.rest_seconds = rest_seconds
        self.is_far = np.zeros(numbers, dtype=np.bool_)
        self.is_far[list(far)] = True
        self.masses = Masses(numbers)
        self.screen_until = np.full(numbers, LONG_AGO)
        self.last_seen = np.full(numbers, LONG_AGO)
        self.given_at = np.full(numbers, LONG_AGO)
        self._visits: list[str | None] = [None] * numbers
        self._visitors: list[str | None] = [None] * numbers
        self._number_of: dict[str, int] = {}
        # Until when each visit has the number on screen: more than one when it is shared.
        self._screens: list[dict[str, float]] = [{} for _ in range(numbers)]

    def __len__(self) -> int:
        return len(self.given_at)

    def own(self, visitor: str) -> int | None:
        """Return the visitor's last number if nobody else was shown it since."""
        number = self._number_of.get(visitor)
        return number if number is not None and self._visitors[number] == visitor else None

    def give(self, number: int, now: float, visit: str, visitor: str, origin: Origin) -> None:
        """Note that a visit is shown the number from now on; the visitor's visit before has it no more."""
        self.masses.settle(number, now)
        self.masses.hold(number, now, origin)
        self._screens[number] = self._others(number, now, visitor)
        self._visits[number], self._visitors[number] = visit, visitor
        self._number_of[visitor] = number
        self.given_at[number] = now
        self._show(number, now, visit, left=False)

    def is_with_others(self, number: int, now: float, visitor: str) -> bool:
        """Tell whether visits other than the visitor's latest have the number on screen."""
        return bool(self._others(number, now, visitor))

    def seen(self, number: int, now: float, visit: str, weight: float, *, left: bool = False) -> None:
        """Note a sign of life of a visit that was given the number, and how likely it now is to call.

        Of visits that are no longer the latest holder only the time on screen counts.
        """
        if self._visits[number] == visit:
            self.masses.last_seen[number] = now
        self.reweigh(number, visit, weight)
        self._show(number, now, visit, left=left)

    def reweigh(self, number: int, visit: str, weight: float) -> None:
        """Note how likely the visit now is to call, if nobody was given the number after it."""
        if self._visits[number] == visit:
            self.masses.weight[number] = weight

    def _others(self, number: int, now: float, visitor: str) -> dict[str, float]:
        own = self._visits[number] if self._visitors[number] == visitor else None
        return {one: until for one, until in self._screens[number].items() if until > now and one != own}

    def _show(self, number: int, now: float, visit: str, *, left: bool) -> None:
        screens = self._screens[number]
        screens[visit] = now if left else now + SCREEN_SECONDS
        self.screen_until[number] = max(screens.values())
        self.last_seen[number] = now


def choose(
    pool: Pool, now: float, visitor: str, origin: Origin, policy: Policy = AFFINE, chance: float = 0.0
) -> Choice:
    """Return the number for a visitor who comes from there; `chance` (0 to 1) is for policies by chance.

    Ties go to the number that has been off screen longest, then to the first in the pool's order.
    """
    own = pool.own(visitor)
    if own is not None:
        return Choice(own, "kept", pool.is_with_others(own, now, visitor))
    is_off = pool.screen_until <= now
    is_rested = pool.screen_until + pool.rest_seconds <= now
    if is_rested.any():
        return Choice(_best(pool, now, origin, policy, chance, _nearest(pool, is_rested)), "free")
    if is_off.any():
        return Choice(_first(_nearest(pool, is_off), pool.last_seen), "early")
    return Choice(_first(~is_off, pool.given_at), "shared")


def _best(pool: Pool, now: float, origin: Origin, policy: Policy, chance: float, free: Flags) -> int:
    if policy.by_chance:
        places = np.flatnonzero(free)
        return int(places[min(int(chance * len(places)), len(places) - 1)])
    if policy.doubt is None:
        return _first(free, pool.last_seen)
    places = np.flatnonzero(free)
    if len(places) > policy.looked_at:
        longest = places[np.argsort(pool.given_at[places], kind="stable")[: policy.looked_at]]
        free = np.zeros_like(free)
        free[longest] = True
    risk = np.round(pool.masses.at_risk(now, origin, policy.doubt), DECIMALS)
    risk[~free] = np.inf
    return _first(risk == risk.min(), pool.last_seen)


def _nearest(pool: Pool, among: Flags) -> Flags:
    """Return the near ones of these; all of them where none is near."""
    near = among & ~pool.is_far
    return near if near.any() else among


def _first(among: Flags, times: Floats) -> int:
    """Return the earliest of these; of equals the first in order."""
    return int(np.argmin(np.where(among, times, np.inf)))
