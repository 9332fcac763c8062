"""What a model says, in figures and words that a marketer understands, and where two models differ."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from calltrack.attribution.densities import (
    DAY,
    FORGOTTEN,
    GONE_EDGES,
    HOUR,
    ON_SCREEN_EDGES,
    REPEAT_EDGES,
    SOON,
    TAP_EDGES,
    TAP_END,
    Model,
)

MINUTE: Final = 60.0
# A change by less than this share is none that anybody would act on.
NOTICED: Final = 0.05
# How the parts that the night's guard holds back are called.
PARTS: Final = {
    "on_screen": "calls while the page is open",
    "gone": "calls after leaving",
    "tap": "calls after a tap",
    "repeat": "callers who ring again",
    "clock": "the hours at which people phone",
    "area_match": "callers from the visit's own region",
    "own_phone": "visitors who call from their known phone",
    "known_caller": "first calls from a phone that is known as another's",
    "nobody_known": "unwanted calls from known phones",
    "factors": "what visits show of themselves",
    "campaigns": "how often visits of each campaign call",
    "nobody": "unwanted calls of single numbers",
    "nobody_elsewhere": "unwanted calls on average",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One figure of a model: a share (0 to 1), a factor (1: no difference) or a count."""

    code: str
    words: str
    kind: str
    value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """The same figure of two models."""

    figure: Figure
    before: float

    @property
    def is_noticed(self) -> bool:
        """Tell whether anybody would call it a change."""
        most = max(abs(self.before), abs(self.figure.value))
        return abs(self.figure.value - self.before) > NOTICED * most


def figures_of(model: Model) -> tuple[Figure, ...]:
    """Return the figures that say most about how a company's callers behave."""
    return tuple(
        Figure(code=code, words=words, kind=kind, value=of(model)) for code, words, kind, of in _FIGURES
    )


def differences(model: Model, before: Model) -> tuple[Difference, ...]:
    """Return every figure of a model beside that of another one."""
    return tuple(
        Difference(figure=now, before=then.value)
        for now, then in zip(figures_of(model), figures_of(before), strict=True)
    )


def unwanted(model: Model) -> tuple[tuple[str, float], ...]:
    """Return each number (by its id) with its unwanted calls in four weeks, most first."""
    rows = [(number, rate * 28 * DAY) for number, rate in model.nobody.items()]
    return tuple(sorted(rows, key=lambda row: (-row[1], row[0])))


def campaigns(model: Model) -> tuple[tuple[str, float], ...]:
    """Return each campaign (by its key) with how much more its visits call than the average, most first."""
    rows = [(key, factors[SOON]) for key, factors in model.campaigns.items()]
    return tuple(sorted(rows, key=lambda row: (-row[1], row[0])))


def _after_leaving(seconds: float) -> Callable[[Model], float]:
    """Return the share of those who call after leaving that call within so long."""

    def share(model: Model) -> float:
        mass = _mass(model.gone, (*GONE_EDGES, FORGOTTEN))
        within = _mass(model.gone, (*GONE_EDGES, FORGOTTEN), seconds)
        return within / mass if mass else 0.0

    return share


def _mass(rates: tuple[float, ...], edges: tuple[float, ...], until: float = math.inf) -> float:
    return math.fsum(
        rate * max(min(end, until) - begin, 0.0)
        for rate, (begin, end) in zip(rates, pairwise(edges), strict=True)
    )


def _calls_after_leaving(model: Model) -> float:
    return 1_000 * _mass(model.gone, (*GONE_EDGES, FORGOTTEN))


def _calls_on_screen(model: Model) -> float:
    """Return the calls of 1,000 pages that stay open for two minutes."""
    return 1_000 * _mass(model.on_screen, (*ON_SCREEN_EDGES, FORGOTTEN), 2 * MINUTE)


def _after_tap(model: Model) -> float:
    return 1 - math.exp(-_mass(model.tap, (*TAP_EDGES, TAP_END), MINUTE))


def _again(seconds: float) -> Callable[[Model], float]:
    def share(model: Model) -> float:
        return 1 - math.exp(-_mass(model.repeat, (*REPEAT_EDGES, FORGOTTEN), seconds))

    return share


def _factor(name: str, one: int, other: int) -> Callable[[Model], float]:
    def ratio(model: Model) -> float:
        classes = model.factors[name][SOON]
        return classes[one] / classes[other]

    return ratio


def _unwanted(model: Model) -> float:
    return model.nobody_elsewhere * 28 * DAY


_FIGURES: Final[tuple[tuple[str, str, str, Callable[[Model], float]], ...]] = (
    ("within_minute", "Of those who call after leaving: within a minute", "share", _after_leaving(MINUTE)),
    ("within_hour", "Of those who call after leaving: within an hour", "share", _after_leaving(HOUR)),
    ("within_day", "Of those who call after leaving: within a day", "share", _after_leaving(DAY)),
    ("after_leaving", "Calls after leaving, of 1,000 average visits", "count", _calls_after_leaving),
    ("on_screen", "Calls of 1,000 pages open for two minutes", "count", _calls_on_screen),
    ("after_tap", "Taps on the number that a call follows within a minute", "share", _after_tap),
    ("again_hour", "Callers who ring again within an hour", "share", _again(HOUR)),
    ("again_week", "Callers who ring again within a week", "share", _again(7 * DAY)),
    ("contact_page", "Who saw the contact page, against who did not", "factor", _factor("contact", 1, 0)),
    ("long_visit", "Who stayed for five minutes, against 10 to 60 seconds", "factor", _factor("dwell", 3, 1)),
    ("mobile", "Who has a phone in hand, against a computer", "factor", _factor("device", 1, 0)),
    ("returning", "Who was here before, against who was not", "factor", _factor("returning", 1, 0)),
    ("copied", "Who copied the number, against who did not", "factor", _factor("copied", 1, 0)),
    ("unwanted", "Unwanted calls a number gets in four weeks", "count", _unwanted),
)  # fmt: skip


def parts_in_words(held: list[str]) -> list[str]:
    """Return the words for the parts that the guard held back."""
    return [PARTS.get(name, name) for name in held]


def as_json(figures: tuple[Figure, ...]) -> list[Mapping[str, object]]:
    """Return figures as the API shows them."""
    return [
        {"code": one.code, "words": one.words, "kind": one.kind, "value": round(one.value, 4)}
        for one in figures
    ]
