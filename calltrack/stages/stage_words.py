"""The rules of the five stages as data: JSON in, checked rules out, and each way restated in words.

    {"price_words": ["price"], "stages": {"familiarity": [{"fact": "visits", "at_least": 2}], ...}}

Each stage has a list of ways to reach it; any one is enough. A way is a fact, or `all` of several. A fact
with `within_days` looks only at what happened in so many days up to the moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calltrack.kernel.errors import BadInput

STAGES: Final = ("awareness", "familiarity", "consideration", "purchase", "loyalty")
MOST_WAYS: Final = 20
MOST_FACTS: Final = 5
LONGEST_WINDOW: Final = 365


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact that stage rules can ask: which words it takes, and how it reads with and without a number."""

    words: tuple[str, ...]
    reads: str
    has_window: bool = True
    """Whether it can be asked of the last days only."""


# {n}: the number, {is}: the word.
FACTS: Final[dict[str, Fact]] = {
    "visits": Fact(("at_least",), "came {n} times or more"),
    "pages": Fact(("at_least",), "saw {n} pages or more in one visit"),
    "minutes": Fact(("at_least",), "stayed {n} minutes or longer in one visit"),
    "contact_page": Fact((), "looked at a contact page"),
    "price_page": Fact((), "looked at a page about prices"),
    "number_tapped": Fact((), "tapped a phone number"),
    "form": Fact((), "typed a phone number or an address into a form"),
    "calls": Fact(("at_least",), "called {n} times or more"),
    "unanswered": Fact(("at_least",), "called {n} times or more and nobody answered"),
    "talk_seconds": Fact(("at_least",), "talked {n} seconds or longer in one call"),
    "leads": Fact(("at_least",), "was a lead {n} times or more"),
    "purchases": Fact(("at_least",), "bought {n} times or more"),
    "days_after_purchase": Fact(("at_least",), "called {n} days or more after the first purchase", False),
    "tag": Fact(("is",), "had a call with the tag “{is}”"),
    "touchpoint": Fact(("is",), "had a touchpoint “{is}”"),
}


class Leaf(BaseModel):
    """One fact."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)
    fact: str
    at_least: Annotated[int | None, Field(ge=1, le=100_000)] = None
    is_: Annotated[str | None, Field(alias="is", min_length=1, max_length=80)] = None
    within_days: Annotated[int | None, Field(ge=1, le=LONGEST_WINDOW)] = None


class Both(BaseModel):
    """Several facts at once."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    all: Annotated[tuple[Leaf, ...], Field(min_length=1, max_length=MOST_FACTS)]


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    price_words: Annotated[
        tuple[Annotated[str, Field(min_length=2, max_length=40)], ...], Field(max_length=30)
    ] = ()
    stages: dict[str, Annotated[tuple[Leaf | Both, ...], Field(max_length=MOST_WAYS)]]


@dataclass(frozen=True, slots=True)
class StageRules:
    """Checked rules. `ways[i]` are those of stage i, each a tuple of facts that must hold together."""

    ways: tuple[tuple[tuple[Leaf, ...], ...], ...]
    price_words: tuple[str, ...]


DEFAULT: Final[dict[str, Any]] = {
    "price_words": ["price", "pricing", "preis", "kosten", "prezz", "costi", "tariff", "tarif", "offert"],
    "stages": {
        "familiarity": [
            {"fact": "visits", "at_least": 2},
            {"fact": "minutes", "at_least": 2},
            {"fact": "pages", "at_least": 3},
        ],
        "consideration": [
            {"fact": "contact_page"},
            {"fact": "price_page"},
            {"fact": "form"},
            {"fact": "number_tapped"},
            {"fact": "calls", "at_least": 1},
        ],
        "purchase": [{"fact": "leads", "at_least": 1}, {"fact": "purchases", "at_least": 1}],
        "loyalty": [
            {"fact": "purchases", "at_least": 2},
            {"fact": "days_after_purchase", "at_least": 30},
            {"fact": "tag", "is": "existing customer"},
        ],
    },
}


def read_stages(given: Any) -> StageRules:
    """Return the checked rules.

    Raises:
        BadInput: they are none; the text names the place and what to change.
    """
    try:
        rules = _Given.model_validate(given)
    except ValidationError as problem:
        error = problem.errors(include_url=False)[0]
        place = ".".join(str(step) for step in error["loc"])
        raise BadInput(f"The stage rules cannot be read at {place or 'the top'}: {error['msg']}.") from None
    wrong = sorted(set(rules.stages) - set(STAGES[1:]))
    if wrong:
        raise BadInput(
            f"Stages with rules are {', '.join(STAGES[1:])}; {wrong[0]!r} is none: everybody begins aware."
        )
    ways = tuple(tuple(_facts(stage, one) for one in rules.stages.get(stage, ())) for stage in STAGES[1:])
    return StageRules(((), *ways), tuple(word.lower() for word in rules.price_words))


def written_stages(rules: StageRules) -> dict[str, Any]:
    """Return the rules as JSON that `read_stages` takes."""

    def leaf(one: Leaf) -> dict[str, Any]:
        return one.model_dump(by_alias=True, exclude_none=True)

    return {
        "price_words": list(rules.price_words),
        "stages": {
            stage: [leaf(way[0]) if len(way) == 1 else {"all": [leaf(one) for one in way]} for way in ways]
            for stage, ways in zip(STAGES[1:], rules.ways[1:], strict=True)
        },
    }


def read_way(way: tuple[Leaf, ...]) -> str:
    """Return a way in words, such as `came 2 times or more`."""
    return " and ".join(reads(one.fact, one.at_least, one.is_, one.within_days) for one in way)


def reads(fact: str, number: int | None, word: str | None, days: int | None = None) -> str:
    """Return one fact in words."""
    said = FACTS[fact].reads
    if number == 1:
        said = said.replace("{n} times or more", "once or more").replace(" once or more and", " and")
    said = said.replace("{n}", str(number)).replace("{is}", word or "")
    return f"{said} within {days} day{'' if days == 1 else 's'}" if days else said


def _facts(stage: str, way: Leaf | Both) -> tuple[Leaf, ...]:
    leaves = way.all if isinstance(way, Both) else (way,)
    for leaf in leaves:
        _check(stage, leaf)
    return leaves


def _check(stage: str, leaf: Leaf) -> None:
    known = FACTS.get(leaf.fact)
    if known is None:
        raise BadInput(f"A fact of {stage} is {leaf.fact!r}; choose one of {', '.join(FACTS)}.")
    given: Mapping[str, object] = leaf.model_dump(
        by_alias=True, exclude_none=True, exclude={"fact", "within_days"}
    )
    if leaf.within_days and not known.has_window:
        raise BadInput(f"The fact {leaf.fact} of {stage} knows no within_days; leave it out.")
    for word in known.words:
        if word not in given:
            raise BadInput(f"The fact {leaf.fact} of {stage} needs the word {word}.")
    for word in given:
        if word not in known.words:
            raise BadInput(f"The fact {leaf.fact} of {stage} knows no word {word}; leave it out.")
