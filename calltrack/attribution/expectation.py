"""Judge every call of a history under one model, in time order: the half of learning that looks at calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calltrack.attribution.acquaintances import Acquaintances
from calltrack.attribution.columns import visit_rates
from calltrack.attribution.densities import Floats, Model, tables_of
from calltrack.attribution.facts import Holding
from calltrack.attribution.history import Prepared, Truth, told_until
from calltrack.attribution.weights import Ring, nobody_weight, repeat_weights, visit_fits

# Visits less likely than this are not carried on to a later call, and not remembered as its caller.
CARRIED_FROM = 1e-3


@dataclass(frozen=True, slots=True)
class Judged:
    """One call: the shares of its own rows, of each call before, of nobody; and all of it per visit.

    `whole` is what a repetition carries on: visit (place) -> share, own and carried.
    """

    own: Floats
    repeats: Floats
    nobody: float
    whole: dict[int, float]
    whole_nobody: float
    is_known: bool
    linked: Floats
    taken: Floats


@dataclass(frozen=True, slots=True)
class Expectation:
    """Every call of a history, judged; `rates` are those of all rows, without and with a tap's part."""

    calls: tuple[Judged, ...]
    base: Floats
    rates: Floats


def expect(prepared: Prepared, model: Model) -> Expectation:
    """Judge the calls one after the other; each knows only what was known when it rang."""
    base, rates = _rates(prepared, model)
    known = Acquaintances()
    told, seen = prepared.history.told, 0
    judged: list[Judged] = []
    for place, call in enumerate(prepared.history.calls):
        upto = told_until(told, seen, call.at)
        for one in told[seen:upto]:
            known.reach(one.at)
            known.told_by_form(one.visitor, one.phone)
        seen = upto
        known.reach(call.at)
        found = _judge(prepared, model, rates, known, judged, place)
        known.told_by_call(call.caller, _per_visitor(prepared.visits, found))
        judged.append(found)
    return Expectation(tuple(judged), base, rates)


def _rates(prepared: Prepared, model: Model) -> tuple[Floats, Floats]:
    """Return each row's calls per second, without its tap and with it."""
    tables = tables_of(model, prepared.campaigns)
    rates = visit_rates(prepared.columns, tables)
    return rates - tables.tap[prepared.columns.tap], rates


def _judge(
    prepared: Prepared,
    model: Model,
    rates: Floats,
    known: Acquaintances,
    judged: Sequence[Judged],
    place: int,
) -> Judged:
    call = prepared.history.calls[place]
    rows = slice(prepared.starts[place], prepared.starts[place + 1])
    places = prepared.row_visits[rows].tolist()
    visitors = [prepared.visits[one].visitor for one in places]
    linked, taken = known.linked_to(call.caller), known.taken_from(call.caller, visitors)
    linked_, taken_ = (np.array([side.get(who, 0.0) for who in visitors]) for side in (linked, taken))
    ring = Ring(
        at=call.at,
        number=call.number,
        region=call.region,
        is_withheld=call.caller is None,
        is_known=known.is_known(call.caller),
        known_callers=known.known_callers(),
    )
    own = rates[rows] * visit_fits(ring, model, linked_, taken_, prepared.area[rows], prepared.is_older[rows])
    repeats = np.array(repeat_weights(ring, model, [one.before for one in prepared.befores[place]]))
    nobody = nobody_weight(ring, model)
    if truth := prepared.history.truths.get(place):
        own, repeats, nobody = _told(prepared, judged, place, truth, own, repeats, nobody)
    total = own.sum() + repeats.sum() + nobody
    own, repeats, nobody = own / total, repeats / total, nobody / total
    whole, whole_nobody = _whole(prepared, judged, place, own, repeats, nobody)
    return Judged(own, repeats, nobody, whole, whole_nobody, ring.is_known, linked_, taken_)


def _told(
    prepared: Prepared,
    judged: Sequence[Judged],
    place: int,
    truth: Truth,
    own: Floats,
    repeats: Floats,
    nobody: float,
) -> tuple[Floats, Floats, float]:
    """Return the weights of the explanations that agree with what is known for sure; all, if none does."""
    if truth.nobody:
        shares = [judged[one.place].whole_nobody for one in prepared.befores[place]]
        return own * 0.0, repeats * np.array(shares), nobody
    rows = slice(prepared.starts[place], prepared.starts[place + 1])
    meant = [_is_meant(prepared.visits[one], truth) for one in prepared.row_visits[rows].tolist()]
    shares = [
        sum(p for one, p in judged[before.place].whole.items() if _is_meant(prepared.visits[one], truth))
        for before in prepared.befores[place]
    ]
    left, again = own * np.array(meant, dtype=float), repeats * np.array(shares)
    return (left, again, 0.0) if left.sum() + again.sum() > 0 else (own, repeats, nobody)


def _is_meant(visit: Holding, truth: Truth) -> bool:
    return visit.visit == truth.visit if truth.visit else visit.visitor == truth.visitor


def _whole(
    prepared: Prepared,
    judged: Sequence[Judged],
    place: int,
    own: Floats,
    repeats: Floats,
    nobody: float,
) -> tuple[dict[int, float], float]:
    rows = np.flatnonzero(own >= CARRIED_FROM)
    at = prepared.starts[place]
    whole = dict(zip(prepared.row_visits[at + rows].tolist(), own[rows].tolist(), strict=True))
    truth = prepared.history.truths.get(place)
    if truth and truth.nobody:
        return {}, 1.0
    for before, share in zip(prepared.befores[place], repeats.tolist(), strict=True):
        if share < CARRIED_FROM:
            continue
        old = judged[before.place]
        nobody += share * old.whole_nobody
        for one, p in old.whole.items():
            whole[one] = whole.get(one, 0.0) + share * p
    if truth:
        whole = {one: p for one, p in whole.items() if _is_meant(prepared.visits[one], truth)} or whole
        return {one: p / sum(whole.values()) for one, p in whole.items()}, 0.0
    return whole, nobody


def _per_visitor(visits: Sequence[Holding], found: Judged) -> dict[str, float]:
    sums: dict[str, float] = {}
    for place, p in found.whole.items():
        sums[visits[place].visitor] = sums.get(visits[place].visitor, 0.0) + p
    return sums
