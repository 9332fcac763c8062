"""Reports of a segment, counted from the raw rows of its persons: all of them, and one in a hundred.

SEGMENT_PERSONS (default 50,000, the most that are counted while somebody waits) persons called within 80
days, each with two visits and a call, four of five a lead, one of five a customer.
"""

import os
import time
from datetime import timedelta
from typing import Final

from sqlalchemy import text

from calltrack.reports.asking import read_asked
from calltrack.reports.report import make_report
from calltrack.stages.segments import Given, make_segment
from tests.bench.audience_crowd import fill
from tests.bench.context import Context, Result
from tests.builders import make_company

PERSONS: Final = int(os.environ.get("SEGMENT_PERSONS", "50000"))
TIMES: Final = 8
SEGMENTS: Final = {"everybody": {"fact": "calls", "at_least": 1}, "one in a hundred": {"fact": "waits"}}
# The journeys' words do not matter here; who is in a segment and when does.
_JOURNEYS: Final = """
    INSERT INTO journey (company_id, id, is_person, day, first_at, last_at, source, medium, campaign, landing,
        stage, stage_at, history, visits, calls, answered, missed, short_calls, longest_talk, leads,
        purchases, value_minor, waits, is_won, is_lost, score, figures, path, stop_kind, stop_detail)
    SELECT p.company_id, p.id, true, p.created_at::date, least(p.created_at, c.started_at),
        greatest(p.created_at, c.started_at), 'google', 'cpc', 'roma', '/', 2, p.created_at, '[]', 2, 1, 1, 0,
        0, 180, 0, 0, 0, get_byte(pc.caller_hash, 0) % 100 = 0, false, false, 10, '{}', '', 'call', ''
    FROM person p
    JOIN person_caller pc ON pc.company_id = p.company_id AND pc.person_id = p.id
    JOIN call c ON c.company_id = p.company_id AND c.caller_hash = pc.caller_hash
    WHERE p.company_id = :company
"""


def run(context: Context) -> list[Result]:
    """Measure the report by campaign over 30 days."""
    services, company = context.services, make_company(context.services)
    now = services.clock()
    fill(services, context.postgres.owner_url, company, PERSONS, now)
    with services.db.tenant(company.id) as session:
        session.execute(text("SET LOCAL statement_timeout = '30min'"))
        session.execute(text(_JOURNEYS), {"company": company.id})
        ids = {
            name: make_segment(session, company.id, Given(name, "blue", condition), now, by="bench").hex
            for name, condition in SEGMENTS.items()
        }
    context.analyze()
    results, tomorrow = [], now.date() + timedelta(days=1)
    for name, id_ in ids.items():
        for dimension in ("campaign", "keyword"):
            words = {"segment": id_, "compare": "none", "period": "30d"}
            asked = read_asked(words, dimension, tomorrow)
            took, calls = [], 0
            for _ in range(TIMES):
                with services.db.tenant(company.id) as session:
                    began = time.perf_counter()
                    calls = make_report(session, company.id, asked, now=now).total.calls
                    took.append((time.perf_counter() - began) * 1000)
            said = f"{dimension} of {name}, 30 days, {calls:,} calls, nearly slowest"
            results.append(Result(said, sorted(took)[-2], "ms"))
            results.append(Result(f"{dimension} of {name}, 30 days, fastest", min(took), "ms"))
    return results
