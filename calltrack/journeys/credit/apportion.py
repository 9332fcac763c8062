"""Whole cents shared out by weights, so that they add up to the cent."""

import math
from collections.abc import Sequence
from fractions import Fraction

# Weights are sums of floats: parts that differ by less than this are a tie, whatever the order of summing.
TIE = 9


def apportion(weights: Sequence[float], total: int) -> list[int]:
    """Return whole numbers in proportion to the weights that add up to `total`: by largest remainder.

    What is left after rounding down goes, one each, to the largest remainders; ties to the first.
    Without any weight above zero nobody gets anything.
    """
    exact = [Fraction(max(weight, 0.0)) for weight in weights]
    whole = sum(exact)
    if not whole:
        return [0] * len(weights)
    parts = [total * weight / whole for weight in exact]
    # A part a hair below a whole number is that number; the remainder would otherwise look like almost 1.
    floors = [_floor(part) for part in parts]
    left = total - sum(floors)
    order = sorted(range(len(parts)), key=lambda at: (-round(float(parts[at] - floors[at]), TIE), at))
    if left < 0:
        order = [at for at in reversed(order) if floors[at] > 0]
    for at in order[: abs(left)]:
        floors[at] += 1 if left > 0 else -1
    return floors


def _floor(part: Fraction) -> int:
    nearest = round(part)
    return nearest if abs(part - nearest) < Fraction(1, 10**TIE) else math.floor(part)
