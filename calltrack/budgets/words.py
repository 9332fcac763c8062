"""The reasons of advice and of pacing in sentences a marketer understands: one entry per code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from calltrack.budgets.reasons import Reason
from calltrack.kernel.money import EXPONENTS, Money

Values = Mapping[str, float | str]
Write = Callable[[int], str]
"""Writes an amount that comes in minor units."""
# Values that are amounts in minor units.
AMOUNTS = frozenset({"amount", "low", "high", "total", "gain", "budget_amount", "spent", "forecast"})


class _Said:
    """The values of one reason, ready to be put into a sentence."""

    def __init__(self, values: Values, currency: str, write: Write | None) -> None:
        self.values, self.currency, self.write = values, currency, write

    def text(self, name: str) -> str:
        value = self.values[name]
        return value if isinstance(value, str) else f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"

    def count(self, name: str, one: str) -> str:
        return f"{self.text(name)} {one}{'' if self.values[name] == 1 else 's'}"

    def money(self, name: str) -> str:
        if self.write is not None:
            return self.write(round(float(self.values[name])))
        amount: Decimal = Money(round(float(self.values[name])), self.currency).major()
        return f"{amount:,} {self.currency}"

    def unit(self, amount: float) -> str:
        """Write an amount that comes in units of the currency; without `write` the currency is left out."""
        if self.write is not None:
            return self.write(round(amount * 10 ** EXPONENTS.get(self.currency, 2)))
        return f"{amount:,.2f}"

    def percent(self, name: str) -> str:
        share = float(self.values[name])
        if share >= 0.995:
            return "over 99 %"
        return "under 1 %" if 0 < share < 0.005 else f"{share * 100:.0f} %"

    def brings(self, which: str) -> str:
        """Say what the next (or last) unit of spend brings, or what one more conversion costs."""
        mean, low, high = (float(self.values[name]) for name in ("return", "return_low", "return_high"))
        if self.values.get("gain_in") == "conversions" and low > 0:
            cost = [self.unit(1 / each) for each in (mean, high, low)]
            named = cost[0] if self.write is not None else f"{cost[0]} {self.currency}"
            return f"its {which} conversion costs about {named} (80 %: {cost[1]} to {cost[2]})"
        between = f"(80 %: {self.text('return_low')} to {self.text('return_high')})"
        return f"its {which} unit of spend brings about {self.text('return')} {between}"


Sentence = Callable[[_Said], str]
WORDS: dict[str, Sentence] = {
    "sure": lambda v: (
        f"With this split more is earned than with today's shares, with a probability of {v.percent('p')}."
    ),
    "raise": lambda v: (
        f"Raise {v.text('budget')} by {v.money('amount')}: {v.brings('next')}."
    ),
    "cut": lambda v: (
        f"Cut {v.text('budget')} by {v.money('amount')}: {v.brings('last')}."
    ),
    "at_limit": lambda v: (
        f"{v.text('budget')} stops at {v.money('amount')}, as far as the limits allow it to go in a week."
    ),
    "not_sure": lambda v: (
        f"Do not move money yet: a gain is likely by {v.percent('p')} only. About "
        f"{v.count('needed', 'more conversion')} would make it sure, if it is what it seems."
    ),
    "too_slow": lambda v: (
        f"At {v.text('per_week')} conversions a week that will not be known, because older weeks no longer "
        "count by then: larger differences in spend or an on/off test answer sooner."
    ),
    "near_best": lambda v: (
        f"Leave the split as it is: the best one known is worth only {v.money('gain')} a week more."
    ),
    "not_enough_conversions": lambda v: (
        f"Do not move money yet: {v.count('conversions', 'conversion')} cannot tell, about "
        f"{v.text('needed')} more are needed. Meanwhile the trial split makes the curves visible."
    ),
    "too_few_weeks": lambda v: (
        f"Do not move money yet: {v.count('weeks', 'week')} cannot tell; {v.text('needed')} more, with the "
        "trial split and its opposite by turns, show how each campaign answers to more and less money."
    ),
    "nothing_to_move": lambda v: "There are not two budgets that may change, so no money can be moved.",
    "limits_conflict": lambda v: (
        f"No split keeps to all limits: {v.text('budget')} would need at least {v.money('low')} and may "
        f"get at most {v.money('high')} next week. Change its floor, cap or lock."
    ),
    "total_out_of_reach": lambda v: (
        f"{v.money('total')} cannot be reached in one week: the limits allow {v.money('low')} to "
        f"{v.money('high')}. Choose a total between them, and go further the week after."
    ),
    "few_conversions": lambda v: (
        f"At {v.text('per_week')} conversions a week curves cannot be told apart: shares follow the return "
        "of all weeks, drawn towards the mean."
    ),
    "no_values": lambda v: "No conversion has a value, so all count alike; gains are conversions, not money.",
    "without_spend": lambda v: (
        f"{v.count('conversions', 'conversion')} came in weeks without spend and teach nothing about it."
    ),
    "not_running": lambda v: f"{v.text('budget')} spent nothing in the newest week, so it stays off.",
    "locked": lambda v: f"{v.text('budget')} is locked and keeps its amount.",
    "shared": lambda v: (
        f"{v.text('budget')} is shared by {v.count('campaigns', 'campaign')}: it is raised or cut as one, "
        "and the platform divides it."
    ),
    "hardly_varied": lambda v: (
        "Spend hardly ever changed, so how it saturates is assumed more than seen. The trial split would "
        "show it."
    ),
    "correlational": lambda v: (
        "This is read from what happened together, not from a test: some of these customers would have come "
        "anyway. An on/off test tells."
    ),
    "overspent": lambda v: (
        f"{v.money('spent')} is spent, more than the budget of {v.money('budget_amount')}."
    ),
    "will_overspend": lambda v: (
        f"As it goes on, {v.money('forecast')} will be spent of a budget of {v.money('budget_amount')}."
    ),
    "will_underspend": lambda v: (
        f"As it goes on, only {v.money('forecast')} will be spent of a budget of {v.money('budget_amount')}."
    ),
    "pace_unknown": lambda v: f"{v.count('needed', 'more day')} will show how much is going to be spent.",
    "on_pace": lambda v: (
        f"About {v.money('forecast')} will be spent of a budget of {v.money('budget_amount')}."
    ),
}  # fmt: skip


def said(reason: Reason, currency: str, write: Write | None = None) -> str:
    """Return the sentence of a reason; `write` writes amounts as the page around it does."""
    return WORDS[reason.code](_Said(reason.values, currency, write))
