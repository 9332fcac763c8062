"""Why a pool is short of numbers at an hour: the cause as a code, and the hour in a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from calltrack.numbers.erlang import HOURS_OF_WEEK, Traffic, shared
from calltrack.numbers.pool_hours import HourSeen, WeekSeen

Cause = Literal["campaign", "visits", "stays", "network", "always"]
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# Less sharing than this is no shortage.
TIGHT = 0.01
# From here on an hour differs from the usual working hour, or from the usual visit.
MANY_MORE, MUCH_LONGER = 1.5, 1.3
# A campaign has a peak when it brings this much of an hour's visits, and this many times its usual share.
PEAK_SHARE, PEAK_TIMES = 0.3, 1.5
# Fewer visits of an hour say nothing about its campaigns or its lengths.
ENOUGH = 20
# Sharing that the number of visits does not explain: so much of it, and so many times what was expected.
UNEXPLAINED_SHARE, UNEXPLAINED_TIMES = 0.05, 3.0


@dataclass(frozen=True, kw_only=True)
class DryHour:
    """An hour of the week at which visits share numbers, and why."""

    hour: int
    visits: float
    seconds_on_screen: float
    on_screen: float
    """Visits on screen at once, on average."""
    expected: float
    """Share of its visits that find every number on screen, reckoned from the load."""
    seen: float
    """The share that did."""
    causes: tuple[Cause, ...]
    sentence: str


def explain(week: WeekSeen, traffic: Traffic, numbers: int, hour: int) -> DryHour:
    """Return why visits share numbers at an hour of the week when the pool has so many."""
    seen, load = week.hours[hour], float(traffic.loads()[hour])
    expected = float(shared(np.array([load]), numbers)[0]) if numbers else 1.0
    share = seen.shared / seen.visits if seen.visits else 0.0
    facts = DryHour(
        hour=hour,
        visits=seen.per_hour,
        seconds_on_screen=(traffic.seconds_by_hour or (traffic.seconds_on_screen,) * HOURS_OF_WEEK)[hour],
        on_screen=load,
        expected=expected,
        seen=share,
        causes=(),
        sentence="",
    )
    if max(expected, share) < TIGHT:
        return DryHour(**{**vars(facts), "sentence": f"{_what(facts, numbers)} That is no shortage."})
    found = _causes(week, facts, seen, numbers)
    causes: tuple[Cause, ...] = tuple(found) or ("always",)
    why = " ".join(found.values()) or (
        "It is an hour like other working hours: the pool is small for all of them."
    )
    return DryHour(**{**vars(facts), "causes": causes, "sentence": f"{_what(facts, numbers)} {why}"})


def name_of(hour: int) -> str:
    """Return an hour of the week in words."""
    day, clock = divmod(hour, 24)
    return f"{DAYS[day]} {clock:02d}:00 to {(clock + 1) % 24:02d}:00"


def usual_hour(week: WeekSeen) -> float:
    """Return the visits of a usual working hour: the middle one of the busier half of the week."""
    ranked = sorted((hour.per_hour for hour in week.hours), reverse=True)
    return ranked[HOURS_OF_WEEK // 4]


def _what(facts: DryHour, numbers: int) -> str:
    return (
        f"{name_of(facts.hour)}: {facts.visits:.0f} visits in the hour, each "
        f"{_minutes(facts.seconds_on_screen)} on screen, are {facts.on_screen:.1f} at once on average for "
        f"{numbers} number{'' if numbers == 1 else 's'}; "
        f"{_percent(facts.expected)} of them find every number on screen."
    )


def _causes(week: WeekSeen, facts: DryHour, seen: HourSeen, numbers: int) -> dict[Cause, str]:
    """Return each cause that applies, with its sentence, the most telling first."""
    found: dict[Cause, str] = {}
    usual = usual_hour(week)
    more = facts.visits / usual if usual else 1.0
    if more >= MANY_MORE and (peak := _peak(week, seen)):
        found["campaign"] = peak
    if more >= MANY_MORE:
        found["visits"] = f"That is {more:.1f} times the {usual:.0f} visits of a usual working hour."
    longer = facts.seconds_on_screen / max(week.seconds_on_screen, 1e-9)
    if longer >= MUCH_LONGER and seen.visits >= ENOUGH:
        found["stays"] = (
            f"Visits stay {longer:.1f} times as long as usual ({_minutes(week.seconds_on_screen)}): "
            "look what is on the pages then."
        )
    if facts.seen >= UNEXPLAINED_SHARE and facts.seen >= UNEXPLAINED_TIMES * facts.expected:
        found["network"] = (
            f"{_percent(facts.seen)} shared a number although {numbers} should do: most likely many visits "
            "came from one network, which gets its share of the pool and no more. "
            "More numbers do not change that."
        )
    return found


def _peak(week: WeekSeen, seen: HourSeen) -> str:
    """Return the sentence on a campaign that brings much more of this hour than of the week."""
    here = sum(visits for _, visits in seen.campaigns)
    if here < ENOUGH:
        return ""
    (source, campaign), visits = seen.campaigns[0]
    everywhere = week.origins()
    usual = everywhere[source, campaign] / everywhere.total()
    if visits / here < PEAK_SHARE or visits / here < PEAK_TIMES * usual:
        return ""
    name = f"The campaign {campaign} ({source})" if campaign else f"The source {source}"
    return f"{name} brings {_percent(visits / here)} of them, {_percent(usual)} in the whole week."


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"


def _percent(share: float) -> str:
    return f"{share * 100:.{0 if share >= 0.1 or share == 0 else 1}f}\u202f%"
