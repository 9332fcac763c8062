"""What workers would have counted of the large company: some weeks by the product, the rest copies of them.

Counting every day of the past takes hours of processor and is no part of what is measured. So the newest
weeks are counted by the workers' own code, and timed; older days are copies, shifted by whole weeks (of
journeys only those of persons, and all sums); months are added up by the product from those days.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import create_engine, text

from calltrack.kernel.ids import first_id_of
from calltrack.reports.building import build_month
from calltrack.reports.credit.counting import _count_next as count_next_credit
from calltrack.reports.days import month_of
from calltrack.reports.keeping import count_next
from calltrack.stages.keeping import MOST
from calltrack.stages.making import make_journeys
from calltrack.stages.versions import begin
from calltrack.wiring import Services
from tests.bench.context import Context
from tests.bench.processor import postmaster, used_by
from tests.bench.scale_seed import say
from tests.builders import Company

REPORT_DAYS: Final = 28
CREDIT_DAYS: Final = 3
JOURNEY_DAYS: Final = 14
_SINCE = "day > CAST(:until AS date) - CAST(:counted AS int) AND day <= CAST(:until AS date)"
_WHERE = f"company_id = :company AND {_SINCE}"


def _shifted(table: str, columns: str, day: str = "day") -> str:
    return f"""
        INSERT INTO {table} (company_id, {day}, {columns})
        SELECT company_id, {day} - n * CAST(:counted AS int), {columns} FROM {table}
        CROSS JOIN generate_series(1, :times) AS n WHERE {_WHERE} ON CONFLICT DO NOTHING
    """


_REPORT_COLUMNS = (
    "dimension, place, source, medium, campaign, detail, visits, calls, ended, answered, talk_seconds,"
    " with_source, on_visit, on_campaign, on_source, leads, purchases, value_minor, other_currency,"
    " value_squared, largest_minor"
)
_CREDIT_COLUMNS = (
    "level, kind, days, channels, conversions, nulls, value_minor, uncredited, uncredited_value, packed"
)
_JOURNEY_COLUMNS = (
    "is_person, is_demo, source, medium, campaign, landing, stage, history, visits, calls, answered, missed,"
    " short_calls, longest_talk, leads, purchases, value_minor, waits, is_won, is_lost, score, figures, path,"
    " stop_kind, stop_detail"
)
_MOMENTS = ("first_at", "last_at", "stage_at", "lead_at", "bought_at", "last_call_at", "last_bought_at")
_JOURNEYS = f"""
    INSERT INTO journey (company_id, id, day, {", ".join(_MOMENTS)}, {_JOURNEY_COLUMNS})
    SELECT company_id, overlay(md5(id::text || n) PLACING '7' FROM 13)::uuid, day - n * CAST(:counted AS int),
           {", ".join(f"{one} - n * :counted * interval '1 day'" for one in _MOMENTS)}, {_JOURNEY_COLUMNS}
    FROM journey CROSS JOIN generate_series(1, :times) AS n
    WHERE {_WHERE} AND is_person ON CONFLICT DO NOTHING
"""
_YEAR_BEFORE = f"""
    INSERT INTO report_month (company_id, day, {_REPORT_COLUMNS})
    SELECT company_id, day - interval '1 year', {_REPORT_COLUMNS} FROM report_month ON CONFLICT DO NOTHING
"""
_MONTHS = """
    INSERT INTO journey_cell (company_id, view, day, a, b, c, persons, value_minor)
    SELECT company_id, 'month:' || view, date_trunc('month', day), a, b, c, sum(persons), sum(value_minor)
    FROM journey_cell WHERE company_id = :company AND view NOT LIKE 'month:%' GROUP BY 1, 2, 3, 4, 5, 6
