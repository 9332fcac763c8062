"""Journeys: a company's whole past made again, and every view over a year's sums.

JOURNEY_PERSONS (default 20,000) is how many persons the past has: each with two visits of two pages and a
call, four of five a lead, one of five a customer. JOURNEY_CELLS (default 300,000) is how many sums of views
the second company has over a year, from 40 sources to 150 first pages.
"""

import os
import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy import text

from calltrack.stages import segments, views
from calltrack.stages.cells import Days
from calltrack.stages.keeping import make_past_again
from calltrack.stages.sankey import sankey
from calltrack.stages.segment_rules import READY, read_segment
from calltrack.stages.versions import begin
from calltrack.wiring import Services
from tests.bench.audience_crowd import fill
from tests.bench.context import Context, Result
from tests.builders import make_company

PERSONS: Final = int(os.environ.get("JOURNEY_PERSONS", "20000"))
CELLS: Final = int(os.environ.get("JOURNEY_CELLS", "300000"))
EVENTS_EACH: Final = 4
TIMES: Final = 20
YEAR: Final = Days(date(2025, 12, 1), date(2026, 11, 30))
QUARTER: Final = Days(YEAR.last - timedelta(days=89), YEAR.last)
_PAGES: Final = """
    INSERT INTO page_view (company_id, id, visit_id, at, page, title)
    SELECT company_id, gen.id, v.id, v.started_at, 'https://www.prova.test/' || gen.n, ''
    FROM visit v CROSS JOIN LATERAL (
        SELECT n, first_id_of(v.started_at + n * interval '1 second'
                                 + (random() * 900)::int * interval '1 ms') AS id
        FROM generate_series(1, 2) AS n) gen
    WHERE v.company_id = :company
    ON CONFLICT DO NOTHING
"""
# Words of each view with skewed shares, as sources and pages have them.
_CELLS: Final = """
    INSERT INTO journey_cell (company_id, view, day, a, b, c, persons, value_minor)
    SELECT :company, view, DATE '2025-12-01' + (i % 365), a, b, c, 1 + (random() * 60)::int,
           (random() * 900)::int
    FROM generate_series(1, :count) AS i
    CROSS JOIN LATERAL (SELECT power(random(), 3) + i * 0 AS r, power(random(), 3) + i * 0 AS s) dice
    CROSS JOIN LATERAL (VALUES
        ('flow', 's' || (r * 40)::int || E'\\x1fcpc', '/page/' || (s * 150)::int,
         (ARRAY['0', '1', '2', '3l', '3b', '4b'])[1 + i % 6]),
        ('stop', (ARRAY['visit', 'call', 'missed_call', 'tap'])[1 + i % 4], '/page/' || (s * 150)::int,
         (ARRAY['1 page', '2 pages'])[1 + i % 2]),
        ('path', (ARRAY['lead', 'purchase'])[1 + i % 2],
         'visit:s' || (r * 40)::int || E'\\x1ecall\\x1e' || (s * 90)::int, ''),
        ('wait', (ARRAY['lead', 'bought', 'familiarity', 'purchase'])[1 + i % 4],
         lpad(((s * 18)::int)::text, 2, '0'), '')
    ) AS one (view, a, b, c)
    WHERE view = (ARRAY['flow', 'flow', 'stop', 'path', 'wait'])[1 + (i / 7) % 5]
    ON CONFLICT DO NOTHING
"""
_MONTHS: Final = """
    INSERT INTO journey_cell (company_id, view, day, a, b, c, persons, value_minor)
    SELECT company_id, 'month:' || view, date_trunc('month', day), a, b, c, sum(persons), sum(value_minor)
    FROM journey_cell WHERE company_id = :company GROUP BY 1, 2, 3, 4, 5, 6
"""


def run(context: Context) -> list[Result]:
    """Measure both."""
    services, past, sums = context.services, make_company(context.services), make_company(context.services)
    fill(services, context.postgres.owner_url, past, PERSONS, services.clock())
    with services.db.tenant(past.id) as session:
        session.execute(text("SET LOCAL statement_timeout = '30min'"))
        session.execute(text(_PAGES), {"company": past.id})
        session.execute(text("DELETE FROM journey_dirty WHERE company_id = :c"), {"c": past.id})
        begin(session, past.id, services.clock())
    with services.db.tenant(sums.id) as session:
        session.execute(text("SET LOCAL statement_timeout = '30min'"))
        session.execute(text(_CELLS), {"company": sums.id, "count": CELLS})
    with services.db.tenant(sums.id) as session:
        session.execute(text(_MONTHS), {"company": sums.id})
    context.analyze()
    began, processor = time.perf_counter(), (time.process_time(), _database_seconds(services))
    while make_past_again(services, past.id).is_more:
        pass
    took = time.perf_counter() - began
    ours, theirs = time.process_time() - processor[0], _database_seconds(services) - processor[1]
    with services.db.tenant(past.id) as session:
        made = session.scalar(text("SELECT count(*) FROM journey WHERE company_id = :c"), {"c": past.id})
        bytes_ = session.scalar(text("SELECT pg_total_relation_size('journey')"))
        listed = _listed(session, past.id, services.clock())
    if made != PERSONS:
        raise SystemExit(f"{made} journeys were made of {PERSONS} persons.")
    results = [
        Result(f"the past made again, {PERSONS * EVENTS_EACH:,} events", took, "s"),
        Result("the past made again", PERSONS * EVENTS_EACH / took, "events/s"),
        Result("of it processor of ours", ours, "s"),
        Result("of it processor of the database", theirs, "s"),
        Result("disk a journey, with indexes", (bytes_ or 0) / PERSONS, "bytes"),
        *listed,
    ]
    for words, days in (("90 days", QUARTER), ("a year", YEAR)):
        for name, view in VIEWS.items():
            with services.db.tenant(sums.id) as session:
                p95 = _p95(partial(view, session, sums.id, days))
            results.append(Result(f"{name}, {words}, p95", p95, "ms"))
    return results


VIEWS: Final[dict[str, Callable[..., object]]] = {
    "funnel": views.funnel,
    "flow": sankey,
    "friction": views.friction,
    "paths": views.paths,
    "cohorts": views.cohorts,
    "waiting times": views.waiting_times,
}


def _listed(session, company_id, now) -> list[Result]:  # type: ignore[no-untyped-def]  # rows of results only
    found = []
    for name, _, condition in READY:
        tree = read_segment(condition)

        def look(tree=tree) -> None:  # type: ignore[no-untyped-def]  # a bound part of the loop
            segments.persons(session, company_id, tree, now)
            segments.count_persons(session, company_id, tree, now)

        found.append(Result(f"segment {name}, list and count, p95", _p95(look), "ms"))
    return [max(found, key=lambda one: one.value)]


def _database_seconds(services: Services) -> float:
    """Return the processor seconds that the database's processes have taken (Linux)."""
    with services.db.shared() as session:
        pids = session.scalars(text("SELECT pid FROM pg_stat_activity")).all()
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")


def _p95(view: Callable[[], object]) -> float:
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        view()
        took.append((time.perf_counter() - began) * 1000)
    return sorted(took)[int(TIMES * 0.95) - 1]
