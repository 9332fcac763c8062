"""Whether a call is a nuisance: points for what speaks against the caller, summed and explained.

A mark never hides a call. One sign alone makes nobody spam, except the company's own list and several other
companies' word: a customer who dials again because nobody answers is no robot.
"""

from dataclasses import dataclass
from typing import Literal

Mark = Literal["clean", "suspect", "spam"]
SPAM, SUSPECT = 100, 50
# Somebody they talked with for a minute lately is known; robots know no such talk.
TRUSTED_MOST = SUSPECT - 1
# Within the last ten minutes; answered calls under six seconds within a day.
RECENT_MINUTES, SHORT_SECONDS, TRUSTED_SECONDS = 10, 6, 60
STIR_FAILED = "TN-Validation-Failed"


@dataclass(frozen=True, kw_only=True)
class Signals:
    """What is known of the caller at the time of a call.

    calls_lately and numbers_lately: this call included, within ten minutes, to how many of the company's
    numbers. short and answered: calls within a day. reports: other companies whose people called it nuisance.
    """

    is_listed: bool = False
    stir: str | None = None
    calls_lately: int = 1
    numbers_lately: int = 1
    short: int = 0
    answered: int = 0
    reports: int = 0
    is_trusted: bool = False


@dataclass(frozen=True)
class Judged:
    """What is made of a call, and why; the points say how close to the next mark it is."""

    mark: Mark
    points: int
    reasons: tuple[str, ...]


def judge_caller(signals: Signals) -> Judged:
    """Return the mark of a call by what is known of its caller."""
    if signals.is_listed:
        return Judged("spam", SPAM, ("The caller is on the company's block list.",))
    found = [(points, reason) for points, reason in _signs(signals) if points]
    total = sum(points for points, _ in found)
    reasons = [reason for _, reason in found]
    if signals.is_trusted and total > TRUSTED_MOST:
        total = TRUSTED_MOST
        reasons.append("They had a real talk with this caller lately, so that does not count as nuisance.")
    mark: Mark = "spam" if total >= SPAM else "suspect" if total >= SUSPECT else "clean"
    return Judged(mark, total, tuple(reasons))


def _signs(signals: Signals) -> tuple[tuple[int, str], ...]:
    """Return each sign with its points; 0: it does not speak against the caller."""
    return (
        (
            100 if signals.reports >= 2 else 50 * signals.reports,
            f"{_many(signals.reports, 'other company', 'other companies')} on this server marked the caller.",
        ),
        (
            60 if (signals.stir or "").startswith(STIR_FAILED) else 0,
            "The network says that the caller's number may be forged (STIR/SHAKEN failed).",
        ),
        (
            60 if signals.numbers_lately >= 3 else 0,
            f"It called {signals.numbers_lately} different numbers within {RECENT_MINUTES} minutes.",
        ),
        (
            40 if signals.calls_lately >= 8 else 20 if signals.calls_lately >= 5 else 0,
            f"It called {signals.calls_lately} times within {RECENT_MINUTES} minutes.",
        ),
        (
            60 if signals.short >= 5 and signals.short >= 0.8 * signals.answered else 0,
            f"{signals.short} of its answered calls of a day ended within {SHORT_SECONDS} seconds.",
        ),
    )


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"
