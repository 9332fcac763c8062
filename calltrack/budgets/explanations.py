"""The reasons of advice: what moves and why it pays, what held it back, and what to bear in mind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from calltrack.budgets.curves import Curves
from calltrack.budgets.enough import hardly_varied
from calltrack.budgets.estimates import estimate, significant
from calltrack.budgets.history import History
from calltrack.budgets.limits import Constraints, Limits
from calltrack.budgets.reasons import Reason

MOST_MOVES = 6
MOVED = 0.01


def why_moved(
    history: History,
    curves: Curves,
    proposed: Sequence[int],
    limits: Limits,
    p_gain: float,
    *,
    has_values: bool = True,
) -> list[Reason]:
    """Return what is raised and what is cut, largest move first, with what the next unit there brings.

    Moves are told from what each budget cost in the newest week, whatever the total to divide.
    """
    today = history.today()
    marginal = curves.marginal(np.array(today, float))
    moves = sorted(range(len(today)), key=lambda place: -abs(proposed[place] - today[place]))
    said = [Reason("sure", {"p": round(p_gain, 3)})]
    for place in moves[:MOST_MOVES]:
        change = proposed[place] - today[place]
        if abs(change) < MOVED * max(today[place], 1):
            continue
        next_unit = estimate(marginal[:, place])
        values: dict[str, float | str] = {
            "budget": history.names[place],
            "amount": abs(change),
            "return": significant(next_unit.mean),
            "return_low": significant(next_unit.low),
            "return_high": significant(next_unit.high),
            "gain_in": "value" if has_values else "conversions",
        }
        said.append(Reason("raise" if change > 0 else "cut", values))
        if proposed[place] == (limits.high if change > 0 else limits.low)[place]:
            said.append(Reason("at_limit", {"budget": history.names[place], "amount": proposed[place]}))
    return said


def notes_on(history: History, constraints: Constraints, *, has_values: bool) -> tuple[Reason, ...]:
    """Return what to bear in mind whatever the advice is."""
    today = history.today()
    notes = []
    if not has_values:
        notes.append(Reason("no_values"))
    idle = float(history.conversions[history.spend <= 0].sum())
    if round(idle, 1) > 0:
        notes.append(Reason("without_spend", {"conversions": round(idle, 1)}))
    notes += [
        Reason("not_running", {"budget": name})
        for name, now in zip(history.names, today, strict=True)
        if now == 0
    ]
    notes += [Reason("locked", {"budget": name}) for name in history.names if name in constraints.locked]
    notes += [
        Reason("shared", {"budget": name, "campaigns": len(campaigns)})
        for name, campaigns in history.members.items()
        if name in constraints.groups
    ]
    if any(today) and hardly_varied(history):
        notes.append(Reason("hardly_varied"))
    return (*notes, Reason("correlational"))
