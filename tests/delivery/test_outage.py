"""Six hours of a platform's outage, in virtual time: all arrives within ten minutes of its return."""

import random
from collections.abc import Iterable, Iterator
from datetime import timedelta

import pytest

from calltrack.wiring import Services
from tests.builders import Company
from tests.delivery.everywhere import TAKEN, connect_all, conversions
from tests.delivery.world import World
from tests.plain import PLAIN
from tests.sandbox.platforms.serving import serving

OUTAGE = timedelta(hours=6)
BACK_WITHIN = timedelta(minutes=10)
# How the platform is unwell: answers nothing, answers errors, processes and then drops the connection.
FAULTS = ["503", "500", "429", "drop-connection", "drop-after-processing", "503", "503"]
PLATFORMS = {"google_data_manager": "datamanager", "microsoft": "microsoft"}


@pytest.fixture
def world(services: Services, company: Company) -> Iterator[World]:
    """A world whose twins live at its own time."""
    clock: list[World] = []
    with serving(now=lambda: clock[0].now() if clock else services.clock()) as origin:
        made = World(services, company, origin)
        clock.append(made)
        yield made
        made.door.close()


@pytest.mark.parametrize("name", list(PLATFORMS))
def test_six_hours_of_outage(world: World, name: str) -> None:
    dice, target = random.Random(name), PLATFORMS[name]
    places = connect_all(world, [*PLATFORMS, "meta", "tiktok"])
    down, others = places[name], {key: id_ for key, id_ in places.items() if key != name}
    firsts = conversions(world, 30)
    told = {first: [850.0] for first in firsts}
    began = world.now()
    late: list[float] = []
    while world.now() - began < OUTAGE:
        break_down(world, target, dice)
        if dice.random() < 0.4:
            first = dice.choice(firsts)
            told[first].append(float(len(told[first]) * 10 + firsts.index(first)))
            world.change(first, "restate", int(told[first][-1] * 100))
        if dice.random() < 0.3:
            (first,) = conversions(world, 1)
            firsts.append(first)
            told[first] = [850.0]
        for destination in others.values():
            world.deliver(destination)
            late.append(sum(row.state == "pending" for row in world.rows(destination)))
        world.deliver(down)
        world.later(minutes=6)
    assert not set(world.states(down)) <= set(TAKEN)
    PLAIN.delete(f"{world.origin}/sandbox/platforms/faults").raise_for_status()
    world.faults(modes={"processing_seconds": 0})
    returned = world.now()
    while world.now() - returned < BACK_WITHIN and not set(world.states(down)) <= set(TAKEN):
        # The clock process asks every few seconds what is due.
        world.deliver(down)
        world.later(seconds=10)
    assert set(world.states(down)) <= set(TAKEN)
    assert world.now() - returned <= BACK_WITHIN
    assert max(late) == 0
    assert all(set(world.states(id_)) <= {*TAKEN, "withheld"} for id_ in others.values())
    assert_in_order(world, name, told.values())
    assert world.unaccounted() == 0


def break_down(world: World, target: str, dice: random.Random) -> None:
    """Let the next requests fail; what was left over of the last ones is forgotten."""
    PLAIN.delete(f"{world.origin}/sandbox/platforms/faults").raise_for_status()
    world.faults(*dice.choices(FAULTS, k=60), target=target)


def assert_in_order(world: World, name: str, told: Iterable[list[float]]) -> None:
    """Each conversion counts once, with every value it was told, in order.

    Some platforms know conversions by click and time, so histories are compared, whosever they are.
    """
    found = [without_repeats(effect["values"]) for effect in world.effects(name)]
    assert sorted(found) == sorted(told)


def without_repeats(values: list[float]) -> list[float]:
    return [value for place, value in enumerate(values) if place == 0 or values[place - 1] != value]
