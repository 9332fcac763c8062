"""The condition language of audiences: JSON in, a checked tree out, and one sentence that restates it.

    {"all": [{"fact": "lead", "within_days": 30}, {"not": {"fact": "bought_since_lead"}}]}

`all`, `any` and `not` may be nested; each leaf names a fact about one person. `rules.matches` says whether a
tree holds for a person, `statements` asks the database the same of very many at once.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
)
from pydantic import model_validator as check

from calltrack.kernel.errors import BadInput
from calltrack.kernel.money import Money, currency_code
from calltrack.stages.segment_rules import read_segment

LONGEST_DAYS: Final = 540
MOST_PARTS, DEEPEST = 40, 5
Days = Annotated[int, Field(ge=1, le=LONGEST_DAYS)]
Word = Annotated[str, Field(max_length=256)]
# As visits spell their sources and media.
Lowered = Annotated[Word, AfterValidator(str.lower)]


class Part(BaseModel):
    """One node of a condition."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)


class Lead(Part):
    """Was a lead: ever, within the last days, or last so many days ago or more."""

    fact: Literal["lead"] = "lead"
    within_days: Days | None = None
    older_than_days: Days | None = None


class Bought(Part):
    """Bought: ever, or within the last days."""

    fact: Literal["bought"] = "bought"
    within_days: Days | None = None


class BoughtSinceLead(Part):
    """Bought after the last lead: at any time, or within so many days of it."""

    fact: Literal["bought_since_lead"] = "bought_since_lead"
    within_days: Days | None = None


class Missed(Part):
    """Called, nobody talked with the person, and nobody has since; within the last days if given."""

    fact: Literal["missed_call"] = "missed_call"
    within_days: Days | None = None


class Value(Part):
    """Purchases of one currency add up to at least this much (minor units)."""

    fact: Literal["value"] = "value"
    at_least_minor: Annotated[int, Field(ge=1, le=10**15)]
    currency: str

    @check(mode="after")
    def _known_currency(self) -> "Value":
        if currency_code(self.currency) != self.currency:
            raise ValueError("write the currency as an ISO code such as EUR")
        return self


class Touch(Part):
    """Where the person's first or last touch came from; words that are empty do not matter."""

    fact: Literal["touch"] = "touch"
    which: Literal["first", "last"]
    source: Lowered = ""
    medium: Lowered = ""
    campaign: Word = ""

    @check(mode="after")
    def _says_something(self) -> "Touch":
        if not (self.source or self.medium or self.campaign):
            raise ValueError("name a source, a medium or a campaign")
        return self


class Location(Part):
    """Called one of these locations."""

    fact: Literal["location"] = "location"
    location_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=50)]


class Segment(Part):
    """Is in a segment of persons, as its condition stood when it was chosen (`stages/segment_rules.py`)."""

    fact: Literal["segment"] = "segment"
    name: Annotated[str, Field(min_length=1, max_length=80)]
    condition: dict[str, Any]

    @check(mode="after")
    def _known_condition(self) -> "Segment":
        try:
            read_segment(self.condition)
        except BadInput as problem:
            raise ValueError(str(problem)) from None
        return self


class All(Part):
    """Every part holds."""

    all: Annotated[tuple["Condition", ...], Field(min_length=1, max_length=MOST_PARTS)]


class Any_(Part):  # noqa: N801 (`Any` is taken)
    """At least one part holds."""

    any: Annotated[tuple["Condition", ...], Field(min_length=1, max_length=MOST_PARTS)]


class Not(Part):
    """The part does not hold."""

    not_: "Condition" = Field(alias="not")


LEAVES: Final[dict[str, type[Part]]] = {
    "lead": Lead, "bought": Bought, "bought_since_lead": BoughtSinceLead, "missed_call": Missed,
    "value": Value, "touch": Touch, "location": Location, "segment": Segment,
}  # fmt: skip
Leaf = Lead | Bought | BoughtSinceLead | Missed | Value | Touch | Location | Segment


def _kind(given: Any) -> str | None:
    if isinstance(given, Part):
        node = {"All": "all", "Any_": "any", "Not": "not"}.get(type(given).__name__)
        return node or getattr(given, "fact", None)
    if not isinstance(given, Mapping):
        return None
    return next((word for word in ("all", "any", "not") if word in given), given.get("fact"))


Condition = Annotated[
    Annotated[All, Tag("all")]
    | Annotated[Any_, Tag("any")]
    | Annotated[Not, Tag("not")]
    | Annotated[Lead, Tag("lead")]
    | Annotated[Bought, Tag("bought")]
    | Annotated[BoughtSinceLead, Tag("bought_since_lead")]
    | Annotated[Missed, Tag("missed_call")]
    | Annotated[Value, Tag("value")]
    | Annotated[Touch, Tag("touch")]
    | Annotated[Location, Tag("location")]
    | Annotated[Segment, Tag("segment")],
    Discriminator(_kind),
]
for _model in (All, Any_, Not):
    _model.model_rebuild()
Tree = All | Any_ | Not | Leaf
_READ: Final[TypeAdapter[Tree]] = TypeAdapter(Condition)


