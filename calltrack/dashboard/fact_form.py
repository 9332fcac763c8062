"""Facts about persons as rows of a form that works without scripts: of segments, of the score."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from calltrack.dashboard.typed import Typed
from calltrack.kernel.errors import BadInput
from calltrack.stages.figure_facts import COMPARED, FACTS, Leaf, check_leaf
from calltrack.stages.segment_rules import COLORS, read_segment, written_segment

MOST_ROWS: Final = 20
SPARE: Final = 2
# How a fact is compared, in words.
HOW: Final = (
    ("at_least", "at least"), ("at_most", "at most"), ("is", "is"), ("within_days", "in the last days"),
    ("older_than_days", "more than days ago"),
)  # fmt: skip
COLOR_WORDS: Final = tuple((color, color.capitalize()) for color in COLORS)


@dataclass(frozen=True)
class Row:
    """One row as it is drawn: `how` and `value` compare the fact; points only in the score."""

    fact: str = ""
    how: str = ""
    value: str = ""
    is_not: str = ""
    points: str = ""


def facts_offered(*, in_score: bool) -> list[tuple[str, str]]:
    """Return the facts a form offers, with their words."""
    return [(name, fact.label) for name, fact in FACTS.items() if fact.in_score or not in_score]


def row_of(leaf: Leaf, *, is_not: bool = False, points: int | None = None) -> Row:
    """Return a comparison as a row; one with two limits shows the first."""
    given = leaf.model_dump(by_alias=True, exclude_none=True, exclude={"fact"})
    how, value = next(iter(given.items()), ("", ""))
    return Row(leaf.fact, how, str(value), "on" if is_not else "", "" if points is None else str(points))


def rows_of_segment(condition: Mapping[str, Any]) -> tuple[str, tuple[Row, ...]] | None:
    """Return how the parts are joined, and the rows; None: rows cannot say this condition."""
    tree = written_segment(read_segment(condition))
    join = "any" if "any" in tree else "all"
    rows = []
    for part in tree.get(join, [tree]):
        leaf, is_not = part.get("not", part), "not" in part
        if "fact" not in leaf:
            return None
        limits = [name for name in leaf if name != "fact"]
        if len(limits) > 1 and is_not:
            return None
        rows += [
            row_of(
                Leaf.model_validate({"fact": leaf["fact"], **({name: leaf[name]} if name else {})}),
                is_not=is_not,
            )
            for name in (limits or [""])
        ]
        if len(limits) > 1 and join == "any":
            return None
    return join, tuple(rows)


def typed_rows(form: Typed) -> tuple[Row, ...]:
    """Return the rows as they were typed, without the empty ones."""
    rows = (
        Row(*(form.text(f"{name}-{place}").strip() for name in Row.__dataclass_fields__))
        for place in range(MOST_ROWS + SPARE)
    )
    return tuple(row for row in rows if row.fact)


def segment_of(form: Typed) -> dict[str, Any]:
    """Return the condition the rows say.

    Raises:
        BadInput: there is no row, or a row cannot be; the text says what to change.
    """
    rows = typed_rows(form)
    if not rows:
        raise BadInput("Choose at least one fact that holds for the people in this segment.")
    parts = [{"not": _leaf(row)} if row.is_not else _leaf(row) for row in rows]
    return {"any" if form.text("join") == "any" else "all": parts}


def score_of(form: Typed) -> dict[str, Any]:
    """Return the score rules the rows say; raises BadInput as `segment_of` does."""
    rules = []
    for row in typed_rows(form):
        points = row.points.removeprefix("+").replace("−", "-")
        if not points.removeprefix("-").isdecimal():
            raise BadInput("Write the points of each rule as a whole number from -100 to 100.")
        rules.append({"points": int(points), "if": _leaf(row, in_score=True)})
    return {"warm": _number(form.text("warm")), "hot": _number(form.text("hot")), "rules": rules}


def _leaf(row: Row, *, in_score: bool = False) -> dict[str, Any]:
    known = FACTS.get(row.fact)
    if known is None:
        raise BadInput("Choose one of the facts in the list.")
    fitting = COMPARED[known.kind]
    part: dict[str, Any] = {"fact": row.fact}
    if fitting:
        how = row.how if row.how in fitting else fitting[0]
        part[how] = row.value if how == "is" else _number(row.value)
        if how == "is" and not row.value:
            raise BadInput(f"Write what “{known.label}” is.")
    check_leaf(Leaf.model_validate(part), in_score=in_score)
    return part


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise BadInput("Write a whole number beside each fact that counts something.")
    return int(text)
