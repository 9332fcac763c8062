"""Workers are killed at the three worst moments of a delivery: each counts exactly once, within a minute.

Fault F11: (a) before the request leaves, (b) after the platform processed it and before its answer arrives,
(c) after the answer and before it is committed. Three twins, three workers, one moment each, at once.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from time import monotonic, sleep

import pytest
from sqlalchemy import text

from calltrack.config import Settings
from calltrack.wiring import Services
from tests.builders import make_company
from tests.delivery.world import World
from tests.sandbox.platforms.serving import serving
from tests.workers.process import CLOCK, WORKER, running, until

LOCK = text("SELECT id FROM delivery WHERE company_id = :company_id FOR UPDATE")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def test_a_killed_workers_delivery_counts_exactly_once_within_a_minute(
    services: Services, settings: Settings, empty_database: None, stack: ExitStack
) -> None:
    # Only the demo's door leads to the twins on this machine.
    settings = settings.model_copy(update={"mode": "demo"})
    before, during, after = worlds = [
        World(services, make_company(services), stack.enter_context(serving())) for _ in range(3)
    ]
    destinations = [world.google() for world in worlds]
    for world in worlds:
        world.conversions()
    before.faults("timeout:100", target="oauth")
    during.faults("timeout-after-processing:100")
    after.faults("slow:3")
    workers = [stack.enter_context(running(settings, *WORKER)) for _ in worlds]
    for world, destination in zip(worlds, destinations, strict=True):
        services.nudges.wake("deliver", str(world.company.id), str(destination))
    assert until(lambda: all(world.states() == ["sending"] for world in worlds), 90)
    assert until(lambda: len(during.effects()) == len(after.effects()) == 1, 90)
    with services.db.tenant(after.company.id) as session:
        # Held rows keep the third worker between the answer and its commit.
        session.execute(LOCK, {"company_id": after.company.id})
        sleep(4)
        for worker in workers:
            worker.kill()
            worker.wait()
        died = monotonic()
    assert [world.states() for world in worlds] == [["sending"]] * 3
    assert [len(world.effects()) for world in worlds] == [0, 1, 1]
    stack.enter_context(running(settings, *WORKER))
    stack.enter_context(running(settings, *CLOCK))
    assert until(lambda: all(world.states() == ["accepted"] for world in worlds), 60)
    assert monotonic() - died < 60
    for world, received in zip(worlds, (1, 2, 2), strict=True):
        (effect,) = world.effects()
        assert (effect["values"], effect["received"]) == ([850.0], received)
        (row,) = world.rows()
        lost, sent = world.attempts(row.id)
        assert (lost.class_, sent.class_) == ("UNKNOWN", "ACCEPTED")
        assert lost.request_hash == sent.request_hash
        assert world.unaccounted() == 0
        world.door.close()
