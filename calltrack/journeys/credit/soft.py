"""Paths with doubt in them: a touch that was one campaign or another counts as two weighted paths."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from calltrack.kernel.errors import BadInput

Step = str | tuple[tuple[str, float], ...]
"""A channel, or channels with their probabilities; what these lack to 1 is that there was no such touch."""
MOST_VARIANTS = 1024
ROUNDING = 1e-9


@dataclass(frozen=True)
class Variant:
    """One way the journey may have gone: which touches happened, on which channels, how likely."""

    channels: tuple[str, ...]
    places: tuple[int, ...]
    weight: float


def variants_of(steps: Sequence[Step]) -> tuple[Variant, ...]:
    """Return every way a journey may have gone; the weights add up to 1, doubts taken as independent.

    Raises:
        BadInput: no touch, an empty name, a probability that is none, or too many ways.
    """
    if not steps:
        raise BadInput("the path has no touch")
    if all(isinstance(step, str) for step in steps):
        certain = tuple(_name(step) for step in steps if isinstance(step, str))
        return (Variant(certain, tuple(range(len(certain))), 1.0),)
    open_ways = [list(_ways(step)) for step in steps]
    if math.prod(len(ways) for ways in open_ways) > MOST_VARIANTS:
        raise BadInput(
            f"the path could have gone more than {MOST_VARIANTS} ways; leave out unlikely candidates"
        )
    return tuple(_variant(way) for way in product(*open_ways))


def _variant(way: Sequence[tuple[str | None, float]]) -> Variant:
    there = [(at, name) for at, (name, _) in enumerate(way) if name is not None]
    return Variant(
        tuple(name for _, name in there),
        tuple(at for at, _ in there),
        math.prod(weight for _, weight in way),
    )


def _ways(step: Step) -> Iterator[tuple[str | None, float]]:
    if isinstance(step, str):
        yield _name(step), 1.0
        return
    for name, probability in step:
        if not 0 <= probability <= 1:
            raise BadInput(f"the probability of {name} is {probability}, not between 0 and 1")
    nobody = 1.0 - math.fsum(probability for _, probability in step)
    if nobody < -ROUNDING:
        raise BadInput("the probabilities of one touch add up to more than 1")
    # Within rounding the candidates are all there is: the likeliest takes what is missing to 1.
    is_all = nobody <= ROUNDING
    likeliest = max(range(len(step)), key=lambda at: step[at][1], default=None)
    for at, (name, probability) in enumerate(step):
        weight = probability + (nobody if is_all and at == likeliest else 0.0)
        if weight > 0:
            yield _name(name), weight
    if not is_all:
        yield None, nobody


def _name(name: str) -> str:
    if not name.strip():
        raise BadInput("a channel has no name")
    return name
