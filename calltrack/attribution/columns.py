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
from calltrack.attribution.facts import MOBILE, TAP_IS_LATE_SECONDS, Holding
from calltrack.attribution.holders import Holders

NO_TAP = len(TAP_EDGES)
_ORDER = attrgetter("shown_from", "visit")


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
    holders, other = Holders.of(holdings), len(campaign_rows)
    count, shown, seen = len(holders), holders.shown_from, holders.last_seen
    state = np.where(
        holders.on_screen_at(at),
        _bins(ON_SCREEN_EDGES, at - shown),
        ON_SCREEN_STATES + _bins(GONE_EDGES, at - seen),
    )
    campaigns = _classes([campaign_rows.get(campaign, other) for campaign, _ in holders.origins])
    return Columns(
        state=state,
        tap=_taps(holders.taps, at, count),
        dwell=np.searchsorted(DWELL_EDGES, np.minimum(seen, at) - shown, side="right"),
        contact=(holders.contact_at <= at).astype(np.intp),
        device=_classes([one == MOBILE for one in holders.devices]),
        returning=holders.returning.astype(np.intp),
        copied=(holders.copied_at <= at).astype(np.intp),
        campaign=campaigns[holders.origin],
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


def _taps(taps: Mapping[int, tuple[float, ...]], at: float, count: int) -> Ints:
    places = np.full(count, NO_TAP, dtype=np.intp)
    for row, moments in taps.items():
        if ages := [at - tap for tap in moments if tap <= at + TAP_IS_LATE_SECONDS]:
            youngest = max(ages[-1], 0.0)
            if youngest < TAP_END:
                places[row] = np.searchsorted(TAP_EDGES, youngest, side="right") - 1
    return places


def _classes(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.intp)


def _bins(edges: tuple[float, ...], seconds: npt.NDArray[np.float64]) -> Ints:
    return np.maximum(np.searchsorted(edges, seconds, side="right") - 1, 0)
