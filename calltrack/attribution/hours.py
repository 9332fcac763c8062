"""Learn the clock: how much people phone at each hour of the week, apart from when they visit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from calltrack.attribution.densities import (
    FORGOTTEN,
    GONE_EDGES,
    HOUR,
    HOURS_OF_WEEK,
    LATER,
    ON_SCREEN_STATES,
    PHASE_OF_STATE,
    REPEAT_EDGES,
    REPEATS_BY_CLOCK,
    Floats,
    Model,
    bin_of,
    hour_of_week,
    tables_of,
)
from calltrack.attribution.expectation import Expectation
from calltrack.attribution.exposure import Exposure, row_factors
from calltrack.attribution.history import Prepared

# Imagined calls: of each hour of the day, each day of the week, each hour of the week.
IMAGINED_HOUR, IMAGINED_DAY, IMAGINED_CELL = 2.0, 8.0, 6.0
LEAST = 0.01


def learn_clock(
    prepared: Prepared, exposure: Exposure, found: Expectation, by_state: Floats, model: Model
) -> Model:
    """Divide the later calls of each hour by those that age alone would lead to."""
    seen = _seen(prepared, found, by_state)
    hoped = _hoped(prepared, exposure, model)
    hoped *= (seen.sum() + 1.0) / (hoped.sum() + 1.0)
    clock = _smoothed(seen, hoped)
    return replace(model, clock=tuple((clock / clock.mean()).tolist()))


def _seen(prepared: Prepared, found: Expectation, by_state: Floats) -> Floats:
    later = PHASE_OF_STATE[prepared.columns.state] == LATER
    seen = np.zeros(HOURS_OF_WEEK)
    np.add.at(seen, prepared.columns.hour[later], by_state[later])
    for call, judged, befores in zip(prepared.history.calls, found.calls, prepared.befores, strict=True):
        hour = hour_of_week(call.at)
        for before, share in zip(befores, judged.repeats.tolist(), strict=True):
            if REPEATS_BY_CLOCK[bin_of(REPEAT_EDGES, call.at - before.before.at)]:
                seen[hour] += share
    return seen


def _hoped(prepared: Prepared, exposure: Exposure, model: Model) -> Floats:
    """Spread visits and calls over the hours after them by the rates of their age, all hours equal."""
    began, until = prepared.history.began, prepared.history.until
    first = int(began // HOUR)
    hours = max(int(until // HOUR) - first + 1, 1)
    tables = tables_of(model, prepared.campaigns)
    weights = row_factors(exposure, tables)[len(exposure.age_from) :, LATER]
    left = np.clip((exposure.age_from // HOUR).astype(np.intp) - first, 0, hours - 1)
    visits = np.bincount(left, weights=weights, minlength=hours)
    rung = np.array([int(call.at // HOUR) - first for call in prepared.history.calls], dtype=np.intp)
    calls = np.bincount(np.clip(rung, 0, hours - 1), minlength=hours).astype(float)
    ages = np.arange(min(int(FORGOTTEN // HOUR), hours)) * HOUR + HOUR / 2
    gone = np.searchsorted(GONE_EDGES, ages, side="right") - 1
    again = np.searchsorted(REPEAT_EDGES, ages, side="right") - 1
    late = PHASE_OF_STATE[ON_SCREEN_STATES + gone] == LATER
    by_visit = np.where(late, np.array(model.gone)[gone], 0.0)
    by_call = np.where(np.array(REPEATS_BY_CLOCK)[again], np.array(model.repeat)[again], 0.0)
    spread = np.convolve(visits, by_visit)[:hours] + np.convolve(calls, by_call)[:hours]
    folded = np.zeros(HOURS_OF_WEEK)
    np.add.at(folded, (np.arange(hours) + first) % HOURS_OF_WEEK, spread * HOUR)
    return folded


def _smoothed(seen: Floats, hoped: Floats) -> Floats:
    """Return calls over hopes: by hour of the day, by day of the week, and by both where calls are many."""
    days, wanted = seen.reshape(7, 24), hoped.reshape(7, 24)
    hour = (days.sum(axis=0) + IMAGINED_HOUR) / (wanted.sum(axis=0) + IMAGINED_HOUR)
    day = (days.sum(axis=1) + IMAGINED_DAY) / ((wanted * hour).sum(axis=1) + IMAGINED_DAY)
    both = np.maximum(day[:, None] * hour[None, :], LEAST)
    cell = both * (days + IMAGINED_CELL) / (wanted * both + IMAGINED_CELL)
    clock: Floats = np.maximum(cell, LEAST).reshape(HOURS_OF_WEEK)
    return clock
