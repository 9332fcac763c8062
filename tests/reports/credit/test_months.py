"""Whole months of paths are kept: the same credit as from their days, and never that of days that changed."""

import math
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, select, update

from calltrack.reports.credit.counting import store
from calltrack.reports.credit.model import CreditDay, CreditMonth, CreditPaths
from calltrack.reports.credit.queries import Asked, CreditReport, credit_report
from calltrack.wiring import Services
from tests.builders import Company
from tests.reports.credit.plenty import plenty
from tests.reports.credit.test_stored import NOON

# Parts of two months at the ends, three whole months between, one of them without a counted day.
SINCE, UNTIL = date(2026, 7, 15), date(2026, 11, 20)
DAYS = {
    date(2026, 7, 20): 60, date(2026, 8, 1): 70, date(2026, 8, 31): 80, date(2026, 10, 5): 90,
    date(2026, 11, 20): 50,
}  # fmt: skip
AUGUST = date(2026, 8, 1)


@pytest.fixture
def filled(services: Services, company: Company) -> Company:
    for day, conversions in DAYS.items():
        plenty(services, company, day, NOON, conversions)
    return company


def read(services: Services, company: Company, *, forget: bool = False) -> CreditReport:
    with services.db.tenant(company.id) as session:
        if forget:
            session.execute(delete(CreditMonth))
        return credit_report(session, company.id, Asked(SINCE, UNTIL, "campaign"))


def same(one: CreditReport, other: CreditReport) -> bool:
    assert (one.channels, one.counted_at) == (other.channels, other.counted_at)
    for mine, yours in zip(one.sides, other.sides, strict=True):
        assert (mine.model, mine.refusal) == (yours.model, yours.refusal)
        if mine.credit and yours.credit:
            pairs = zip(mine.credit.conversions, yours.credit.conversions, strict=True)
            if not all(math.isclose(a, b, abs_tol=1e-9) for a, b in pairs):
                return False
    return math.isclose(one.totals.conversions, other.totals.conversions)


def test_kept_months_give_the_credit_of_their_days(services: Services, filled: Company) -> None:
    from_days = read(services, filled)
    assert from_days.totals.conversions == sum(DAYS.values())
    with services.db.tenant(filled.id) as session:
        assert set(session.scalars(select(CreditMonth.month))) == {AUGUST, date(2026, 10, 1)}
        # Days inside kept months are not read again: these could not be.
        inside = CreditPaths.day.between(AUGUST, date(2026, 10, 31))
        session.execute(update(CreditPaths).where(inside).values(packed=b""))
    assert same(read(services, filled), from_days)


@pytest.mark.parametrize("change", ["counted anew at the same moment", "counted later", "gone", "one more"])
def test_a_month_whose_days_changed_is_added_up_again(
    services: Services, filled: Company, change: str
) -> None:
    before, day = read(services, filled), date(2026, 8, 31)
    if change == "one more":
        plenty(services, filled, date(2026, 8, 14), NOON, 40)
    else:
        with services.db.tenant(filled.id) as session:
            of_day = (CreditDay.company_id == filled.id, CreditDay.day == day)
            if change == "gone":
                session.execute(delete(CreditDay).where(*of_day))
            else:
                other = session.scalars(select(CreditPaths).where(CreditPaths.day == date(2026, 10, 5))).all()
                names = [one.key for one in CreditPaths.__table__.columns if one.key != "day"]
                rows = [{"day": day} | {name: getattr(row, name) for name in names} for row in other]
                store(session, filled.id, day, rows)
            if change == "counted later":
                later = NOON + timedelta(hours=1)
                session.execute(update(CreditDay).where(*of_day).values(counted_at=later))
    after = read(services, filled)
    assert after.totals.conversions != before.totals.conversions
    assert same(after, read(services, filled, forget=True))
