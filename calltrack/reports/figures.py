"""The figures of a row or a total, and what follows from them. Pure; formulas are those of `metrics.py`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Final

from calltrack.reports import chance
from calltrack.reports.chance import Interval


@dataclass(frozen=True)
class Figures:
    """Counts and sums; values and spend in minor units of the company's currency."""

    visits: int = 0
    calls: int = 0
    ended: int = 0
    answered: int = 0
    talk_seconds: int = 0
    with_source: int = 0
    on_visit: int = 0
    on_campaign: int = 0
    on_source: int = 0
    leads: int = 0
    purchases: int = 0
    value_minor: int = 0
    other_currency: int = 0
    value_squared: float = 0.0
    largest_minor: int = 0
    spend_minor: int = 0
    unpriced_days: int = 0
    """Days of campaigns whose cost is in a currency without a rate: they are not in the spend."""

    def __add__(self, other: "Figures") -> "Figures":
        both = {one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)}
        return Figures(**both | {"largest_minor": max(self.largest_minor, other.largest_minor)})

    @classmethod
    def sum_of(cls, rows: Iterable["Figures"]) -> "Figures":
        """Return what rows add up to."""
        all_ = list(rows)
        sums = {one.name: sum(map(attrgetter(one.name), all_)) for one in fields(cls)}
        return cls(**sums | {"largest_minor": max((row.largest_minor for row in all_), default=0)})

    def less(self, other: "Figures") -> "Figures":
        """Return what is left when a part is taken away; the largest value may be in either."""
        both = {one.name: getattr(self, one.name) - getattr(other, one.name) for one in fields(self)}
        return Figures(**both | {"largest_minor": self.largest_minor})

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is counted."""
        return not any(vars(self).values())

    @property
    def on_nothing(self) -> int:
        """Calls that are credited to nothing, or that nobody judged yet."""
        return self.calls - self.on_visit - self.on_campaign - self.on_source

    @property
    def answered_share(self) -> float | None:
        """Answered calls among those that ended."""
        return self.answered / self.ended if self.ended else None

    @property
    def source_share(self) -> float | None:
        """Calls with a credited source among all calls."""
        return self.with_source / self.calls if self.calls else None

    @property
    def cost_per_lead(self) -> float | None:
        """Spend per lead in minor units; None without spend or lead."""
        return self.spend_minor / self.leads if self.spend_minor and self.leads else None

    @property
    def cost_per_sale(self) -> float | None:
        """Spend per purchase in minor units; None without spend or purchase."""
        return self.spend_minor / self.purchases if self.spend_minor and self.purchases else None

    @property
    def roas(self) -> float | None:
        """Value per unit of spend; None without spend, or where only costs are known."""
        return self.value_minor / self.spend_minor if self.spend_minor and not self.is_cost_alone else None

    @property
    def is_cost_alone(self) -> bool:
        """Whether no visit and no call is known beside the costs: then no rate can be said."""
        return not (self.visits or self.calls or self.leads or self.purchases)


# A column of reports -> its figure. Sorting, pages, files and the API all read here.
COLUMNS: Final[Mapping[str, Callable[[Figures], float | None]]] = {
    "spend": lambda one: one.spend_minor,
    "visits": lambda one: one.visits,
    "calls": lambda one: one.calls,
    "answered": lambda one: one.answered_share,
    "leads": lambda one: one.leads,
    "purchases": lambda one: one.purchases,
    "value": lambda one: one.value_minor,
    "cost_per_lead": lambda one: one.cost_per_lead,
    "cost_per_sale": lambda one: one.cost_per_sale,
    "roas": lambda one: one.roas,
}
OF_SPEND: Final = ("spend", "cost_per_lead", "cost_per_sale", "roas")
MONEY: Final = ("spend", "value", "cost_per_lead", "cost_per_sale")


def interval_of(column: str, of: Figures) -> Interval | None:
    """Return how far a rate may be chance; None where counts are large, and for plain counts."""
    if column in OF_SPEND and of.is_cost_alone:
        return None
    if column == "answered" and of.ended < chance.FEW:
        return chance.of_share(of.answered, of.ended)
    if column == "cost_per_lead" and of.leads < chance.FEW:
        return chance.of_cost(of.spend_minor, of.leads)
    if column == "cost_per_sale" and of.purchases < chance.FEW:
        return chance.of_cost(of.spend_minor, of.purchases)
    if column == "roas" and of.purchases < chance.FEW and of.spend_minor:
        worth = chance.of_sum(of.value_minor, of.value_squared, of.largest_minor)
        return Interval(worth.low / of.spend_minor, worth.high / of.spend_minor) if worth else None
    return None


def figures_of(row: Mapping[Any, Any]) -> Figures:
    """Read a row of sums; what is missing in it is 0."""
    read = {one.name: row.get(one.name) or 0 for one in fields(Figures)}
    return Figures(**{name: value if name == "value_squared" else int(value) for name, value in read.items()})
