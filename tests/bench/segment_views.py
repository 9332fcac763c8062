"""Views of some journeys only, counted from their rows: the dearest of the ready segments, and one source.

SEGMENT_PERSONS (default 100,000) persons began within a year.
"""

import os
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text

from calltrack.stages import views
from calltrack.stages.cells import Among, Days, Origin, Within, check_size
from calltrack.stages.sankey import sankey
from calltrack.stages.segment_rules import READY, read_segment
from calltrack.wiring import Services
from tests.bench.context import Context, Result
from tests.builders import make_company

PERSONS: Final = int(os.environ.get("SEGMENT_PERSONS", "100000"))
TIMES: Final = 8
LAST: Final = date(2026, 11, 30)
NOW: Final = datetime.fromisoformat("2026-11-30T12:00+00:00")
PERIODS: Final = {
    "30 days": Days(LAST - timedelta(days=29), LAST),
    "90 days": Days(LAST - timedelta(days=89), LAST),
}
# Of each five: two call once, one calls twice and short, one is a lead, one buys.
_ROWS: Final = """
    INSERT INTO journey (company_id, id, is_person, day, first_at, last_at, source, medium, campaign, landing,
        stage, stage_at, history, lead_at, bought_at, last_call_at, last_bought_at, visits, calls, answered,
        missed, short_calls, longest_talk, leads, purchases, value_minor, waits, is_won, is_lost, score,
        figures, path, stop_kind, stop_detail)
    SELECT :company, gen_random_uuid(), true, at::date, at, at + interval '3 days', 's' || (r * 40)::int,
        'cpc', 'c' || (r * 90)::int, '/page/' || (s * 150)::int, k, at + interval '1 day',
        jsonb_build_array(jsonb_build_array(0, at, 'first_touch', 'visit'),
            jsonb_build_array(1, at + interval '1 hour', 'visits', 2),
            jsonb_build_array(k, at + interval '1 day', 'calls', 1)),
        CASE WHEN k > 2 THEN at + interval '1 day' END, CASE WHEN k > 3 THEN at + interval '3 days' END,
        at + interval '1 day', CASE WHEN k > 3 THEN at + interval '3 days' END, 2, 1 + i % 2,
        1, 0, i % 3, 200, (k > 2)::int, (k > 3)::int, CASE WHEN k > 3 THEN 9900 ELSE 0 END, i % 7 = 0,
        k > 3, false, i % 100, '{"pages": 3, "all_pages": 4, "hour": 11, "country": "IT", "city": "Roma"}',
        CASE WHEN k > 2 THEN 'visit:s' || (r * 40)::int || E'\\x1ecall\\x1e' || (s * 90)::int ELSE '' END,
        CASE WHEN k > 2 THEN '' ELSE 'call' END, CASE WHEN k > 2 THEN '' ELSE 'talked 1 to 3 min' END
    FROM generate_series(1, :count) AS i
    CROSS JOIN LATERAL (SELECT power(random(), 3) + i * 0 AS r, power(random(), 3) + i * 0 AS s,
        2 + i % 3 AS k, TIMESTAMPTZ '2025-12-01' + random() * interval '365 days' + i * interval '0'
            AS at) dice
"""
VIEWS: Final[dict[str, Callable[..., object]]] = {
    "funnel": views.funnel, "flow": sankey, "friction": views.friction, "paths": views.paths,
    "cohorts": views.cohorts,
}  # fmt: skip


def run(context: Context) -> list[Result]:
    """Measure the views, each with the size asked for first, as pages do."""
    services, company = context.services, make_company(context.services)
    with services.db.tenant(company.id) as session:
        session.execute(text("SET LOCAL statement_timeout = '30min'"))
        session.execute(text(_ROWS), {"company": company.id, "count": PERSONS})
    context.analyze()
    filters = {
        "the dearest segment": [Among(Within(read_segment(condition), NOW)) for _, _, condition in READY],
        "the largest source": [Among(origin=Origin("s0", "cpc"))],
    }
    results = []
    for words, days in PERIODS.items():
        for of, amongs in filters.items():
            for name, view in VIEWS.items():
                dearest, fastest = _measure(services, company.id, view, days, amongs)
                results.append(Result(f"{name} of {of}, {words}, nearly slowest", dearest, "ms"))
                results.append(Result(f"{name} of {of}, {words}, fastest", fastest, "ms"))
    return results


def _measure(
    services: Services, company_id: UUID, view: Callable[..., object], days: Days, amongs: list[Among]
) -> tuple[float, float]:
    """Return the nearly slowest and the fastest time of the filter that takes longest."""
    dearest = fastest = 0.0
    for among in amongs:
        took = []
        for _ in range(TIMES):
            with services.db.tenant(company_id) as session:
                began = time.perf_counter()
                check_size(session, company_id, days, among)
                view(session, company_id, days, among)
                took.append((time.perf_counter() - began) * 1000)
        dearest = max(dearest, sorted(took)[-2])
        fastest = max(fastest, min(took))
    return dearest, fastest
