"""The lead score: up to 20 rules that add points, from 0 to 100, in three bands. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calltrack.kernel.errors import BadInput
from calltrack.stages.figure_facts import Leaf, check_leaf, holds, leaf_reads

MOST_RULES: Final = 20
HIGHEST: Final = 100


class Rule(BaseModel):
    """Points for a fact."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)
    points: Annotated[int, Field(ge=-HIGHEST, le=HIGHEST)]
    if_: Annotated[Leaf, Field(alias="if")]


class ScoreRules(BaseModel):
    """All rules, and from how many points a person is warm or hot."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    warm: Annotated[int, Field(ge=1, le=HIGHEST)]
    hot: Annotated[int, Field(ge=1, le=HIGHEST)]
    rules: Annotated[tuple[Rule, ...], Field(max_length=MOST_RULES)]


@dataclass(frozen=True, slots=True)
class Line:
    """One rule that holds: its points and why."""

    points: int
    reason: str


DEFAULT: Final[dict[str, Any]] = {
    "warm": 30,
    "hot": 60,
    "rules": [
        {"points": 30, "if": {"fact": "longest_talk", "at_least": 120}},
        {"points": 15, "if": {"fact": "answered", "at_least": 1}},
        {"points": 15, "if": {"fact": "form"}},
        {"points": 15, "if": {"fact": "waits"}},
        {"points": 10, "if": {"fact": "number_tapped"}},
        {"points": 10, "if": {"fact": "price_page"}},
        {"points": 10, "if": {"fact": "contact_page"}},
        {"points": 10, "if": {"fact": "calls", "at_least": 2}},
        {"points": 10, "if": {"fact": "visits", "at_least": 2}},
        {"points": 5, "if": {"fact": "pages", "at_least": 4}},
        {"points": 5, "if": {"fact": "medium", "is": "cpc"}},
        {"points": -20, "if": {"fact": "short_calls", "at_least": 2}},
    ],
}


def read_score(given: Any) -> ScoreRules:
    """Return the checked rules.

    Raises:
        BadInput: they are none; the text names the place and what to change.
    """
    try:
        rules = ScoreRules.model_validate(given)
    except ValidationError as problem:
        error = problem.errors(include_url=False)[0]
        place = ".".join(str(step) for step in error["loc"])
        raise BadInput(f"The score rules cannot be read at {place or 'the top'}: {error['msg']}.") from None
    if rules.warm >= rules.hot:
        raise BadInput("Warm must begin below hot: lower `warm` or raise `hot`.")
    for rule in rules.rules:
        check_leaf(rule.if_, in_score=True)
        if len(rule.if_.model_dump(exclude_none=True)) > 2:
            raise BadInput("A rule of the score compares once; write a second rule for a second limit.")
    return rules


def written_score(rules: ScoreRules) -> dict[str, Any]:
    """Return the rules as JSON that `read_score` takes."""
    return rules.model_dump(mode="json", by_alias=True, exclude_none=True)


def lines_of(facts: Mapping[str, Any], rules: ScoreRules) -> tuple[Line, ...]:
    """Return every rule that holds, in the rules' order; the score is their sum, cut to 0..100."""
    return tuple(Line(one.points, leaf_reads(one.if_)) for one in rules.rules if holds(one.if_, facts))


def score_of(facts: Mapping[str, Any], rules: ScoreRules) -> int:
    """Return the score, 0 to 100."""
    return max(0, min(HIGHEST, sum(one.points for one in rules.rules if holds(one.if_, facts))))


def band_of(score: int, rules: ScoreRules) -> str:
    """Return hot, warm or cold."""
    if score >= rules.hot:
        return "hot"
    return "warm" if score >= rules.warm else "cold"
