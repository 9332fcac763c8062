"""Credits known from elsewhere: by definition, by hand, and from independent implementations."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calltrack.journeys.credit.choice import Choice, Decay
from calltrack.journeys.credit.gathering import gather
from calltrack.journeys.credit.journey import Journey
from calltrack.journeys.credit.models import Credit, credit

HERE = Path(__file__).parent
FOUR = ("organic", "paid", "email", "direct")
JOURNEYS_400 = HERE / "journeys_400.jsonl"
EXPECTED_400: dict[str, Any] = json.loads((HERE / "journeys_400_expected.json").read_text())


@dataclass(frozen=True)
class Case:
    """Journeys, and what a model must say of them."""

    name: str
    model: str
    journeys: tuple[Journey, ...]
    credits: dict[str, float]
    tolerance: float = 1e-9
    removal: dict[str, float] | None = None
    p_conv: float | None = None


def once(*path: str, hours: tuple[float, ...] | None = None) -> tuple[Journey, ...]:
    return (Journey(path, conversions=1, hours_before=hours),)


CASES = [
    Case("first of four", "first", once(*FOUR), {"organic": 1}),
    Case("last of four", "last", once(*FOUR), {"direct": 1}),
    Case("last that was not direct", "last_non_direct", once(*FOUR), {"email": 1}),
    Case("only direct", "last_non_direct", once("direct", "direct"), {"direct": 1}),
    Case("direct by other names", "last_non_direct", once("a", "(direct) / (none)", "Direct"), {"a": 1}),
    Case("linear over four", "linear", once(*FOUR), dict.fromkeys(FOUR, 0.25)),
    Case("linear counts every touch", "linear", once("a", "b", "a"), {"a": 2 / 3, "b": 1 / 3}),
    Case(
        "position over four", "position", once(*FOUR),
        {"organic": 0.4, "paid": 0.1, "email": 0.1, "direct": 0.4},
    ),
    Case("position over two", "position", once("a", "b"), {"a": 0.5, "b": 0.5}),
    Case("position over one", "position", once("a"), {"a": 1}),
    Case(
        "time decay, half a week's weight each", "time_decay", once(*FOUR, hours=(336, 168, 24, 0)),
        {
            "organic": 0.09413630015956238, "paid": 0.18827260031912477, "email": 0.3410458988830633,
            "direct": 0.37654520063824953,
        },
    ),
    Case(
        "a chain in which everybody converts", "markov1",
        (*once("A", "B", "A", "B", "B", "A"), *once("A", "B", "B", "A", "A"), *once("A", "A")),
        {"A": 2, "B": 1}, 1e-12, {"A": 1, "B": 0.5},
    ),
    Case(
        "a chain of three journeys", "markov1",
        (*once("C1", "C2", "C3"), Journey(("C1",), nulls=1), Journey(("C2", "C3"), nulls=1)),
        {"C1": 0.2, "C2": 0.4, "C3": 0.4}, 1e-12, {"C1": 0.5, "C2": 1, "C3": 1}, 1 / 3,
    ),
    Case(
        "three sets of channels", "shapley",
        (Journey(("a", "b"), 6), Journey(("a",), 3), Journey(("a", "b", "c"), 9)),
        {"a": 9, "b": 6, "c": 3}, 1e-12,
    ),
]  # fmt: skip


def journeys_400() -> list[Journey]:
    lines = map(json.loads, JOURNEYS_400.read_text().splitlines())
    return [
        Journey(
            tuple(line["path"]),
            line["conversions"],
            line["nulls"],
            hours_before=tuple(line["hours_before"]),
        )
        for line in lines
    ]


def credit_of(model: str, journeys: list[Journey], *, in_steps: bool = False) -> Credit:
    """Return what a model says, whether or not there is enough data."""
    decay = Decay(in_steps=in_steps) if model == "time_decay" else None
    return credit(model, gather(journeys, Choice(decay=decay)), insist=True)


def by_channel(credit: Credit) -> dict[str, float]:
    return dict(zip(credit.channels, credit.conversions, strict=True))
