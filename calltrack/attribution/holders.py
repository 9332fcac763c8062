"""Everybody who was shown a number, one column per fact: a call may have hundreds of holders.

The columns are what a posterior is computed from. A row becomes a `Holding` only when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import overload

import numpy as np
import numpy.typing as npt

from calltrack.attribution.densities import FORGOTTEN, Floats, Ints
from calltrack.attribution.facts import ON_SCREEN_SECONDS, Candidate, Holding

Truths = npt.NDArray[np.bool_]
NEVER = np.inf
_NAMES = (
    "visit", "visitor", "campaign", "source", "shown_from", "last_seen", "left", "taps", "copied_at",
    "contact_at", "device", "region", "returning",
)  # fmt: skip
_VALUES = attrgetter(*_NAMES)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Holders(Sequence[Holding]):
    """Holdings of one number as columns, in one order; a moment that never came is `NEVER`."""

    visits: Sequence[str]
    visitors: Sequence[str]
    origins: Sequence[tuple[str, str]]
    """Campaign and source; `origin` says which of them a row has."""
    origin: Ints
    shown_from: Floats
    last_seen: Floats
    left: Truths
    taps: Mapping[int, tuple[float, ...]]
    """Row -> its taps in time order; rows without taps are not in it."""
    copied_at: Floats
    contact_at: Floats
    devices: Sequence[str]
    regions: Sequence[str] = ()
    """Empty where no visit's region is known."""
    returning: Truths

    @classmethod
    def of(cls, holdings: Sequence[Holding]) -> Holders:
        """Return holdings as columns, in the order they come."""
        if isinstance(holdings, Holders):
            return holdings
        values = zip(*map(_VALUES, holdings), strict=True) if holdings else ((),) * len(_NAMES)
        (visits, visitors, campaigns, sources, shown, seen, left, taps, copied, contact, devices, regions,
         returning) = values  # fmt: skip
        places: dict[tuple[str, str], int] = {}
        pairs = zip(campaigns, sources, strict=True)
        origin = [places.setdefault(pair, len(places)) for pair in pairs]
        return cls(
            visits=visits,
            visitors=visitors,
            origins=tuple(places),
            origin=np.array(origin, dtype=np.intp),
            shown_from=np.array(shown, dtype=np.float64),
            last_seen=np.array(seen, dtype=np.float64),
            left=np.array(left, dtype=bool),
            taps={row: moments for row, moments in enumerate(taps) if moments},
            copied_at=_moments(copied),
            contact_at=_moments(contact),
            devices=devices,
            regions=regions if any(regions) else (),
            returning=np.array(returning, dtype=bool),
        )

    def __len__(self) -> int:
        return len(self.visits)

    @overload
    def __getitem__(self, row: int) -> Holding: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Holding]: ...
    def __getitem__(self, row: int | slice) -> Holding | Sequence[Holding]:
        if isinstance(row, slice):
            return [self[one] for one in range(*row.indices(len(self)))]
        if row < 0:
            row += len(self)
        campaign, source = self.origins[self.origin[row]]
        return Holding(
            visit=self.visits[row],
            visitor=self.visitors[row],
            campaign=campaign,
            source=source,
            shown_from=float(self.shown_from[row]),
            last_seen=float(self.last_seen[row]),
            left=bool(self.left[row]),
            taps=self.taps.get(row, ()),
            copied_at=_moment(self.copied_at[row]),
            contact_at=_moment(self.contact_at[row]),
            device=self.devices[row],
            region=self.regions[row] if self.regions else "",
            returning=bool(self.returning[row]),
        )

    def named(self, row: int) -> Candidate:
        """Return a row by its names alone, as a candidate of no weight."""
        campaign, source = self.origins[self.origin[row]]
        return Candidate(
            visit=self.visits[row], visitor=self.visitors[row], campaign=campaign, source=source, p=0.0
        )

    def known_at(self, at: float) -> Holders:
        """Return those that were shown the number by then and are not forgotten, in a settled order."""
        is_known = (self.shown_from <= at) & (self.last_seen > at - FORGOTTEN)
        # Mostly all are, and stand in the order of time already.
        if is_known.all() and (np.diff(self.shown_from) > 0).all():
            return self
        shown = self.shown_from.tolist()
        rows = np.flatnonzero(is_known).tolist()
        return self.rows(sorted(rows, key=lambda row: (shown[row], self.visits[row])))

    def rows(self, rows: Sequence[int]) -> Holders:
        """Return these rows, in this order."""
        here = np.array(rows, dtype=np.intp)
        taps = {place: self.taps[row] for place, row in enumerate(rows) if row in self.taps}
        return replace(
            self,
            visits=[self.visits[row] for row in rows],
            visitors=[self.visitors[row] for row in rows],
            origin=self.origin[here],
            shown_from=self.shown_from[here],
            last_seen=self.last_seen[here],
            left=self.left[here],
            taps=taps,
            copied_at=self.copied_at[here],
            contact_at=self.contact_at[here],
            devices=[self.devices[row] for row in rows],
            regions=[self.regions[row] for row in rows] if self.regions else (),
            returning=self.returning[here],
        )

    def on_screen_at(self, at: float) -> Truths:
        """Tell, row by row, whether the page was, or may still have been, on screen."""
        looking: Truths = at <= np.where(self.left, self.last_seen, self.last_seen + ON_SCREEN_SECONDS)
        return looking

    def latest_of(self, visit: str) -> Holding | None:
        """Return the last row of a visit; None: it is not here."""
        places = [row for row, one in enumerate(self.visits) if one == visit]
        return self[places[-1]] if places else None


def _moments(values: Sequence[float | None]) -> Floats:
    return np.array([NEVER if value is None else value for value in values], dtype=np.float64)


def _moment(value: float) -> float | None:
    return None if value == NEVER else float(value)
