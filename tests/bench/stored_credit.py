"""Credit from stored journeys: counting a day of a large company, and what a report of many days takes.

BENCH_VISITS a day (27,400: ten million a year), a tenth of them calls with two conversions each, for
BENCH_DAYS days (100). The last days are counted; a year of reports is read from copies of a counted day.
"""

import os
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from calltrack.reports.credit.counting import count_credit_due, store, stretch_of
from calltrack.reports.credit.day_paths import QUESTIONS
from calltrack.reports.credit.marking import claim_look, look, plan_look
from calltrack.reports.credit.queries import Asked, credit_report
from calltrack.reports.credit.reading import read_day
from calltrack.wiring import Services
from tests.bench.context import Context, Result
from tests.builders import Company, make_company

VISITS = int(os.environ.get("BENCH_VISITS", "27400"))
DAYS = int(os.environ.get("BENCH_DAYS", "100"))
ZONE = "Europe/Rome"
NOW = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
ID = "overlay(first_id_of({at})::text PLACING substr(md5(random()::text), 1, 12) FROM 25)::uuid"
FILL = (
    "SELECT make_partitions(CAST(:now AS timestamptz) - :days * interval '1 day', :now)",
    f"""
    CREATE TEMP TABLE seen AS
    SELECT place, began, {ID.format(at="began")} AS visit, md5('v' || floor(random() * :many * 0.6))::uuid AS visitor,
           {ID.format(at="began")} AS call, {ID.format(at="began")} AS person, {ID.format(at="began")} AS lead,
           {ID.format(at="began")} AS sale, {ID.format(at="began")} AS verdict,
           (ARRAY['google','meta','bing','tiktok','direct','partner'])[1 + floor(random() ^ 2 * 6)::int] AS source,
           floor(random() ^ 2 * 40)::int AS campaign, CASE WHEN random() < 0.5 THEN 0.9 ELSE 0.6 END AS p
    FROM (SELECT place, CAST(:now AS timestamptz) - (1 - place::float / :many) * :days * interval '1 day'
                 AS began FROM generate_series(1, :many) place) moments
    """,
    """
    INSERT INTO visit (company_id, id, visitor_id, site_id, started_at, last_seen_at, source, medium,
                       campaign, term, content, click_ids, ad_cookies, referrer, landing_url, user_agent)
    SELECT :company_id, visit, visitor, :site_id, began, began + interval '2 minutes', source, 'cpc',
           'campaign-' || campaign, '', '', '{}', '{}', '', '', '' FROM seen
    """,
    """
    INSERT INTO call (company_id, id, call_sid, number_id, location_id, status, outcome, started_at,
                      ring_seconds, duration_seconds, talk_seconds, is_bridged, changed_at)
    SELECT :company_id, call, 'CA' || place, :number_id, :location_id, 'completed', 'answered',
           began + interval '1 minute', 5, 90, 85, true, began + interval '3 minutes' FROM seen WHERE place % 10 = 0
    """,
    """
    INSERT INTO attribution (company_id, id, call_id, is_current, decided_at, model, level, visit_id, probability,
                             p_campaign, p_nobody, source, medium, campaign, candidates, by_campaign, by_source,
                             reasons)
    SELECT :company_id, s.verdict, s.call, true, s.began, 'shipped', 'visit', s.visit, s.p, s.p, 0.1, s.source, 'cpc',
           'campaign-' || s.campaign,
           jsonb_build_array(
             jsonb_build_array(replace(s.visit::text, '-', ''), replace(s.visitor::text, '-', ''),
                               s.source || E'\\x1fcpc\\x1fcampaign-' || s.campaign, s.p, 0),
             jsonb_build_array(replace(o.visit::text, '-', ''), replace(o.visitor::text, '-', ''),
                               o.source || E'\\x1fcpc\\x1fcampaign-' || o.campaign, 0.9 - s.p, 0)),
           jsonb_build_object(s.source || E'\\x1fcpc\\x1fcampaign-' || s.campaign, s.p) ||
           jsonb_build_object(o.source || E'\\x1fcpc\\x1fcampaign-' || o.campaign || 'x', 0.9 - s.p), '{}', '[]'
    FROM seen s JOIN seen o ON o.place = s.place - 1 WHERE s.place % 10 = 0
    """,
    """
    INSERT INTO person (company_id, id, created_at) SELECT :company_id, person, began FROM seen WHERE place % 10 = 0
    """,
    """
    INSERT INTO person_visitor (company_id, visitor_id, person_id, call_id, probability, linked_at)
    SELECT DISTINCT ON (visitor) CAST(:company_id AS uuid), visitor, person, call, p, began
    FROM seen WHERE place % 10 = 0 AND p > 0.8
    """,
    *(
        f"""
        INSERT INTO conversion (company_id, id, call_id, person_id, kind, status, value_minor, currency, occurred_at,
                                decided_by, reason, created_at, changed_at)
        SELECT :company_id, {id_}, call, person, '{kind}', 'counted', {value}, 'EUR', began, 'rule', '', began, began
        FROM seen WHERE place % 10 = 0
        """
        for kind, id_, value in (
            ("lead", "lead", "NULL"),
            ("purchase", "sale", "floor(random() * 100000)::int"),
        )
    ),
)


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
    results.append(Result(f"{title}a day counted", _count(services, company.id), "s"))
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


