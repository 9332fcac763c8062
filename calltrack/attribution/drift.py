"""Take what a night has taught as far as it can be trusted: no leap in one night, nothing from few calls."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from calltrack.attribution.densities import Model
from calltrack.attribution.history import History
from calltrack.attribution.learning import learn
from calltrack.attribution.prior import shipped

# Fewer calls than this teach nothing: the model of yesterday stays.
FEWEST_CALLS = 20
# In one night a rate or factor changes by at most this factor, a share by at most this much.
MOST_TIMES, MOST_SHARE = 1.5, 0.1
SHARES = ("area_match", "own_phone", "known_caller", "nobody_known")
RATES = ("on_screen", "gone", "tap", "repeat", "clock")


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What a night came to: the model from now on, whether it is new, and what was kept from leaping."""

    model: Model
    is_new: bool
    calls: int
    held: tuple[str, ...] = ()
    """The parts that would have changed more than is allowed in one night."""


def nightly(history: History, current: Model, version: str) -> Lesson:
    """Learn from the last weeks and return the model for tomorrow.

    It always starts from the shipped model, so that imagined calls are not counted again each night. The
    first lesson of a company may go as far as its calls say; later ones are bounded by the night before.
    """
    calls = len(history.calls)
    if calls < FEWEST_CALLS:
        return Lesson(model=current, is_new=False, calls=calls)
    learnt = learn(history, shipped(), version)
    if not current.calls_learnt:
        return Lesson(model=learnt, is_new=True, calls=calls)
    bounded, held = within_bounds(current, learnt)
    return Lesson(model=bounded, is_new=True, calls=calls, held=held)


def within_bounds(before: Model, learnt: Model) -> tuple[Model, tuple[str, ...]]:
    """Return `learnt`, no part of it farther from `before` than one night may bring; and which were held."""
    changes: dict[str, object] = {}
    for name in RATES:
        changes[name] = _bounded(getattr(before, name), getattr(learnt, name))
    for name in SHARES:
        old, new = getattr(before, name), getattr(learnt, name)
        changes[name] = min(max(new, old - MOST_SHARE), old + MOST_SHARE)
    changes["factors"] = {
        name: tuple(_bounded(old, new) for old, new in zip(before.factors[name], values, strict=True))
        if name in before.factors
        else values
        for name, values in learnt.factors.items()
    }
    changes["campaigns"] = {
        name: _bounded(before.campaigns.get(name, values), values)
        for name, values in learnt.campaigns.items()
    }
    changes["nobody"] = _bounded_by_name(before.nobody, learnt.nobody)
    (changes["nobody_elsewhere"],) = _bounded((before.nobody_elsewhere,), (learnt.nobody_elsewhere,))
    held = tuple(name for name, value in changes.items() if value != getattr(learnt, name))
    return replace(learnt, **changes), held  # type: ignore[arg-type] # fields of a model by their names


def _bounded(before: tuple[float, ...], learnt: tuple[float, ...]) -> tuple[float, ...]:
    """Return each value within the factor of the one before; what is allowed stays to the last digit."""
    return tuple(
        new
        if abs(math.log(new / old)) <= math.log(MOST_TIMES)
        else old * MOST_TIMES ** math.copysign(1, new - old)
        for old, new in zip(before, learnt, strict=True)
    )


def _bounded_by_name(before: Mapping[str, float], learnt: Mapping[str, float]) -> dict[str, float]:
    return {name: _bounded((before.get(name, value),), (value,))[0] for name, value in learnt.items()}
