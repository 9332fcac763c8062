"""The crash storm in short; `python -m tests.chaos.crash_storm` runs it at length."""

from calltrack.config import Settings
from calltrack.destinations import DESTINATIONS
from calltrack.wiring import Services
from tests.builders import make_company
from tests.chaos import crash_storm
from tests.delivery.world import World
from tests.sandbox.platforms.serving import serving

KILLS = len(DESTINATIONS)


def test_workers_die_at_every_platform_and_point_and_each_conversion_counts_once(
    services: Services, settings: Settings
) -> None:
    settings = settings.model_copy(update={"mode": "demo"})
    with serving() as origin:
        world = World(services, make_company(services), origin)
        storm = crash_storm.run(world, settings, KILLS, 120)
        world.door.close()
    assert {name for name, _ in storm.kills} == set(DESTINATIONS)
    assert all(storm.kills_at(point) >= KILLS - 1 for point in crash_storm.POINTS), storm.kills
    assert set(storm.missing.values()) == {0}, storm
    assert set(storm.doubled.values()) == {0}, storm
    assert (storm.unsettled, storm.unaccounted) == (0, 0)
    assert storm.recovery_seconds < 60
