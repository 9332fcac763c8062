"""How many numbers a pool should have, from its own traffic: what page and API tell. A person decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts.model import Location
from calltrack.kernel.errors import NotFound
from calltrack.kernel.money import Money
from calltrack.numbers.advisor import TIGHT_FROM, Advice, Outlook, advise
from calltrack.numbers.dry_hours import UNEXPLAINED_SHARE, DryHour, explain
from calltrack.numbers.erlang import HOURS_OF_WEEK, RARELY, Traffic, shared
from calltrack.numbers.model import Pool, TrackingNumber
from calltrack.numbers.pool_delays import delays_seen
from calltrack.numbers.pool_hours import WeekSeen
from calltrack.numbers.pool_traffic import week_seen
from calltrack.numbers.rents import Rents, rents_together

# From here on a week's pattern is known well enough to say how many numbers it takes.
ENOUGH_DAYS, ENOUGH_VISITS = 7, 200
MOST_DRY_HOURS = 5
FEW_VISITS = 5

State = Literal["no_traffic", "too_little", "ready"]
Kind = Literal["rarely_shared", "campaigns", "sources", "visits"]


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What one may want, and what it takes; `numbers` is None where no pool reaches it."""

    kind: Kind
    share: float
    numbers: int | None
    change: int | None
    """How many numbers that is more than today (fewer: below zero)."""
    cost: Money | None


@dataclass(frozen=True, kw_only=True)
class HourSeenAndExpected:
    """One hour of the week: what came, and which share of it finds every number on screen."""

    hour: int
    visits: float
    on_screen: float
    expected: float
    seen: float


@dataclass(frozen=True, kw_only=True)
class PoolAdvice:
    """All that is told about one pool; `advice` and goals are there once the state is ready."""

    pool_id: UUID
    pool: str
    location: str
    state: State
    numbers: int
    week: WeekSeen
    traffic: Traffic
    advice: Advice | None
    rents: Rents | None
    rents_unknown: int
    goals: tuple[Goal, ...]
    hours: tuple[HourSeenAndExpected, ...]
    short_hours: int
    """Hours of the week at which visits share numbers; `dry` are the worst of them."""
    dry: tuple[DryHour, ...]

    @property
    def outlooks(self) -> tuple[Outlook, ...]:
        """Return one number fewer, today, and one more."""
        if self.advice is None:
            return ()
        fewer = (self.advice.fewer,) if self.advice.fewer else ()
        return (*fewer, self.advice.now, self.advice.more)


def advice_on(session: Session, company_id: UUID, pool_id: UUID, timezone: str, now: datetime) -> PoolAdvice:
    """Return what a pool's last four weeks say about its size.

    Raises:
        NotFound: the company has no such pool.
    """
    pool = session.get(Pool, (company_id, pool_id))
    if pool is None:
        raise NotFound("The company has no such pool; see its list of numbers.")
    location = session.get_one(Location, (company_id, pool.location_id))
    numbers, rents, unknown = _numbers(session, company_id, pool_id)
    week = week_seen(session, company_id, pool_id, timezone, now)
    traffic = week.traffic()
    state = _state(week)
    advice: Advice | None = None
    goals: tuple[Goal, ...] = ()
    if state == "ready":
        delays = delays_seen(session, company_id, pool_id, timezone, np.array(traffic.visits), now)
        advice = advise(traffic, numbers, rents, delays)
        goals = _goals(advice, numbers, rents)
    hours = _hours(week, traffic, numbers) if week.seen else ()
    return PoolAdvice(
        pool_id=pool_id,
        pool=pool.name,
        location=location.name,
        state=state,
        numbers=numbers,
        week=week,
        traffic=traffic,
        advice=advice,
        rents=rents,
        rents_unknown=unknown,
        goals=goals,
        hours=hours,
        short_hours=len(short := _short(hours)),
        dry=_worst(explain(week, traffic, numbers, hour) for hour in short),
    )


def why_at(found: PoolAdvice, hour: int) -> DryHour:
    """Return what an hour of the week is like, and why its visits share numbers if they do."""
    return explain(found.week, found.traffic, found.numbers, hour)


def _state(week: WeekSeen) -> State:
    if not week.seen:
        return "no_traffic"
    return "ready" if week.days >= ENOUGH_DAYS and week.seen >= ENOUGH_VISITS else "too_little"


def _numbers(session: Session, company_id: UUID, pool_id: UUID) -> tuple[int, Rents | None, int]:
    """Return how many numbers visitors are shown, their rents (or others'), how many rents are unknown."""
    rows = session.scalars(
        select(TrackingNumber).where(
            TrackingNumber.company_id == company_id, TrackingNumber.released_at.is_(None)
        )
    ).all()
    own = [one for one in rows if one.pool_id == pool_id and one.is_shown]
    unknown = sum(one.rent_minor is None for one in own)
    return len(own), rents_together(_rents(own)) or rents_together(_rents(rows)), unknown


def _rents(rows: Sequence[TrackingNumber]) -> list[Money | None]:
    return [None if one.rent_minor is None else Money(one.rent_minor, one.rent_currency) for one in rows]


def _goals(advice: Advice, today: int, rents: Rents | None) -> tuple[Goal, ...]:
    wanted: list[tuple[Kind, float, int | None]] = [
        ("rarely_shared", RARELY, advice.for_rarely_dry),
        *(("campaigns", share, least) for share, least in advice.for_campaigns),
        *(("sources", share, least) for share, least in advice.for_sources if share == 0.98),
        *(("visits", share, least) for share, least in advice.for_visits),
    ]
    return tuple(
        Goal(
            kind=kind,
            share=share,
            numbers=least,
            change=None if least is None else least - today,
            cost=rents.of(least) if rents and least is not None else None,
        )
        for kind, share, least in wanted
    )


def _hours(week: WeekSeen, traffic: Traffic, numbers: int) -> tuple[HourSeenAndExpected, ...]:
    loads = traffic.loads()
    expected = shared(loads, numbers)
    return tuple(
        HourSeenAndExpected(
            hour=hour,
            visits=week.hours[hour].per_hour,
            on_screen=float(loads[hour]),
            expected=float(expected[hour]) if week.hours[hour].visits else 0.0,
            seen=week.hours[hour].shared / week.hours[hour].visits if week.hours[hour].visits else 0.0,
        )
        for hour in range(HOURS_OF_WEEK)
    )


def _worst(hours: Iterable[DryHour]) -> tuple[DryHour, ...]:
    """Return the first hours, those that are like any other only once."""
    found: list[DryHour] = []
    for hour in hours:
        if "always" in hour.causes and any("always" in one.causes for one in found):
            continue
        found.append(hour)
        if len(found) == MOST_DRY_HOURS:
            break
    return tuple(found)


def _short(hours: tuple[HourSeenAndExpected, ...]) -> list[int]:
    """Return the hours at which visits share a number, by load or by what was seen, the worst first."""
    named = [
        one
        for one in hours
        if one.expected >= TIGHT_FROM or (one.seen >= UNEXPLAINED_SHARE and one.visits >= FEW_VISITS)
    ]
    ranked = sorted(named, key=lambda one: (-max(one.expected, one.seen) * one.visits, one.hour))
    return [one.hour for one in ranked]
