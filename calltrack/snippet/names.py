"""Which short names pack best: gzip likes a name that has been seen beside the same signs before.

Simulated annealing with a fixed seed: two names change places, or one gives way to a spare one; what packs no
worse stays, what packs worse stays sometimes, and ever more rarely.
"""

import math
import random
from collections.abc import Callable

WARMTH, COLD = 1.2, 0.01


def best_names(first: list[str], spare: list[str], size: Callable[[list[str]], int], steps: int) -> list[str]:
    """Return the names of the smallest script met on the way, as many as `first` has."""
    chance = random.Random(steps)  # noqa: S311 - nothing secret: the same search finds the same names
    count = len(first)
    names = [*first, *(name for name in spare if name not in first)]
    best, smallest = list(first), size(first)
    now = smallest
    for step in range(steps):
        here, there = chance.randrange(count), chance.randrange(len(names))
        names[here], names[there] = names[there], names[here]
        found = size(names[:count])
        if found <= now or chance.random() < math.exp((now - found) / _warmth(step, steps)):
            now = found
            if now < smallest:
                best, smallest = names[:count], now
        else:
            names[here], names[there] = names[there], names[here]
    return best


def _warmth(step: int, steps: int) -> float:
    return WARMTH * (1 - step / steps) + COLD
