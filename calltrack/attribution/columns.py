"""What the visits that saw a number look like at the moment of a call: one array per feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from calltrack.attribution.densities import (
    DWELL_EDGES,
    FORGOTTEN,
    GONE_EDGES,
    LATER,
    ON_SCREEN_EDGES,
    ON_SCREEN_STATES,
    PHASE_OF_STATE,
    TAP_EDGES,
    TAP_END,
    Floats,
    Ints,
    Tables,
    hour_of_week,
)
from calltrack.attribution.facts import MOBILE, ON_SCREEN_SECONDS, TAP_IS_LATE_SECONDS, Holding

NO_TAP = len(TAP_EDGES)
_ORDER = attrgetter("shown_from", "visit")
_NAMES = (
    "shown_from", "last_seen", "left", "taps", "copied_at", "contact_at", "device", "returning", "campaign",
)  # fmt: skip
_VALUES = attrgetter(*_NAMES)


@dataclass(frozen=True, slots=True)
class Columns:
    """One row per visit, as bins and classes of `densities`."""

    state: Ints
    tap: Ints
    dwell: Ints
    contact: Ints
    device: Ints
    returning: Ints
    copied: Ints
    campaign: Ints
    hour: Ints
    """The hour of the week of the call."""


def known_at(holdings: Sequence[Holding], at: float) -> list[Holding]:
    """Return the visits that were shown the number by then and are not forgotten, in a settled order."""
    oldest = at - FORGOTTEN
    return sorted((one for one in holdings if one.shown_from <= at and one.last_seen > oldest), key=_ORDER)


def columns_at(holdings: Sequence[Holding], at: float, campaign_rows: Mapping[str, int]) -> Columns:
    """Describe each visit as it stood at that moment; nothing that came later is looked at."""
    count, other = len(holdings), len(campaign_rows)
    # A call may have thousands of visits: all their values in one go, then one column at a time.
    values = zip(*map(_VALUES, holdings), strict=True) if holdings else ((),) * len(_NAMES)
    shown_, seen_, left, taps, copied, contact, device, returning, campaign = values
    shown, seen = _floats(shown_), _floats(seen_)
    is_gone = at > np.where(left, seen, seen + ON_SCREEN_SECONDS)
    state = np.where(
        is_gone,
        ON_SCREEN_STATES + _bins(GONE_EDGES, at - seen),
        _bins(ON_SCREEN_EDGES, at - shown),
    )
    return Columns(
        state=state,
        tap=_taps(taps, at, count),
        dwell=np.searchsorted(DWELL_EDGES, np.minimum(seen, at) - shown, side="right"),
        contact=_classes([moment is not None and moment <= at for moment in contact]),
        device=_classes([one == MOBILE for one in device]),
        returning=_classes(returning),
        copied=_classes([moment is not None and moment <= at for moment in copied]),
        campaign=_classes([campaign_rows.get(name, other) for name in campaign]),
        hour=np.full(count, hour_of_week(at)),
    )


def joined(parts: Sequence[Columns]) -> Columns:
    """Return the rows of all, one after the other."""
    return Columns(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Columns)))


def visit_rates(columns: Columns, tables: Tables) -> Floats:
    """Return the calls per second of each visit: its state's rate, its factors, and a tap's rate on top."""
    phase = PHASE_OF_STATE[columns.state]
    rates: Floats = tables.state[columns.state] * tables.campaigns[columns.campaign, phase]
    rates *= np.where(phase == LATER, tables.clock[columns.hour], 1.0)
    for name, table in tables.factors.items():
        rates *= table[phase, getattr(columns, name)]
    rates += tables.tap[columns.tap]
    return rates


def _taps(taps: Sequence[tuple[float, ...]], at: float, count: int) -> Ints:
    places = np.full(count, NO_TAP, dtype=np.intp)
    for row, moments in enumerate(taps):
        if moments and (ages := [at - tap for tap in moments if tap <= at + TAP_IS_LATE_SECONDS]):
            youngest = max(ages[-1], 0.0)
            if youngest < TAP_END:
                places[row] = np.searchsorted(TAP_EDGES, youngest, side="right") - 1
    return places


def _floats(values: Sequence[float]) -> Floats:
    return np.array(values, dtype=np.float64)


def _classes(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.intp)


def _bins(edges: tuple[float, ...], seconds: npt.NDArray[np.float64]) -> Ints:
    return np.maximum(np.searchsorted(edges, seconds, side="right") - 1, 0)
