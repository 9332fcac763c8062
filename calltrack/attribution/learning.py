"""Learn a company's model from its own visits and calls, without being told who called.

Judge all calls under the model, set each rate to the calls it explains over the time it stood, repeat. Every
rate is held back towards the model it starts from by a few imagined calls: little data changes little.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from calltrack.attribution.columns import NO_TAP
from calltrack.attribution.densities import (
    DAY,
    FACTORS,
    GONE_EDGES,
    HOUR,
    ON_SCREEN_STATES,
    PHASE_OF_STATE,
    PHASES,
    REPEAT_EDGES,
    STATES,
    TAP_EDGES,
    Floats,
    Model,
    bin_of,
    tables_of,
)
from calltrack.attribution.expectation import Expectation, expect
from calltrack.attribution.exposure import (
    Exposure,
    expected_calls,
    exposure_of,
    repeat_seconds,
    tap_seconds,
)
from calltrack.attribution.history import History, Prepared, prepare
from calltrack.attribution.hours import learn_clock
from calltrack.attribution.phones import learn_phones
from calltrack.attribution.smoothing import falling

# Fewer, and calls of the day after are still told too rarely: they are the last to find their rate.
ROUNDS = 12
# Imagined calls: of each rate, of a factor, of a campaign, of nobody on a number.
IMAGINED, IMAGINED_FACTOR, IMAGINED_CAMPAIGN, IMAGINED_NOBODY = 3.0, 8.0, 5.0, 0.7
# Few calls are spread too thin over the many late states: more are imagined of each until there are enough.
IMAGINED_LATE, ENOUGH, LATE_SECONDS = 20.0, 30.0, 4 * HOUR
# From this age on a visit's calls only become fewer.
FALLING_FROM_SECONDS = 480.0


def learn(history: History, start: Model, version: str, rounds: int = ROUNDS) -> Model:
    """Return the model that the history teaches, starting from (and held back towards) `start`."""
    if not history.calls:
        return replace(start, version=version)
    prepared = prepare(history)
    exposure = exposure_of(prepared)
    model = start
    for _ in range(rounds):
        model = _improved(prepared, exposure, model, start)
    return replace(model, version=version, calls_learnt=float(len(history.calls)))


def _improved(prepared: Prepared, exposure: Exposure, model: Model, start: Model) -> Model:
    found = expect(prepared, model)
    own = np.concatenate([one.own for one in found.calls])
    by_state = own * found.base / np.maximum(found.rates, 1e-300)
    model = _learn_states(prepared, exposure, model, start, by_state)
    model = _learn_factors(prepared, exposure, model, start, by_state)
    model = _learn_campaigns(prepared, exposure, model, by_state)
    model = _learn_taps(prepared, model, start, own - by_state)
    model = _learn_repeats(prepared, found, model, start)
    model = learn_phones(prepared, found, own, model, start)
    model = learn_clock(prepared, exposure, found, by_state, model)
    return _learn_nobody(prepared, found, model, start)


def _learn_states(
    prepared: Prepared, exposure: Exposure, model: Model, start: Model, by_state: Floats
) -> Model:
    tables = tables_of(model, prepared.campaigns)
    seen = np.bincount(prepared.columns.state, weights=by_state, minlength=STATES)
    now = np.array((*model.on_screen, *model.gone))
    then = np.array((*start.on_screen, *start.gone))
    stood = expected_calls(exposure, tables).sum(axis=0) / now
    # The start may be wrong about how many call at all; only its shape holds back.
    scale = (seen.sum() + IMAGINED) / ((then * stood).sum() + IMAGINED)
    imagined = np.full(STATES, IMAGINED)
    late = max(IMAGINED_LATE * min(1.0, ENOUGH / max(seen.sum(), 1.0)), IMAGINED)
    imagined[ON_SCREEN_STATES:][np.array(GONE_EDGES) >= LATE_SECONDS] = late
    rates = (seen + imagined) / (stood + imagined / (then * scale))
    gone = rates[ON_SCREEN_STATES:]
    tail = np.array(GONE_EDGES) >= FALLING_FROM_SECONDS
    gone[tail] = falling(gone[tail], stood[ON_SCREEN_STATES:][tail] + 1.0)
    return replace(model, on_screen=tuple(rates[:ON_SCREEN_STATES].tolist()), gone=tuple(gone.tolist()))


def _learn_factors(
    prepared: Prepared, exposure: Exposure, model: Model, start: Model, by_state: Floats
) -> Model:
    phases = PHASE_OF_STATE[prepared.columns.state]
    for name, classes in FACTORS.items():
        tables = tables_of(model, prepared.campaigns)
        expected = _by_phase(expected_calls(exposure, tables))
        place = getattr(prepared.columns, name)
        table = np.array(model.factors[name])
        first = np.array(start.factors[name])
        for phase in range(PHASES):
            if len(set(first[phase].tolist())) == 1:
                continue  # A feature that the start does not look at in this phase.
            seen = np.bincount(place[phases == phase], weights=by_state[phases == phase], minlength=classes)
            hoped = np.bincount(exposure.classes[name], weights=expected[:, phase], minlength=classes)
            held = IMAGINED_FACTOR
            table[phase] *= (seen + held) / (hoped + held * table[phase] / first[phase])
        model = replace(model, factors={**model.factors, name: tuple(map(tuple, table.tolist()))})
    return model


def _learn_campaigns(prepared: Prepared, exposure: Exposure, model: Model, by_state: Floats) -> Model:
    tables = tables_of(model, prepared.campaigns)
    count = len(prepared.campaigns)
    hoped = np.bincount(
        exposure.campaign, weights=expected_calls(exposure, tables).sum(axis=1), minlength=count
    )
    seen = np.bincount(prepared.columns.campaign, weights=by_state, minlength=count)
    factor = tables.campaigns[:count, 0]
    factor = factor * (seen + IMAGINED_CAMPAIGN) / (hoped + IMAGINED_CAMPAIGN * factor)
    learnt = {
        name: (value,) * PHASES for name, value in zip(prepared.campaigns, factor.tolist(), strict=True)
    }
    return replace(model, campaigns={**model.campaigns, **learnt})


def _learn_taps(prepared: Prepared, model: Model, start: Model, by_tap: Floats) -> Model:
    seen = np.bincount(prepared.columns.tap, weights=by_tap, minlength=NO_TAP + 1)[: len(TAP_EDGES)]
    stood = tap_seconds(prepared.visits, prepared.history.until)
    rates = (seen + IMAGINED) / (stood + IMAGINED / np.array(start.tap))
    return replace(model, tap=tuple(rates.tolist()))


def _learn_repeats(prepared: Prepared, found: Expectation, model: Model, start: Model) -> Model:
    seen = np.zeros(len(REPEAT_EDGES))
    for call, judged, befores in zip(prepared.history.calls, found.calls, prepared.befores, strict=True):
        for before, share in zip(befores, judged.repeats.tolist(), strict=True):
            if before.before.same_caller:
                seen[bin_of(REPEAT_EDGES, call.at - before.before.at)] += share
    stood = repeat_seconds(prepared, np.array(model.clock))
    rates = (seen + IMAGINED) / (stood + IMAGINED / np.array(start.repeat))
    return replace(model, repeat=tuple(rates.tolist()))


def _learn_nobody(prepared: Prepared, found: Expectation, model: Model, start: Model) -> Model:
    """Learn unwanted calls per number, each held back towards the average of all."""
    history = prepared.history
    seen = dict.fromkeys(history.holdings, 0.0)
    for call, judged in zip(history.calls, found.calls, strict=True):
        seen[call.number] = seen.get(call.number, 0.0) + judged.nobody
    stood = max(history.until - history.began, DAY)
    total = sum(seen.values())
    mean = (total + 1.0) / (len(seen) * stood + 1.0 / start.nobody_elsewhere)
    rates = {
        number: (calls + IMAGINED_NOBODY) / (stood + IMAGINED_NOBODY / mean) for number, calls in seen.items()
    }
    return replace(model, nobody=rates, nobody_elsewhere=mean)


def _by_phase(expected: Floats) -> Floats:
    return np.stack([expected[:, phase == PHASE_OF_STATE].sum(axis=1) for phase in range(PHASES)], axis=1)
