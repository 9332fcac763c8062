"""How far a figure may be chance where counts are small: 95 % intervals. Pure.

Shares: Wilson (1927). Counts are taken as Poisson, and so cost per lead and per sale divide by the exact
interval of the count (Garwood, Biometrika 28, 1936, through gamma quantiles). A sum of values is a weighted
Poisson sum: the gamma interval of Fay and Feuer (Statistics in Medicine 16, 1997, 791-801), which is
Garwood's where all values are alike.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

SURE: Final = 0.95
_TAIL: Final = (1 - SURE) / 2
_NORMAL: Final = 1.959963984540054
# From so many on an interval says nothing a marketer would act on.
FEW: Final = 100
_STEPS: Final = 200
_NEAR: Final = 1e-12
# From this shape on the cube-root approximation is right to five digits.
_LARGE: Final = 2_000.0


@dataclass(frozen=True)
class Interval:
    """Between `low` and `high` the true figure lies with 95 %; an infinite bound: nothing is known there."""

    low: float
    high: float


def of_share(hits: int, tries: int) -> Interval | None:
    """Return the interval of a share (0 to 1), such as answered calls of ended ones; None without tries."""
    if tries <= 0:
        return None
    share, pull = hits / tries, _NORMAL**2 / tries
    middle = (share + pull / 2) / (1 + pull)
    half = _NORMAL * math.sqrt(share * (1 - share) / tries + pull / (4 * tries)) / (1 + pull)
    return Interval(min(max(middle - half, 0.0), share), max(min(middle + half, 1.0), share))


@lru_cache(maxsize=4096)
def of_count(count: int) -> Interval:
    """Return the interval of the mean of a count: 0 gives 0 to 3.69, 10 gives 4.80 to 18.39."""
    low = gamma_quantile(_TAIL, float(count)) if count else 0.0
    return Interval(low, gamma_quantile(1 - _TAIL, count + 1.0))


def of_cost(spend: float, count: int) -> Interval | None:
    """Return the interval of the spend per counted thing; None where nothing was spent."""
    if spend <= 0:
        return None
    found = of_count(count)
    return Interval(spend / found.high, spend / found.low if found.low else math.inf)


def of_sum(total: float, squared: float, largest: float) -> Interval | None:
    """Return the interval of a sum of values, of their squares and the largest; None without a value."""
    if total <= 0 or squared <= 0:
        return None
    low = squared / total * gamma_quantile(_TAIL, total**2 / squared)
    more, spread = total + largest, squared + largest**2
    return Interval(low, spread / more * gamma_quantile(1 - _TAIL, more**2 / spread))


def gamma_quantile(p: float, shape: float) -> float:
    """Return the value below which a gamma variable of this shape (scale 1) lies with probability `p`."""
    z = _normal_quantile(p)
    cube = 1 - 1 / (9 * shape) + z / (3 * math.sqrt(shape))
    guess = shape * cube**3
    if shape < 1 or guess <= 0:
        guess = math.exp((math.log(p) + math.lgamma(shape + 1)) / shape)
    if shape > _LARGE:
        return guess
    low, high = 0.0, max(guess, 1.0) * 2 + 10
    while gamma_share(shape, high) < p:
        high *= 2
    at = guess if 0 < guess < high else high / 2
    for _ in range(_STEPS):
        off = gamma_share(shape, at) - p
        low, high = (low, at) if off > 0 else (at, high)
        density = math.exp((shape - 1) * math.log(at) - at - math.lgamma(shape)) if at > 0 else 0.0
        following = at - off / density if density > 0 else math.nan
        # Newton's step where it stays between the bounds, else halves.
        following = following if low < following < high else (low + high) / 2
        if abs(following - at) <= _NEAR * max(following, 1e-300):
            return following
        at = following
    return at


def gamma_share(shape: float, at: float) -> float:
    """Return the probability that a gamma variable of this shape (scale 1) lies below `at`."""
    if at <= 0:
        return 0.0
    factor = math.exp(shape * math.log(at) - at - math.lgamma(shape))
    if at < shape + 1:
        term = total = 1 / shape
        step = shape
        while term > total * 1e-16:
            step += 1
            term *= at / step
            total += term
        return factor * total
    # The upper part by a continued fraction (Lentz).
    tiny = 1e-300
    b = at + 1 - shape
    c, d = 1 / tiny, 1 / b
    fraction = d
    for step in range(1, 10_000):
        an = -step * (step - shape)
        b += 2
        d = 1 / (an * d + b or tiny)
        c = b + an / c or tiny
        change = d * c
        fraction *= change
        if abs(change - 1) < 1e-16:
            break
    return 1 - factor * fraction


def _normal_quantile(p: float) -> float:
    """Return the standard normal's value for our two tails; others are only needed as a first guess."""
    if p in (_TAIL, 1 - _TAIL):
        return _NORMAL if p > 0.5 else -_NORMAL
    tail = math.sqrt(-2 * math.log(min(p, 1 - p)))
    z = tail - (2.30753 + 0.27061 * tail) / (1 + 0.99229 * tail + 0.04481 * tail**2)
    return z if p > 0.5 else -z
