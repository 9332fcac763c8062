"""How much each explanation of a call weighs: calls per second, times how well the caller's phone fits it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calltrack.attribution.densities import Floats, Ints, Model, area_odds, repeat_rate

Truths = npt.NDArray[np.bool_]
# How a visit's region compares with the caller's.
UNKNOWN, SAME, OTHER = range(3)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ring:
    """The call as weights need it: what its phone is to the company."""

    at: float
    number: str
    region: str
    is_withheld: bool
    is_known: bool
    known_callers: int


@dataclass(frozen=True, slots=True)
class Before:
    """An earlier call to the number: when, from which region, from the same phone or not."""

    at: float
    region: str
    same_caller: bool


def areas_of(regions: Sequence[str], region: str) -> Ints:
    """Return, visit by visit, how its region compares with the caller's: UNKNOWN, SAME or OTHER."""
    if not region:
        return np.zeros(len(regions), dtype=np.intp)
    return np.array(
        [UNKNOWN if not one else SAME if one == region else OTHER for one in regions], dtype=np.intp
    )


def visit_fits(
    ring: Ring, model: Model, linked: Floats, taken: Floats, area: Ints, is_older: Truths
) -> Floats:
    """Return how well the caller fits each visit: by phone and by region.

    `linked`: how sure the phone is the visitor's; `taken`: how sure the visitor has another one; `area`: what
    `areas_of` says; `is_older`: shown the number before this caller's last call to it, so that a call now
    would be a repetition.
    """
    if ring.is_withheld:
        return np.ones(len(linked))
    odds = np.array([1.0, area_odds(model, ring.region, ring.region), 1 - model.area_match])
    stranger = odds[area] * (1 - model.own_phone * taken)
    if not ring.is_known:
        return stranger * (1 - model.known_caller)
    by_chance = model.known_caller / max(ring.known_callers, 1)
    fits = linked * model.own_phone + (1 - linked) * stranger * by_chance
    return np.where(is_older, by_chance / 10, fits)


def nobody_weight(ring: Ring, model: Model) -> float:
    """Return the unwanted and wrong calls per second on the number, from such a phone."""
    rate = model.nobody.get(ring.number, model.nobody_elsewhere)
    if ring.is_withheld:
        return rate
    if ring.is_known:
        return rate * model.nobody_known / max(ring.known_callers, 1)
    return rate * (1 - model.nobody_known)


def repeat_weights(ring: Ring, model: Model, befores: Sequence[Before]) -> list[float]:
    """Return the weight of "the caller of that earlier call rings again", for each of them.

    Of the calls from the same phone only the last one counts: it already carries those before it.
    """
    last = max((one.at for one in befores if one.same_caller), default=None)
    weights = []
    for one in befores:
        rate = repeat_rate(model, ring.at - one.at, ring.at)
        if ring.is_withheld:
            weights.append(rate / model.same_phone)
        elif one.same_caller:
            weights.append(rate if one.at == last else 0.0)
        else:
            weights.append(rate * model.other_phone * _stranger_fit(ring, model, one.region))
    return weights


def _stranger_fit(ring: Ring, model: Model, region: str) -> float:
    phone = model.known_caller / max(ring.known_callers, 1) if ring.is_known else 1 - model.known_caller
    return phone * area_odds(model, ring.region, region)
