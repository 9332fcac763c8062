"""How many numbers a pool needs: from its own traffic and delays, as figures a person decides by.

Nothing here buys or returns a number, and nothing here looks at which visits were mixed up before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calltrack.kernel.money import Money
from calltrack.numbers.erlang import (
    MOST_NUMBERS,
    RARELY,
    Traffic,
    busy_hour_numbers,
    dry_share,
    numbers_for_dry_share,
    shared,
)
from calltrack.numbers.rents import Rents

# For campaigns to be right so often: how many times the campaigns and the busy hour's need together.
CAMPAIGN_RULES = ((0.95, 0.75), (0.98, 1.0), (0.99, 1.4))
# The rules hold where, by the verdicts, so many first calls come after the number went round: only late calls
# can be given to a wrong campaign. As many numbers again leave a twentieth (exp -3) of such mistakes. But
# verdicts shorten long waits: what they call late grows as its true share to the power of 2/3, hence exp -2.
USUALLY_LATE, FEWER_MISTAKES = 0.22, 2.0
# They hold, too, as long as a number is shown to so many visits a day (about what they give at 2,000 visits a
# day): what is given on more often has had more campaigns when a late call comes.
USUALLY_SHOWN = 45.0
# Hours worth naming: at least this share of their visits would find no number.
TIGHT_FROM = 0.02
MOST_TIGHT = 5


@dataclass(frozen=True, kw_only=True)
class Delays:
    """How many visits began between a caller's last sign of life and the first call, and how likely each is.

    0 where the page was on screen. From truth where there is some, else from posteriors.
    """

    visits_between: tuple[float, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class TightHour:
    """An hour of the week at which many visits would find every number on screen."""

    hour: int
    on_screen: float
    dry_share: float


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What a pool of so many numbers would do; `visit_accuracy` is a floor, None where delays are unknown."""

    numbers: int
    dry_share: float
    visit_accuracy: float | None
    campaign_accuracy: float | None
    """The highest of 0.95, 0.98 and 0.99 that the pool is large enough for; None below."""
    cost: Money | None
    """Of a month; None where no rent is known."""
    tight: tuple[TightHour, ...]


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What a person needs to decide: today's pool, one number fewer and more, and what goals would take."""

    now: Outlook
    fewer: Outlook | None
    more: Outlook
    for_rarely_dry: int
    for_campaigns: tuple[tuple[float, int], ...]
    for_sources: tuple[tuple[float, int], ...]
    for_visits: tuple[tuple[float, int | None], ...]


def advise(
    traffic: Traffic,
    numbers: int,
    rents: Rents | None,
    delays: Delays | None = None,
    goals: Sequence[float] = (0.8, 0.9),
) -> Advice:
    """Return the outlook of a pool and what goals would take; one number fewer and more stand beside it."""
    one_less = outlook(traffic, numbers - 1, rents, delays) if numbers > 1 else None
    return Advice(
        now=outlook(traffic, numbers, rents, delays),
        fewer=one_less,
        more=outlook(traffic, numbers + 1, rents, delays),
        for_rarely_dry=numbers_for_dry_share(traffic, RARELY),
        for_campaigns=needed(traffic, traffic.campaigns, delays),
        for_sources=needed(traffic, traffic.sources, delays),
        for_visits=tuple((goal, numbers_for_visits(traffic, delays, goal)) for goal in goals)
        if delays
        else (),
    )


def outlook(
    traffic: Traffic, numbers: int, rents: Rents | None = None, delays: Delays | None = None
) -> Outlook:
    """Return what a pool of so many numbers would do with this traffic."""
    reached = [goal for goal, least in needed(traffic, traffic.campaigns, delays) if numbers >= least]
    return Outlook(
        numbers=numbers,
        dry_share=dry_share(traffic, numbers),
        visit_accuracy=visit_accuracy(traffic, delays, numbers) if delays else None,
        campaign_accuracy=max(reached, default=None),
        cost=rents.of(numbers) if rents else None,
        tight=tight_hours(traffic, numbers),
    )


def needed(traffic: Traffic, kinds: int, delays: Delays | None = None) -> tuple[tuple[float, int], ...]:
    """Return how many numbers let so many campaigns (or sources) be right in 95, 98 and 99 % of calls.

    More where callers wait for longer than usual; where they ring sooner nothing is taken off.
    """
    together = kinds + busy_hour_numbers(traffic)
    more = more_for_late_callers(traffic, together, delays)
    return tuple((goal, math.ceil(round((times + more) * together, 9))) for goal, times in CAMPAIGN_RULES)


def more_for_late_callers(traffic: Traffic, numbers: int, delays: Delays | None) -> float:
    """Return how many times `numbers` more it takes because callers wait while numbers go from hand to hand.

    0 where delays are not known.
    """
    if delays is None or sum(delays.weights) <= 0:
        return 0.0
    late = 1 - visit_accuracy(traffic, delays, numbers)
    shown = sum(traffic.visits) / 7 / max(numbers, 1)
    worse = max(late / USUALLY_LATE, shown / USUALLY_SHOWN)
    return max(math.log(max(worse, 1e-9)) / FEWER_MISTAKES, 0.0)


def visit_accuracy(traffic: Traffic, delays: Delays, numbers: int) -> float:
    """Return how many first calls the last holder of the number made: a floor for the posterior's accuracy.

    Numbers come round in turn: the holder is still the last one while fewer visits came since than go round.
    """
    between, weights = np.array(delays.visits_between), np.array(delays.weights)
    if weights.sum() <= 0:
        return 0.0
    free = numbers - _on_screen(traffic)
    return float(weights[between < free].sum() / weights.sum())


def numbers_for_visits(traffic: Traffic, delays: Delays, goal: float) -> int | None:
    """Return the smallest pool whose last holder is right in this share of first calls; None: no pool is."""
    order = np.argsort(delays.visits_between)
    between, weights = np.array(delays.visits_between)[order], np.array(delays.weights)[order]
    if weights.sum() <= 0:
        return None
    place = int(np.searchsorted(np.cumsum(weights) / weights.sum(), goal - 1e-12))
    if place >= len(between):
        return None
    least = math.floor(between[place] + _on_screen(traffic)) + 1
    return least if least <= MOST_NUMBERS else None


def tight_hours(traffic: Traffic, numbers: int) -> tuple[TightHour, ...]:
    """Return the hours that would be dry most, the worst first: why a pool is dry on Tuesdays at ten."""
    loads = traffic.loads()
    shares = shared(loads, numbers)
    worst = sorted(range(len(loads)), key=lambda hour: (-shares[hour], hour))[:MOST_TIGHT]
    return tuple(
        TightHour(hour=hour, on_screen=float(loads[hour]), dry_share=float(shares[hour]))
        for hour in worst
        if shares[hour] >= TIGHT_FROM
    )


def _on_screen(traffic: Traffic) -> float:
    """Return how many numbers are not going round: those on screen when a visit comes, and its own."""
    visits = np.array(traffic.visits)
    return float((visits * traffic.loads()).sum() / max(visits.sum(), 1e-12)) + 1.0
