"""Planning and delivering to every platform: one real worker and two, each platform alone and all at once.

BENCH_CONVERSIONS (default 2,000; the long form has 100,000) is how many go to each platform that takes
batches; platforms that take one conversion a request get a tenth. BENCH_LEDGER (default 100,000; in the long
form 1,000,000) is how many rows the ledger holds when planning is measured for the second time.
"""

import os
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import event, text

from calltrack.destinations import DESTINATIONS
from calltrack.wiring import Services
from tests.bench.context import Context, Result
from tests.bench.deliver import _until, _worker
from tests.builders import make_company
from tests.delivery.everywhere import connect_all, conversions
from tests.delivery.world import World

COUNT = int(os.environ.get("BENCH_CONVERSIONS", "2000"))
LEDGER = int(os.environ.get("BENCH_LEDGER", "100000"))
PORTION = 2_000
PLANNED = 2_000


def run(context: Context) -> list[Result]:
    """Measure planning at two sizes of the ledger, then delivering by one worker and by two."""
    services = replace(context.services, settings=context.settings.model_copy(update={"mode": "demo"}))
    with context.serve("tests.sandbox.platforms.serving:make_app") as port:
        origin = f"http://127.0.0.1:{port}"
        results = _planning(services, origin)
        for name in DESTINATIONS:
            results += _deliver(context, services, origin, f"{name}, one worker", [name], 1)
        for workers in (1, 2):
            label = f"all platforms at once, {'one worker' if workers == 1 else 'two workers'}"
            results += _deliver(context, services, origin, label, list(DESTINATIONS), workers)
        return [*results, _queries(services, origin)]


def _planning(services: Services, origin: str) -> list[Result]:
    world = World(services, make_company(services), origin)
    place = connect_all(world, ["google_data_manager"])["google_data_manager"]
    _pace_of_planning(world)
    small = _pace_of_planning(world)
    _fill(world, place)
    _pace_of_planning(world)
    large = _pace_of_planning(world)
    world.door.close()
    print(f"  planned: {small:,.0f}, {large:,.0f} changes/s", file=sys.stderr, flush=True)
    return [
        Result("conversions planned, a few thousand rows", small, "changes/s"),
        Result(f"conversions planned, {LEDGER:,} rows", large, "changes/s", small),
    ]


def _pace_of_planning(world: World) -> float:
    changes = conversions(world, PLANNED, planned=False)
    begun = time.perf_counter()
    world.plan(changes)
    return PLANNED / (time.perf_counter() - begun)


def _fill(world: World, place: UUID) -> None:
    values = {"company": world.company.id, "place": place}
    with world.services.db.tenant(world.company.id) as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(text(FILL), {**values, "each": LEDGER // 1_000})
    _analyze(world)


def _deliver(
    context: Context, services: Services, origin: str, label: str, names: list[str], workers: int
) -> list[Result]:
    """Plan for these platforms, let the workers deliver, return the pace and what a worker held in memory."""
    world = World(services, make_company(services), origin)
    places = connect_all(world, names)
    single = any(DESTINATIONS[name].max_batch == 1 for name in names)
    count = max(COUNT // 10, 100) if single else COUNT
    for start in range(0, count, PORTION):
        conversions(world, min(PORTION, count - start))
    total = sum(row.state == "pending" for row in world.rows())
    _set_due(world, "+ interval '1 hour'")
    _analyze(world)
    with ExitStack() as stack:
        running = [_worker(context) for _ in range(workers)]
        for one in running:
            stack.enter_context(one)
        time.sleep(4)
        _set_due(world, "- interval '1 hour'")
        begun = time.perf_counter()
        for place in places.values():
            services.nudges.wake("deliver", str(world.company.id), str(place))
        _until(lambda: _left(world) == 0)
        pace = total / (time.perf_counter() - begun)
        memory = max(_pss(one.process.pid) for one in running)
    counted = sum(len(world.effects(name)) for name in names)
    world.door.close()
    if counted < min(total, count):
        raise SystemExit(f"{total} deliveries led to {counted} effects")
    print(f"  {label}: {pace:,.0f} deliveries/s", file=sys.stderr, flush=True)
    return [
        Result(f"delivered: {label}", pace, "deliveries/s"),
        Result(f"memory: {label}", memory, "MB (PSS)"),
    ]


def _queries(services: Services, origin: str) -> Result:
    """Count the statements of one batch of deliveries, planning left out."""
    world = World(services, make_company(services), origin)
    google = world.google()
    conversions(world, 1_000)
    counted: list[str] = []

    def count(_: Any, __: Any, statement: str, *more: Any) -> None:
        counted.append(statement)

    event.listen(services.db.engine, "before_cursor_execute", count)
    sent = world.deliver(google)
    event.remove(services.db.engine, "before_cursor_execute", count)
    world.door.close()
    return Result("statements, by 1,000 deliveries", 1_000 * len(counted) / sent, "statements")


def _set_due(world: World, shift: str) -> None:
    with world.services.db.tenant(world.company.id) as session:
        session.execute(text(f"UPDATE delivery SET due_at = due_at {shift} WHERE due_at IS NOT NULL"))


def _left(world: World) -> int:
    with world.services.db.tenant(world.company.id) as session:
        return session.scalar(text(LEFT)) or 0


def _analyze(world: World) -> None:
    with world.services.db.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))


def _pss(pid: int) -> float:
    """Return a process's share of memory in MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


LEFT = "SELECT count(*) FROM delivery WHERE state IN ('pending', 'sending', 'unknown') AND due_at IS NOT NULL"
FILL = """
    INSERT INTO delivery (company_id, id, destination_id, conversion_id, change_id, sequence, upload_id,
                          payload, payload_hash, state, planned_at, settled_at)
    SELECT :company, gen_random_uuid(), :place, co.id, gen_random_uuid(), 0, 'conv-', '', '', 'confirmed',
           now(), now()
    FROM (SELECT id FROM conversion WHERE company_id = :company LIMIT 1000) co, generate_series(1, :each)
"""
