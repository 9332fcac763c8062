"""The facts about a journey that score rules and segments may ask: how each is read, compared and found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from calltrack.kernel.errors import BadInput

Kind = Literal["number", "flag", "word", "words", "moment"]
COMPARED: Final[dict[str, tuple[str, ...]]] = {
    "number": ("at_least", "at_most"),
    "flag": (),
    "word": ("is",),
    "words": ("is",),
    "moment": ("within_days", "older_than_days"),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact: its kind, how it reads, its column (empty: it stands in `figures`), and who may ask it."""

    kind: Kind
    label: str
    column: str = ""
    in_score: bool = True


FACTS: Final[dict[str, Fact]] = {
    "visits": Fact("number", "visits", "visits"),
    "pages": Fact("number", "pages in one visit"),
    "minutes": Fact("number", "minutes in one visit"),
    "contact_page": Fact("flag", "looked at a contact page"),
    "price_page": Fact("flag", "looked at a page about prices"),
    "number_tapped": Fact("flag", "tapped a phone number"),
    "form": Fact("flag", "typed into a form"),
    "calls": Fact("number", "calls", "calls"),
    "answered": Fact("number", "answered calls", "answered"),
    "missed": Fact("number", "calls nobody answered", "missed"),
    "short_calls": Fact("number", "answered calls under a minute", "short_calls"),
    "longest_talk": Fact("number", "seconds of the longest talk", "longest_talk"),
    "waits": Fact("flag", "called, nobody answered, not called back", "waits"),
    "stage": Fact("number", "stage (0 awareness to 4 loyalty)", "stage"),
    "hour": Fact("number", "hour of the last call"),
    "source": Fact("word", "source", "source"),
    "medium": Fact("word", "medium", "medium"),
    "campaign": Fact("word", "campaign", "campaign"),
    "landing": Fact("word", "first page", "landing"),
    "country": Fact("word", "country of the caller's number"),
    "city": Fact("word", "town of the caller's number"),
    "tag": Fact("words", "tag of a call"),
    "touchpoint": Fact("words", "touchpoint"),
    "score": Fact("number", "score", "score", in_score=False),
    "leads": Fact("number", "leads", "leads", in_score=False),
    "purchases": Fact("number", "purchases", "purchases", in_score=False),
    "value_minor": Fact("number", "bought for (minor units)", "value_minor", in_score=False),
    "is_lost": Fact("flag", "told to be lost", "is_lost", in_score=False),
    "first_at": Fact("moment", "first touch", "first_at", in_score=False),
    "last_at": Fact("moment", "last touch", "last_at", in_score=False),
    "last_call_at": Fact("moment", "last call", "last_call_at", in_score=False),
    "lead_at": Fact("moment", "first lead", "lead_at", in_score=False),
    "last_bought_at": Fact("moment", "last purchase", "last_bought_at", in_score=False),
}


# Words that are written in one way only. All others are compared whatever their case: nobody knows that the
# source of Google's visits is `google`, and tags are one tag in capitals and without.
EXACT: Final = frozenset(("campaign", "landing"))


class Leaf(BaseModel):
    """One fact, compared."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)
    fact: str
    at_least: Annotated[int | None, Field(ge=0, le=10**15)] = None
    at_most: Annotated[int | None, Field(ge=0, le=10**15)] = None
    is_: Annotated[str | None, Field(alias="is", min_length=1, max_length=200)] = None
    within_days: Annotated[int | None, Field(ge=1, le=3650)] = None
    older_than_days: Annotated[int | None, Field(ge=1, le=3650)] = None


def check_leaf(leaf: Leaf, *, in_score: bool = False) -> None:
    """Raise BadInput, with what to change, where the fact is unknown or its words do not fit it."""
    known = FACTS.get(leaf.fact)
    allowed = [name for name, fact in FACTS.items() if fact.in_score or not in_score]
    if known is None or leaf.fact not in allowed:
        raise BadInput(f"{leaf.fact!r} is no fact here; choose one of {', '.join(allowed)}.")
    given = leaf.model_dump(by_alias=True, exclude_none=True, exclude={"fact"})
    fitting = COMPARED[known.kind]
    for word in given:
        if word not in fitting:
            raise BadInput(f"The fact {leaf.fact} knows no word {word}; leave it out.")
    if fitting and not given:
        raise BadInput(f"The fact {leaf.fact} needs {' or '.join(fitting)}.")


def holds(leaf: Leaf, facts: Mapping[str, Any], now: datetime | None = None) -> bool:
    """Tell whether the fact holds of a journey; moments are compared with `now`."""
    value, kind = facts.get(leaf.fact), FACTS[leaf.fact].kind
    if kind == "flag":
        return bool(value)
    if kind == "number":
        number = int(value or 0)
        return (leaf.at_least is None or number >= leaf.at_least) and (
            leaf.at_most is None or number <= leaf.at_most
        )
    if kind == "moment":
        return _moment_holds(leaf, value, now)
    if leaf.fact in EXACT:
        return value == leaf.is_
    words = value if isinstance(value, list) else [value or ""]
    return leaf.is_ is not None and leaf.is_.lower() in [one.lower() for one in words]


def leaf_reads(leaf: Leaf) -> str:
    """Return the comparison in words, such as `visits: at least 2`."""
    fact = FACTS[leaf.fact]
    said = {
        "at_least": "at least {}", "at_most": "at most {}", "is_": "“{}”",
        "within_days": "in the last {} days", "older_than_days": "more than {} days ago",
    }  # fmt: skip
    parts = [
        words.format(value) for name, words in said.items() if (value := getattr(leaf, name)) is not None
    ]
    return f"{fact.label}: {', '.join(parts)}" if parts else fact.label


def _moment_holds(leaf: Leaf, value: datetime | None, now: datetime | None) -> bool:
    if value is None or now is None:
        return False
    newer = leaf.within_days is None or value > now - timedelta(days=leaf.within_days)
    older = leaf.older_than_days is None or value <= now - timedelta(days=leaf.older_than_days)
    return newer and older
