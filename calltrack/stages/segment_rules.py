"""The conditions of segments: JSON in, a checked tree out, in words, about one journey and as SQL.

{"all": [{"fact": "short_calls", "at_least": 2}, {"not": {"fact": "purchases", "at_least": 1}}]}
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from calltrack.kernel.errors import BadInput
from calltrack.stages.figure_facts import EXACT, FACTS, Leaf, check_leaf, holds, leaf_reads

MOST_PARTS, DEEPEST = 20, 4
COLORS: Final = ("blue", "green", "amber", "red", "violet", "teal", "pink", "gray")


@dataclass(frozen=True, slots=True)
class Group:
    """Parts that hold all together, or any of them, or (one part) not."""

    how: str
    parts: tuple["Tree", ...]


Tree = Leaf | Group

# The first segments of every company: name, colour, condition.
READY: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    ("New caller", "blue", {"all": [{"fact": "calls", "at_least": 1, "at_most": 1}]}),
    ("Returning caller", "teal", {"all": [{"fact": "calls", "at_least": 2}]}),
    ("Missed and not called back", "red", {"all": [
        {"fact": "waits"}, {"fact": "last_call_at", "within_days": 30},
    ]}),
    ("Hot lead, open", "amber", {"all": [
        {"fact": "score", "at_least": 60}, {"fact": "purchases", "at_most": 0}, {"not": {"fact": "is_lost"}},
        {"fact": "last_at", "within_days": 30},
    ]}),
    ("Customer", "green", {"all": [{"fact": "purchases", "at_least": 1}]}),
    ("Price shopper", "violet", {"all": [
        {"fact": "short_calls", "at_least": 2}, {"fact": "purchases", "at_most": 0},
    ]}),
    ("Sleeping customer", "gray", {"all": [
        {"fact": "purchases", "at_least": 1}, {"fact": "last_at", "older_than_days": 180},
    ]}),
    ("Best customers", "pink", {"all": [
        {"fact": "purchases", "at_least": 2}, {"fact": "last_bought_at", "within_days": 365},
    ]}),
)  # fmt: skip


def read_segment(given: Any) -> Tree:
    """Return the checked condition.

    Raises:
        BadInput: it is none; the text says what to change.
    """
    tree = _read(given, 1)
    if sum(1 for _ in _parts(tree)) > MOST_PARTS:
        raise BadInput(f"The condition has more than {MOST_PARTS} parts; make two segments of it.")
    return tree


def written_segment(tree: Tree) -> dict[str, Any]:
    """Return the condition as JSON that `read_segment` takes."""
    if isinstance(tree, Leaf):
        return tree.model_dump(by_alias=True, exclude_none=True)
    parts = [written_segment(one) for one in tree.parts]
    return {tree.how: parts[0] if tree.how == "not" else parts}


def matches(tree: Tree, facts: Mapping[str, Any], now: datetime) -> bool:
    """Tell whether the condition holds of a journey's facts (`journey_rules.facts_of`)."""
    if isinstance(tree, Leaf):
        return holds(tree, facts, now)
    found = [matches(part, facts, now) for part in tree.parts]
    return {"all": all, "any": any}[tree.how](found) if tree.how != "not" else not found[0]


def sentence(tree: Tree) -> str:
    """Return the condition in words."""
    if isinstance(tree, Leaf):
        return leaf_reads(tree)
    if tree.how == "not":
        return f"not ({sentence(tree.parts[0])})"
    said = [f"({sentence(one)})" if _is_many(one) else sentence(one) for one in tree.parts]
    return (" and " if tree.how == "all" else " or ").join(said)


