"""Reports of a large company: how long each takes, over what plan; counting days; bytes per call and visit.

REPORTS_PART (default 20) divides the full size of 10 million visits, 1 million calls and 2 million
conversions; 1 is the full size. REPORTS_DAYS (default 730) is over how many days they are spread: fewer days
make each as dense as in the full size.
"""

import os
import statistics
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy import create_engine, event, text

from calltrack.reports.asking import read_asked
from calltrack.reports.keeping import keep_reports, look
from calltrack.reports.report import make_report
from calltrack.wiring import Services
from tests.bench.context import Context, Result
from tests.bench.report_rows import seed
from tests.builders import Company, make_company

PART: Final = int(os.environ.get("REPORTS_PART", "20"))
DAYS: Final = int(os.environ.get("REPORTS_DAYS", "730"))
NOW: Final = datetime(2026, 11, 30, 3, tzinfo=UTC)
VISITS, CALLS, CONVERSIONS = (size // PART for size in (10_000_000, 1_000_000, 2_000_000))
RUNS: Final = 20
TABLES: Final = {
    "visit": ("visit",),
    "call": ("call", "attribution", "conversion"),
    "report": ("report_day", "report_month", "campaign_credit_day"),
}


def run(context: Context) -> list[Result]:
    """Seed, count every day, then ask each report."""
    services = replace(context.services, clock=lambda: NOW)
    company = make_company(services, numbers=40)
    with services.db.shared() as session:
        since = {"since": NOW - timedelta(days=DAYS + 31), "until": NOW}
        session.execute(text("SELECT make_partitions(:since, :until)"), since)
    began = time.perf_counter()
    seed(services, company, VISITS, CALLS, CONVERSIONS, DAYS, NOW)
    context.analyze()
    _say(f"seeded {VISITS:,} visits, {CALLS:,} calls, {CONVERSIONS:,} conversions", began)
    results = _count(services, company)
    context.analyze()
    for dimension in (
        "source",
        "campaign",
        "keyword",
        "ad_group",
        "landing_page",
        "location",
        "number",
        "hour",
    ):
        for period in ("30d", "12m"):
            results.append(_ask(services, company.id, dimension, {"period": period}))
    results.append(
        _ask(services, company.id, "campaign", {"period": "90d", "number": company.number_ids[0].hex})
    )
    return results + _disk(context)


def _count(services: Services, company: Company) -> list[Result]:
    """Count all days and months, and then the busiest day alone."""
    began, later = time.perf_counter(), replace(services, clock=lambda: NOW + timedelta(minutes=1))
    for parts in (services, later):
        while keep_reports(parts, company.id, threading.Event(), most=100):
            pass
    whole = time.perf_counter() - began
    _say("counted every day", began)
    single = []
    for _ in range(5):
        with services.db.tenant(company.id) as session:
            session.execute(text("DELETE FROM report_due"))
            day = {"day": (NOW - timedelta(days=1)).date(), "at": NOW}
            session.execute(
                text("INSERT INTO report_due SELECT id, 'day', :day, 1, :at FROM company WHERE id = "
                     "current_setting('app.company_id')::uuid"), day
            )  # fmt: skip
            look(session, company.id, NOW)
        began = time.perf_counter()
        keep_reports(services, company.id, threading.Event(), most=1)
        single.append(time.perf_counter() - began)
    with services.db.tenant(company.id) as session:
        session.execute(text("DELETE FROM report_due WHERE span = 'day'"))
    return [
        Result(f"count all {DAYS:,} days and months", whole, "s"),
        Result("count one day anew", 1000 * statistics.median(single), "ms"),
    ]


def _ask(services: Services, company_id: UUID, dimension: str, words: dict[str, str]) -> Result:
    asked, took, plans = read_asked(words, dimension, NOW.date()), [], set[str]()
    rows, spent = 0, 0.0
    for run_ in range(RUNS):
        with services.db.tenant(company_id) as session:
            if not run_:
                plans = _plans(session, company_id, asked)
            backend = int(session.scalar(text("SELECT pg_backend_pid()")) or 0)
            began, before = time.perf_counter(), _processor(backend)
            rows = len(make_report(session, company_id, asked, now=NOW).rows)
            took.append(time.perf_counter() - began)
            spent += _processor(backend) - before
    name = f"{dimension}, {' '.join(k if k == 'number' else v for k, v in words.items())}"
    p95 = statistics.quantiles(took, n=20)[-1]
    cost = f"processor {1000 * spent / RUNS:.0f} ms"
    return Result(f"report {name} p95", 1000 * p95, f"ms, {cost}, {rows:,} rows, {', '.join(sorted(plans))}")


def _processor(backend: int) -> float:
    """Return the seconds of processor that this process and its PostgreSQL backend have used."""
    fields = Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _plans(session: Any, company_id: UUID, asked: Any) -> set[str]:
    """Return how the report's statements reach the counted rows, as PostgreSQL explains them."""
    found: set[str] = set()
    engine = session.get_bind()

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "report_day" in statement and not statement.startswith("EXPLAIN"):
            rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
            for (line,) in rows:
                if " on report_day" in line or " on report_month" in line:
                    found.add(
                        line.strip(" ->").partition("  ")[0].partition(" on ")[0].partition(" using")[0]
                    )

    event.listen(engine, "before_cursor_execute", explain)
    make_report(session, company_id, asked, now=NOW)
    event.remove(engine, "before_cursor_execute", explain)
    return found


# A table with its partitions and all their indexes.
_SIZE: Final = text(
    """
    SELECT coalesce((SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree(CAST(:t AS regclass))),
                    pg_total_relation_size(CAST(:t AS regclass)))
    """
)


def _disk(context: Context) -> list[Result]:
    owner, sizes = create_engine(context.postgres.owner_url), dict[str, int]()
    with owner.connect() as connection:
        for name, tables in TABLES.items():
            sizes[name] = sum(int(connection.scalar(_SIZE, {"t": table}) or 0) for table in tables)
        rows = connection.scalar(text("SELECT reltuples FROM pg_class WHERE relname = 'report_day'"))
    owner.dispose()
    return [
        Result("disk per visit", float(sizes["visit"]) / VISITS, "bytes with its indexes"),
        Result("disk per call", float(sizes["call"]) / CALLS, "bytes, with verdict and conversions"),
        Result("counted rows per visit and call", float(sizes["report"]) / (VISITS + CALLS), "bytes"),
        Result("rows of days", float(rows or 0), "rows"),
    ]


def _say(words: str, began: float) -> None:
    print(f"  {words} in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
