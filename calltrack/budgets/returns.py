"""What each budget costs and earns: as counted, and as the curves read it at today's spend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calltrack.budgets.curves import Curves
from calltrack.budgets.estimates import Estimate, estimate
from calltrack.budgets.history import History


@dataclass(frozen=True, kw_only=True, slots=True)
class Return:
    """One budget; amounts in minor units, returns as value per spend."""

    budget: str
    campaigns: tuple[str, ...]
    spend: float
    conversions: float
    value: float
    today: int
    average: Estimate | None
    """Value per spend at today's spend; None where nothing is spent or nothing known."""
    marginal: Estimate | None
    """Value of the next unit spent."""


def returns_of(history: History, curves: Curves | None) -> tuple[Return, ...]:
    """Return every budget with what it earned in all weeks and what it earns now."""
    today = np.array(history.today(), float)
    earned = curves.conversions(today) * curves.worth if curves else None
    next_unit = curves.marginal(today) if curves else None
    return tuple(
        Return(
            budget=name,
            campaigns=history.members.get(name, (name,)),
            spend=float(history.spend[place].sum()),
            conversions=float(history.conversions[place].sum()),
            value=float(history.value[place].sum()),
            today=int(today[place]),
            average=estimate(earned[:, place] / today[place])
            if earned is not None and today[place]
            else None,
            marginal=estimate(next_unit[:, place]) if next_unit is not None and today[place] else None,
        )
        for place, name in enumerate(history.names)
    )
