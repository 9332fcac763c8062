"""One audience over many persons: filling it, the nightly look, one purchase, telling the platform.

AUDIENCE_PERSONS (default 20,000; the long form has 300,000) is how many persons the company has. A second
company with a hundredth of them shows that one purchase costs the same in a long list and in a short one.
AUDIENCE_EXPLAIN=500 prints the plans of statements that take more than 500 ms; the figures are worthless
then, each statement runs twice.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import event, text

from calltrack.audiences import queries
from calltrack.audiences.conditions import READY, read
from calltrack.audiences.judging import preview
from calltrack.audiences.looking import look_on
from tests.audiences.world import World
from tests.bench.audience_crowd import CALL, analyze, fill
from tests.bench.context import Context, Result
from tests.builders import make_company

PERSONS = int(os.environ.get("AUDIENCE_PERSONS", "20000"))
PURCHASES = 40
EXPLAIN = os.environ.get("AUDIENCE_EXPLAIN", "")


def run(context: Context) -> list[Result]:
    """Measure a large company beside a small one."""
    services = replace(context.services, settings=context.settings.model_copy(update={"mode": "demo"}))
    with context.serve("tests.sandbox.platforms.serving:make_app") as port:
        small = World(services, make_company(services), f"http://127.0.0.1:{port}")
        large = World(services, make_company(services), f"http://127.0.0.1:{port}")
        began, beside = time.perf_counter(), max(PERSONS // 100, 100)
        owner = context.postgres.owner_url
        fill(services, owner, small.company, beside, now := small.now())
        fill(services, owner, large.company, PERSONS, now)
        print(f"  filled in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
        if EXPLAIN:
            _explain(services.db.engine)
        little, place = _list(small)
        _look(small, little)
        results = _large(large, owner, now)
        single = _purchases(small, now, beside)
        small.tell(place)
        small.door.close()
        large.door.close()
    return [replace(one, reference=single) if one.name.startswith("one purchase") else one for one in results]


def _large(world: World, owner: str, now: datetime) -> list[Result]:
    company_id = world.company.id
    with world.services.db.tenant(company_id) as session:
        tree = read(READY["called_not_bought"][1])
        shown = _seconds(lambda: preview(session, company_id, tree, now))
    audience, place = _list(world)
    first, slice_ = _look(world, audience)
    members = len(world.entries(place))
    analyze(owner)
    world.run("UPDATE audience SET full_due_at = :now WHERE company_id = :c", now=now)
    again, _ = _look(world, audience)
    single = _purchases(world, now, PERSONS)
    told = _seconds(lambda: world.tell(place))
    with world.services.db.tenant(company_id) as session:
        page = _seconds(lambda: queries.audiences(session, company_id))
    found = world.row(audience).repaired
    if found:
        raise SystemExit(f"The nightly look found {found} differences where nothing was lost.")
    return [
        Result(f"preview of a condition, {PERSONS:,} persons", shown, "s"),
        Result("first look at everybody", first, "s"),
        Result("nightly look at everybody", again, "s"),
        Result("longest slice of a look", slice_, "s"),
        Result(f"one purchase, marked to removed, {members:,} members", single, "ms"),
        Result("members told to Google", members / told, "members/s"),
        Result("the page of audiences", page * 1000, "ms"),
    ]


def _list(world: World) -> tuple[UUID, UUID]:
    audience = world.audience()
    return audience, world.place(audience, world.google(), f"777{world.company.id.int % 10**6:06d}")


def _look(world: World, audience: UUID) -> tuple[float, float]:
    """Return the seconds of the whole look and of its longest slice."""
    took, is_over = [], False
    while not is_over:
        began = time.perf_counter()
        _, is_over = look_on(world.services, world.company.id, audience)
        took.append(time.perf_counter() - began)
    return sum(took), max(took)


def _purchases(world: World, now: datetime, persons: int) -> float:
    """Let people buy one after the other; returns the median milliseconds from fact to judgement."""
    company_id, took = world.company.id, []
    with world.services.db.tenant(company_id) as session:
        calls = list(
            session.scalars(_LEADS, {"company": company_id, "now": now, "most": PURCHASES, "n": persons})
        )
    for call_id in calls:
        change = world.run(_BUY, call=call_id, now=now).scalar_one()
        began = time.perf_counter()
        world.changed(change)
        if world.keep() < 1:
            raise SystemExit("A purchase moved nobody.")
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


# Calls of leads who have not bought and may be told, spread over all of them.
_LEADS = text(
    f"SELECT {CALL} FROM generate_series(1, :n) AS i"
    " JOIN audience_member m ON m.company_id = :company AND m.status = 'in'"
    " JOIN conversion co ON co.company_id = :company AND co.person_id = m.person_id AND co.kind = 'lead'"
    f"  AND co.call_id = {CALL} ORDER BY md5(i::text) LIMIT :most"
)
_BUY = """
    WITH bought AS (
        INSERT INTO conversion (company_id, id, call_id, person_id, kind, status, value_minor, currency,
            occurred_at, decided_by, reason, created_at, changed_at)
        SELECT company_id, gen_random_uuid(), id, NULL, 'purchase', 'counted', 85000, 'EUR', :now,
            'bench', '', :now, :now FROM call WHERE company_id = :c AND id = :call RETURNING id)
    INSERT INTO conversion_change (company_id, id, conversion_id, sequence, action, value_minor, currency,
        changed_at, changed_by, reason)
    SELECT :c, gen_random_uuid(), id, 0, 'create', 85000, 'EUR', :now, 'bench', '' FROM bought RETURNING id
"""


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _explain(engine: Any) -> None:
    """Print plan and buffers of each statement that writes about audiences and takes long, before it runs."""

    def before(_conn: Any, cursor: Any, statement: str, given: Any, _context: Any, _many: bool) -> None:
        words = statement.split(None, 1)
        if "audience_" not in statement or words[0] not in ("WITH", "INSERT", "UPDATE", "DELETE"):
            return
        cursor.execute("SAVEPOINT explained")
        plan = cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + statement, given).fetchall()
        cursor.execute("ROLLBACK TO SAVEPOINT explained")
        took = next(float(line.split()[2]) for (line,) in reversed(plan) if line.startswith("Execution Time"))
        if took > float(EXPLAIN):
            print(f"--- {took:,.0f} ms", statement, *(line for (line,) in plan), sep="\n")

    event.listen(engine, "before_cursor_execute", before)
