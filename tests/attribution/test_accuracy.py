"""Numbers chosen, calls credited in a small simulated world; at full size: python -m tests.worlds.gates."""

import pytest

from calltrack.attribution.replay import Replay
from calltrack.numbers.choice import LONGEST_IDLE
from tests.worlds.assumptions import DAY, Assumptions
from tests.worlds.events import World, live, with_pool
from tests.worlds.oracle import play
from tests.worlds.peers import longest_idle, random_lease
from tests.worlds.scores import Scores, from_outputs, from_visits, score

NUMBERS, SINCE = 20, 7 * DAY


@pytest.fixture(scope="module")
def world() -> World:
    return with_pool(live(Assumptions(seed=3, visits_per_day=400, days=18, campaigns=10)), NUMBERS)


@pytest.fixture(scope="module")
def ours(world: World) -> Scores:
    return score(from_outputs(play(world, Replay(NUMBERS))), world, SINCE)


def test_nearly_every_call_is_credited_to_its_campaign_and_source(ours: Scores) -> None:
    assert ours.calls > 200
    assert ours.campaign >= 0.95
    assert ours.source >= 0.98


def test_what_is_said_with_confidence_is_true(ours: Scores) -> None:
    assert ours.precision >= 0.95
    assert ours.coverage >= 0.5
    assert ours.ece <= 0.08


def test_more_calls_find_their_visit_than_at_the_peers(world: World, ours: Scores) -> None:
    peers = (random_lease(NUMBERS), longest_idle(NUMBERS), longest_idle(NUMBERS, remembers=True))
    found = [score(from_visits(peer.credits(world), world), world, SINCE) for peer in peers]
    assert [ours.visit > one.visit for one in found] == [True, True, True]
    assert ours.campaign > max(one.campaign for one in found) + 0.1


def test_regard_to_campaigns_is_what_finds_them(world: World, ours: Scores) -> None:
    idle = score(from_outputs(play(world, Replay(NUMBERS, LONGEST_IDLE))), world, SINCE)
    assert ours.campaign > idle.campaign + 0.05
    assert ours.visit > idle.visit - 0.03
