"""How far probabilities can be trusted: what was said against what came true, where the truth is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

BINS = 10
CONFIDENCES = (0.5, 0.7, 0.9)
# Of a true share that is seen in so many calls, 95 of 100 such intervals hold it.
SURE = 1.959964


@dataclass(frozen=True, slots=True)
class Outcome:
    """One call: how likely the likeliest answer was said to be, and whether it was the truth."""

    p: float
    is_right: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Bin:
    """Calls whose answer was about as likely: how likely on average, how often right, and bounds."""

    low: float
    high: float
    calls: int
    said: float
    came_true: float
    lowest: float
    highest: float


@dataclass(frozen=True, kw_only=True, slots=True)
class AtConfidence:
    """What crediting from a probability on gives: share of calls credited, share of those that is right."""

    confidence: float
    credited: int
    coverage: float
    precision: float | None
    lowest: float | None
    highest: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """A reliability diagram and its summaries; empty where no truth is known."""

    calls: int
    bins: tuple[Bin, ...]
    brier: float | None
    """Mean squared distance between what was said and what came true; 0 is perfect."""
    ece: float | None
    """Mean distance between said and true over the bins, by their calls."""
    said: float | None
    came_true: float | None
    at: tuple[AtConfidence, ...]


def calibrate(outcomes: Sequence[Outcome], confidences: Sequence[float] = CONFIDENCES) -> Calibration:
    """Compare what was said with what came true."""
    count = len(outcomes)
    bins = _bins(outcomes)
    return Calibration(
        calls=count,
        bins=bins,
        brier=_mean([(one.p - one.is_right) ** 2 for one in outcomes]),
        ece=math.fsum(one.calls * abs(one.said - one.came_true) for one in bins) / count if count else None,
        said=_mean([one.p for one in outcomes]),
        came_true=_mean([float(one.is_right) for one in outcomes]),
        at=tuple(_at(outcomes, confidence) for confidence in confidences),
    )


def interval(right: int, calls: int) -> tuple[float, float]:
    """Return between which bounds the true share lies when `right` of `calls` were right (Wilson)."""
    if not calls:
        return (0.0, 1.0)
    share, pull = right / calls, SURE**2 / calls
    middle = (share + pull / 2) / (1 + pull)
    half = SURE * math.sqrt(share * (1 - share) / calls + pull / (4 * calls)) / (1 + pull)
    return (min(max(middle - half, 0.0), share), max(min(middle + half, 1.0), share))


def ece_by_chance(outcomes: Sequence[Outcome]) -> float | None:
    """Return about what error so many calls show by chance alone, were every probability exactly right."""
    groups: list[list[float]] = [[] for _ in range(BINS)]
    for one in outcomes:
        groups[min(int(one.p * BINS), BINS - 1)].append(one.p * (1 - one.p))
    spread = math.fsum(math.sqrt(2 / math.pi * math.fsum(group)) for group in groups)
    return spread / len(outcomes) if outcomes else None


def _bins(outcomes: Sequence[Outcome]) -> tuple[Bin, ...]:
    groups: list[list[Outcome]] = [[] for _ in range(BINS)]
    for one in outcomes:
        groups[min(int(one.p * BINS), BINS - 1)].append(one)
    return tuple(_bin(place, group) for place, group in enumerate(groups) if group)


def _bin(place: int, group: Sequence[Outcome]) -> Bin:
    right = sum(one.is_right for one in group)
    lowest, highest = interval(right, len(group))
    return Bin(
        low=place / BINS,
        high=(place + 1) / BINS,
        calls=len(group),
        said=math.fsum(one.p for one in group) / len(group),
        came_true=right / len(group),
        lowest=lowest,
        highest=highest,
    )


def _at(outcomes: Sequence[Outcome], confidence: float) -> AtConfidence:
    credited = [one for one in outcomes if one.p >= confidence]
    right = sum(one.is_right for one in credited)
    lowest, highest = interval(right, len(credited)) if credited else (None, None)
    return AtConfidence(
        confidence=confidence,
        credited=len(credited),
        coverage=len(credited) / len(outcomes) if outcomes else 0.0,
        precision=right / len(credited) if credited else None,
        lowest=lowest,
        highest=highest,
    )


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None
