"""What learning reads: weeks of visits, calls and told phones, made ready to be judged many times over."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from calltrack.attribution.columns import Columns, columns_at, joined, known_at
from calltrack.attribution.densities import Floats, Ints
from calltrack.attribution.facts import CallAt, Holding
from calltrack.attribution.weights import Before, Truths, areas_of

# A call may repeat any of so many calls before it on the same number, and the caller's own last one.
MOST_BEFORE = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A form or a customer record told whose phone it is."""

    at: float
    visitor: str
    phone: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Truth:
    """What is known for sure of a call: its visitor, or even its visit, or that it was nobody's."""

    visit: str = ""
    visitor: str = ""
    nobody: bool = False


@dataclass(frozen=True, kw_only=True)
class History:
    """One company's visits per number, calls in time order, and what was told, until a moment.

    `truths`: place of a call in `calls` -> what is known of it for sure.
    """

    holdings: Mapping[str, Sequence[Holding]]
    calls: Sequence[CallAt]
    told: Sequence[Told] = ()
    truths: Mapping[int, Truth] = field(default_factory=dict)
    began: float
    until: float


@dataclass(frozen=True, slots=True)
class CallBefore:
    """An earlier call in the history."""

    place: int
    before: Before


@dataclass(frozen=True, slots=True)
class Prepared:
    """The history as arrays. Call k has the rows `starts[k]:starts[k + 1]`, one per visit that it may be."""

    history: History
    visits: tuple[Holding, ...]
    """All visits; `row_visits` says which of them a row is."""
    row_visits: Ints
    columns: Columns
    starts: tuple[int, ...]
    area: Ints
    """How each row's region compares with the caller's (see `weights.areas_of`)."""
    is_older: Truths
    befores: tuple[tuple[CallBefore, ...], ...]
    campaigns: tuple[str, ...]
    """In the order of the rows that `columns.campaign` means."""


def prepare(history: History) -> Prepared:
    """Lay the history out: what each call sees of the visits before it, and of the calls before it."""
    names = sorted({one.campaign for rows in history.holdings.values() for one in rows})
    campaign_rows = {name: row for row, name in enumerate(names)}
    places: dict[int, int] = {}
    visits: list[Holding] = []
    for rows in history.holdings.values():
        for one in rows:
            places[id(one)] = len(visits)
            visits.append(one)
    parts, row_visits, area, is_older, starts = [], [], [], [], [0]
    befores = _befores(history.calls)
    for call, before in zip(history.calls, befores, strict=True):
        holders = known_at(history.holdings.get(call.number, ()), call.at)
        last = max((one.before.at for one in before if one.before.same_caller), default=-np.inf)
        parts.append(columns_at(holders, call.at, campaign_rows))
        row_visits.append(np.array([places[id(one)] for one in holders], dtype=np.intp))
        area.append(areas_of([one.region for one in holders], call.region))
        is_older.append(np.array([one.shown_from <= last for one in holders], dtype=bool))
        starts.append(starts[-1] + len(holders))
    return Prepared(
        history=history,
        visits=tuple(visits),
        row_visits=_all(row_visits, np.intp),
        columns=joined(parts) if parts else columns_at([], 0.0, campaign_rows),
        starts=tuple(starts),
        area=_all(area, np.intp),
        is_older=_all(is_older, bool),
        befores=befores,
        campaigns=tuple(names),
    )


def _befores(calls: Sequence[CallAt]) -> tuple[tuple[CallBefore, ...], ...]:
    by_number: dict[str, list[int]] = {}
    last_of: dict[tuple[str, str], int] = {}
    found = []
    for place, call in enumerate(calls):
        recent = by_number.setdefault(call.number, [])
        own = last_of.get((call.number, call.caller)) if call.caller else None
        chosen = recent[-MOST_BEFORE:]
        if own is not None and (not chosen or own < chosen[0]):
            chosen = [own, *chosen]
        found.append(tuple(_before(calls, one, call) for one in chosen))
        recent.append(place)
        if call.caller:
            last_of[call.number, call.caller] = place
    return tuple(found)


def _before(calls: Sequence[CallAt], place: int, call: CallAt) -> CallBefore:
    one = calls[place]
    same = call.caller is not None and one.caller == call.caller
    return CallBefore(place, Before(one.at, one.region, same))


def _all(parts: Sequence[Ints | Floats | Truths], kind: type) -> np.ndarray:
    return np.concatenate(parts).astype(kind) if parts else np.zeros(0, dtype=kind)


def told_until(told: Sequence[Told], seen: int, at: float) -> int:
    """Return how many of `told` (in time order) had been told by then, of which `seen` are known already."""
    return bisect_left(told, at, lo=seen, key=lambda one: one.at)
