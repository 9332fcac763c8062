"""The rule tree in plain sentences: what a rule says, and why it decided a call as it did."""

from collections.abc import Mapping, Sequence

from calltrack.conversions.tree_rules import (
    DAYS,
    AllOf,
    Answered,
    AnyOf,
    Condition,
    Facts,
    Hours,
    Not,
    Person,
    Rule,
    Spam,
    Talk,
    Told,
    Tree,
    Verdict,
    Words,
    holds,
    is_set_aside,
    last_before,
)
from calltrack.kernel.money import Money

DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LAST = "Where no rule fits, the call is nothing."
Names = Mapping[str, str]


def tree_sentences(tree: Tree, currency: str, names: Names | None = None) -> tuple[str, ...]:
    """Return the whole tree, one sentence a rule, and what happens to the rest."""
    return (*(rule_sentence(rule, currency, names) for rule in tree.rules), LAST)


def rule_sentence(rule: Rule, currency: str, names: Names | None = None) -> str:
    """Return a rule as one sentence; `names` gives the names of locations, numbers and pools by their id."""
    when = _joined(rule.when, names or {})
    what = {"lead": "it is a lead", "purchase": "it is a purchase", "nothing": "it is nothing"}[rule.mark]
    if rule.value.kind == "fixed":
        money = Money(rule.value.minor or 0, rule.value.currency or currency)
        what += f" worth {money.currency} {money.major()}"
    elif rule.value.kind == "outcome":
        what += " with the value somebody told"
    return f"If {when}, {what}." if when else f"Every other call: {what}."


def reason_of(tree: Tree, facts: Facts, verdict: Verdict, names: Names | None = None) -> str:
    """Return why the tree decided so, in one sentence: the rule and what was found, or what was missing."""
    names = names or {}
    if is_set_aside(tree, facts):
        return "The call is marked as nuisance, and such calls are no leads."
    if verdict.rule:
        place = tree.rules.index(verdict.rule) + 1
        title = f"Rule {place}" + (f" ({verdict.rule.name})" if verdict.rule.name else "")
        found = _list([_found(part, facts, names) for part in _leaves(verdict.rule.when)], "and")
        return f"{title}: {found}." if found else f"{title}: it fits every call."
    missing = [_missing(rule.when, facts, names) for rule in tree.rules]
    if not missing:
        return "There are no rules, so no call is a lead."
    if len(missing) == 1:
        return _capital(f"{missing[0]}.")
    said = "; ".join(f"rule {place}: {why}" for place, why in enumerate(missing[:4], 1))
    return f"No rule fits. {_capital(said)}."


def _joined(condition: Condition, names: Names) -> str:
    if isinstance(condition, AllOf):
        return _list([_wrapped(part, names) for part in condition.all], "and")
    if isinstance(condition, AnyOf):
        return _list([_wrapped(part, names) for part in condition.any], "or")
    if isinstance(condition, Not):
        return _opposite(condition.not_, names)
    return _leaf(condition, names)


def _wrapped(part: Condition, names: Names) -> str:
    text = _joined(part, names)
    return f"({text})" if isinstance(part, AllOf | AnyOf) and len(part_list(part)) > 1 else text


def part_list(group: AllOf | AnyOf) -> Sequence[Condition]:
    """Return the parts of a group."""
    return group.all if isinstance(group, AllOf) else group.any


def _opposite(part: Condition, names: Names) -> str:
    if isinstance(part, Answered):
        return _leaf(Answered(fact="answered", yes=not part.yes), names)
    if isinstance(part, Spam):
        return _leaf(Spam(fact="spam", yes=not part.yes), names)
    if isinstance(part, Person):
        other = "returning" if part.fact == "first_time" else "first_time"
        return _leaf(Person(fact=other, days=part.days), names)
    if isinstance(part, Not):
        return _joined(part.not_, names)
    return f"not ({_joined(part, names)})"


def _leaf(condition: Condition, names: Names) -> str:
    if isinstance(condition, Answered):
        return "a person answered" if condition.yes else "nobody answered"
    if isinstance(condition, Spam):
        return "it is marked as nuisance" if condition.yes else "it is not marked as nuisance"
    if isinstance(condition, Talk):
        return f"they talked {_limits(condition)}"
    if isinstance(condition, Told):
        what = {"purchase": "a purchase", "lead": "a lead", "none": "nothing"}
        return f"somebody said it brought {_list([what[one] for one in condition.any_of], 'or')}"
    if isinstance(condition, Person):
        known = "was counted" if condition.fact == "returning" else "was not counted"
        return f"the caller {known} in the {_count(condition.days, 'day')} before"
    if isinstance(condition, Hours):
        return f"it rang {_hours(condition)}"
    assert isinstance(condition, Words)
    return _words(condition, names)


