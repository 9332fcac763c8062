"""`calltrack reports`: count a company's days anew from its raw rows, or compare them with what is stored."""

import sys
import threading
from collections.abc import Sequence
from datetime import date
from itertools import groupby
from uuid import UUID

from sqlalchemy import func, select

from calltrack.accounts.model import Company
from calltrack.commands.running import settings_here
from calltrack.conversions.figures import Span, totals
from calltrack.reports.days import bounds_of, month_of
from calltrack.reports.keeping import all_days, keep_reports, mark_all, may_be_forgotten
from calltrack.reports.model import ReportDay
from calltrack.wiring import Services, build

COMPARED = ("visits", "calls", "ended", "answered", "talk_seconds", "with_source", "leads", "purchases",
            "value_minor", "other_currency")  # fmt: skip


def count_again(company: str, *, check: bool) -> int:
    """Count everything anew, or with `check` only compare; exits with 1 where a figure differs."""
    services = build(settings_here(), statement_timeout_ms=600_000)
    try:
        company_id = _company(services, company)
        if check:
            return print_differences(services, company_id)
        print(f"Counted {rebuild(services, company_id)} days anew.")
    finally:
        services.close()
    return 0


def rebuild(services: Services, company_id: UUID) -> int:
    """Mark every day, then count until none is left; returns how many days there are.

    It can be stopped at any moment: the workers go on with what is left.
    """
    with services.db.tenant(company_id) as session:
        days = mark_all(session, company_id, services.clock())
    while keep_reports(services, company_id, threading.Event()):
        print(".", end="", file=sys.stderr, flush=True)
    return days


def print_differences(services: Services, company_id: UUID) -> int:
    """Compare each month's counted days with the raw rows; returns 1 where something differs."""
    wrong = 0
    with services.db.tenant(company_id) as session:
        company = session.scalars(select(Company).where(Company.id == company_id)).one()
        sums = [func.sum(getattr(ReportDay, name)).label(name) for name in COMPARED]
        months = _months(all_days(session, company_id))
        for first, last in months:
            of_days = (ReportDay.company_id == company_id, ReportDay.dimension == "campaign")
            row = session.execute(select(*sums).where(*of_days, ReportDay.day.between(first, last))).one()
            raw = totals(session, company_id, _span(first, last, company.timezone), company.currency)
            told = {name: (int(getattr(row, name) or 0), getattr(raw, name)) for name in COMPARED}
            if may_be_forgotten(first, services.clock(), services.settings.visits_kept_months):
                told.pop("visits")
            differing = {name: pair for name, pair in told.items() if pair[0] != pair[1]}
            wrong += bool(differing)
            for name, (counted, there) in differing.items():
                print(f"{first} to {last}: {name} counted {counted}, in the raw rows {there}")
    print(f"{len(months)} months compared, {wrong} differ." + (" Run with --rebuild." if wrong else ""))
    return 1 if wrong else 0


def _months(days: Sequence[date]) -> list[tuple[date, date]]:
    """Return the first and the last of the days in each month."""
    by_month = (list(some) for _, some in groupby(days, month_of))
    return [(some[0], some[-1]) for some in by_month]


def _span(first: date, last: date, zone: str) -> Span:
    return Span(bounds_of(first, zone)[0], bounds_of(last, zone)[1])


def _company(services: Services, text: str) -> UUID:
    try:
        company_id = UUID(text)
    except ValueError:
        sys.exit(f"{text[:64]!r} is not a company's id. It stands in the addresses of its pages: /app/<id>/.")
    with services.db.system() as system:
        if system.get(Company, company_id) is None:
            sys.exit(f"There is no company {text}. Its id stands in the addresses of its pages.")
    return company_id
