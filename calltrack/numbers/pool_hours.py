"""A pool's week, hour by hour, as it was seen: how many visits came, how long they stayed, who sent them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from calltrack.numbers.erlang import HOUR, HOURS_OF_WEEK, Floats, Traffic

# A page that gave a sign of life this recently is still on screen (as in `choice`).
SCREEN = timedelta(seconds=75)
LONGEST_ON_SCREEN = timedelta(hours=4)
# An hour's own mean time on screen counts against that of the whole week as so many visits.
VISITS_BEHIND_THE_MEAN = 200.0
# The fit of days and clocks has 30 figures; the other hours are free to differ from it.
FIT_ROUNDS, FREE, TINY = 20, HOURS_OF_WEEK - 30, 1e-9
# Campaigns in use: the largest ones that together bring this share of the visits.
IN_USE = 0.999


@dataclass(frozen=True, kw_only=True, slots=True)
class HourSeen:
    """One of the week's 168 hours (0: Monday, midnight to one, in the company's time zone).

    `watched`: so many seconds of this hour were looked at, all weeks together.
    """

    watched: float = 0.0
    visits: int = 0
    on_screen: float = 0.0
    """Seconds that these visits had the number on screen, together."""
    shared: int = 0
    """Visits that were shown a number others had on screen, too."""
    campaigns: tuple[tuple[tuple[str, str], int], ...] = ()
    """(source, campaign) -> visits, of those whose origin was looked at."""

    @property
    def per_hour(self) -> float:
        """Return how many visits come in such an hour."""
        return self.visits / self.watched * HOUR if self.watched else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class WeekSeen:
    """What was seen of a pool between two moments."""

    since: datetime
    until: datetime
    hours: tuple[HourSeen, ...]
    is_sampled: bool = False

    @property
    def days(self) -> float:
        """Return how many days were looked at."""
        return (self.until - self.since) / timedelta(days=1)

    @property
    def visits_per_week(self) -> float:
        """Return how many visits come in a week."""
        return sum(hour.per_hour for hour in self.hours)

    @property
    def seen(self) -> int:
        """Return how many visits were counted."""
        return sum(hour.visits for hour in self.hours)

    @property
    def shared_share(self) -> float:
        """Return the share of visits that found every number on screen."""
        expected = sum(hour.per_hour * hour.shared / hour.visits for hour in self.hours if hour.visits)
        return expected / self.visits_per_week if self.seen else 0.0

    @property
    def seconds_on_screen(self) -> float:
        """Return how long a visit has its number on screen, on average."""
        return sum(hour.on_screen for hour in self.hours) / self.seen if self.seen else 0.0

    def origins(self) -> Counter[tuple[str, str]]:
        """Return visits per source and campaign, of those whose origin was looked at."""
        found: Counter[tuple[str, str]] = Counter()
        for hour in self.hours:
            found.update(dict(hour.campaigns))
        return found

    def traffic(self) -> Traffic:
        """Return the week as the advisor reckons with it."""
        origins = self.origins()
        sources: Counter[str] = Counter()
        for (source, _), visits in origins.items():
            sources[source] += visits
        return Traffic(
            visits=tuple(self._visits_by_hour().tolist()),
            seconds_on_screen=self.seconds_on_screen,
            seconds_by_hour=self._seconds_by_hour(),
            campaigns=in_use(origins.values()),
            sources=in_use(sources.values()),
        )

    def _visits_by_hour(self) -> Floats:
        return evened_out(
            np.array([hour.visits for hour in self.hours], float),
            np.array([hour.watched for hour in self.hours]) / HOUR,
        )

    def _seconds_by_hour(self) -> tuple[float, ...]:
        held, mean = VISITS_BEHIND_THE_MEAN, self.seconds_on_screen
        return tuple((hour.on_screen + held * mean) / (hour.visits + held) for hour in self.hours)


def evened_out(counted: Floats, watched: Floats) -> Floats:
    """Return visits an hour for each hour of the week, with less chance in them than four weeks have.

    An hour is held towards what its day and its clock say together, the more so the less the hours of this
    pool differ from that beyond chance; a peak that recurs stays a peak.
    """
    clocks = np.ones((1, 24))
    n, e = counted.reshape(7, 24), watched.reshape(7, 24)
    for _ in range(FIT_ROUNDS):
        days = n.sum(1, keepdims=True) / np.maximum((e * clocks).sum(1, keepdims=True), TINY)
        clocks = n.sum(0, keepdims=True) / np.maximum((e * days).sum(0, keepdims=True), TINY)
    fit = (days * clocks).ravel()
    expected = fit * watched
    beyond_chance = ((counted - expected) ** 2).sum() * HOURS_OF_WEEK / FREE - expected.sum()
    imagined = (expected**2).sum() / max(beyond_chance, TINY)
    rates: Floats = (counted + imagined) / np.maximum(watched + imagined / np.maximum(fit, TINY), TINY)
    rates[(fit <= TINY) | (watched <= 0)] = 0.0
    return rates


def in_use(visits: Iterable[int]) -> int:
    """Return how many campaigns (or sources) bring nearly all visits; at least one."""
    ranked = np.sort(np.array([*visits, 0]))[::-1]
    if not ranked.sum():
        return 1
    return int(np.searchsorted(np.cumsum(ranked), IN_USE * ranked.sum())) + 1


def hour_of_week(at: datetime, zone: ZoneInfo) -> int:
    """Return which of the week's 168 hours it is there."""
    local = at.astimezone(zone)
    return local.weekday() * 24 + local.hour


def watched_seconds(since: datetime, until: datetime, zone: ZoneInfo) -> Floats:
    """Return for how long each hour of the week was looked at between two full hours."""
    found = np.zeros(HOURS_OF_WEEK)
    at = since.astimezone(UTC)
    while at < until:
        # Quarters: some time zones are half an hour apart, Nepal's is three quarters.
        found[hour_of_week(at, zone)] += HOUR / 4
        at += timedelta(minutes=15)
    return found


def week_of(
    since: datetime,
    until: datetime,
    watched: Sequence[float],
    counted: Iterable[tuple[int, int, float, int]],
    origins: Iterable[tuple[int, str, str, int]] = (),
    *,
    is_sampled: bool = False,
) -> WeekSeen:
    """Put together what was counted: (hour, visits, seconds on screen, shared), and who sent them."""
    by_hour = {hour: (visits, on_screen, shared) for hour, visits, on_screen, shared in counted}
    sent: dict[int, list[tuple[tuple[str, str], int]]] = {}
    for hour, source, campaign, visits in origins:
        sent.setdefault(hour, []).append(((source, campaign), visits))
    hours = []
    for hour in range(HOURS_OF_WEEK):
        seen = by_hour.get(hour, (0, 0.0, 0))
        hours.append(
            HourSeen(
                watched=float(watched[hour]),
                visits=int(seen[0]),
                on_screen=float(seen[1]),
                shared=int(seen[2]),
                campaigns=tuple(sorted(sent.get(hour, ()), key=lambda one: (-one[1], one[0]))),
            )
        )
    return WeekSeen(since=since, until=until, hours=tuple(hours), is_sampled=is_sampled)
