"""The edge under load: page loads and heartbeats, beside the bare reference on the same database."""

import itertools
import json
import os
import random
import statistics
from collections.abc import Callable, Iterator

from sqlalchemy import create_engine, text

from calltrack.visits import service
from calltrack.visits.rules import way_of
from calltrack.visits.sites import SiteTable
from tests.bench import load
from tests.bench.context import Context, Result
from tests.bench.edge_apps import TABLES
from tests.builders import Company, make_company

# So many numbers at least: with short leases the pools never run dry, however small they are.
COMPANIES, NUMBERS = 10, 2_000
# Most companies have pools of 20 to 100 numbers; what a choice costs grows with the pool.
POOLS = tuple(int(size) for size in os.environ.get("BENCH_POOL", "50,200,1000").split(","))
LIVE_VISITS = 2000
PACE = 200
STORED = text(
    "SELECT sum(pg_total_relation_size(c.oid))::float8, sum(GREATEST(c.reltuples, 0))::float8 "
    "FROM pg_class c WHERE c.relkind = 'r' AND (c.oid = CAST(:table AS regclass) "
    "OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = CAST(:table AS regclass)))"
)
ROUNDS = 3
BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)


def run(context: Context) -> list[Result]:
    """Measure visit+lease and heartbeat at 32 connections and at 200 requests a second."""
    owner = create_engine(context.postgres.owner_url)
    with owner.begin() as connection:
        connection.execute(text(TABLES))
    # Short leases: at this speed the numbers must go from hand to hand, and never run dry.
    visits = {
        f"visit+lease, {size:,} numbers": list(
            _visits([companies_with(context, size, lease_seconds=1) for _ in range(_companies(size))], 20_000)
        )
        for size in POOLS
    }
    beats = list(_beats(context))
    with owner.begin() as connection:
        connection.execute(text("ANALYZE"))
    with (
        context.serve("tests.bench.edge_apps:bare") as bare,
        context.serve("tests.bench.edge_apps:edge") as edge,
    ):
        kinds = {
            "bare": (bare, next(iter(visits.values())), 200),
            **{name: (edge, requests, 200) for name, requests in visits.items()},
            "heartbeat": (edge, beats, 204),
        }
        full, calm = _rounds(context, kinds)
    results = []
    for name in (*visits, "heartbeat"):
        results += [
            Result(
                f"{name}, {context.connections} connections",
                _middle(full[name], per_second),
                "requests/s",
                _middle(full["bare"], per_second),
            ),
            Result(
                f"{name} p99, {context.connections} connections",
                _middle(full[name], p99),
                "ms",
                _middle(full["bare"], p99),
            ),
            Result(f"{name} p99 at {PACE}/s", _middle(calm[name], p99), "ms", _middle(calm["bare"], p99)),
            Result(
                f"{name}: processor time of server and database",
                _middle(full[name], per_answer),
                "ms/request",
                _middle(full["bare"], per_answer),
            ),
        ]
    results += list(_storage(context))
    owner.dispose()
    return results


