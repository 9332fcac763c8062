"""Every report, journey view and list of the large company, as a person opens it: signed in, page and all.

Each is opened once to warm up and then RUNS times; p50 and p95 are of the clock, processor time is of this
process and the database together, a view each.
"""

import os
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from flask import Flask
from sqlalchemy import create_engine, text

from calltrack.dashboard import register
from calltrack.infra.heap import settle
from tests.accounts.people import make_user
from tests.bench.context import Context, Result
from tests.bench.processor import serving, used_by
from tests.builders import Company
from tests.dashboard.browser import Browser

RUNS: Final = int(os.environ.get("SCALE_RUNS", "20"))
AIM_MS: Final = 300
# What a page says of a segment that holds for too many persons.
REFUSED: Final = " (too large)"
REPORTS: Final = (
    "source", "medium", "campaign", "ad_group", "keyword", "landing_page", "location", "number", "hour",
)  # fmt: skip


@dataclass(frozen=True)
class Timed:
    """How long a view took, in milliseconds."""

    name: str
    first: float
    p50: float
    p95: float
    processor: float


def views_of(company: Company, ids: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the name and the address of each view."""
    for dimension in REPORTS:
        for period in ("30d", "12m"):
            yield f"report {dimension} {period}", f"/reports/{dimension}?period={period}"
    yield "report campaign 30d of a source", "/reports/campaign?period=30d&source=google"
    yield "report keyword 12m of a campaign", "/reports/keyword?period=12m&campaign=campaign-1&sort=visits"
    yield (
        "report campaign 12m of a number",
        f"/reports/campaign?period=12m&number={company.number_ids[0].hex}",
    )
    yield "report campaign 12m, a year before", "/reports/campaign?period=12m&compare=year"
    yield "report campaign 90d", "/reports/campaign?period=90d"
    yield "report keyword 90d as a file", "/reports/keyword/file.csv?period=90d"
    for period in ("30d", "12m"):
        yield f"overview {period}", f"/?period={period}"
        for view in ("", "/flow", "/friction", "/paths", "/cohorts"):
            yield f"journeys{view} {period}", f"/journeys{view}?period={period}"
        for by in ("source", "campaign"):
            yield f"credit {by} {period}", f"/journeys/credit?period={period}&by={by}"
    yield "persons", "/journeys/persons"
    for name, id_ in ids.items():
        if name.startswith("segment "):
            yield f"persons, {name}", f"/journeys/persons?segment={id_}"
            yield f"journeys 30d, {name}", f"/journeys?period=30d&segment={id_}"
            yield f"journeys 90d, {name}", f"/journeys?period=90d&segment={id_}"
            yield f"report campaign 30d, {name}", f"/reports/campaign?period=30d&segment={id_}"
    yield "a person", f"/journeys/persons/{ids['person']}"
    yield "segments", "/journeys/segments"
    yield "calls", "/calls"
    yield "calls 30d", "/calls?period=30d"
    yield "calls missed", "/calls?outcome=missed"
    yield "calls of a source", "/calls?source=bing"
    yield "calls of a keyword", "/calls?keyword=term+number+7"
    yield "calls that bought", "/calls?brought=purchase"
    yield "a call", f"/calls/{ids['call']}"
    yield "deliveries", "/deliveries"
    yield "deliveries of all times", "/deliveries?period=all"
    yield "deliveries refused", "/deliveries?state=rejected"
    yield "deliveries of leads", "/deliveries?kind=lead"
    yield "destinations", "/destinations"
    yield "budget", "/budget"
    yield "budget pacing", "/budget/pacing"
    yield "spend", "/budget/spend"
    yield "numbers", "/numbers"
    yield "attribution", "/attribution"
    yield "live", "/live"


def measure(context: Context, company: Company, now: datetime, only: str = "") -> list[Timed]:
    """Open each view (those whose name holds `only`) again and again."""
    services = replace(context.services, clock=lambda: now)
    app = Flask("bench")
    register(app, services)
    browser = Browser(app)
    browser.enter(make_user(services, company))
    ids = _ids(context, company)
    home = context.folder
    found = []
    settle()  # as `wsgi.py` does
    for name, address in views_of(company, ids):
        if only in name:
            found.append(_open(browser, name, f"/app/{company.id.hex}{address}", home))
            print(f"  {_line(found[-1])}", file=sys.stderr, flush=True)
    return found


def results(timed: list[Timed]) -> list[Result]:
    """Return what was found as rows of the table."""
    load = f"load {os.getloadavg()[0]:.0f}"
    return [
        Result(
            f"{one.name}, p95", one.p95, f"ms (p50 {one.p50:.0f}, processor {one.processor:.0f} ms; {load})"
        )
        for one in timed
    ]


def _open(browser: Browser, name: str, address: str, home: Path) -> Timed:
    took, before = list[float](), 0.0
    for run in range(RUNS + 1):
        if run == 1:
            before = _used(home)
        begun = time.perf_counter()
        answer = browser.get(address)
        took.append((time.perf_counter() - begun) * 1000)
        if answer.status_code == 400 and "segment=" in address:
            name = f"{name.removesuffix(REFUSED)}{REFUSED}"
        elif answer.status_code != 200:
            raise SystemExit(f"{address} answers {answer.status_code}: {answer.text[:500]}")
    used = (_used(home) - before) * 1000 / RUNS
    first, *others = took
    p95 = sorted(others)[min(round(len(others) * 0.95), len(others) - 1)]
    return Timed(name, first, statistics.median(others), p95, used)


def _used(home: Path) -> float:
    """Return the seconds of this process and of the connections it has: not of what else a database does."""
    return time.process_time() + used_by(serving(home, "calltrack_app"))


def _line(one: Timed) -> str:
    late = "  <-- over the aim" if one.p95 > AIM_MS else ""
    return (
        f"{one.name:44} p50 {one.p50:6.0f} p95 {one.p95:6.0f} first {one.first:6.0f}"
        f" processor {one.processor:6.0f} ms, load {os.getloadavg()[0]:.0f}{late}"
    )


def _ids(context: Context, company: Company) -> dict[str, str]:
    """Return whom to look at: somebody with a journey, a call of hers, the segments."""
    owner = create_engine(context.postgres.owner_url)
    with owner.connect() as connection:
        given = {"company": company.id}
        person = connection.execute(text(_PERSON), given).one()
        rows = connection.execute(
            text("SELECT name, id FROM journey_segment WHERE company_id = :company ORDER BY id"), given
        ).all()
    owner.dispose()
    return {"person": person.id.hex, "call": person.call_id.hex} | {
        f"segment {row.name}": row.id.hex for row in rows
    }


_PERSON: Final = """
    SELECT p.id, v.call_id FROM person p JOIN person_visitor v ON v.company_id = p.company_id
        AND v.person_id = p.id JOIN journey j ON j.company_id = p.company_id AND j.id = p.id
    WHERE p.company_id = :company ORDER BY p.id DESC LIMIT 1
"""