def _count(services: Services, company_id: UUID) -> float:
    """Count the newest whole days; returns the seconds of one."""
    today = NOW.date()
    with services.db.tenant(company_id) as session:
        session.execute(text("UPDATE credit_day SET due_at = NULL WHERE day NOT BETWEEN :since AND :until"),
                        {"since": today - timedelta(days=4), "until": today - timedelta(days=2)})  # fmt: skip
    begun = time.perf_counter()
    counted = count_credit_due(services, company_id)
    return (time.perf_counter() - begun) / counted


def _reports(services: Services, company_id: UUID) -> list[Result]:
    """Copy a day over a year, then time reports of a month, a quarter and a year."""
    day = NOW.date() - timedelta(days=2)
    with services.db.tenant(company_id) as session:
        session.execute(text("INSERT INTO credit_day (company_id, day) SELECT :c, CAST(:day AS date) - n"
                             " FROM generate_series(0, 365) n ON CONFLICT DO NOTHING"),
                        {"c": company_id, "day": day})  # fmt: skip
        session.execute(text("INSERT INTO credit_paths SELECT company_id, level, kind, days, CAST(:day AS date) - n,"
                             " channels, conversions, nulls, value_minor, uncredited, uncredited_value, packed"
                             " FROM credit_paths, generate_series(1, 365) n WHERE day = :day ON CONFLICT DO NOTHING"),
                        {"day": day})  # fmt: skip
        size = session.scalar(
            text("SELECT sum(length(packed)) FROM credit_paths WHERE day = :day"), {"day": day}
        )
    results = [Result("what a day takes on disk, all questions", (size or 0) / 1e6, "MB")]
    for name, days in (("30 days", 30), ("90 days", 90), ("a year", 365)):
        for level in ("source", "campaign"):
            times = [_report(services, company_id, day, days, level) for _ in range(3)]
            results.append(
                Result(f"a report of {name} per {level}, all models", sorted(times)[1] * 1000, "ms")
            )
    return results


def _report(services: Services, company_id: UUID, day: date, days: int, level: str) -> float:
    begun = time.perf_counter()
    with services.db.tenant(company_id) as session:
        credit_report(session, company_id, Asked(day - timedelta(days=days - 1), day, level, "purchase", 30))
    return time.perf_counter() - begun


def profile(session: Session, company_id: UUID, day: date) -> None:
    """Count one day in this transaction (for a profiler)."""
    found = read_day(session, company_id, stretch_of(day, ZONE), is_over=True)
    for question in QUESTIONS:
        found.paths(question)
    store(session, company_id, day, found)