@dataclass
class Sql:
    """A condition as SQL over the table `journey j`; `now` is a parameter of its own."""

    values: dict[str, Any] = field(default_factory=dict)

    def where(self, tree: Tree) -> str:
        """Return the words of a WHERE."""
        if isinstance(tree, Group):
            parts = [self.where(one) for one in tree.parts]
            if tree.how == "not":
                return f"NOT ({parts[0]})"
            return "(" + (" AND " if tree.how == "all" else " OR ").join(parts) + ")"
        return self._leaf(tree)

    def _leaf(self, leaf: Leaf) -> str:
        fact = FACTS[leaf.fact]
        column = f"j.{fact.column}" if fact.column else f"(j.figures ->> '{leaf.fact}')"
        if fact.kind == "flag":
            return column if fact.column else f"coalesce({column}::int, 0) > 0"
        if fact.kind == "number":
            column = column if fact.column else f"coalesce({column}::int, 0)"
            return self._both(column, (">=", leaf.at_least), ("<=", leaf.at_most))
        if fact.kind == "moment":
            return self._moment(column, leaf)
        if fact.kind == "words":
            told = f"jsonb_array_elements_text(j.figures -> '{leaf.fact}') AS words (one)"
            said = f"EXISTS (SELECT FROM {told} WHERE lower(one) = lower({self._give(leaf.is_)}))"
            # Most journeys have none, which is told far quicker than their words are looked through.
            return f"(jsonb_exists(j.figures, '{leaf.fact}') AND {said})"
        if leaf.fact in EXACT:
            return f"coalesce({column} = {self._give(leaf.is_)}, false)"
        if fact.column:  # As visits spell it, without capitals.
            return f"coalesce({column} = {self._give((leaf.is_ or '').lower())}, false)"
        return f"coalesce(lower({column}) = lower({self._give(leaf.is_)}), false)"

    def _moment(self, column: str, leaf: Leaf) -> str:
        ages = ((">", leaf.within_days), ("<=", leaf.older_than_days))
        moments = [
            (how, f":now - make_interval(days => {self._give(days)})")
            for how, days in ages
            if days is not None
        ]
        words = [f"{column} IS NOT NULL", *(f"{column} {how} {moment}" for how, moment in moments)]
        # Nothing is younger than the last touch, by which persons are indexed.
        words += [f"j.last_at > {moment}" for how, moment in moments if how == ">"]
        return "(" + " AND ".join(words) + ")"

    def _both(self, column: str, *sides: tuple[str, int | None]) -> str:
        return (
            "(" + " AND ".join(f"{column} {how} {self._give(n)}" for how, n in sides if n is not None) + ")"
        )

    def _give(self, value: Any) -> str:
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f":{name}"


def _read(given: Any, deep: int) -> Tree:
    if deep > DEEPEST:
        raise BadInput(f"The condition is nested more than {DEEPEST} deep; make it flatter.")
    if not isinstance(given, Mapping):
        raise BadInput('A condition is an object such as {"all": [{"fact": "calls", "at_least": 2}]}.')
    for how in ("all", "any"):
        if how in given:
            parts = given[how]
            if len(given) > 1 or not isinstance(parts, list | tuple) or not parts:
                raise BadInput(f"`{how}` takes a list with at least one part, and nothing stands beside it.")
            return Group(how, tuple(_read(one, deep + 1) for one in parts))
    if "not" in given:
        if len(given) > 1:
            raise BadInput("Nothing stands beside `not`; write `all` around both.")
        return Group("not", (_read(given["not"], deep + 1),))
    try:
        leaf = Leaf.model_validate(given)
    except ValidationError as problem:
        error = problem.errors(include_url=False)[0]
        place = ".".join(str(step) for step in error["loc"])
        raise BadInput(f"The condition cannot be read at {place or 'a part'}: {error['msg']}.") from None
    check_leaf(leaf)
    return leaf


def _parts(tree: Tree) -> Iterator[Tree]:
    yield tree
    if isinstance(tree, Group):
        for one in tree.parts:
            yield from _parts(one)


def _is_many(tree: Tree) -> bool:
    return isinstance(tree, Group) and tree.how != "not" and len(tree.parts) > 1
