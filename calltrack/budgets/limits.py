"""What a split must keep to: the total, floors, caps, locks, shared budgets, and how far a week may go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from calltrack.budgets.reasons import Reason

MOST_CHANGE = Fraction(3, 10)
"""No budget moves further than this in a week, whatever a company asks for."""
LOWEST_SHARE = Fraction(3, 100)
"""Nobody is cut below this share of the total, so that there is always something to learn from."""
LOWEST_OF_EQUAL = Fraction(1, 5)
"""Where many share the total, nobody is cut below this part of an equal share instead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Constraints:
    """What a company wants kept; amounts in minor units a week, budgets by campaign or by group."""

    floors: Mapping[str, int] = field(default_factory=dict)
    caps: Mapping[str, int] = field(default_factory=dict)
    locked: frozenset[str] = frozenset()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name of a shared budget -> the campaigns that live on it. It is raised or cut as one."""
    most_change: Fraction = MOST_CHANGE
    late_share: float = 0.0
    """The part of a week's conversions that is told only in the week after."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Lowest and highest amount per budget: next week, and in the long run."""

    low: tuple[int, ...]
    high: tuple[int, ...]
    lowest: tuple[int, ...]
    highest: tuple[int, ...]


def limits_of(names: Sequence[str], today: Sequence[int], total: int, wanted: Constraints) -> Limits:
    """Return what each budget may get; where limits contradict each other, low is above high."""
    usual = int(total * min(LOWEST_SHARE, LOWEST_OF_EQUAL / len(names)))
    each = [_of_one(name, now, total, usual, wanted) for name, now in zip(names, today, strict=True)]
    low, high, lowest, highest = zip(*each, strict=True)
    return Limits(low=low, high=high, lowest=lowest, highest=highest)


def _of_one(name: str, now: int, total: int, usual: int, wanted: Constraints) -> tuple[int, int, int, int]:
    change = min(wanted.most_change, MOST_CHANGE)
    floor, cap = wanted.floors.get(name, min(now, usual)), wanted.caps.get(name, max(total, now))
    if name in wanted.locked or not now:
        return max(now, wanted.floors.get(name, 0)), min(now, cap), now, now
    down, up = now * (1 - change), now * (1 + change)
    low = max(-(-down.numerator // down.denominator), floor)
    high = min(up.numerator // up.denominator, cap)
    return low, high, min(floor, low), max(cap, high)


def contradiction(names: Sequence[str], total: int, limits: Limits) -> Reason | None:
    """Say why no split can keep to all of it, if none can."""
    for name, low, high in zip(names, limits.low, limits.high, strict=True):
        if low > high:
            return Reason("limits_conflict", {"budget": name, "low": low, "high": high})
    low, high = sum(limits.low), sum(limits.high)
    if not low <= total <= high:
        return Reason("total_out_of_reach", {"total": total, "low": low, "high": high})
    return None
