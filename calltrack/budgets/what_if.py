"""Given another split: what it would bring, how that compares with today's, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calltrack.budgets.curves import Curves
from calltrack.budgets.estimates import Estimate, estimate
from calltrack.budgets.history import Floats, History


@dataclass(frozen=True, kw_only=True, slots=True)
class WhatIf:
    """What a week with a split would bring; amounts in minor units."""

    conversions: Estimate
    value: Estimate
    gain: Estimate
    """Value beyond that of today's split, at whatever that costs."""
    p_gain: float
    beyond: tuple[str, ...]
    """Budgets that would get more than they ever spent, or less than half: there the curve is guessed."""


def what_if(history: History, curves: Curves, split: Sequence[int]) -> WhatIf:
    """Return what a week with this split would bring."""
    wanted, today = np.array(split, float), np.array(history.today(), float)
    value, now = curves.value(wanted), curves.value(today)
    return WhatIf(
        conversions=estimate(curves.conversions(wanted).sum(1)),
        value=estimate(value),
        gain=estimate(value - now),
        p_gain=float((value > now).mean()),
        beyond=_beyond(history, wanted),
    )


def _beyond(history: History, wanted: Floats) -> tuple[str, ...]:
    most = history.spend.max(1)
    running = np.where(history.spend > 0, history.spend, np.inf).min(1)
    return tuple(
        name
        for name, each, low, high in zip(history.names, wanted, running, most, strict=True)
        if each > high or (0 < each < low / 2)
    )