def _companies(size: int) -> int:
    return max(COMPANIES, NUMBERS // size)


def _storage(context: Context) -> Iterator[Result]:
    """What a visit with one page view and one number takes on disk, its indexes included."""
    owner = create_engine(context.postgres.owner_url, isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.execute(text("VACUUM (ANALYZE) visit, page_view, lease"))
        for table in ("visit", "page_view", "lease"):
            taken, rows = connection.execute(STORED, {"table": table}).one()
            yield Result(f"storage: one row of {table}", taken / max(rows, 1), "bytes")
    owner.dispose()


Reports = dict[str, list[load.Report]]


def _rounds(context: Context, kinds: dict[str, tuple[int, list[bytes], int]]) -> tuple[Reports, Reports]:
    """Measure all kinds in turn, several times: a noisy neighbour then meets all of them."""
    full: Reports = {name: [] for name in kinds}
    calm: Reports = {name: [] for name in kinds}
    for _ in range(ROUNDS):
        for name, (port, requests, status) in kinds.items():
            report = load.closed_loop(
                port,
                requests,
                connections=context.connections,
                seconds=context.seconds / ROUNDS,
                processor=context.processor,
            )
            full[name].append(report.expect(status))
        for name, (port, requests, status) in kinds.items():
            report = load.paced(
                port,
                requests,
                per_second=PACE,
                connections=context.connections,
                seconds=context.seconds / ROUNDS,
            )
            calm[name].append(report.expect(status))
    return full, calm


def _middle(reports: list[load.Report], figure: Callable[[load.Report], float]) -> float:
    return statistics.median(map(figure, reports))


def per_second(report: load.Report) -> float:
    """Answers per second."""
    return report.per_second


def per_answer(report: load.Report) -> float:
    """Milliseconds of processor time for one answer."""
    return report.per_answer


def p99(report: load.Report) -> float:
    """Milliseconds that 99 of 100 answers did not exceed."""
    return report.percentile(0.99)


def companies_with(context: Context, numbers: int, *, lease_seconds: int) -> Company:
    """Make a company whose pool has so many numbers."""
    company = make_company(context.services, numbers=0, lease_seconds=lease_seconds, cooldown_seconds=0)
    with context.services.db.tenant(company.id) as session:
        session.execute(
            text(
                """
                INSERT INTO tracking_number (company_id, id, e164, kind, pool_id, location_id,
                    carrier_account_id, created_at)
                SELECT company_id, gen_random_uuid(), '+3905' || lpad(n::text, 8, '0'), 'pool', pool_id,
                    location_id, carrier_account_id, now()
                FROM tracking_number, generate_series(1, :numbers) n WHERE kind = 'overflow'
                """
            ),
            {"numbers": numbers},
        )
        session.execute(
            text(
                """
                INSERT INTO number_slot (company_id, number_id, pool_id, busy_until)
                SELECT company_id, id, pool_id, now() - interval '1 day'
                FROM tracking_number WHERE kind = 'pool'
                """
            )
        )
    return company


def _visits(companies: list[Company], count: int) -> Iterator[bytes]:
    """Page loads of new visitors, each from a network of his own."""
    chance = random.Random(1)
    for place, company in zip(range(count), itertools.cycle(companies), strict=False):
        body = {
            "k": company.site_key,
            "v": "",
            "s": "",
            "u": f"{company.origin}/roma?gclid=Cj0KCQ_{place:08d}&utm_source=google&utm_campaign=roma",
            "r": "https://www.google.it/",
            "t": "Traslochi a Roma",
            "c": {"_ga": f"GA1.1.{place:010d}.1690000000"},
            "m": {},
            "p": [company.target.removeprefix("+39"), company.target[1:]],
        }
        yield load.post("/v1/visit", json.dumps(body).encode(), _headers(company, chance))


def _beats(context: Context) -> Iterator[bytes]:
    """Heartbeats of visits that hold a number."""
    chance = random.Random(2)
    company = companies_with(context, LIVE_VISITS, lease_seconds=150)
    sites = SiteTable(context.services.db)
    site = sites.find(company.site_key)
    assert site is not None
    connections = service.open_connections(context.settings.app_url, 2)
    ways = {str(company.pool_id): way_of(LIVE_VISITS)}
    for _ in range(LIVE_VISITS):
        ids = service.fresh_ids(4, context.services.clock())
        load_ = service.read_page_load(f"{company.origin}/roma", user_agent=BROWSER)
        shown = service.open_visit(connections, site, load_, ids, ways)
        body = {"k": company.site_key, "v": shown.visitor, "s": shown.visit, "u": f"{company.origin}/roma"}
        yield load.post("/v1/beat", json.dumps(body).encode(), _headers(company, chance))
    connections.close()
    sites.close()


def _headers(company: Company, chance: random.Random) -> dict[str, str]:
    return {
        "Origin": company.origin,
        "User-Agent": BROWSER,
        "Accept-Language": "it",
        "Content-Type": "text/plain;charset=UTF-8",
        "X-Forwarded-For": f"{chance.randrange(20, 100)}.{chance.randrange(256)}.{chance.randrange(256)}.7",
    }
