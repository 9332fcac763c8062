"""The crash storm: workers are killed at three points of a delivery, again and again, at every platform.

`python -m tests.chaos.crash_storm [--kills 100] [--conversions 5000]` runs it on a database of its own and
prints the figures. A death's lease ends in 45 s; the storm lets that time pass by moving the lease, not by
waiting. Only the last death is waited for.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import msgspec
from sqlalchemy import text

from calltrack.config import Settings, new_key
from calltrack.infra.embedded import EmbeddedPostgres, EmbeddedRedis
from calltrack.migrations.migrate import migrate
from calltrack.sandbox.platforms.twins import TWINS
from calltrack.wiring import build
from tests.bench.context import Context
from tests.builders import make_company
from tests.chaos.storm_worker import Order, Point
from tests.delivery.everywhere import TAKEN, connect_all, conversions
from tests.delivery.world import World
from tests.workers.process import environment

POINTS: tuple[Point, ...] = ("before", "during", "after")
TARGETS = {twin.name: twin.targets[0] for twin in TWINS}
# A worker that is killed before its lease is over: the time is moved by this much.
LEASE_OVER = "UPDATE delivery SET due_at = due_at - interval '46 seconds' WHERE state = 'sending'"
PUT_OFF = "UPDATE delivery SET due_at = due_at + interval '2 days' WHERE due_at IS NOT NULL"
RELEASE = "UPDATE delivery SET due_at = :now WHERE conversion_id = ANY(CAST(:ids AS uuid[]))"
OPEN = "SELECT count(*) FROM delivery WHERE state NOT IN ('accepted', 'confirmed', 'rejected', 'withheld')"


@dataclass
class Storm:
    """What happened: kills by platform and point, and what stood at the end."""

    conversions: int
    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    missing: dict[str, int] = field(default_factory=dict)
    doubled: dict[str, int] = field(default_factory=dict)
    received_again: dict[str, int] = field(default_factory=dict)
    unsettled: int = 0
    unaccounted: int = 0
    recovery_seconds: float = 0.0
    seconds: float = 0.0

    def kills_at(self, point: Point) -> int:
        """Count the kills at one point."""
        return sum(count for (_, at), count in self.kills.items() if at == point)


class Nursery:
    """The warm process that forks dying workers."""

    def __init__(self, settings: Settings) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.storm_worker"],
            env=environment(settings), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def send(self, order: Order) -> bool:
        """Let one worker carry out the order; tells whether it was killed."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(msgspec.json.encode(order) + b"\n")
        stdin.flush()
        answer = stdout.readline().strip()
        if answer not in (b"killed", b"ended"):
            raise RuntimeError("the nursery has died")
        return answer == b"killed"

    def close(self) -> None:
        """End the warm process."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(20)


def run(world: World, settings: Settings, kills: int, count: int) -> Storm:
    """Queue `count` conversions to every platform and kill `kills` workers at each point."""
    begun = time.monotonic()
    places = connect_all(world)
    for start in range(0, count, 1_000):
        conversions(world, min(1_000, count - start))
    ids = _put_off(world)
    storm, nursery = Storm(count), Nursery(settings)
    try:
        plan = [
            (point, name) for number in range(kills) for point in POINTS for name in [_at(places, number)]
        ]
        portion = max(len(ids) // len(plan), 1)
        for number, (point, victim) in enumerate(plan):
            _release(world, ids[number * portion : (number + 1) * portion])
            _kill(world, nursery, places, storm, point, victim)
        _release(world, ids[len(plan) * portion :])
        storm.recovery_seconds = _recover(world, nursery, places)
    finally:
        nursery.close()
    _judge(world, storm, places)
    storm.seconds = time.monotonic() - begun
    return storm


def _at(places: dict[str, UUID], number: int) -> str:
    return list(places)[number % len(places)]


def _kill(
    world: World, nursery: Nursery, places: dict[str, UUID], storm: Storm, point: Point, victim: str
) -> None:
    """Let a worker deliver until it dies, then let the time of its leases pass."""
    if point == "during":
        world.faults("slow:1", target=TARGETS[victim])
    if nursery.send(Order(world.company.id, places, victim, point)):
        storm.kills[(victim, point)] += 1
    _execute(world, LEASE_OVER)


def _recover(world: World, nursery: Nursery, places: dict[str, UUID]) -> float:
    """Kill one more worker, wait for real, and let others finish; returns the seconds from death to done."""
    _execute(world, "UPDATE delivery SET due_at = now() + interval '45 seconds' WHERE state = 'sending'")
    victim = next(iter(places))
    nursery.send(Order(world.company.id, places, victim, "after"))
    died, ends = time.monotonic(), time.monotonic() + 300
    while time.monotonic() < ends and _count(world):
        nursery.send(Order(world.company.id, places))
        time.sleep(1)
    recovered = time.monotonic() - died
    for _ in range(3):
        nursery.send(Order(world.company.id, places, polls=True))
        time.sleep(1)
    return recovered


def _judge(world: World, storm: Storm, places: dict[str, UUID]) -> None:
    for name in places:
        effects = world.effects(name)
        storm.missing[name] = storm.conversions - len(effects)
        storm.doubled[name] = sum(len(effect["values"]) != 1 for effect in effects)
        storm.received_again[name] = sum(effect["received"] - 1 for effect in effects)
    states = Counter(row.state for row in world.rows())
    storm.unsettled = sum(count for state, count in states.items() if state not in TAKEN)
    storm.unaccounted = world.unaccounted()


def _put_off(world: World) -> list[UUID]:
    _execute(world, PUT_OFF)
    with world.services.db.tenant(world.company.id) as session:
        return list(session.scalars(text("SELECT DISTINCT conversion_id FROM delivery")))


def _release(world: World, ids: list[UUID]) -> None:
    with world.services.db.tenant(world.company.id) as session:
        session.execute(text(RELEASE), {"ids": ids, "now": world.now()})


def _execute(world: World, statement: str) -> None:
    with world.services.db.tenant(world.company.id) as session:
        session.execute(text(statement))


def _count(world: World) -> int:
    with world.services.db.tenant(world.company.id) as session:
        return session.scalar(text(OPEN)) or 0


@contextmanager
def own_servers() -> Iterator[tuple[Settings, Context]]:
    """A database, a Redis and a folder of this run's own."""
    with tempfile.TemporaryDirectory(prefix="storm-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres, redis = EmbeddedPostgres(folder / "postgres"), EmbeddedRedis(folder / "redis")
        try:
            postgres.start()
            redis.start()
            migrate(postgres.owner_url)
            settings = Settings(
                mode="demo", data_dir=folder / "data", database_url=postgres.app_url,
                database_owner_url=postgres.owner_url, database_system_url=postgres.system_url,
                redis_url=redis.url, encryption_key=new_key(), secret_key=new_key(),
            )  # fmt: skip
            yield settings, Context(build(settings), settings, postgres, folder)
        finally:
            redis.stop()
            postgres.erase()


def main() -> None:
    """Run the storm and print what came of it; exit code 1 if anything was lost or counted twice."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.crash_storm")
    parser.add_argument("--kills", type=int, default=100, help="at each of the three points")
    parser.add_argument("--conversions", type=int, default=5_000)
    asked = parser.parse_args()
    with (
        own_servers() as (settings, context),
        context.serve("tests.sandbox.platforms.serving:make_app") as port,
    ):
        world = World(context.services, make_company(context.services), f"http://127.0.0.1:{port}")
        storm = run(world, settings, asked.kills, asked.conversions)
        world.door.close()
        context.services.close()
    _print(storm)
    lost = any(storm.missing.values()) or any(storm.doubled.values())
    sys.exit(1 if lost or storm.unsettled or storm.unaccounted else 0)


def _print(storm: Storm) -> None:
    print(f"{storm.conversions} conversions to each of {len(storm.missing)} platforms, {storm.seconds:.0f} s")
    for point in POINTS:
        print(f"killed {point} the request: {storm.kills_at(point)}")
    print(f"{'platform':22} {'missing':>8} {'doubled':>8} {'received again':>15}")
    for name, missing in storm.missing.items():
        print(f"{name:22} {missing:>8} {storm.doubled[name]:>8} {storm.received_again[name]:>15}")
    print(f"not taken: {storm.unsettled}, in no known state: {storm.unaccounted}")
    print(f"from the last death to everything delivered: {storm.recovery_seconds:.0f} s")


if __name__ == "__main__":
    main()
