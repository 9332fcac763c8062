"""Advice as one JSON object: amounts in units of the currency, splits by budget, reasons with text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from calltrack.budgets.advice import Advice, Outlook
from calltrack.budgets.estimates import Estimate, significant
from calltrack.budgets.on_off import OnOffTest, plan_on_off
from calltrack.budgets.reasons import Reason
from calltrack.budgets.returns import Return, returns_of
from calltrack.budgets.what_if import WhatIf
from calltrack.budgets.words import AMOUNTS, said
from calltrack.kernel.money import EXPONENTS

Json = dict[str, Any]
DECIMALS = 4


class Printer:
    """Writes amounts and splits in one currency."""

    def __init__(self, names: Sequence[str], currency: str) -> None:
        self.names, self.currency = names, currency
        self.digits = EXPONENTS.get(currency, 2)

    def amount(self, minor: float) -> float:
        """Return minor units in units of the currency."""
        return float(round(round(minor) / 10**self.digits, self.digits))

    def split(self, split: Sequence[int] | None) -> Json | None:
        """Return a split by the names of its budgets."""
        if split is None:
            return None
        return {name: self.amount(each) for name, each in zip(self.names, split, strict=True)}

    def money(self, figure: Estimate | None) -> Json | None:
        """Return an estimate of an amount."""
        return _interval(figure, self.amount)

    def reason(self, reason: Reason) -> Json:
        """Return a reason as its code, its values and its sentence."""
        values = {
            name: self.amount(value) if name in AMOUNTS and not isinstance(value, str) else value
            for name, value in reason.values.items()
        }
        return {"code": reason.code, "values": values, "text": said(reason, self.currency)}


def shown(seen: Outlook, advice: Advice, currency: str) -> Json:
    """Return the advice with what it rests on."""
    history = seen.history
    to = Printer(history.names, currency)
    gain, value = advice.gain, advice.value
    tests = [plan_on_off(history, name) for name in history.names]
    return {
        "currency": currency,
        "total": to.amount(seen.total),
        "weeks": history.weeks,
        "conversions": round(float(history.conversions.sum()), DECIMALS),
        "conversions_per_week": round(seen.per_week, DECIMALS),
        "gain_in": "value" if seen.has_values else "conversions",
        "method": advice.method,
        "recommended": to.split(advice.recommended),
        "expected_gain": to.money(gain),
        "expected_gain_share": round(gain.mean / value.mean, DECIMALS)
        if gain and value and value.mean
        else None,
        "p_gain": None if advice.p_gain is None else round(advice.p_gain, DECIMALS),
        "reasons": [to.reason(reason) for reason in advice.reasons],
        "today": to.split(history.today()),
        "unchanged": to.split(advice.unchanged),
        "unchanged_value": to.money(value),
        "proposed": to.split(advice.proposed),
        "trial": to.split(advice.trial),
        "budgets": [_returned(each, to) for each in returns_of(history, seen.curves)],
        "on_off_tests": [_tested(test) for test in tests if test],
    }


def tried(found: WhatIf, split: Sequence[int], to: Printer) -> Json:
    """Return what another split would bring."""
    return {
        "split": to.split(split),
        "conversions": _interval(found.conversions, _rounded),
        "value": to.money(found.value),
        "gain": to.money(found.gain),
        "p_gain": round(found.p_gain, DECIMALS),
        "beyond_what_was_seen": list(found.beyond),
    }


def _returned(each: Return, to: Printer) -> Json:
    return {
        "budget": each.budget,
        "campaigns": list(each.campaigns),
        "spend": to.amount(each.spend),
        "conversions": round(each.conversions, DECIMALS),
        "value": to.amount(each.value),
        "cost_per_conversion": to.amount(each.spend / each.conversions) if each.conversions else None,
        "return_at_todays_spend": _interval(each.average, significant),
        "return_of_next_unit": _interval(each.marginal, significant),
    }


def _tested(test: OnOffTest) -> Json:
    return {
        "budget": test.budget,
        "lift": round(test.lift, DECIMALS),
        "weeks": test.weeks,
        "conversions_at_stake": round(test.conversions_at_stake, 1),
    }


def _interval(figure: Estimate | None, number: Any) -> Json | None:
    if figure is None:
        return None
    return {"mean": number(figure.mean), "low": number(figure.low), "high": number(figure.high)}


def _rounded(value: float) -> float:
    return round(value, DECIMALS)
