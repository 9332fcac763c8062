"""Dividing a total: the best split for every draw, a step towards their mean, and whole minor units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calltrack.budgets.curves import Curves
from calltrack.budgets.history import Floats

BISECTIONS = 56
NOTHING = 1e-6
"""What is smaller than the largest by this factor counts as just that small: bisections stay precise."""


def best_splits(curves: Curves, total: float, low: Floats, high: Floats) -> Floats:
    """Return, per draw, the split of the total that earns most within the limits.

    For every budget that is at no limit the next unit earns one price: `s = sqrt(a v h / price) - h`.
    The price is bisected until the sum is right.
    """
    pull = np.sqrt(curves.most * curves.worth * curves.half)
    # One over the root of the price: 0 leaves everybody at the lowest, enough of it takes all to the highest.
    least = np.zeros(len(pull))
    pull = np.maximum(pull, NOTHING * pull.max(1, keepdims=True))
    most = ((high + curves.half) / pull).max(1)
    for _ in range(BISECTIONS):
        middle = (least + most) / 2
        over = np.clip(middle[:, None] * pull - curves.half, low, high).sum(1) > total
        least, most = np.where(over, least, middle), np.where(over, middle, most)
    return np.asarray(np.clip(most[:, None] * pull - curves.half, low, high))


def within(wanted: Floats, total: float, low: Floats, high: Floats) -> Floats:
    """Return the wanted split, scaled alike, so that limits and total hold (they must be possible)."""
    wanted = np.maximum(wanted, NOTHING * (wanted.max() or 1.0))
    least, most = 0.0, float((high / wanted).max()) + 1
    for _ in range(BISECTIONS):
        middle = (least + most) / 2
        if np.clip(wanted * middle, low, high).sum() > total:
            most = middle
        else:
            least = middle
    return np.clip(wanted * most, low, high)


def in_minor_units(split: Floats, total: int, low: Sequence[int], high: Sequence[int]) -> tuple[int, ...]:
    """Return the split in whole minor units that add up to the total exactly, each within its limits.

    Budgets with the largest rests get what is left over; the limits must leave room for the total.
    """
    whole = [
        min(max(int(each), least), most) for each, least, most in zip(np.floor(split), low, high, strict=True)
    ]
    rests = sorted(range(len(whole)), key=lambda place: (whole[place] - split[place], place))
    left = total - sum(whole)
    while left:
        step = 1 if left > 0 else -1
        free = [p for p in rests if (whole[p] < high[p] if step > 0 else whole[p] > low[p])]
        each = max(abs(left) // len(free), 1)
        for place in free:
            room = high[place] - whole[place] if step > 0 else whole[place] - low[place]
            moved = min(each, room, abs(left))
            whole[place] += step * moved
            left -= step * moved
            if not left:
                break
    return tuple(whole)
