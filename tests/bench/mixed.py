"""The voice hook alone, and while everything else is busy: surfaces are processes with pools of their own.

Beside it: page loads at 200/s, people who watch the live view, a report-like query over many rows again and
again, and deliveries through a worker. Sizes come from the environment, small ones by default; in full:
BENCH_VIEWERS=500 BENCH_ROWS=10000000 BENCH_DELIVERIES=5000.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import create_engine, text

from calltrack.commands.serve import BACKGROUND, NICE
from calltrack.dashboard.live_tokens import make_token
from tests.bench import load
from tests.bench.beside import going_on, packed
from tests.bench.context import ROOT, Context, Result, free_port
from tests.bench.deliver import _plan, _set_due, _until
from tests.bench.edge import _visits, companies_with
from tests.bench.voice import PACE, _calls, p99
from tests.bench.voice_apps import BASE_URL, TABLES
from tests.builders import Company, make_company
from tests.delivery.world import World

VIEWERS = int(os.environ.get("BENCH_VIEWERS", "50"))
ROWS = int(os.environ.get("BENCH_ROWS", "300000"))
DELIVERIES = int(os.environ.get("BENCH_DELIVERIES", "500"))
ROUNDS = 3
REPORT = "SELECT source, count(*), sum(value), count(DISTINCT person) FROM bench_row GROUP BY source"
ROW_TABLE = f"""
    CREATE TABLE bench_row AS
    SELECT n, n % 40 AS source, (random() * 1000)::int AS value, (n::bigint * 7919) % 100000 AS person
    FROM generate_series(1, {ROWS}) n;
    GRANT SELECT ON bench_row TO calltrack_app
"""
LIVE = "import sys; from calltrack.cli import main; main(['serve', 'live'])"


def run(context: Context) -> list[Result]:
    """Measure voice and reference in turn, alone and then in the middle of it all."""
    owner = create_engine(context.postgres.owner_url)
    with owner.begin() as connection:
        connection.execute(text(TABLES))
        connection.execute(text(ROW_TABLE))
    companies = [make_company(context.services, numbers=20) for _ in range(10)]
    visited = [companies_with(context, lease_seconds=1, numbers=300) for _ in range(5)]
    owner.dispose()
    context.analyze()
    with (
        context.serve("tests.bench.voice_apps:bare") as bare,
        context.serve("tests.bench.voice_apps:voice", PUBLIC_BASE_URL=BASE_URL) as voice,
    ):
        ports = {"bare": bare, "voice": voice}
        alone = _rounds(context, companies, ports)
        with _everything_else(context, visited, companies[0]) as done:
            busy = _rounds(context, companies, ports)
        print(f"beside it: {', '.join(done)}", file=sys.stderr)
    return [
        _result(f"voice hook {name} at {PACE}/s, {state}", reports, figure)
        for state, reports in (("alone", alone), ("everything busy", busy))
        for name, figure in (("p50", p50), ("p99", p99))
    ]


Reports = dict[str, list[load.Report]]


def p50(report: load.Report) -> float:
    """Milliseconds that half of the answers did not exceed."""
    return report.percentile(0.5)


def _rounds(context: Context, companies: list[Company], ports: dict[str, int]) -> Reports:
    found: Reports = {name: [] for name in ports}
    each = max(context.seconds, 6.0) / ROUNDS
    for _ in range(ROUNDS):
        for name, port in ports.items():
            calls = list(_calls(companies, int(each * PACE) + 1))
            report = load.paced(port, calls, per_second=PACE, connections=context.connections, seconds=each)
            found[name].append(report.expect(200))
    return found


def _result(name: str, reports: Reports, figure: load.Figure) -> Result:
    value, reference = (statistics.median(map(figure, reports[which])) for which in ("voice", "bare"))
    return Result(name, value, "ms", reference)


@contextmanager
def _everything_else(context: Context, visited: list[Company], watched: Company) -> Iterator[list[str]]:
    """Keep page loads, viewers, reports and deliveries going; at the end, say how much there was of each."""
    done = list[str]()
    with ExitStack() as stack:
        edge = stack.enter_context(context.serve("tests.bench.edge_apps:edge", nice=NICE["edge"]))
        live = stack.enter_context(_process(context, "-c", LIVE))
        stack.enter_context(_process(context, "-m", "calltrack", "worker", listens=False))
        twin = stack.enter_context(context.serve("tests.sandbox.platforms.serving:make_app", nice=BACKGROUND))
        world, google = _backlog(context, twin)
        pages = {"port": edge, "requests": packed(list(_visits(visited, 5000))), "pace": PACE}
        token = make_token(context.settings.secret_key.get_secret_value(), watched.id)
        report = {"url": context.services.db.url, "statement": REPORT}
        with (
            going_on("pages", done, **pages),
            going_on("viewers", done, port=live, token=token, count=VIEWERS),
            going_on("reports", done, **report),
        ):
            time.sleep(2)
            _set_due(world, world.now())
            world.services.nudges.wake("deliver", str(world.company.id), str(google))
            yield done
        _until(lambda: "pending" not in world.states(google))
        done.append(f"{len(world.states(google))} deliveries")
        world.door.close()


@contextmanager
def _process(context: Context, *words: str, listens: bool = True) -> Iterator[int]:
    port = free_port()
    own = {"PORT": str(port), "CALLTRACK_MODE": "demo", "GOOGLE_STATUS_AFTER_SECONDS": "3600"}
    process = subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, env=os.environ | context.environment() | own
    )
    try:
        if listens:
            asyncio.run(_listening(port))
        yield port
    finally:
        process.terminate()
        process.wait(20)


async def _listening(port: int) -> None:
    for _ in range(200):
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.1)
    raise SystemExit("the live process does not listen")


def _backlog(context: Context, twin: int) -> tuple[World, UUID]:
    """Plan deliveries that are not due yet."""
    services = replace(context.services, settings=context.settings.model_copy(update={"mode": "demo"}))
    world = World(services, make_company(services), f"http://127.0.0.1:{twin}")
    google = world.google()
    changes = world.conversions(DELIVERIES, planned=False)
    # Tables that were empty when they were last counted are read in the slowest way there is.
    context.analyze()
    _plan(world, google, changes)
    _set_due(world, world.now() + timedelta(hours=1))
    return world, google
