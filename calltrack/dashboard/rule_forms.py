"""The form of the rules: drafts as typed, changed by buttons, read into a tree. Works without JavaScript."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import time
from typing import Any

from calltrack.conversions.tree_rules import (
    DAYS,
    AllOf,
    Answered,
    AnyOf,
    Condition,
    Hours,
    Not,
    Person,
    Rule,
    Spam,
    Talk,
    Told,
    Tree,
    Words,
    read_tree,
)
from calltrack.kernel.errors import BadInput
from calltrack.kernel.ids import new_id
from calltrack.kernel.money import Money, parse_money

Places = Mapping[str, Sequence[tuple[str, str]]]
# What a line may ask: code, words before its text, an example of the text (empty: it takes none).
FACTS = (
    ("answered", "a person answered", ""),
    ("spam", "it is marked as nuisance", ""),
    ("talk_at_least", "they talked at least (seconds)", "60"),
    ("talk_at_most", "they talked at most (seconds)", "20"),
    ("first_time", "the caller was not counted within (days)", "30"),
    ("returning", "the caller was counted within (days)", "30"),
    ("outcome", "somebody said it brought", "purchase, lead or none"),
    ("source", "the source is", "google, bing"),
    ("medium", "the medium is", "cpc"),
    ("campaign", "the campaign is", "brand, spring"),
    ("hours", "it rang", "Mon-Fri 09:00-18:00"),
    ("location", "the location is", "its name"),
    ("number", "the number is", "+39061234567"),
    ("pool", "the pool is", "its name"),
    ("key", "the caller pressed", "1, survey=3"),
    ("tag", "the call is tagged", "job application"),
    ("keyword", "they spoke of", "quote, price"),
)
HINTS = {
    "key": "Menus of call flows ask for keys. Write a key, or the step with it: menu=1, survey=3.",
}
PLACES = ("location", "number", "pool")


@dataclass(frozen=True)
class Line:
    """One condition as typed."""

    fact: str = "answered"
    text: str = ""
    negated: bool = False

    @property
    def example(self) -> str:
        """What could be typed; empty: nothing is asked for."""
        return next((example for code, _, example in FACTS if code == self.fact), "")

    @property
    def hint(self) -> str:
        """Say how a fact is asked for, where that is not plain."""
        return HINTS.get(self.fact, "")


@dataclass(frozen=True)
class Draft:
    """One rule as typed. `kept` holds a condition (JSON) that is too deep for the form's lines."""

    id: str
    name: str = ""
    match: str = "all"
    lines: tuple[Line, ...] = ()
    mark: str = "lead"
    worth: str = "none"
    amount: str = ""
    kept: str = ""
    sentence: str = field(default="", compare=False)
    problem: str = field(default="", compare=False)


def drafts_of(tree: Tree, currency: str, names: Mapping[str, str]) -> list[Draft]:
    """Return the rules of a tree as the form shows them."""
    return [_draft(rule, currency, names) for rule in tree.rules]


def typed_drafts(form: Mapping[str, str]) -> list[Draft]:
    """Return the rules as they were typed, whatever stands in them."""
    found = []
    for place in range(_count(form, r"rule-(\d+)-id")):
        own = f"rule-{place}-"
        lines = tuple(
            Line(
                form.get(f"{own}line-{at}-fact", "answered"),
                form.get(f"{own}line-{at}-text", "").strip(),
                form.get(f"{own}line-{at}-not", "") == "not",
            )
            for at in range(_count(form, rf"{own}line-(\d+)-fact"))
        )
        words = {name: form.get(own + name, "").strip() for name in
                 ("id", "name", "match", "mark", "worth", "amount", "kept")}  # fmt: skip
        found.append(Draft(**words, lines=lines))
    return found[:50]


