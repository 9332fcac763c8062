"""From a week's split to daily budgets at Google: pure arithmetic, in whole steps of the account's currency.

A unit's weekly amount is divided among its budgets by what each spent lately, and by seven. A budget that
is to be raised but is not used up is left alone: raising it would change nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from calltrack.destinations.google_ads_budgets import BudgetNow, rounded

Fate = Literal["change", "same", "not_used_up", "low_already", "shared", "not_daily", "gone"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What one budget should be a day, in millionths of the account's currency, before it is rounded."""

    budget_id: str
    unit: str
    micros: float
    is_raise: bool
    exact: bool = False
    """An amount that stood there before: it is put back as it was, whatever is used up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One budget of a change: what it is, what it would be, and what becomes of it."""

    budget_id: str
    name: str
    unit: str
    before: int
    wanted: int
    fate: Fate
    campaigns: tuple[tuple[str, str], ...] = ()
    """All campaigns that spend from it, by number and name."""
    named: tuple[str, ...] = ()
    """Numbers of campaigns that a person named, knowing that they share it."""
    is_shared: bool = False

    @property
    def is_change(self) -> bool:
        """Whether it is part of what is sent."""
        return self.fate == "change"


def wishes_of(
    unit: str,
    weekly_minor: int,
    is_raise: bool,
    spent: Mapping[str, tuple[int, int]],
    all_minor: int,
    beside: Mapping[str, float] | None = None,
) -> list[Wish]:
    """Return the daily amounts of a unit's budgets at one account.

    Args:
        unit: its name.
        weekly_minor: what it is to cost a week, in minor units of the company's currency.
        is_raise: whether that is more than today.
        spent: budget -> what it cost lately, in millionths of the account's currency and in minor units.
        all_minor: what the whole unit cost in the same time, at all accounts.
        beside: budget -> what campaigns outside of the unit take from it a day, in millionths: they keep it.
    """
    found = []
    for budget_id, (micros, minor) in sorted(spent.items()):
        if minor <= 0 or micros <= 0 or all_minor <= 0:
            continue
        daily = weekly_minor * (minor / all_minor) / 7 * (micros / minor)
        daily += (beside or {}).get(budget_id, 0.0)
        found.append(Wish(budget_id=budget_id, unit=unit, micros=daily, is_raise=is_raise))
    return found


def lines_of(
    wishes: Sequence[Wish], now: Mapping[str, BudgetNow], named: Mapping[str, Sequence[str]]
) -> tuple[Line, ...]:
    """Compare what is wished with what stands at Google; `named` holds the campaigns a person named."""
    return tuple(
        _line(wish, now.get(wish.budget_id), tuple(named.get(wish.budget_id, ()))) for wish in wishes
    )


def _line(wish: Wish, budget: BudgetNow | None, named: tuple[str, ...]) -> Line:
    if budget is None:
        return Line(budget_id=wish.budget_id, name=wish.unit, unit=wish.unit, before=0, wanted=0, fate="gone")
    wanted = rounded(wish.micros, budget.currency)
    fate = _fate(wish, budget, wanted, named)
    return Line(
        budget_id=budget.id,
        name=budget.name or wish.unit,
        unit=wish.unit,
        before=budget.amount_micros,
        wanted=wanted if fate in ("change", "shared") else budget.amount_micros,
        fate=fate,
        campaigns=budget.campaigns,
        named=named,
        is_shared=budget.is_shared,
    )


def _fate(wish: Wish, budget: BudgetNow, wanted: int, named: tuple[str, ...]) -> Fate:
    if not budget.is_daily:
        return "not_daily"
    if wanted == budget.amount_micros:
        return "same"
    if not wish.exact and wish.is_raise and wanted < budget.amount_micros:
        return "not_used_up"
    if not wish.exact and not wish.is_raise and wanted > budget.amount_micros:
        return "low_already"
    knows = {id_ for id_, _ in budget.campaigns} <= set(named) and len(budget.campaigns) >= max(
        budget.reference_count, 1
    )
    return "shared" if budget.is_shared and not knows else "change"