_ASKED = {
    "key": "the caller pressed", "tag": "the call is tagged", "keyword": "they spoke of",
    "source": "the source is", "medium": "the medium is", "campaign": "the campaign is",
    "location": "the location is", "number": "the number is", "pool": "the pool is",
}  # fmt: skip


def _words(condition: Words, names: Names) -> str:
    shown = [names.get(word, word) for word in condition.any_of]
    if condition.fact in ("keyword", "campaign", "tag"):
        shown = [f"“{word}”" for word in shown]
    return f"{_ASKED[condition.fact]} {_list(shown, 'or')}"


def _limits(talk: Talk) -> str:
    if talk.at_least is not None and talk.at_most is not None:
        return f"{talk.at_least} to {_count(talk.at_most, 'second')}"
    if talk.at_least is not None:
        return f"at least {_count(talk.at_least, 'second')}"
    return f"at most {_count(talk.at_most or 0, 'second')}"


def _hours(hours: Hours) -> str:
    places = sorted({DAYS.index(day) for day in hours.days})
    if len(places) == 7:
        days = "on any day"
    elif len(places) > 2 and places == list(range(places[0], places[-1] + 1)):
        days = f"from {DAY_NAMES[places[0]]} to {DAY_NAMES[places[-1]]}"
    else:
        days = "on " + _list([DAY_NAMES[place] for place in places], "or")
    if hours.until is None and hours.since.hour == hours.since.minute == 0:
        return days
    until = f"{hours.until:%H:%M}" if hours.until else "24:00"
    return f"{days} between {hours.since:%H:%M} and {until}"


def _leaves(condition: Condition) -> list[Condition]:
    if isinstance(condition, AllOf | AnyOf):
        return [leaf for part in part_list(condition) for leaf in _leaves(part)]
    return [condition]


def _found(part: Condition, facts: Facts, names: Names) -> str:
    """Return what was found about a condition's fact, whether it holds or not."""
    if isinstance(part, Not):
        return _found(part.not_, facts, names)
    if isinstance(part, Answered):
        return "a person answered" if facts.answered else "no person answered"
    if isinstance(part, Spam):
        return f"the call is {'' if facts.is_spam else 'not '}marked as nuisance"
    if isinstance(part, Talk):
        return f"they talked {_count(facts.talk_seconds, 'second')}"
    if isinstance(part, Told):
        return f"somebody said {facts.told}" if facts.told else "nobody said what it brought"
    if isinstance(part, Person):
        last = last_before(facts, part.days)
        if facts.is_withheld:
            return "the caller withheld the number"
        if last:
            before = f"less than {_count(part.days, 'day')} before"
            return f"the caller was counted on {last:%Y-%m-%d} already, {before}"
        return f"the caller was not counted in the {_count(part.days, 'day')} before"
    if isinstance(part, Hours):
        return _leaf(part, names) if holds(part, facts) else f"it did not ring {_hours(part)}"
    if isinstance(part, Words):
        return _found_word(part, facts, names)
    return _joined(part, names)


def _found_word(part: Words, facts: Facts, names: Names) -> str:
    if part.fact == "keyword":
        if facts.transcript is None:
            return "there is no transcript"
        return (
            _leaf(part, names) if holds(part, facts) else f"nobody spoke of {_list(list(part.any_of), 'or')}"
        )
    if part.fact in ("key", "tag"):
        known = (facts.keys if part.fact == "key" else facts.tags) or ()
        none = "no key was pressed" if part.fact == "key" else "the call has no tag"
        return f"{_ASKED[part.fact]} {_list(list(known), 'and')}" if known else none
    value = str(getattr(facts, part.fact))
    return f"{_ASKED[part.fact]} {names.get(value, value)}" if value else f"the {part.fact} is not known"


def _missing(condition: Condition, facts: Facts, names: Names) -> str:
    """Return why a condition does not fit: the first part that fails, as it was found."""
    if isinstance(condition, AllOf):
        failing = next(part for part in condition.all if not holds(part, facts))
        return _missing(failing, facts, names)
    if isinstance(condition, AnyOf):
        return _list(list(dict.fromkeys(_missing(part, facts, names) for part in condition.any)), "and")
    if (
        isinstance(condition, Talk)
        and condition.at_least is not None
        and facts.talk_seconds < condition.at_least
    ):
        talked = f"they talked {_count(facts.talk_seconds, 'second')}"
        return f"{talked}; it takes {condition.at_least}"
    if isinstance(condition, Talk):
        return f"they talked {_count(facts.talk_seconds, 'second')}; {condition.at_most} are the most"
    return _found(condition, facts, names)


def _list(parts: Sequence[str], word: str) -> str:
    if len(parts) < 2:
        return "".join(parts)
    if len(parts) == 2:
        return f"{parts[0]} {word} {parts[1]}"
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