def press(drafts: Sequence[Draft], button: str) -> list[Draft]:
    """Return the drafts after a button was pressed: add, up-N, down-N, drop-N, line-N, cut-N-M."""
    rules = list(drafts)
    word, *rest = button.split("-")
    at = int(rest[0]) if rest and rest[0].isdigit() else -1
    if word == "add":
        rules.append(Draft(f"r{new_id().hex[-12:]}", lines=(Line(),)))
    elif not 0 <= at < len(rules):
        return rules
    elif word == "drop":
        del rules[at]
    elif word in ("up", "down"):
        other = at + (1 if word == "down" else -1)
        if 0 <= other < len(rules):
            rules[at], rules[other] = rules[other], rules[at]
    elif word == "line":
        rules[at] = replace(rules[at], lines=(*rules[at].lines, Line()))
    elif word == "cut" and len(rest) == 2 and rest[1].isdigit():
        rest_of = tuple(line for place, line in enumerate(rules[at].lines) if place != int(rest[1]))
        rules[at] = replace(rules[at], lines=rest_of)
    return rules


def read_drafts(drafts: Sequence[Draft], currency: str, places: Places) -> Tree:
    """Return the tree that was typed; raises BadInput for the first rule that makes no sense, naming it."""
    rules = []
    for at, draft in enumerate(drafts, 1):
        try:
            rules.append(read_draft(draft, currency, places).model_dump(mode="json", by_alias=True))
        except BadInput as problem:
            raise BadInput(f"Rule {at}: {problem}") from None
    return read_tree({"rules": rules})


def read_draft(draft: Draft, currency: str, places: Places) -> Rule:
    """Return the rule that was typed; raises BadInput saying what makes no sense."""
    if draft.kept:
        try:
            when: Any = json.loads(draft.kept)
        except ValueError:
            raise BadInput("The condition made by the API can no longer be read; write it again.") from None
    else:
        when = {"any" if draft.match == "any" else "all": [_condition(line, places) for line in draft.lines]}
        if not draft.lines:
            when = {"all": []}
    value: dict[str, Any] = {"kind": draft.worth or "none"}
    if draft.worth == "fixed":
        if not draft.amount:
            raise BadInput("Write the fixed value, like 50 or 50.50.")
        money = parse_money(draft.amount, currency)
        value |= {"minor": money.minor, "currency": money.currency}
    plain = {"id": draft.id, "name": draft.name, "when": when, "mark": draft.mark, "value": value}
    return _first(read_tree({"rules": [plain]}))


def _first(tree: Tree) -> Rule:
    return tree.rules[0]


def _condition(line: Line, places: Places) -> dict[str, Any]:
    plain = _plain(line, places)
    return {"not": plain} if line.negated else plain


def _plain(line: Line, places: Places) -> dict[str, Any]:
    if line.fact in ("answered", "spam"):
        return {"fact": line.fact}
    if line.fact not in {code for code, _, _ in FACTS}:
        raise BadInput("One of the conditions is not known.")
    if not line.text:
        raise BadInput(f"A condition lacks its text, such as: {line.example}.")
    if line.fact in ("talk_at_least", "talk_at_most"):
        return {"fact": "talk", line.fact.removeprefix("talk_"): _number(line.text, "seconds")}
    if line.fact in ("first_time", "returning"):
        return {"fact": line.fact, "days": _number(line.text, "days")}
    if line.fact == "hours":
        return read_hours(line.text)
    words = [word.strip() for word in line.text.split(",") if word.strip()]
    if line.fact == "outcome":
        return {"fact": "outcome", "any_of": [word.lower() for word in words]}
    if line.fact in PLACES:
        words = [_place(line.fact, word, places) for word in words]
    return {"fact": line.fact, "any_of": words}


def _place(kind: str, word: str, places: Places) -> str:
    known = {name.casefold(): id_ for name, id_ in places.get(kind, ())}
    found = known.get(word.casefold())
    if found is None:
        some = ", ".join(name for name, _ in list(places.get(kind, ()))[:5])
        raise BadInput(f"There is no {kind} called {word[:60]!r}; there is: {some or 'none yet'}.")
    return found


