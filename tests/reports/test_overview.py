"""The overview: the same figures whether a day is read from its counted rows or from its raw ones."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from calltrack.conversions import figures
from calltrack.conversions.call_log import CallFilter
from calltrack.conversions.figures import Span
from calltrack.conversions.levels import levels
from calltrack.reports.days import bounds_of
from calltrack.reports.marking import mark_days
from calltrack.reports.model import ReportDay, ReportState
from calltrack.reports.overview import Overview, split
from calltrack.wiring import Services
from tests.builders import Company
from tests.reports.world import NOW, TODAY, told_company

ROME = "Europe/Rome"


@pytest.fixture(scope="module")
def told(services: Services) -> Company:
    return told_company(services)


def day(back: int) -> date:
    return TODAY - timedelta(days=back)


def span_of(first: int, last: int = -1) -> Span:
    """Return the time from one day (so many days back) until another one has ended; now, if none is told."""
    return Span(bounds_of(day(first), ROME)[0], NOW if last < 0 else bounds_of(day(last), ROME)[1])


def read(session: Session, services: Services, company: Company, span: Span) -> tuple[Any, ...]:
    overview = Overview(session, services.vault, company.id, "EUR", ROME)
    return (
        *overview.totals(span),
        *(overview.over_time(span, step) for step in ("day", "week", "month")),
        *(overview.by_source(span, by) for by in ("source", "campaign")),
    )


def raw(session: Session, services: Services, company: Company, span: Span) -> tuple[Any, ...]:
    whose = (session, company.id, span, "EUR")
    return (
        figures.totals(*whose),
        levels(session, services.vault, company.id, CallFilter(since=span.since, until=span.until)),
        *(figures.over_time(*whose, ROME, step) for step in ("day", "week", "month")),
        *(figures.by_source(*whose, by) for by in ("source", "campaign")),
    )


@pytest.mark.parametrize(
    "span",
    [
        span_of(90),
        span_of(29),
        span_of(3, 2),
        span_of(0),
        Span(NOW - timedelta(days=50, hours=5), NOW - timedelta(hours=30)),
    ],
)
def test_counted_days_and_raw_rows_say_the_same(services: Services, told: Company, span: Span) -> None:
    with services.db.tenant(told.id) as session:
        expected = raw(session, services, told, span)
        assert read(session, services, told, span) == expected
        mark_days(session, told.id, [day(2), day(3), day(45)], NOW)
        assert read(session, services, told, span) == expected
        session.execute(delete(ReportState).where(ReportState.company_id == told.id))
        assert read(session, services, told, span) == expected
        session.rollback()


def test_a_counted_day_is_read_as_it_was_counted_until_it_is_due(services: Services, told: Company) -> None:
    with services.db.tenant(told.id) as session:
        before, *_ = Overview(session, services.vault, told.id, "EUR", ROME).totals(span_of(10))
        changed = update(ReportDay).where(ReportDay.day == day(2), ReportDay.dimension == "campaign")
        session.execute(changed.values(calls=ReportDay.calls + 100))
        overview = Overview(session, services.vault, told.id, "EUR", ROME)
        assert overview.totals(span_of(10))[0].calls > before.calls + 99
        mark_days(session, told.id, [day(2)], NOW)
        assert overview.totals(span_of(10))[0] == before
        session.execute(text("DELETE FROM report_due"))
        session.execute(update(ReportState).values(currency="USD"))
        session.expire_all()
        assert overview.totals(span_of(10))[0] == before
        session.rollback()


def test_a_period_is_split_into_whole_counted_days_and_the_rest() -> None:
    start, end = bounds_of(date(2026, 10, 20), ROME)[0], bounds_of(date(2026, 10, 31), ROME)[0]
    ragged = Span(start + timedelta(hours=1), end + timedelta(hours=2))
    found = split(ragged, ROME, date(2026, 10, 30), {date(2026, 10, 25)})
    assert found.counted == (
        (date(2026, 10, 21), date(2026, 10, 24)), (date(2026, 10, 26), date(2026, 10, 29)),
    )  # fmt: skip
    hours = [(one.until.timestamp() - one.since.timestamp()) / 3600 for one in found.raw]
    assert hours == [23, 25, 26]  # The night of the 25th has an hour more.
