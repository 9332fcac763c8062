"""The condition of an audience as a form that works without scripts: rows of facts, joined by all or any."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from calltrack.audiences.conditions import read
from calltrack.dashboard.typed import Typed
from calltrack.kernel.errors import BadInput
from calltrack.kernel.money import Money, parse_money

ROWS: Final = 4
MOST_ROWS: Final = 12
# What a row may say: its name, the words in the list, the inputs it reads.
CHOICES: Final = (
    ("lead", "were a lead", "days"),
    ("!lead", "were not a lead", "days"),
    ("old_lead", "were last a lead so many days ago or more", "days"),
    ("bought", "bought", "days"),
    ("!bought", "did not buy", "days"),
    ("bought_since_lead", "bought since their last lead", "days"),
    ("!bought_since_lead", "have not bought since their last lead", "days"),
    ("missed_call", "called, were missed and not reached since", "days"),
    ("value", "bought for this amount or more", "amount"),
    ("!value", "bought for less than this amount", "amount"),
    ("touch_first", "first came from", "words"),
    ("touch_last", "last came from", "words"),
    ("location", "called this location", "place"),
    ("!location", "never called this location", "place"),
)


@dataclass(frozen=True)
class Row:
    """One row of the form, as it is drawn."""

    what: str = ""
    days: str = ""
    amount: str = ""
    source: str = ""
    campaign: str = ""
    place: str = ""


@dataclass(frozen=True)
class Drawn:
    """A condition as rows; `as_json` holds it where rows cannot say it."""

    join: str
    rows: tuple[Row, ...]
    as_json: str = ""


def drawn(condition: Mapping[str, Any], *, spare: int = 1) -> Drawn:
    """Return a stored condition as rows and some empty ones; nested ones stay JSON."""
    join = "any" if "any" in condition else "all"
    inner = condition.get(join, [condition])
    rows = [_row(one) for one in inner]
    if any(row is None for row in rows):
        return Drawn("all", (Row(),) * ROWS, json.dumps(condition, indent=1))
    kept = [row for row in rows if row is not None]
    return Drawn(join, (*kept, *[Row()] * max(spare, ROWS - len(kept))))


def typed_rows(form: Typed, *, spare: int = 0) -> Drawn:
    """Return the rows as they were typed."""
    count = min(int(form.text("rows") or "0") if form.text("rows").isdecimal() else ROWS, MOST_ROWS)
    rows = tuple(
        Row(*(form.text(f"{name}-{place}").strip() for name in Row.__dataclass_fields__))
        for place in range(count)
    )
    join = "any" if form.text("join") == "any" else "all"
    return Drawn(join, (*rows, *[Row()] * spare)[:MOST_ROWS], form.text("json").strip())


def condition_of(form: Drawn, currency: str) -> dict[str, Any]:
    """Return the condition the rows say; JSON, where given, stands for all of them.

    Raises:
        BadInput: nothing was chosen, or a row lacks what it needs.
    """
    if form.as_json:
        try:
            given = json.loads(form.as_json)
        except ValueError:
            raise BadInput("The condition is not JSON; see docs/audiences.md for its form.") from None
        read(given)
        return dict(given)
    parts = [_part(row, currency) for row in form.rows if row.what]
    if not parts:
        raise BadInput("Choose what must be true of the people in this audience.")
    return {form.join: parts}


def _part(row: Row, currency: str) -> dict[str, Any]:
    negated, what = row.what.startswith("!"), row.what.removeprefix("!")
    if row.what not in [name for name, _, _ in CHOICES]:
        raise BadInput("Choose one of the facts in the list.")
    part: dict[str, Any] = {"fact": what}
    if what == "value":
        money = parse_money(row.amount, currency)
        part |= {"at_least_minor": money.minor, "currency": money.currency}
    elif what.startswith("touch_"):
        words = {"source": row.source.lower(), "campaign": row.campaign}
        part = {"fact": "touch", "which": what.removeprefix("touch_")}
        part |= {name: word for name, word in words.items() if word}
    elif what == "location":
        if not row.place:
            raise BadInput("Choose the location.")
        part["location_ids"] = [row.place]
    elif what == "old_lead":
        part = {"fact": "lead", "older_than_days": _days(row, needed=True)}
    elif row.days:
        part["within_days"] = _days(row)
    read(part)
    return {"not": part} if negated else part


def _days(row: Row, *, needed: bool = False) -> int:
    if not (row.days.isascii() and row.days.isdecimal() and 1 <= len(row.days) <= 4):
        raise BadInput("Write the days as a whole number." if row.days or needed else "")
    return int(row.days)


def _row(part: Mapping[str, Any]) -> Row | None:
    negated = "not" in part
    leaf = part["not"] if negated else part
    fact, mark = leaf.get("fact"), "!" if negated else ""
    names = [name for name, _, _ in CHOICES]
    if fact == "lead" and leaf.get("older_than_days"):
        plain = not negated and not leaf.get("within_days")
        return Row("old_lead", days=str(leaf["older_than_days"])) if plain else None
    if fact == "touch":
        if negated or leaf.get("medium"):
            return None
        return Row(f"touch_{leaf['which']}", source=leaf.get("source", ""), campaign=leaf.get("campaign", ""))
    if f"{mark}{fact}" not in names:
        return None
    if fact == "value":
        return Row(f"{mark}value", amount=str(Money(leaf["at_least_minor"], leaf["currency"]).major()))
    if fact == "location":
        one = leaf["location_ids"]
        return Row(f"{mark}location", place=str(one[0])) if len(one) == 1 else None
    return Row(f"{mark}{fact}", days=str(leaf.get("within_days") or ""))
