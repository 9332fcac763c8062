"""How long visits, taps and calls stood in each state: what the calls of a state are divided by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from calltrack.attribution.densities import (
    DWELL_EDGES,
    FACTORS,
    FORGOTTEN,
    GONE_EDGES,
    HOUR,
    HOURS_OF_WEEK,
    LATER,
    ON_SCREEN_EDGES,
    ON_SCREEN_STATES,
    PHASE_OF_STATE,
    REPEAT_EDGES,
    REPEATS_BY_CLOCK,
    STATES,
    TAP_EDGES,
    TAP_END,
    Floats,
    Ints,
    Tables,
)
from calltrack.attribution.facts import MOBILE, Holding
from calltrack.attribution.history import Prepared


@dataclass(frozen=True, slots=True)
class Exposure:
    """Two rows per visit: on screen before it saw a contact page, and all the rest.

    `seconds`: row x state, as plain seconds on screen and soon after; the later states are in hours of the
    clock and are filled in by `later_seconds`.
    """

    seconds: Floats
    classes: Mapping[str, Ints]
    campaign: Ints
    gone_from: Floats
    age_from: Floats
    until: float


def exposure_of(prepared: Prepared) -> Exposure:
    """Lay out how long each visit stood in each state until the history's end."""
    visits, until = prepared.visits, prepared.history.until
    shown = np.array([one.shown_from for one in visits])
    seen = np.array([one.last_seen for one in visits])
    ends = np.minimum(np.array([one.screen_until() for one in visits]), until)
    contact = np.array([until if one.contact_at is None else one.contact_at for one in visits])
    split = np.clip(contact, shown, ends)
    count = len(visits)
    seconds = np.zeros((2 * count, STATES))
    seconds[:count, :ON_SCREEN_STATES] = _overlap(ON_SCREEN_EDGES, np.inf, shown * 0, split - shown)
    seconds[count:, :ON_SCREEN_STATES] = _overlap(ON_SCREEN_EDGES, np.inf, split - shown, ends - shown)
    gone = _overlap(GONE_EDGES, FORGOTTEN, ends - seen, np.maximum(until - seen, ends - seen))
    seconds[count:, ON_SCREEN_STATES:] = gone
    rows = {name: row for row, name in enumerate(prepared.campaigns)}
    return Exposure(
        seconds=seconds,
        classes=_classes(visits, until),
        campaign=np.tile(np.array([rows[one.campaign] for one in visits], dtype=np.intp), 2),
        gone_from=ends,
        age_from=seen,
        until=until,
    )


def expected_calls(exposure: Exposure, tables: Tables) -> Floats:
    """Return the calls that a model expects of each row in each state."""
    seconds = exposure.seconds.copy()
    count = len(exposure.gone_from)
    later = np.flatnonzero(PHASE_OF_STATE == LATER)
    seconds[count:, later] = _later_seconds(exposure, tables.clock, later - ON_SCREEN_STATES)
    expected: Floats = seconds * tables.state * row_factors(exposure, tables)[:, PHASE_OF_STATE]
    return expected


def row_factors(exposure: Exposure, tables: Tables) -> Floats:
    """Return the product of all factors, per row and phase."""
    product: Floats = tables.campaigns[exposure.campaign]
    for name, table in tables.factors.items():
        product *= table[:, exposure.classes[name]].T
    return product


def tap_seconds(visits: Sequence[Holding], until: float) -> Floats:
    """Return how long taps were of each age, a tap counting until the next one."""
    total = np.zeros(len(TAP_EDGES))
    taps = [(tap, following) for one in visits for tap, following in pairwise((*one.taps, until))]
    if taps:
        begin, end = np.array(taps).T
        ages = np.minimum(end, until) - begin
        total += _overlap(TAP_EDGES, TAP_END, ages * 0, ages).sum(axis=0)
    return total


def repeat_seconds(prepared: Prepared, clock: Floats) -> Floats:
    """Return how long calls were their caller's last one to the number, by age, late ones on the clock."""
    calls, until = prepared.history.calls, prepared.history.until
    following: dict[tuple[str, str], float] = {}
    starts, ends = [], []
    for call in reversed(calls):
        if call.caller is not None:
            starts.append(call.at)
            ends.append(following.get((call.number, call.caller), until))
            following[call.number, call.caller] = call.at
    begun, ended = np.array(starts), np.array(ends)
    plain = _overlap(REPEAT_EDGES, FORGOTTEN, begun * 0, ended - begun).sum(axis=0)
    by_clock = _clocked(REPEAT_EDGES, begun, begun, ended, clock).sum(axis=0)
    seconds: Floats = np.where(REPEATS_BY_CLOCK, by_clock, plain)
    return seconds


def _later_seconds(exposure: Exposure, clock: Floats, bins: Ints) -> Floats:
    ends = np.full(len(exposure.gone_from), exposure.until)
    return _clocked(GONE_EDGES, exposure.age_from, exposure.gone_from, ends, clock)[:, bins]


def _clocked(edges: Sequence[float], zero: Floats, begin: Floats, end: Floats, clock: Floats) -> Floats:
    """Return the seconds in each age bin between two moments, by the clock; age 0 is at `zero`."""
    bounds = zero[:, None] + np.array([*edges, FORGOTTEN])
    reached = _on_the_clock(np.clip(bounds, begin[:, None], np.maximum(end, begin)[:, None]), clock)
    return np.diff(reached, axis=1)


def _on_the_clock(moments: Floats, clock: Floats) -> Floats:
    """Return how far the clock has come at each moment."""
    passed = np.concatenate([[0.0], np.cumsum(clock)]) * HOUR
    hours = moments / HOUR
    weeks, hour = np.divmod(hours, HOURS_OF_WEEK)
    whole = np.minimum(hour.astype(np.intp), HOURS_OF_WEEK - 1)
    reached: Floats = weeks * passed[-1] + passed[whole] + (hour - whole) * HOUR * clock[whole]
    return reached


def _overlap(edges: Sequence[float], last: float, begin: Floats, end: Floats) -> Floats:
    """Return the seconds between two ages that fall into each bin."""
    bounds = np.array([*edges, last])
    reached = np.clip(bounds[None, :], begin[:, None], np.maximum(end, begin)[:, None])
    return np.diff(reached, axis=1)


def _classes(visits: Sequence[Holding], until: float) -> dict[str, Ints]:
    stayed = np.array([one.last_seen - one.shown_from for one in visits])
    contact = np.array([one.contact_at is not None and one.contact_at <= until for one in visits])
    ever = {
        "dwell": np.searchsorted(DWELL_EDGES, stayed, side="right"),
        "contact": contact.astype(np.intp),
        "device": np.array([one.device == MOBILE for one in visits], dtype=np.intp),
        "returning": np.array([one.returning for one in visits], dtype=np.intp),
        "copied": np.array([one.copied_at is not None for one in visits], dtype=np.intp),
    }
    assert set(ever) == set(FACTORS)
    before = dict(ever) | {"contact": np.zeros(len(visits), dtype=np.intp)}
    return {name: np.concatenate([before[name], ever[name]]) for name in FACTORS}
