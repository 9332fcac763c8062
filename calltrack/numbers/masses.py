"""How many calls each number of a pool may still get from whom it was shown to: the remaining call mass.

Pure arithmetic in a settled order, so that the database can keep the same figures and reach the same choice.
A number keeps five sums that fade at five speeds, for all its past holders together and per campaign and
source of them. The sums stand for the moment `at`; a holder is added when the next one takes the number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# 1 / (1 + (age / 600)^0.55), the share of a visit's calls still to come when it left so long ago, as five
# fading parts: a sum of exponentials can be kept up to date without its history.
FADES = (180.0, 1_200.0, 7_200.0, 43_200.0, 345_600.0)
PARTS = (0.45, 0.18, 0.24, 0.055, 0.075)
# Somebody who stays longer, opens the contact page or copies the number is likelier to call.
STAYED = ((10.0, 0.05), (60.0, 0.4), (300.0, 1.0))
STAYED_LONGEST, SAW_CONTACT, COPIED, HAS_CALLED = 1.4, 2.5, 4.0, 0.12
LONG_AGO = -1e12

_FADES = np.array(FADES)
_PARTS = np.array(PARTS)


def remaining(age: float) -> float:
    """Return the share of a visit's calls that are still to come, `age` seconds after it was last seen."""
    return math.fsum(part * math.exp(-max(age, 0.0) / fade) for part, fade in zip(PARTS, FADES, strict=True))


def weight(stayed: float, *, contact: bool = False, copied: bool = False, called: bool = False) -> float:
    """Return how likely a visit is to call, beside one of a few minutes that did nothing special."""
    found = next((factor for limit, factor in STAYED if stayed < limit), STAYED_LONGEST)
    found *= SAW_CONTACT if contact else 1.0
    found *= COPIED if copied else 1.0
    return found * (HAS_CALLED if called else 1.0)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a visit comes from. Two sources may use one campaign name: together they are the campaign."""

    source: str = ""
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class Doubt:
    """What a mix-up of two visits costs: by the same campaign, by the same source only, by neither."""

    same_campaign: float = 0.15
    same_source: float = 0.65
    neither: float = 1.0


class Masses:
    """The sums of every number of a pool, and the latest holder of each, who is not in them yet."""

    def __init__(self, numbers: int) -> None:
        self.at = np.full(numbers, LONG_AGO)
        self.all = np.zeros((numbers, len(FADES)))
        self.last_seen = np.full(numbers, LONG_AGO)
        self.weight = np.zeros(numbers)
        self.source = np.full(numbers, -1, dtype=np.intp)
        self.campaign = np.full(numbers, -1, dtype=np.intp)
        self._sources: dict[str, int] = {}
        self._campaigns: dict[Origin, int] = {}
        # One block of sums per source and per campaign met so far.
        self._by_source = np.zeros((0, numbers, len(FADES)))
        self._by_campaign = np.zeros((0, numbers, len(FADES)))

    def settle(self, number: int, now: float) -> None:
        """Add the number's latest holder to its sums, which stand for `now` afterwards."""
        fading = np.exp((self.at[number] - now) / _FADES)
        own = self.weight[number] * np.exp(np.minimum(self.last_seen[number] - now, 0.0) / _FADES)
        self.all[number] = self.all[number] * fading + own
        for block, row in (
            (self._by_source, self.source[number]),
            (self._by_campaign, self.campaign[number]),
        ):
            block[:, number] *= fading
            if row >= 0:
                block[row, number] += own
        self.at[number] = now
        self.weight[number] = 0.0

    def hold(self, number: int, now: float, origin: Origin) -> None:
        """Note the number's new latest holder; `settle` it first."""
        self.source[number] = self._row(self._sources, origin.source, "_by_source")
        self.campaign[number] = self._row(self._campaigns, origin, "_by_campaign")
        self.last_seen[number] = now
        self.weight[number] = weight(0.0)

    def at_risk(self, now: float, origin: Origin, doubt: Doubt) -> Floats:
        """Return, per number, the calls it may still get, each weighed by what mixing it up would cost."""
        source = self._sources.get(origin.source, -1)
        campaign = self._campaigns.get(origin, -1)
        past = doubt.neither * self.all
        if source >= 0:
            past = past - (doubt.neither - doubt.same_source) * self._by_source[source]
        if campaign >= 0:
            past = past - (doubt.same_source - doubt.same_campaign) * self._by_campaign[campaign]
        cost = np.full(len(self.at), doubt.neither)
        cost[self.source == source] = doubt.same_source
        cost[self.campaign == campaign] = doubt.same_campaign
        fading = np.exp((self.at - now)[:, None] / _FADES) * _PARTS
        latest = np.exp(np.minimum(self.last_seen - now, 0.0)[:, None] / _FADES) * _PARTS
        found: Floats = (past * fading).sum(axis=1) + cost * self.weight * latest.sum(axis=1)
        return found

    def _row(self, rows: dict[Any, int], key: Origin | str, blocks: str) -> int:
        if key not in rows:
            rows[key] = len(rows)
            sums = getattr(self, blocks)
            setattr(self, blocks, np.concatenate([sums, np.zeros((1, *self.all.shape))]))
        return rows[key]
