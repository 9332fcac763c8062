"""Calls whose visitor becomes known by something the posterior was denied: how sure was it, and was it right.

Hidden and then revealed: the phones that visitors typed into forms; a tap within seconds of the call, on a
number that only this visit had on screen; the other calls of a caller whom such a tap made known.

Who fills in forms is not who taps, and neither is everybody. A form names a person whatever she did before
her call, so these calls are the measure. A tap comes from an open page only, so what it reveals is always the
easy kind; its calls and their callers' are counted apart and never mixed in. All revealed calls were made by
some visitor, never by nobody: probabilities are compared as shares of what is left once nobody is ruled out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from calltrack.attribution.calibration import Outcome
from calltrack.attribution.densities import Model
from calltrack.attribution.expectation import CARRIED_FROM, Judged, expect
from calltrack.attribution.facts import ON_SCREEN_SECONDS, TAP_IS_LATE_SECONDS, Holding
from calltrack.attribution.history import History, Prepared, prepare

TAPPED_SECONDS: Final = 5.0
# A phone that more browsers typed is the company's own, or a joke.
MOST_BROWSERS: Final = 3
# Phones are hidden in so many parts, one after the other: a judge who knows nobody is not the one at work.
FOLDS: Final = 5
LEVELS: Final = ("visitor", "campaign", "source")


@dataclass(frozen=True, kw_only=True)
class Revealed:
    """What became known of the calls between two moments; `outcomes` by level, and for taps and callers."""

    calls: int
    known: int
    never_shown: int
    outcomes: Mapping[str, tuple[Outcome, ...]]


def reveal(history: History, model: Model, since: float, until: float) -> Revealed:
    """Judge the calls without what reveals them, and compare with what is revealed."""
    places = [place for place, call in enumerate(history.calls) if since <= call.at < until]
    outcomes: dict[str, list[Outcome]] = {level: [] for level in (*LEVELS, "tap", "caller")}
    never_shown = _by_forms(history, model, places, outcomes)
    _by_taps(history, model, places, outcomes)
    return Revealed(
        calls=len(places),
        known=len(outcomes["visitor"]),
        never_shown=never_shown,
        outcomes={level: tuple(found) for level, found in outcomes.items()},
    )


def _by_forms(
    history: History, model: Model, places: Sequence[int], outcomes: dict[str, list[Outcome]]
) -> int:
    typists: dict[str, set[str]] = {}
    for one in history.told:
        typists.setdefault(one.phone, set()).add(one.visitor)
    asked = [
        (place, who)
        for place in places
        if 0 < len(who := typists.get(history.calls[place].caller or "", set())) <= MOST_BROWSERS
    ]
    if not asked:
        return 0
    prepared = prepare(replace(history, truths={}))
    folds = {place: fold_of(history.calls[place].caller or "") for place, _ in asked}
    found = {fold: _judged_without(prepared, model, fold) for fold in set(folds.values())}
    never_shown = 0
    for place, who in asked:
        shown = _shown_to(prepared, place, who)
        if not shown:
            never_shown += 1
            continue
        judged = found[folds[place]][place]
        outcomes["visitor"].append(_visitor(prepared, judged, who))
        for level in ("campaign", "source"):
            meant = {getattr(one, level) for one in shown}
            if len(meant) == 1:
                sums = _sums(prepared, judged, place, level)
                outcomes[level].append(_outcome(sums, judged.whole_nobody, meant))
    return never_shown


def fold_of(phone: str) -> int:
    """Return which part of the phones this one is hidden with."""
    return hashlib.sha256(phone.encode()).digest()[0] % FOLDS


def _judged_without(prepared: Prepared, model: Model, fold: int) -> tuple[Judged, ...]:
    """Judge all calls as if one part of the phones had never been typed; the others stay known."""
    told = tuple(one for one in prepared.history.told if fold_of(one.phone) != fold)
    return expect(replace(prepared, history=replace(prepared.history, told=told)), model).calls


def _by_taps(
    history: History, model: Model, places: Sequence[int], outcomes: dict[str, list[Outcome]]
) -> None:
    tapped = tapped_calls(history)
    callers = {
        caller: visit.visitor for place, visit in tapped.items() if (caller := history.calls[place].caller)
    }
    asked = [place for place in places if place in tapped or history.calls[place].caller in callers]
    if not asked:
        return
    hidden = {visit.visit for visit in tapped.values()}
    holdings = {
        number: tuple(replace(one, taps=()) if one.visit in hidden else one for one in rows)
        for number, rows in history.holdings.items()
    }
    prepared = prepare(replace(history, holdings=holdings, told=(), truths={}))
    found = expect(prepared, model).calls
    for place in asked:
        kind = "tap" if place in tapped else "caller"
        who = tapped[place].visitor if place in tapped else callers[history.calls[place].caller or ""]
        if _shown_to(prepared, place, {who}):
            outcomes[kind].append(_visitor(prepared, found[place], {who}))


def tapped_calls(history: History) -> dict[int, Holding]:
    """Return the calls that a tap gives away: place -> the only visit that had the number on screen."""
    found = {}
    rows = {number: sorted(one, key=lambda row: row.shown_from) for number, one in history.holdings.items()}
    for place, call in enumerate(history.calls):
        on_screen = [
            one
            for one in rows.get(call.number, ())
            if one.shown_from <= call.at <= one.last_seen + ON_SCREEN_SECONDS
            and call.at <= one.screen_until()
        ]
        if len(on_screen) == 1 and any(
            -TAP_IS_LATE_SECONDS <= call.at - tap <= TAPPED_SECONDS for tap in on_screen[0].taps
        ):
            found[place] = on_screen[0]
    return found


def _shown_to(prepared: Prepared, place: int, who: Collection[str]) -> list[Holding]:
    """Return the visits of these visitors that had been shown the dialled number."""
    rows = prepared.row_visits[prepared.starts[place] : prepared.starts[place + 1]].tolist()
    return [visit for one in rows if (visit := prepared.visits[one]).visitor in who]


def _visitor(prepared: Prepared, judged: Judged, who: Collection[str]) -> Outcome:
    sums: dict[str, float] = {}
    for one, p in judged.whole.items():
        visitor = prepared.visits[one].visitor
        sums[visitor] = sums.get(visitor, 0.0) + p
    return _outcome(sums, judged.whole_nobody, who)


def _sums(prepared: Prepared, judged: Judged, place: int, level: str) -> dict[str, float]:
    """Return the shares per campaign or source; also of visits that are too unlikely to be carried on."""
    sums: dict[str, float] = {}
    rows = prepared.row_visits[prepared.starts[place] : prepared.starts[place + 1]]
    carried = dict(judged.whole)
    for one, p in zip(rows.tolist(), judged.own.tolist(), strict=True):
        key = getattr(prepared.visits[one], level)
        sums[key] = sums.get(key, 0.0) + p
        if p >= CARRIED_FROM:
            carried[one] -= p
    for one, p in carried.items():
        key = getattr(prepared.visits[one], level)
        sums[key] = sums.get(key, 0.0) + p
    return sums


def _outcome(sums: Mapping[str, float], nobody: float, meant: Collection[str]) -> Outcome:
    """Return how sure the likeliest answer was, nobody ruled out, and whether it was meant."""
    top, p = max(sums.items(), key=lambda item: (item[1], item[0]), default=("", 0.0))
    return Outcome(float(np.clip(p / max(1.0 - nobody, 1e-9), 0.0, 1.0)), top in meant)
