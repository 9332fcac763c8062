"""Stage rules as rows of a form that works without scripts: single facts, and several facts together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from calltrack.dashboard.typed import Typed
from calltrack.kernel.errors import BadFields
from calltrack.stages.stage_words import FACTS, LONGEST_WINDOW, MOST_FACTS, MOST_WAYS, STAGES

SPARE: Final = 2
MOST_COUNT: Final = 100_000
LONGEST_PRICE_WORD: Final = 40


@dataclass(frozen=True)
class FactRow:
    """One fact as it is drawn; `name` is what the names of its fields end with."""

    name: str
    fact: str = ""
    value: str = ""
    days: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed."""
        return not (self.fact or self.value or self.days)


@dataclass(frozen=True)
class StageFields:
    """A stage: facts of which any is enough, and groups of facts that hold together; each with room."""

    stage: str
    single: tuple[FactRow, ...]
    together: tuple[tuple[FactRow, ...], ...]


def stage_fields(rules: Mapping[str, Any]) -> tuple[StageFields, ...]:
    """Return saved rules as fields."""
    found = []
    for stage in STAGES[1:]:
        ways = [way.get("all", [way]) for way in rules["stages"].get(stage, ())]
        single = [way[0] for way in ways if len(way) == 1]
        found.append(_fields(stage, map(_told, single), [map(_told, way) for way in ways if len(way) > 1]))
    return tuple(found)


def typed_fields(form: Typed) -> tuple[StageFields, ...]:
    """Return the fields as they were typed, each at its place, with room for more."""
    return tuple(
        _fields(
            stage,
            _typed(form, stage, MOST_WAYS),
            [_typed(form, _group(stage, place), MOST_FACTS) for place in range(MOST_WAYS)],
        )
        for stage in STAGES[1:]
    )


def stages_of(form: Typed) -> dict[str, Any]:
    """Return the stage rules the fields say, to be checked by `read_stages`.

    Raises:
        BadFields: fields make no sense; each is named with what to type.
    """
    problems: dict[str, str] = {}
    stages = {}
    for one in typed_fields(form):
        groups = [[leaf for row in rows if (leaf := _leaf(row, problems))] for rows in one.together]
        ways = [leaf for row in one.single if (leaf := _leaf(row, problems))]
        stages[one.stage] = ways + [
            {"all": group} if len(group) > 1 else group[0] for group in groups if group
        ]
        if len(stages[one.stage]) > MOST_WAYS:
            problems[f"fact-{one.stage}-0"] = f"A stage has at most {MOST_WAYS} ways to reach it; empty some."
    words = [word.strip() for word in form.text("price_words").split(",") if word.strip()]
    if any(not 2 <= len(word) <= LONGEST_PRICE_WORD for word in words):
        problems["price_words"] = f"Each word has 2 to {LONGEST_PRICE_WORD} letters; put commas between them."
    if problems:
        raise BadFields("Some rows make no sense; what to type stands beside each.", problems)
    return {"price_words": words, "stages": stages}


def _fields(
    stage: str, single: Iterable[FactRow], together: Iterable[Iterable[FactRow]]
) -> StageFields:  # fmt: skip
    rows = _with_room(stage, single, SPARE, MOST_WAYS)
    filled = [group for one in together if (group := _filled(one))]
    groups = [
        _with_room(_group(stage, place), group, 1 if group else 3, MOST_FACTS)
        for place, group in enumerate([*filled, []][:MOST_WAYS])
    ]
    return StageFields(stage, rows, tuple(groups))


def _with_room(name: str, rows: Iterable[FactRow], spare: int, most: int) -> tuple[FactRow, ...]:
    filled = _filled(rows)
    all_ = [*filled, *[FactRow("")] * spare][: max(most, len(filled))]
    return tuple(FactRow(f"{name}-{place}", row.fact, row.value, row.days) for place, row in enumerate(all_))


def _filled(rows: Iterable[FactRow]) -> list[FactRow]:
    return [row for row in rows if not row.is_empty]


def _group(stage: str, place: int) -> str:
    return f"{stage}-all{place}"


def _typed(form: Typed, name: str, most: int) -> list[FactRow]:
    """Return the rows that are not empty, of one more than fits: it was drawn as room."""
    return [
        FactRow("", *(form.text(f"{field}-{name}-{place}").strip() for field in ("fact", "value", "days")))
        for place in range(most + SPARE)
    ]


def _told(leaf: Mapping[str, Any]) -> FactRow:
    value = leaf.get("at_least", leaf.get("is", ""))
    return FactRow("", leaf["fact"], str(value), str(leaf.get("within_days", "")))


def _leaf(row: FactRow, problems: dict[str, str]) -> dict[str, Any] | None:
    """Return a row as a fact of the rules; None: it is empty, or wrong, which then stands in `problems`."""
    if row.is_empty:
        return None
    known = FACTS.get(row.fact)
    if known is None:
        problems[f"fact-{row.name}"] = "Choose the fact, or empty the row."
        return None
    leaf: dict[str, Any] = {"fact": row.fact}
    if "at_least" in known.words:
        leaf["at_least"] = _whole(row.value, MOST_COUNT)
        if leaf["at_least"] is None:
            problems[f"value-{row.name}"] = f"Write a whole number from 1 to {MOST_COUNT:,}."
    elif "is" in known.words:
        leaf["is"] = row.value
        if not row.value:
            problems[f"value-{row.name}"] = "Write the word it is."
    if row.days:
        leaf["within_days"] = _whole(row.days, LONGEST_WINDOW)
        if not known.has_window:
            problems[f"days-{row.name}"] = "This fact counts days by itself; leave this empty."
        elif leaf["within_days"] is None:
            problems[f"days-{row.name}"] = f"Write 1 to {LONGEST_WINDOW} days, or leave it empty."
    return leaf


def _whole(text: str, most: int) -> int | None:
    if text.isascii() and text.isdecimal() and len(text) <= 6 and 1 <= int(text) <= most:
        return int(text)
    return None
