"""Credit from stored journeys: counting a day of a large company, and what a report of many days takes.

BENCH_VISITS a day (27,400: ten million a year), a tenth of them calls with two conversions each, for
BENCH_DAYS days (100). The last days are counted; a year of reports is read from copies of a counted day.
"""

import os
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import create_engine, text

from calltrack.reports.credit.answers import make_anew, report_of
from calltrack.reports.credit.counting import count_credit_due
from calltrack.reports.credit.marking import claim_look, look, plan_look
from calltrack.reports.credit.queries import Asked
from calltrack.wiring import Services
from tests.bench.context import Context, Result
from tests.bench.stored_credit_rows import COPIES, FILL
from tests.builders import Company, make_company

VISITS = int(os.environ.get("BENCH_VISITS", "27400"))
DAYS = int(os.environ.get("BENCH_DAYS", "100"))
NOW = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


def run(context: Context) -> list[Result]:
    """Fill a company, take the look, count its last days, read reports."""
    services = replace(context.services, clock=lambda: NOW)
    company = make_company(services, numbers=1)
    _fill(context, company)
    context.analyze()
    title = f"{VISITS:,} visits and {VISITS // 10:,} calls a day: "
    results = [
        Result(f"{title}{name}", seconds, "s") for name, seconds in _looks(services, company.id).items()
    ]
    seconds, processor = _count(services, company.id)
    results.append(Result(f"{title}a day counted", seconds, "s"))
    results.append(Result(f"{title}a day counted, of it this process", processor, "s of processor"))
    results += _reports(services, company.id)
    return results


def _fill(context: Context, company: Company) -> None:
    owner = create_engine(context.postgres.owner_url)
    given = {
        "now": NOW, "days": DAYS, "many": VISITS * DAYS, "company_id": company.id, "site_id": company.site_id,
        "number_id": company.number_ids[0], "location_id": company.location_id,
    }  # fmt: skip
    with owner.begin() as connection:
        for statement in FILL:
            connection.execute(text(statement), given)
            print("rows are there", file=sys.stderr, flush=True)
    owner.dispose()


def _looks(services: Services, company_id: UUID) -> dict[str, float]:
    found = {}
    for name in ("the first look", "a nightly look"):
        with services.db.tenant(company_id) as session:
            if name == "the first look":
                plan_look(session, company_id, NOW)
            else:
                session.execute(text("UPDATE credit_look SET due_at = :now, looked_until = :yesterday"),
                                {"now": NOW, "yesterday": NOW - timedelta(days=1)})  # fmt: skip
            claim_look(session, company_id, NOW)
            begun = time.perf_counter()
            look(session, company_id, NOW)
            found[name] = time.perf_counter() - begun
    return found


def _count(services: Services, company_id: UUID) -> tuple[float, float]:
    """Count the newest whole days; returns the seconds of one, and those of this process's processor."""
    today = NOW.date()
    with services.db.tenant(company_id) as session:
        session.execute(text("UPDATE credit_day SET due_at = NULL WHERE day NOT BETWEEN :since AND :until"),
                        {"since": today - timedelta(days=4), "until": today - timedelta(days=2)})  # fmt: skip
    begun, processor = time.perf_counter(), time.process_time()
    counted = count_credit_due(services, company_id)
    return (time.perf_counter() - begun) / counted, (time.process_time() - processor) / counted


def _reports(services: Services, company_id: UUID) -> list[Result]:
    """Copy a day over a year, then time reports of a month, a quarter and a year."""
    day = NOW.date() - timedelta(days=2)
    with services.db.tenant(company_id) as session:
        for copy in COPIES:
            session.execute(text(copy), {"company_id": company_id, "day": day})
        size = session.scalar(
            text("SELECT sum(length(packed)) FROM credit_paths WHERE day = :day"), {"day": day}
        )
    results = [Result("what a day takes on disk, all questions", (size or 0) / 1e6, "MB")]
    for name, days in (("30 days", 30), ("90 days", 90), ("a year", 365)):
        for level in ("source", "campaign"):
            asked = Asked(day - timedelta(days=days - 1), day, level, "purchase", 30)
            times = [_report(services, company_id, asked) for _ in range(3)]
            title = f"a report of {name} per {level}, all models"
            results += [
                Result(f"{title}, made", sorted(one for one, _ in times)[1] * 1000, "ms"),
                Result(
                    f"{title}, of it this process", min(one for _, one in times) * 1000, "ms of processor"
                ),
                Result(f"{title}, kept", _kept(services, company_id, asked) * 1000, "ms"),
            ]
    return results


def _report(services: Services, company_id: UUID, asked: Asked) -> tuple[float, float]:
    begun, processor = time.perf_counter(), time.process_time()
    with services.db.tenant(company_id) as session:
        make_anew(session, company_id, asked, NOW)
    return time.perf_counter() - begun, time.process_time() - processor


def _kept(services: Services, company_id: UUID, asked: Asked) -> float:
    times = []
    for _ in range(20):
        begun = time.perf_counter()
        with services.db.tenant(company_id) as session:
            report_of(session, company_id, asked, NOW)
        times.append(time.perf_counter() - begun)
    return sorted(times)[-2]
