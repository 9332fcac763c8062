"""Reports that took long are kept, said to be behind while they are, and made anew in time."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from calltrack.dashboard.periods import NAMES, period
from calltrack.reports.credit.answers import KEPT_FOR, keep, keep_usual, report_of, usual
from calltrack.reports.credit.model import CreditAnswer, CreditDay
from calltrack.reports.credit.queries import Asked, credit_report
from calltrack.wiring import Services
from tests.builders import Company
from tests.reports.credit.plenty import plenty
from tests.reports.credit.test_stored import DAY, NOON

ASKED = Asked(DAY - timedelta(days=29), DAY)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def filled(services: Services, company: Company) -> Company:
    plenty(services, company, DAY, NOON, 250)
    return company


def test_a_kept_report_is_the_report_and_stands_until_something_changes(
    services: Services, filled: Company
) -> None:
    with services.db.tenant(filled.id) as session:
        made = credit_report(session, filled.id, ASKED)
        keep(session, filled.id, replace(made, channels=made.channels), 3_000, NOON)
        assert report_of(session, filled.id, ASKED, NOON + timedelta(days=1)) == made
        # Three seconds of work: for ten minutes it may be behind, and says so.
        session.execute(update(CreditDay).values(counted_at=NOON + MINUTE))
        session.flush()
        behind = report_of(session, filled.id, ASKED, NOON + 9 * MINUTE)
        assert behind == replace(made, waiting=1)
        late = report_of(session, filled.id, ASKED, NOON + 11 * MINUTE)
        assert (late.counted_at, late.waiting) == (NOON + MINUTE, 0)
        session.execute(update(CreditAnswer).values(answer=b'{"of": "another release"}'))
        session.expire_all()
        assert report_of(session, filled.id, ASKED, NOON + 2 * MINUTE) == late


def test_workers_make_kept_reports_anew_and_forget_old_ones(services: Services, filled: Company) -> None:
    then = replace(services, clock=lambda: NOON + 6 * MINUTE)
    with services.db.tenant(filled.id) as session:
        made = credit_report(session, filled.id, ASKED)
        keep(session, filled.id, made, 3_000, NOON)
        old = replace(made, asked=replace(ASKED, since=ASKED.since - timedelta(days=1)))
        keep(session, filled.id, old, 3_000, NOON - KEPT_FOR)
    keep_usual(then, filled.id, DAY, is_night=False)
    assert kept(services, filled) == [(DAY - timedelta(days=30), 3_000), (DAY - timedelta(days=29), 3_000)]
    with services.db.tenant(filled.id) as session:
        session.execute(update(CreditDay).values(counted_at=NOON + MINUTE))
        session.execute(update(CreditAnswer).values(answer=b"{}"))
    keep_usual(then, filled.id, DAY, is_night=True)
    with services.db.tenant(filled.id) as session:
        assert (old.asked.since, 3_000) not in kept(services, filled)
        assert report_of(session, filled.id, ASKED, NOON + 6 * MINUTE).totals == made.totals


def kept(services: Services, company: Company) -> list[tuple[date, int]]:
    with services.db.tenant(company.id) as session:
        rows = session.execute(select(CreditAnswer.since, CreditAnswer.took_ms).order_by(CreditAnswer.since))
        return [(row.since, row.took_ms) for row in rows]


@pytest.mark.parametrize("now", [NOON, datetime(2028, 2, 29, 23, 30, tzinfo=NOON.tzinfo)])
def test_the_usual_reports_are_those_that_pages_ask_for(now: datetime) -> None:
    where = ZoneInfo("Europe/Rome")
    today = now.astimezone(where).date()
    asked = {(one.since, one.until) for one in usual(today)}
    assert asked == {
        (period(name, now, "Europe/Rome").span.since.astimezone(where).date(), today) for name in NAMES
    }
    assert len(list(usual(today))) == 16