def read_hours(text: str) -> dict[str, Any]:
    """Read `Mon-Fri 09:00-18:00`, `Sat, Sun`, `22:00-06:00`; raises BadInput for anything else."""
    days: list[str] = []
    found: dict[str, Any] = {"fact": "hours"}
    for part in re.split(r"[\s,]+", text.strip().lower().replace("–", "-")):
        hours = re.fullmatch(r"(\d{1,2}:\d{2})-(\d{1,2}:\d{2})", part)
        ends = [_day(word) for word in part.split("-")] if not hours else []
        if hours:
            since, until = (_time(word) for word in hours.groups())
            found |= {"since": since, "until": until}
        elif len(ends) == 1:
            days.append(DAYS[ends[0]])
        elif len(ends) == 2:
            reach = (ends[1] - ends[0]) % 7 + 1
            days += [DAYS[(ends[0] + step) % 7] for step in range(reach)]
        else:
            raise BadInput("Write days and hours like Mon-Fri 09:00-18:00.")
    return found | ({"days": list(dict.fromkeys(days))} if days else {})


def _day(word: str) -> int:
    try:
        return DAYS.index(word[:3])
    except ValueError:
        raise BadInput("Write days and hours like Mon-Fri 09:00-18:00.") from None


def _time(word: str) -> str | None:
    hour, minute = (int(part) for part in word.split(":"))
    if (hour, minute) == (24, 0):
        return None
    if hour > 23 or minute > 59:
        raise BadInput(f"{word} is no time of the day.")
    return f"{hour:02d}:{minute:02d}"


def _number(text: str, what: str) -> int:
    if not re.fullmatch(r"\d{1,6}", text):
        raise BadInput(f"Write the {what} as a whole number.")
    return int(text)


def _count(form: Mapping[str, str], pattern: str) -> int:
    places = [int(found.group(1)) for name in form if (found := re.fullmatch(pattern, name))]
    return min(max(places, default=-1) + 1, 60)


def _draft(rule: Rule, currency: str, names: Mapping[str, str]) -> Draft:
    group = rule.when
    parts = group.all if isinstance(group, AllOf) else group.any if isinstance(group, AnyOf) else (group,)
    lines = [_line(part, names) for part in parts]
    value = rule.value
    amount = ""
    if value.kind == "fixed":
        amount = str(Money(value.minor or 0, value.currency or currency).major())
    is_foreign = value.currency not in (None, currency)
    shown = tuple(line for line in lines if line)
    is_deep = len(shown) < len(lines) or is_foreign
    return Draft(
        rule.id, rule.name, "any" if isinstance(group, AnyOf) else "all", () if is_deep else shown,
        rule.mark, value.kind, amount, json.dumps(_json(rule)["when"]) if is_deep else "",
    )  # fmt: skip


def _json(rule: Rule) -> dict[str, Any]:
    return rule.model_dump(mode="json", by_alias=True, exclude_none=True)


def _line(part: Condition, names: Mapping[str, str]) -> Line | None:
    """Return a condition as a line; None where it is nested deeper than a line can say."""
    if isinstance(part, Not):
        inner = _line(part.not_, names)
        return replace(inner, negated=True) if inner and not inner.negated else None
    if isinstance(part, Answered):
        return Line(negated=not part.yes)
    if isinstance(part, Spam):
        return Line("spam", negated=not part.yes)
    if isinstance(part, Talk):
        if part.at_least is not None and part.at_most is not None:
            return None
        if part.at_least is not None:
            return Line("talk_at_least", str(part.at_least))
        return Line("talk_at_most", str(part.at_most))
    if isinstance(part, Person):
        return Line(part.fact, str(part.days))
    if isinstance(part, Told):
        return Line("outcome", ", ".join(part.any_of))
    if isinstance(part, Hours):
        return Line("hours", _hours(part))
    if isinstance(part, Words):
        return Line(part.fact, ", ".join(names.get(word, word) for word in part.any_of))
    return None


def _hours(part: Hours) -> str:
    days = "" if len(set(part.days)) == 7 else ", ".join(day.capitalize() for day in part.days)
    if part.until is None and part.since == time(0):
        return days or "Mon-Sun"
    until = f"{part.until:%H:%M}" if part.until else "24:00"
    return f"{days} {part.since:%H:%M}-{until}".strip()