"""


class Counting:
    """Counts the company's rows up to a moment; each step returns what it cost, in seconds."""

    def __init__(self, context: Context, company: Company, now: datetime, days: int) -> None:
        self.context, self.company, self.now, self.days = context, company, now, days
        self.services = replace(context.services, clock=lambda: now)
        self.today = now.date()
        self._owner = create_engine(context.postgres.owner_url)

    def reports(self) -> dict[str, float]:
        """Count the newest weeks, copy them, add the months up; the year before is a copy, too."""
        counted = min(REPORT_DAYS, self.days)
        self._tenant(
            "INSERT INTO report_due SELECT :company, 'day', CAST(:until AS date) - n, 1, :now"
            " FROM generate_series(0, :counted - 1) n", counted, 0,
        )  # fmt: skip
        cost = self._timed(lambda: self._until_none(count_next), counted)
        times = self.days // counted
        self._owned(_shifted("report_day", _REPORT_COLUMNS), counted, times)
        credit = "kind, campaign_key, conversions, value_minor"
        self._owned(_shifted("campaign_credit_day", credit), counted, times)
        with self.services.db.tenant(self.company.id) as session:
            session.execute(text("DELETE FROM report_due"))
        months = {month_of(self.today - timedelta(days=back)) for back in range(1, self.days)}
        added = self._timed(lambda: self._months(sorted(months)), len(months))
        self._owned(_YEAR_BEFORE, 0, 0)
        with self.services.db.tenant(self.company.id) as session:
            session.execute(
                text("INSERT INTO report_due VALUES (:company, 'month', :month, 1, :at)"),
                {
                    "company": self.company.id,
                    "month": month_of(self.today),
                    "at": self.now + timedelta(days=9),
                },
            )
            session.execute(text(_STATE), {"company": self.company.id, "now": self.now, "today": self.today})
        return cost | {f"month {name}": value for name, value in added.items()}

    def credit(self) -> dict[str, float]:
        """Count the newest days that are over, copy them over a year."""
        counted = CREDIT_DAYS
        self._tenant("INSERT INTO credit_look (company_id, due_at) VALUES (:company, :now)", 0, 0)
        self._tenant(
            "INSERT INTO credit_day (company_id, day, due_at)"
            " SELECT :company, CAST(:until AS date) - n, :now FROM generate_series(0, :counted - 1) n",
            counted, 0,
        )  # fmt: skip
        cost = self._timed(lambda: self._until_none(count_next_credit), counted)
        times = 400 // counted
        days = "due_at, leased_until, tries, took_ms, counted_at"
        self._owned(_shifted("credit_day", days), counted, times)
        self._owned(_shifted("credit_paths", _CREDIT_COLUMNS), counted, times)
        self._tenant(
            "UPDATE credit_look SET due_at = :tomorrow, timezone = 'Europe/Rome', looked_until = :midnight",
            0,
            0,
        )
        return cost

    def journeys(self) -> dict[str, float]:
        """Make the journeys that began in the newest weeks; copy the sums, and those of persons."""
        counted = min(JOURNEY_DAYS, self.days)
        ids = self._subjects(counted)
        cost = self._timed(lambda: self._make(ids), 1)
        times = self.days // counted
        self._owned(_shifted("journey_cell", "view, a, b, c, persons, value_minor"), counted, times,
                    "DELETE FROM journey_cell WHERE view LIKE 'month:%' OR NOT (" + _SINCE + ")",
                    f"DELETE FROM journey WHERE NOT ({_SINCE})")  # fmt: skip
        self._owned(_MONTHS, 0, 0)
        self._owned(_JOURNEYS, counted, times)
        self._tenant(
            "UPDATE journey_state SET again_phase = '', again_due_at = NULL, due_at = :tomorrow,"
            " visits_until = :now", 0, 0,
        )  # fmt: skip
        return cost | {"journeys": float(len(ids))}

    def close(self) -> None:
        """Let go of the database."""
        self._owner.dispose()

    def _until_none(self, step: Callable[[Services, UUID], bool]) -> None:
        while step(self.services, self.company.id):
            pass

    def _months(self, months: list[date]) -> None:
        for month in months:
            with self.services.db.tenant(self.company.id) as session:
                session.execute(text("SET LOCAL statement_timeout = '100s'"))
                build_month(session, self.company.id, month)

    def _subjects(self, days: int) -> list[UUID]:
        """Return who came for the first time in these days: browsers, and persons that some of them are."""
        since = first_id_of(self.now - timedelta(days=days))
        with self.services.db.tenant(self.company.id) as session:
            begin(session, self.company.id, self.now)
            session.execute(text("SET LOCAL statement_timeout = '300s'"))
            return list(session.scalars(text(_NEWCOMERS), {"company": self.company.id, "since": since}))

    def _make(self, ids: list[UUID]) -> None:
        for start in range(0, len(ids), MOST):
            with self.services.db.tenant(self.company.id) as session:
                make_journeys(session, self.company.id, ids[start : start + MOST])

    def _timed(self, do: Callable[[], None], parts: int) -> dict[str, float]:
        """Return the seconds of one part: on the clock, of this process, of the database."""
        server = (postmaster(self.context.folder),)
        begun, ours, theirs = time.perf_counter(), time.process_time(), used_by(server)
        do()
        cost = (
            time.perf_counter() - begun, time.process_time() - ours, used_by(server) - theirs,
        )  # fmt: skip
        return dict(zip(("clock", "ours", "database"), (round(one / parts, 3) for one in cost), strict=True))

    def _given(self, counted: int, times: int) -> dict[str, Any]:
        midnight = self.now.replace(hour=0, minute=0, second=0)
        return {
            "company": self.company.id, "until": self.today - timedelta(days=1), "now": self.now,
            "counted": counted, "times": times, "tomorrow": self.now + timedelta(days=1),
            "midnight": midnight - timedelta(hours=1),
        }  # fmt: skip

    def _tenant(self, statement: str, counted: int, times: int) -> None:
        with self.services.db.tenant(self.company.id) as session:
            session.execute(text(statement), self._given(counted, times))

    def _owned(self, statement: str, counted: int, times: int, *first: str) -> None:
        begun = time.perf_counter()
        with self._owner.begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text("SET LOCAL work_mem = '256MB'"))
            for one in (*first, statement):
                connection.execute(text(one), self._given(counted, times))
        say(" ".join(statement.split()[:3]), begun)


_STATE = """
    INSERT INTO report_state (company_id, timezone, currency, seen_at, week_day, due_at)
    VALUES (:company, 'Europe/Rome', 'EUR', :now, :today, CAST(:now AS timestamptz) + interval '1 day')
"""
_NEWCOMERS = """
    SELECT id FROM person WHERE company_id = :company AND id >= :since
    UNION ALL
    SELECT DISTINCT visitor_id FROM visit v WHERE company_id = :company AND id >= :since AND visitor_id >=
        :since
        AND NOT EXISTS (SELECT FROM person_visitor p
                        WHERE p.company_id = v.company_id AND p.visitor_id = v.visitor_id)
"""
