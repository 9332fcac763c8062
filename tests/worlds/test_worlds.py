"""The simulated world is the one it says it is: its shares, its silence about the truth, the peers in it."""

import json
from collections import Counter
from functools import cache

import numpy as np

from tests.worlds.assumptions import DAY, Assumptions
from tests.worlds.events import Life, live, with_pool
from tests.worlds.peers import longest_idle, random_lease
from tests.worlds.scores import from_visits, score

SEEDS = (2, 3, 4)


@cache
def life(seed: int) -> Life:
    return live(Assumptions(seed=seed))


def test_calls_come_as_the_assumptions_say() -> None:
    one = life(SEEDS[0])
    first = one.calls.kind < 6
    age = (one.calls.at - one.visits.end[one.calls.visit])[first]
    shares = [float((age <= seconds).mean()) for seconds in (60, 1_800, 3_600, DAY, 7 * DAY)]
    np.testing.assert_allclose(shares, (0.60, 0.78, 0.80, 0.93, 0.99), atol=0.03)
    assert abs(len(one.visits) / 35 - 1_000) < 40
    assert abs(first.sum() / len(one.visits) - 0.04) < 0.004
    assert abs((~first).mean() - 0.34) < 0.03
    assert abs((one.visits.end - one.visits.start).mean() - 160) < 10


def test_events_are_in_order_and_silent_about_the_truth() -> None:
    world = with_pool(life(SEEDS[0]), 50)
    times = [event["t"] for event in world.events]
    assert times == sorted(times)
    begun = set()
    for event in world.events:
        if event["type"] == "visit":
            begun.add(event["visit"])
        elif event["type"] == "call":
            assert ("dials_visit" in event) != ("dials_number" in event)
            assert event.keys() <= {"t", "type", "call", "caller", "region", "dials_visit", "dials_number"}
        else:
            assert event["visit"] in begun
    unwanted = Counter(told.kind for told in world.truth.values())["spam"]
    assert 5 < unwanted < 120
    assert len(world.truth) == sum(event["type"] == "call" for event in world.events)


def test_a_seed_gives_the_same_events_every_time() -> None:
    small = Assumptions(seed=9, visits_per_day=50, days=10)
    once, again = (with_pool(live(small), 5).events for _ in range(2))
    assert json.dumps(once) == json.dumps(again)
    assert with_pool(live(Assumptions(seed=10, visits_per_day=50, days=10)), 5).events != once


def test_the_documented_peer_is_right_about_56_of_100_calls() -> None:
    """A random free number, leased for 30 minutes, the last holder credited: the published figure is 0.56."""
    found = []
    for seed in SEEDS:
        world = with_pool(life(seed), 50)
        found.append(score(from_visits(random_lease(50).credits(world), world), world).visit)
    assert abs(float(np.mean(found)) - 0.56) < 0.02


def test_what_helps_the_peers_helps_here() -> None:
    world = with_pool(life(SEEDS[0]), 20)
    scores = [
        score(from_visits(peer.credits(world), world), world).visit
        for peer in (random_lease(20), random_lease(20, remembers=True), longest_idle(20, remembers=True))
    ]
    np.testing.assert_allclose(scores, (0.33, 0.425, 0.676), atol=0.04)
