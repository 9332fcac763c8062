"""The work of a night in the large company: each job once, its time on the clock and of processors.

Jobs that keep up all day (journeys, segments to watch) stand beside them: what one turn takes.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Date

from calltrack.attribution.calibrating import calibrate_now
from calltrack.attribution.lessons import learn_now
from calltrack.attribution.night_work import plan
from calltrack.budgets.making import advise_now
from calltrack.budgets.pace_alert import tell_pace
from calltrack.calls.recording_keeping import expire
from calltrack.delivery.notices import review
from calltrack.erasure.retention import forget_history
from calltrack.numbers.counting import count_company
from calltrack.reports.credit.counting import _count_next as count_next_credit
from calltrack.reports.credit.marking import claim_look, days_in_turn
from calltrack.reports.credit.marking import look as look_at_credit
from calltrack.reports.keeping import count_next, look
from calltrack.stages.keeping import keep_journeys
from calltrack.stages.segment_rules import read_segment
from calltrack.stages.segments import count_each, segments
from calltrack.wiring import Services
from tests.bench.context import Context, Result
from tests.bench.processor import postmaster, used_by
from tests.builders import Company
from workers.housekeeping import make_partitions, prune_company

_AGAIN: Final = {
    "credit": (
        "UPDATE credit_day SET due_at = NULL",
        "UPDATE credit_look SET due_at = :now,"
        " looked_until = CAST(:now AS timestamptz) - interval '28 hours'",
    ),
    "reports": (
        "DELETE FROM report_due WHERE span = 'day'",
        "UPDATE report_state SET due_at = :now, week_day = week_day - 1",
    ),
    "journeys": (
        "DELETE FROM journey_dirty",
        "UPDATE journey_state SET due_at = :now,"
        " visits_until = CAST(:now AS timestamptz) - interval '1 hour'",
    ),
}


_OTHERS: Final = text(
    "UPDATE credit_day SET due_at = NULL WHERE NOT (day = ANY(:days)) AND due_at IS NOT NULL"
).bindparams(bindparam("days", type_=ARRAY(Date())))


@dataclass(frozen=True)
class Cost:
    """What a job cost, in seconds, and what it says it did."""

    name: str
    clock: float
    ours: float
    database: float
    said: str = ""


def measure(context: Context, company: Company, now: datetime) -> list[Result]:
    """Do each job once; the sum of all is at the end."""
    services = replace(context.services, clock=lambda: now)
    found, server = [], (postmaster(context.folder),)
    for name, prepare, job in _jobs(services, company.id, now):
        if prepare:
            _prepare(services, company.id, now, prepare)
        begun, ours, theirs = time.perf_counter(), time.process_time(), used_by(server)
        said = job()
        cost = Cost(
            name, time.perf_counter() - begun, time.process_time() - ours, used_by(server) - theirs,
            "" if said is None else str(said),
        )  # fmt: skip
        found.append(cost)
        print(
            f"  {cost.name:44} {cost.clock:7.1f} s, ours {cost.ours:6.1f}, database {cost.database:6.1f},"
            f" load {os.getloadavg()[0]:.0f}  {cost.said[:60]}", file=sys.stderr, flush=True,
        )  # fmt: skip
    return list(_results(found))


def _results(found: list[Cost]) -> Iterator[Result]:
    for one in found:
        yield Result(one.name, one.clock, f"s (processor: ours {one.ours:.1f}, database {one.database:.1f})")
    nightly = [one for one in found if one.name.startswith("night: ")]
    yield Result("night: all of it", sum(one.clock for one in nightly), "s on the clock, one after the other")
    yield Result("night: all of it, processor", sum(one.ours + one.database for one in nightly), "s")


def _prepare(services: Services, company_id: UUID, now: datetime, what: str) -> None:
    with services.db.tenant(company_id) as session:
        session.execute(text("SET LOCAL statement_timeout = '300s'"))
        for statement in _AGAIN[what]:
            session.execute(text(statement), {"now": now} if ":now" in statement else {})


def _jobs(
    services: Services, company_id: UUID, now: datetime
) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    def in_tenant(do: Callable[..., Any], *more: Any) -> Any:
        with services.db.tenant(company_id) as session:
            session.execute(text("SET LOCAL statement_timeout = '300s'"))
            return do(session, company_id, *more)

    def take_look() -> str:
        in_tenant(claim_look, now)
        in_tenant(look_at_credit, now)
        with services.db.tenant(company_id) as session:
            # Copied days are not those of the rows, which the look finds; those in turn are counted.
            today = now.date()
            turn = days_in_turn(today - timedelta(days=1), today)
            session.execute(_OTHERS, {"days": turn})
            due = "SELECT count(*) FROM credit_day WHERE due_at <= :now"
            return f"{session.scalar(text(due), {'now': now})} days due"

    def count(step: Callable[[Services, UUID], bool], most: int = 1000) -> int:
        counted = 0
        while counted < most and step(services, company_id):
            counted += 1
        return counted

    def watch() -> None:
        with services.db.tenant(company_id) as session:
            trees = [read_segment(one.condition) for one in segments(session, company_id)]
            count_each(session, company_id, trees, now)

    stop = threading.Event()
    yield "night: partitions", "", lambda: make_partitions(services, now)
    yield "night: number sums", "", lambda: count_company(services.db, company_id, now, uncounted=True)
    yield "night: handled facts, answers, files", "", lambda: prune_company(services, company_id, now)
    yield "night: recordings", "", lambda: expire(services, company_id)
    yield "night: history", "", lambda: forget_history(services, company_id)
    yield "night: reports, look", "reports", lambda: in_tenant(look, now)
    yield "night: reports, the last week", "", lambda: count(count_next)
    yield "night: credit, look", "credit", take_look
    in_tenant(plan, now)
    yield "night: lesson", "", lambda: learn_now(services, company_id)
    yield "night: calibration (weekly)", "", lambda: calibrate_now(services, company_id)
    yield "night: advice", "", lambda: advise_now(services, company_id)
    yield "night: credit, the days in turn", "", lambda: count(count_next_credit)
    yield (
        "by day: journeys of an hour's browsers",
        "journeys",
        lambda: _all_journeys(services, company_id, stop),
    )
    yield "by day: segments to watch", "", watch
    yield "by day: monthly budgets to watch", "", lambda: tell_pace(services, company_id)
    yield "by day: destinations to review", "", lambda: review(services, company_id)


def _all_journeys(services: Services, company_id: UUID, stop: threading.Event) -> int:
    changed = 0
    while (turn := keep_journeys(services, company_id, stop=stop)).is_more:
        changed += turn.changed
    return changed + turn.changed
