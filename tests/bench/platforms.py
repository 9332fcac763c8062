"""Planning and delivering to every platform, alone and all at once, through one real worker and through two.

BENCH_CONVERSIONS (default 4,000; the long form has 100,000) is how many conversions go to each platform that
takes batches. Platforms that take one conversion a request get a tenth, and all at once share the number out
among them. BENCH_LEDGER (default 100,000; in the long form 1,000,000) is how many rows the ledger holds when
planning is measured for the second time. BENCH_PLATFORMS names some of the platforms, with commas between
(default: all of them).
"""

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import event, text

from calltrack.delivery.accounts import remove
from calltrack.destinations import DESTINATIONS
from calltrack.wiring import Services
from tests.bench.bare import Bare, bare_pace
from tests.bench.context import Context, Result
from tests.bench.course import Course, Run
from tests.builders import make_company
from tests.delivery.everywhere import connect_all, conversions
from tests.delivery.world import World

COUNT = int(os.environ.get("BENCH_CONVERSIONS", "4000"))
LEDGER = int(os.environ.get("BENCH_LEDGER", "100000"))
NAMES = [one for one in os.environ.get("BENCH_PLATFORMS", "").split(",") if one] or list(DESTINATIONS)
PLANNED = 2_000
ROUNDS = 3


def run(context: Context) -> list[Result]:
    """Measure planning at two sizes of the ledger and for a new company, then all of it by workers."""
    services = replace(context.services, settings=context.settings.model_copy(update={"mode": "demo"}))
    with context.serve("tests.sandbox.platforms.serving:make_app") as port:
        origin = f"http://127.0.0.1:{port}"
        results = _planning(context, services, origin)
        course = Course(context, services, origin, COUNT)
        for name in NAMES:
            results += _alone(course, name)
        together = [course.run(NAMES, COUNT // len(NAMES), workers) for workers in (1, 2)]
        results += _results("all at once", together, None)
        course.close()
        return [*results, _queries(services, origin)]


def _alone(course: Course, name: str) -> list[Result]:
    count = COUNT if DESTINATIONS[name].max_batch > 1 else max(COUNT // 10, 100)
    runs = [course.run([name], count, workers) for workers in (1, 2)]
    return _results(name, runs, bare_pace(course, name))


def _results(label: str, runs: Sequence[Run], bare: Bare | None) -> list[Result]:
    found = []
    for run, words in zip(runs, ("one worker", "two workers"), strict=True):
        reference = bare.pace if bare else None
        found += [
            Result(f"planned: {label}, {words}", run.planned, "changes/s"),
            Result(f"delivered: {label}, {words}", run.delivered, "deliveries/s", reference),
            Result(
                f"planned by a second of processor: {label}, {words}", run.planned_by_processor, "changes"
            ),
            Result(
                f"delivered by a second of processor: {label}, {words}",
                run.delivered_by_processor,
                "deliveries",
            ),
            Result(f"a worker's memory: {label}, {words}", run.share, "MB (PSS)"),
            Result(f"a worker's memory with all it shares: {label}, {words}", run.resident, "MB (RSS)"),
        ]
        beside = f"; bare {bare.pace:,.0f}/s, the twin alone {bare.twin:,.0f}/s" if bare else ""
        print(
            f"  {label}, {words}, {run.count:,} deliveries: planned {run.planned:,.0f}/s"
            f" ({run.planned_by_processor:,.0f} by a second of processor), delivered {run.delivered:,.0f}/s"
            f" ({run.delivered_by_processor:,.0f}), {run.share:.0f} MB PSS, {run.resident:.0f} MB RSS"
            f"{beside}",
            file=sys.stderr,
            flush=True,
        )
    return found


def _planning(context: Context, services: Services, origin: str) -> list[Result]:
    world = World(services, make_company(services), origin)
    place = connect_all(world, ["google_data_manager"])["google_data_manager"]
    small = _pace_of_planning(context, world)
    _fill(world, place)
    large = _pace_of_planning(context, world)
    # Nobody is to deliver these while others are measured.
    with services.db.tenant(world.company.id) as session:
        remove(session, services.vault, world.company.id, place, world.now())
    world.door.close()
    unknown = _planning_unknown(context, services, origin)
    print(
        f"  planned: {small:,.0f}, {large:,.0f}, unknown company {unknown:,.0f} changes/s",
        file=sys.stderr,
        flush=True,
    )
    return [
        Result("planned in this process, a few thousand rows", small, "changes/s"),
        Result(f"planned in this process, {LEDGER:,} rows", large, "changes/s", small),
        Result("planned for a company that no statistics know, beside them", unknown, "changes/s", small),
    ]


def _planning_unknown(context: Context, services: Services, origin: str) -> float:
    """Measure planning for a new company: statistics know the ledger of another, nothing of its own."""
    context.analyze()
    world = World(services, make_company(services), origin)
    place = connect_all(world, ["google_data_manager"])["google_data_manager"]
    pace = _pace_of_planning(context, world, is_known=False)
    with services.db.tenant(world.company.id) as session:
        remove(session, services.vault, world.company.id, place, world.now())
    world.door.close()
    return pace


def _pace_of_planning(context: Context, world: World, *, is_known: bool = True) -> float:
    """Return the best of some rounds, the first of which warms up."""
    best = 0.0
    for _ in range(ROUNDS + 1):
        changes = conversions(world, PLANNED, planned=False)
        if is_known:
            context.analyze()
        begun = time.perf_counter()
        world.plan(changes)
        best = max(best, PLANNED / (time.perf_counter() - begun))
    return best


def _fill(world: World, place: UUID) -> None:
    values = {"company": world.company.id, "place": place}
    with world.services.db.tenant(world.company.id) as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(text(FILL), {**values, "each": LEDGER // 1_000})


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


FILL = """
    INSERT INTO delivery (company_id, id, destination_id, conversion_id, change_id, sequence, upload_id,
                          payload, payload_hash, state, planned_at, settled_at)
    SELECT :company, gen_random_uuid(), :place, co.id, gen_random_uuid(), 0, 'conv-', '', '', 'confirmed',
           now(), now()
    FROM (SELECT id FROM conversion WHERE company_id = :company LIMIT 1000) co, generate_series(1, :each)
"""
