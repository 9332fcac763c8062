"""How long it takes to judge a call: the reads and the posterior, over a million leases of one company.

BENCH_LEASES (default 1,000,000) stand on BENCH_NUMBERS (200) numbers within 40 days: 5,000 holders each.
"""

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID

from sqlalchemy import create_engine, insert, text

from calltrack.attribution.evidence import load_evidence
from calltrack.attribution.link_model import PhoneLink
from calltrack.attribution.posterior import judge
from calltrack.attribution.prior import shipped
from calltrack.attribution.service import attribute_call
from calltrack.calls.model import Call
from calltrack.wiring import Services
from tests.bench.context import Context, Result
from tests.builders import Company, make_call, make_company
from tests.explained import explained

LEASES = int(os.environ.get("BENCH_LEASES", "1000000"))
NUMBERS = int(os.environ.get("BENCH_NUMBERS", "200"))
CALLS, DAYS, WARM = 300, 38, 20
ID = "overlay(first_id_of({at})::text PLACING substr(md5(random()::text), 1, 12) FROM 25)::uuid"
# One visit and its lease for each place in time.
FILL = f"""
    CREATE TEMP TABLE shown AS
    SELECT place, began, {ID.format(at="began")} AS visit_id, {ID.format(at="began")} AS visitor_id,
           {ID.format(at="began")} AS lease_id, began - ln(1 - random()) * interval '90 seconds' AS seen,
           numbers.ids[1 + floor(random() * cardinality(numbers.ids))::int] AS number_id,
           'campaign-' || floor(random() * 30)::int AS campaign
    FROM (SELECT place, CAST(:now AS timestamptz) - (1 - place::float / :leases) * :days * interval '1 day'
                 AS began FROM generate_series(1, :leases) place) moments,
         (SELECT array_agg(id) AS ids FROM tracking_number WHERE company_id = :company_id AND kind = 'pool')
             numbers
"""
VISITS = """
    INSERT INTO visit (company_id, id, visitor_id, site_id, started_at, last_seen_at, source, medium,
                       campaign, term, content, click_ids, ad_cookies, referrer, landing_url, user_agent)
    SELECT :company_id, visit_id, visitor_id, :site_id, began, seen, 'google', 'cpc',
           campaign, '', '', '{}', '{}', '', '', '' FROM shown
"""
LEASES_OF_THEM = """
    INSERT INTO lease (company_id, id, number_id, visit_id, shown_from, last_seen_at, shown_until, taps,
                       contact_at, visitor_id, origin, device, is_returning)
    SELECT :company_id, lease_id, number_id, visit_id, began, seen, seen,
           CASE WHEN random() < 0.02 THEN ARRAY[seen] ELSE '{}' END,
           CASE WHEN random() < 0.1 THEN began END, visitor_id,
           E'google\\x1fcpc\\x1f' || campaign, '', false FROM shown
"""


def run(context: Context) -> list[Result]:
    """Fill one company and judge calls of its numbers, one after the other."""
    services, chance = context.services, Random(7)
    company = make_company(services, numbers=NUMBERS)
    now = datetime.now(UTC)
    visitors = _fill(context, company, now)
    calls = [
        make_call(
            services, company, number_id=chance.choice(company.number_ids),
            at=now - timedelta(minutes=chance.uniform(0, 20_000)),
            caller=f"+39347{chance.randint(0, 399):07d}",
        )
        for _ in range(CALLS + WARM)
    ]  # fmt: skip
    _link(services, company, visitors, calls)
    context.analyze()
    calls.sort(key=lambda call: call.started_at)
    for call in calls:
        with services.db.tenant(company.id) as session:
            attribute_call(session, company.id, call.id, now)
    _plans(services, company, calls[-1])
    return _measured(services, company, calls[WARM:])


def _fill(context: Context, company: Company, now: datetime) -> list[UUID]:
    """Store visits and leases as the owner; returns some of the visitors."""
    owner = create_engine(context.postgres.owner_url)
    given = {
        "now": now, "leases": LEASES, "days": DAYS, "company_id": company.id, "site_id": company.site_id,
    }  # fmt: skip
    with owner.begin() as connection:
        for statement in (FILL, VISITS, LEASES_OF_THEM):
            connection.execute(text(statement), given)
            print("rows are there", file=sys.stderr, flush=True)
        some = connection.scalars(text("SELECT visitor_id FROM shown WHERE place % 50 = 0")).all()
    owner.dispose()
    return list(some)


def _link(services: Services, company: Company, visitors: list[UUID], calls: list[Call]) -> None:
    rows = [
        {
            "company_id": company.id, "caller_hash": call.caller_hash, "visitor_id": visitor,
            "kind": "record", "told_by": call.id, "p": 0.6, "known_from": call.started_at,
        }
        for visitor, call in zip(visitors, calls * (1 + len(visitors) // len(calls)), strict=False)
    ]  # fmt: skip
    with services.db.tenant(company.id) as session:
        session.execute(insert(PhoneLink), rows)


def _plans(services: Services, company: Company, call: Call) -> None:
    """Print how many rows each statement visits for one call."""
    with explained(services.db.engine) as visited, services.db.tenant(company.id) as session:
        load_evidence(session, session.get_one(Call, (company.id, call.id)))
    for statement, rows in visited.by_statement.items():
        print(f"{rows:>6} rows: {' '.join(statement.split())[:110]}", file=sys.stderr)


def _measured(services: Services, company: Company, calls: list[Call]) -> list[Result]:
    model = shipped()
    read, judged, whole, own = [], [], [], []
    asked = 0.0
    for call in calls:
        with services.db.tenant(company.id) as session:
            row = session.get_one(Call, (company.id, call.id))
            server = session.connection().connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]  # psycopg's
            before = _processor(server)
            used, begun = time.process_time(), time.perf_counter()
            known = load_evidence(session, row)
            middle = time.perf_counter()
            judge(known.evidence, model)
            ended = time.perf_counter()
            own.append(time.process_time() - used)
            asked += _processor(server) - before
        read.append(middle - begun)
        judged.append(ended - middle)
        whole.append(ended - begun)
    return [
        Result(
            "judging a call: the database's processor time, mean", round(asked / len(calls) * 1000, 2), "ms"
        ),
        *(
            Result(f"judging a call: {name}, {at}", round(_at(times, share) * 1000, 2), "ms")
            for name, times in (
                ("reads", read),
                ("judge", judged),
                ("reads and judge", whole),
                ("this process's processor time", own),
            )
            for at, share in (("median", 0.5), ("p99", 0.99))
        ),
    ]


def _processor(pid: int) -> float:
    """Return the seconds of processor time a server process has used; nought where that cannot be seen."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return 0.0


def _at(times: list[float], share: float) -> float:
    return sorted(times)[min(int(len(times) * share), len(times) - 1)]
