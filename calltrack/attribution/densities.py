"""The learnt numbers behind a posterior: how many calls per second each state of a visit leads to.

A state is an age bin on screen or after; rates of later calls follow the hours at which people phone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

HOUR, DAY = 3600.0, 86_400.0
HOURS_OF_WEEK = 168
# Seconds on screen so far, seconds since the last sign of life, since the tap, since the earlier call.
ON_SCREEN_EDGES = (0.0, 30.0, 120.0, 600.0)
GONE_EDGES = (
    0.0, 15.0, 30.0, 60.0, 120.0, 240.0, 480.0, 900.0, 1800.0, 3600.0, 2 * HOUR, 3 * HOUR, 4.5 * HOUR,
    7 * HOUR, 10 * HOUR, 14 * HOUR, 19 * HOUR, DAY, 1.5 * DAY, 2.5 * DAY, 4 * DAY, 7 * DAY, 14 * DAY,
)  # fmt: skip
TAP_EDGES = (0.0, 5.0, 10.0, 20.0, 60.0)
REPEAT_EDGES = (0.0, 60.0, 300.0, 900.0, HOUR, 4 * HOUR, 12 * HOUR, DAY, 3 * DAY, 7 * DAY)
# Where the last bin of each ends; a tap is forgotten after its last bin, a visit and a call after 40 days.
TAP_END, FORGOTTEN = 300.0, 40 * DAY
ON_SCREEN_STATES = len(ON_SCREEN_EDGES)
STATES = ON_SCREEN_STATES + len(GONE_EDGES)
# Phases: on screen, gone for less than half an hour, gone for longer.
ON_SCREEN, SOON, LATER = range(3)
SOON_SECONDS = 1800.0
PHASES = 3
NEUTRAL = (1.0,) * PHASES
PHASE_OF_STATE = np.array(
    [ON_SCREEN] * ON_SCREEN_STATES + [SOON if edge < SOON_SECONDS else LATER for edge in GONE_EDGES]
)
# A repetition this long after the call before comes at the hours people phone.
REPEATS_BY_CLOCK = tuple(edge >= HOUR for edge in REPEAT_EDGES)
# What a visit shows of itself: the classes of each, in the order of a factor's values.
DWELL_EDGES = (10.0, 60.0, 300.0)
FACTORS = {"dwell": 4, "contact": 2, "device": 2, "returning": 2, "copied": 2}

PerPhase = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Model:
    """Every number that a posterior needs; equal models give equal posteriors.

    Rates are per second. Factors are per phase (on screen, soon, later) and class, around 1.
    """

    version: str
    on_screen: tuple[float, ...]
    gone: tuple[float, ...]
    tap: tuple[float, ...]
    repeat: tuple[float, ...]
    """A caller's next call from the same phone, by the time since the one before."""
    factors: Mapping[str, PerPhase]
    campaigns: Mapping[str, tuple[float, ...]]
    """Campaign -> factor per phase; a campaign that is not in it counts as 1."""
    nobody: Mapping[str, float]
    """Number -> unwanted and wrong calls."""
    nobody_elsewhere: float
    area_match: float
    """How often a caller's region is the visit's for that reason alone, where both are known."""
    areas: Mapping[str, float]
    """Region -> share of calls otherwise."""
    area_elsewhere: float
    clock: tuple[float, ...]
    """Hour of the week -> how much people phone then; 1 on average."""
    known_caller: float
    """How often a first call comes from a phone that is known already, and not as this visitor's."""
    own_phone: float
    """How often a visitor whose phone is known calls from it."""
    nobody_known: float
    """How often nobody's call comes from a known phone."""
    other_phone: float = 0.12
    """Repetitions from another phone, as a share of those from the same one."""
    same_phone: float = 0.86
    calls_learnt: float = 0.0

    @cached_property
    def tables(self) -> Tables:
        """The same numbers, ready to be looked up by arrays."""
        return tables_of(self, sorted(self.campaigns))

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as a row stores them."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Model:
        """Read what `to_json` wrote, also after it went through JSON."""
        plain = {name: _frozen(value) for name, value in stored.items()}
        return cls(**plain)


def _frozen(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_frozen(one) for one in value)
    if isinstance(value, dict):
        return {name: _frozen(one) for name, one in value.items()}
    return value


@dataclass(frozen=True, slots=True)
class Tables:
    """A model as arrays. `campaign_rows`: name -> row of `campaigns`, whose last row is for all others."""

    state: Floats
    tap: Floats
    repeat: Floats
    factors: Mapping[str, Floats]
    campaigns: Floats
    campaign_rows: Mapping[str, int]
    clock: Floats


def tables_of(model: Model, names: Sequence[str]) -> Tables:
    """Return the model's numbers as arrays, with a row for each of these campaigns.

    A tap of no age (the bin after the last) adds nothing.
    """
    rows = [model.campaigns.get(name, NEUTRAL) for name in names]
    return Tables(
        state=np.array((*model.on_screen, *model.gone)),
        tap=np.array((*model.tap, 0.0)),
        repeat=np.array(model.repeat),
        factors={name: np.array(values) for name, values in model.factors.items()},
        campaigns=np.array([*rows, NEUTRAL]),
        campaign_rows={name: row for row, name in enumerate(names)},
        clock=np.array(model.clock),
    )


def hour_of_week(at: float) -> int:
    """Return the hour of the week, counted from second 0 of the axis."""
    return int(at // HOUR) % HOURS_OF_WEEK


def bin_of(edges: tuple[float, ...], seconds: float) -> int:
    """Return the bin that so many seconds fall into; less than none counts as none."""
    return max(bisect_right(edges, seconds) - 1, 0)


def repeat_rate(model: Model, since: float, at: float) -> float:
    """Return the calls per second, from the same phone, of somebody who called `since` seconds ago."""
    if since >= FORGOTTEN or since < 0:
        return 0.0
    place = bin_of(REPEAT_EDGES, since)
    hours = model.clock[hour_of_week(at)] if REPEATS_BY_CLOCK[place] else 1.0
    return model.repeat[place] * hours


def area_odds(model: Model, region: str, other: str) -> float:
    """Return how much likelier a call from `region` is when the visit, or the call before, was from `other`.

    1 where either is unknown: then the regions say nothing. Else P(region | other) / P(region), where
    P(region | other) = p_m [region = other] + (1 - p_m) P(region), with p_m the model's `area_match`.
    """
    if not region or not other:
        return 1.0
    by_chance = 1 - model.area_match
    if region != other:
        return by_chance
    return by_chance + model.area_match / model.areas.get(region, model.area_elsewhere)
