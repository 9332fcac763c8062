"""A world's visits through a pool of numbers, without any call: who shares one, what a week looks like."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from calltrack.numbers.advisor import Delays
from calltrack.numbers.choice import SCREEN_SECONDS, Pool, choose
from calltrack.numbers.erlang import HOUR, HOURS_OF_WEEK, Traffic
from calltrack.numbers.masses import Origin, weight
from calltrack.numbers.pool_delays import LIKELY, MOST_CALLS, visits_between
from calltrack.numbers.pool_hours import WeekSeen, week_of
from tests.worlds.assumptions import DAY, WEEK
from tests.worlds.events import BEAT, Life, World, leaves_told, name_of_campaign, source_of, visit_events

# The axis of worlds begins on a Monday.
MONDAY = datetime(2026, 11, 2, tzinfo=UTC)


def shared_share(life: Life, numbers: int) -> float:
    """Let every visit be shown a number by the product's rule; return the share that shared one."""
    pool, shown = Pool(numbers), dict[str, tuple[int, float]]()
    shared = 0
    for event in sorted((event for _, event in visit_events(life)), key=lambda event: event["t"]):
        at, id_ = float(event["t"]), str(event["visit"])
        if event["type"] == "visit":
            origin, visitor = Origin(event["source"], event["campaign"]), str(event["visitor"])
            chosen = choose(pool, at, visitor, origin)
            pool.give(chosen.number, at, id_, visitor, origin)
            shown[id_] = chosen.number, at
            shared += chosen.is_shared
        elif event["type"] in ("seen", "leave"):
            number, start = shown[id_]
            pool.seen(number, at, id_, weight(at - start), left=event["type"] == "leave")
    return shared / len(shown)


def week_of_life(life: Life) -> WeekSeen:
    """Return the week as the advisor would read it from leases and visits; who shared is not told."""
    world, visits = life.assumptions, life.visits
    length = visits.end - visits.start
    on_screen = np.where(leaves_told(life), length, length // BEAT * BEAT + SCREEN_SECONDS)
    hours = (visits.start % WEEK // HOUR).astype(int)
    counted = np.bincount(hours, minlength=HOURS_OF_WEEK)
    seconds = np.bincount(hours, weights=on_screen, minlength=HOURS_OF_WEEK)
    origins = Counter(zip(hours.tolist(), visits.campaign.tolist(), strict=True))
    return week_of(
        MONDAY,
        MONDAY + timedelta(days=world.days),
        [world.days * DAY / WEEK * HOUR] * HOURS_OF_WEEK,
        ((hour, int(counted[hour]), float(seconds[hour]), 0) for hour in range(HOURS_OF_WEEK)),
        (
            (hour, source_of(world, campaign), name_of_campaign(campaign), count)
            for (hour, campaign), count in origins.items()
        ),
    )


def delays_of(world: World, outputs: Iterable[Mapping[str, Any]], traffic: Traffic) -> Delays:
    """Return the delays of the newest first calls, as the advisor would read them from verdicts."""
    verdicts = {one["call"]: one["candidates"] for one in outputs if "call" in one}
    callers: set[str] = set()
    first = []
    for event in world.events:
        if event["type"] == "call" and event["caller"] not in callers:
            first.append(event)
            callers |= {event["caller"]} - {None}
    rows = [
        (float(call["t"]), float(world.visits.end[int(one["visit"][1:])]), float(one["p"]))
        for call in first[-MOST_CALLS:]
        for one in verdicts[call["call"]]
        if one["p"] >= LIKELY
    ]
    hours, zone = np.array(traffic.visits), ZoneInfo("UTC")
    between = tuple(
        0.0
        if at - seen <= SCREEN_SECONDS
        else visits_between(hours, MONDAY + timedelta(seconds=seen), MONDAY + timedelta(seconds=at), zone)
        for at, seen, _ in rows
    )
    return Delays(visits_between=between, weights=tuple(p for _, _, p in rows))