def read(given: Any) -> Tree:
    """Return the checked condition.

    Raises:
        BadInput: it is none; the text names the part and what is wrong with it.
    """
    if _depth(given) > DEEPEST:
        raise BadInput(f"The condition is nested more than {DEEPEST} deep; make it flatter.")
    try:
        tree = _READ.validate_python(given)
    except ValidationError as problem:
        error = problem.errors(include_url=False)[0]
        place = ".".join(str(step) for step in error["loc"] if step not in LEAVES)
        said = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
        if error["type"].startswith("union_tag"):
            said = f"a part is all, any, not, or one of the facts {', '.join(LEAVES)}"
        raise BadInput(f"The condition cannot be read{f' at {place}' if place else ''}: {said}.") from None
    if sum(1 for _ in parts(tree)) > MOST_PARTS:
        raise BadInput(f"The condition has more than {MOST_PARTS} parts; split the audience.")
    return tree


def written(tree: Tree) -> dict[str, Any]:
    """Return the condition as JSON that `read` takes."""
    return tree.model_dump(mode="json", by_alias=True, exclude_none=True)


def parts(tree: Tree) -> Iterator[Tree]:
    """Return the node and everything below it."""
    yield tree
    inner: tuple[Tree, ...] = ()
    if isinstance(tree, All):
        inner = tree.all
    elif isinstance(tree, Any_):
        inner = tree.any
    elif isinstance(tree, Not):
        inner = (tree.not_,)
    for one in inner:
        yield from parts(one)


def _depth(given: Any) -> int:
    level, deep = [given], 0
    while level and deep <= DEEPEST + 1:
        deep += 1
        nested: list[Any] = []
        for one in level:
            if isinstance(one, Mapping):
                for word in ("all", "any"):
                    nested += one[word] if isinstance(one.get(word), list | tuple) else []
                nested += [one["not"]] if "not" in one else []
        level = nested
    return deep


READY: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "called_not_bought": (
        "Lead, no purchase within 30 days",
        {"all": [{"fact": "lead", "within_days": 30}, {"not": {"fact": "bought_since_lead"}}]},
    ),
    "missed_not_called_back": (
        "Missed call, not called back",
        {"all": [{"fact": "missed_call", "within_days": 30}]},
    ),
    "customers": ("Customers (to exclude)", {"all": [{"fact": "bought"}]}),
    "cold_leads": (
        "Leads gone cold",
        {"all": [{"fact": "lead", "older_than_days": 30}, {"not": {"fact": "bought_since_lead"}}]},
    ),
}


def sentence(tree: Tree, locations: Mapping[UUID, str] | None = None) -> str:
    """Restate the condition in one sentence; `locations` names locations by id."""
    return f"People who {_clause(tree, locations or {}, True)}."


def _clause(tree: Tree, names: Mapping[UUID, str], holds: bool) -> str:
    if isinstance(tree, Not):
        return _clause(tree.not_, names, not holds)
    if isinstance(tree, All | Any_):
        inner = tree.all if isinstance(tree, All) else tree.any
        # Not all of these: at least one is not; not one of these: each is not.
        word = " and " if isinstance(tree, All) is holds else " or "
        said = [_clause(one, names, holds) for one in inner]
        nested = [
            f"({words})" if isinstance(one, All | Any_) and len(inner) > 1 else words
            for one, words in zip(inner, said, strict=True)
        ]
        return word.join(nested)
    return _leaf(tree, names, holds)


def _leaf(leaf: Leaf, names: Mapping[UUID, str], holds: bool) -> str:
    lately = f" in the last {_days(leaf)}" if getattr(leaf, "within_days", None) else ""
    if isinstance(leaf, Lead):
        if leaf.older_than_days:
            ago = f"{leaf.older_than_days} days or more ago"
            aged = f"last were a lead {ago}" if holds else f"were not last a lead {ago}"
            return aged if not lately else f"{aged} and {'' if holds else 'not '}{lately.strip()}"
        return f"were a lead{lately}" if holds else f"were not a lead{lately or ' ever'}"
    if isinstance(leaf, Bought):
        return f"bought{lately}" if holds else f"did not buy{lately}" if lately else "never bought"
    if isinstance(leaf, BoughtSinceLead):
        if leaf.within_days:
            return f"{'bought' if holds else 'did not buy'} within {_days(leaf)} of their last lead"
        return "bought since their last lead" if holds else "have not bought since their last lead"
    if isinstance(leaf, Missed):
        return f"{'called' if holds else 'did not call'}{lately}, were missed and not reached since"
    if isinstance(leaf, Value):
        amount = f"{Money(leaf.at_least_minor, leaf.currency).major()} {leaf.currency}"
        return f"bought for {amount} or more" if holds else f"bought for less than {amount}"
    if isinstance(leaf, Touch):
        words = [f"{what} {value}" for what, value in _named(leaf)]
        return f"{leaf.which} came {'' if holds else 'not '}from {', '.join(words)}"
    if isinstance(leaf, Segment):
        return f"are {'' if holds else 'not '}in the segment “{leaf.name}”"
    places = " or ".join(names.get(id_, "a location that is gone") for id_ in leaf.location_ids)
    return f"called {places}" if holds else f"never called {places}"


def _named(leaf: Touch) -> list[tuple[str, str]]:
    pairs = (("source", leaf.source), ("medium", leaf.medium), ("campaign", leaf.campaign))
    return [(what, value) for what, value in pairs if value]


def _days(leaf: Any) -> str:
    return f"{leaf.within_days} day{'' if leaf.within_days == 1 else 's'}"
