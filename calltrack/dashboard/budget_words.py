"""Amounts, returns and pictures of the budget pages."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from markupsafe import Markup

from calltrack.budgets.months import PaceRow
from calltrack.budgets.reasons import Reason
from calltrack.budgets.words import AMOUNTS, said
from calltrack.dashboard.show import THIN, day, money
from calltrack.kernel.money import EXPONENTS

COUNTED: Final = {"lead": ("lead", "leads"), "purchase": ("purchase", "purchases")}


class Amounts:
    """Writes what advice holds, in one currency; amounts come in units of it."""

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self._minor = int(10 ** EXPONENTS.get(currency, 2))

    def money(self, amount: float | None) -> str:
        """Return an amount, rounded to the unit from a hundred on: `€ 1 234`."""
        if amount is None:
            return "–"
        whole = round(amount) if abs(amount) >= 100 else round(amount, 2)
        return money(round(whole * self._minor), self.currency)

    def signed(self, amount: float) -> str:
        """Return an amount with its sign."""
        return f"{'+' if amount > 0 else '−' if amount < 0 else ''}{self.money(abs(amount))}"

    def plain(self, minor: int | None) -> str:
        """Return minor units as a form shows them, nothing for None."""
        if minor is None:
            return ""
        whole, rest = divmod(minor, self._minor)
        digits = len(str(self._minor)) - 1
        return f"{whole}.{rest:0{digits}d}" if rest else str(whole)

    def said(self, reason: Mapping[str, Any]) -> str:
        """Return the sentence of a reason as it is kept, with amounts as this page writes them."""
        values = {
            name: value * self._minor if name in AMOUNTS and not isinstance(value, str) else value
            for name, value in reason["values"].items()
        }
        try:
            return said(Reason(reason["code"], values), self.currency, lambda it: money(it, self.currency))
        except KeyError:
            # Kept by an earlier version with other words or values: as it was said then.
            return str(reason["text"])

    def gain(self, figure: Mapping[str, float], gain_in: str, counts: str) -> Markup:
        """Return a week's gain with its 80 % interval, as money or as a count."""
        if gain_in == "value":
            mean, low, high = (self.signed(figure[name]) for name in ("mean", "low", "high"))
        else:
            mean, low, high = (f"{figure[name]:+.1f}".replace("-", "−") for name in ("mean", "low", "high"))
            mean = f"{mean} {COUNTED[counts][1]}"
        return Markup(
            '<span class="nowrap">{}</span> <span class="soft small nowrap">{} to {}</span>'
        ).format(mean, low, high)

    def returns(self, figure: Mapping[str, float] | None, gain_in: str, counts: str) -> str:
        """Return what the next unit of money brings, or what one more conversion costs."""
        if figure is None:
            return "not known"
        if gain_in == "value":
            return f"{self.money(figure['mean'])}"
        return f"1 {COUNTED[counts][0]} per {self.money(1 / figure['mean'])}" if figure["mean"] else "nothing"

    def interval(self, figure: Mapping[str, float] | None, gain_in: str) -> str:
        """Return the 80 % interval beside it."""
        if figure is None:
            return ""
        if gain_in == "value":
            return f"{self.money(figure['low'])} to {self.money(figure['high'])}"
        if not figure["low"]:
            return f"{self.money(1 / figure['high'])} or more" if figure["high"] else ""
        return f"{self.money(1 / figure['high'])} to {self.money(1 / figure['low'])}"


def widest(budgets: Sequence[Mapping[str, Any]]) -> float:
    """Return where the scale of the returns' picture ends."""
    highs = [one["return_of_next_unit"]["high"] for one in budgets if one["return_of_next_unit"]]
    return max(highs, default=1.0) or 1.0


def whisker(figure: Mapping[str, float] | None, most: float, verdict: str) -> Markup:
    """Return a line from low to high with a dot at the mean; it repeats the numbers that stand beside it."""
    if figure is None or most <= 0:
        return Markup("")
    low, mean, high = (round(100 * figure[name] / most, 1) for name in ("low", "mean", "high"))
    return Markup(
        '<svg class="whisker {}" viewBox="0 0 104 12" preserveAspectRatio="none" aria-hidden="true">'
        '<line class="axis" x1="2" x2="102" y1="6" y2="6"/><line class="span" x1="{}" x2="{}" y1="6" y2="6"/>'
        '<rect class="mean" x="{}" y="1" width="2.4" height="10" rx="1"/></svg>'
    ).format(verdict, 2 + low, 2 + high, round(0.8 + mean, 1))


def moves(budgets: Sequence[Mapping[str, Any]], verdict: str, most: int = 2) -> str:
    """Name the budgets that are raised or cut, the largest moves first: `roma, milano and 3 more`."""
    found = sorted((one for one in budgets if one["verdict"] == verdict), key=lambda one: -abs(one["change"]))
    names = ", ".join(one["budget"] for one in found[:most])
    return f"{names} and {len(found) - most} more" if len(found) > most else names


def day_in_words(iso: str) -> str:
    """Return an ISO day as pages write days."""
    return day(date.fromisoformat(iso))


def counted(counts: str, number: float, of: str = "") -> str:
    """Return `12 leads`."""
    one, many = COUNTED[counts]
    text = f"{number:,.1f}".rstrip("0").rstrip(".").replace(",", THIN)
    return f"{text} {of}{one if number == 1 else many}"


def pace_picture(row: PaceRow) -> Markup:
    """Return a bar of the month: spent, the forecast's range, and where the budget ends."""
    pace = row.found
    most = max(pace.budget * 1.15, pace.forecast.high * 1.02, 1)
    spent, low, high, end = (
        round(100 * amount / most, 1)
        for amount in (pace.spent, pace.forecast.low, pace.forecast.high, pace.budget)
    )
    tone = "over" if pace.spent > pace.budget else "spent"
    words = "Spent so far, the range of the forecast, and a line where the budget ends"
    return Markup(
        '<svg class="pace" viewBox="0 0 100 30" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="track" y="8" width="100" height="14"/><rect class="range" x="{}" y="8" width="{}" '
        'height="14"/><rect class="{}" y="8" width="{}" height="14"/>'
        '<rect class="mark" x="{}" y="2" width="0.5" height="26"/></svg>'
    ).format(words, low, round(max(high - low, 0.4), 1), tone, spent, end)
