"""Monthly budgets: how they go, up to which day, and whom the alert reaches."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from calltrack.budgets.months import MOST, add_pace, paces, remove_pace
from calltrack.budgets.pace_alert import OVER, UNDER, watch_paces
from calltrack.budgets.units import id_of
from calltrack.delivery.model import Notice
from calltrack.kernel.errors import BadFields, Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.budgets.spending import Spending, key_of
from tests.builders import NOON, Company, make_company

FIRST = date(2026, 11, 1)


@pytest.fixture(scope="module")
def then(services: Services) -> Services:
    return replace(services, clock=lambda: NOON)


def steady(company: Company, *, read_days_ago: int = 0, status: str = "active") -> Spending:
    """Return a hundred a day at Google and fifty at Meta, booked to the month's end."""
    made = Spending(company)
    for platform, name, minor in (("google_ads", "roma", 10_000), ("meta", "estate", 5_000)):
        campaign = made.campaign(made.account(platform, name), name, key_of(name))
        for day in range(30):
            made.cost(campaign, FIRST + timedelta(days=day), minor)
    if read_days_ago:
        due_at = NOON if status == "active" else None
        read_at = NOON - timedelta(days=read_days_ago)
        made.accounts[0] |= {"due_at": due_at, "read_at": read_at, "status": status}
    return made


def notices(services: Services, company: Company) -> list[tuple[str, str]]:
    with services.db.tenant(company.id) as session:
        rows = session.scalars(
            select(Notice).where(Notice.company_id == company.id, Notice.resolved_at.is_(None))
        )
        return sorted((row.kind, row.level) for row in rows)


def test_budgets_are_watched_told_and_forgotten(then: Services) -> None:
    company = make_company(then)
    steady(company).write(then)
    with then.db.tenant(company.id) as session:
        fits = add_pace(session, company.id, "All", 450_000, [], NOON, by="t")
        over = add_pace(session, company.id, "Google", 250_000, [id_of(key_of("roma"))], NOON, by="t")
        under = add_pace(session, company.id, "Meta", 300_000, [id_of(key_of("estate"))], NOON, by="t")
    with then.db.tenant(company.id) as session:
        rows = {row.id: row for row in paces(session, company.id, NOON)}
    assert [(rows[id_].found.spent, rows[id_].found.alert) for id_ in (fits, over, under)] == [
        (285_000, None), (190_000, "over"), (95_000, "under"),
    ]  # fmt: skip
    assert round(rows[fits].found.forecast.mean) == 450_000
    assert (rows[over].campaigns, rows[fits].campaigns) == (("roma",), ())
    assert rows[over].text == "As it goes on, 3,000.00 EUR will be spent of a budget of 2,500.00 EUR."
    watch_paces(then)
    watch_paces(then)
    assert notices(then, company) == [(OVER, "action"), (UNDER, "action")]
    with then.db.tenant(company.id) as session:
        remove_pace(session, company.id, over, NOON, by="t")
        remove_pace(session, company.id, under, NOON, by="t")
    watch_paces(then)
    assert notices(then, company) == []
    stranger = make_company(then)
    with pytest.raises(NotFound), then.db.tenant(stranger.id) as session:
        remove_pace(session, stranger.id, fits, NOON, by="t")


@pytest.mark.parametrize("status", ["active", "paused"])
def test_days_that_were_not_read_are_no_days_without_spend(then: Services, status: str) -> None:
    company = make_company(then)
    made = steady(company, read_days_ago=3, status=status)
    made.cost(made.campaign(made.account("manual", "m"), "Radio", key_of("radio")), FIRST, None)
    made.write(then)
    with then.db.tenant(company.id) as session:
        add_pace(session, company.id, "All", 450_000, [], NOON, by="t")
        (row,) = paces(session, company.id, NOON)
        (first,) = paces(session, company.id, NOON - timedelta(days=19))
    assert row.without_rate == 1
    assert (row.month.known, row.found.spent, len(row.spent_by_day)) == (date(2026, 11, 17), 240_000, 16)
    assert (first.found.spent, first.found.alert) == (0, None)


def test_what_makes_no_budget(then: Services) -> None:
    company = make_company(then)
    for name, amount, campaigns, field in (
        ("", 1, [], "name"), ("a", 0, [], "amount"), ("a", 1, ["0" * 12], "campaigns"),
    ):  # fmt: skip
        with pytest.raises(BadFields) as problem, then.db.tenant(company.id) as session:
            add_pace(session, company.id, name, amount, campaigns, NOON, by="t")
        assert list(problem.value.fields) == [field]
    with then.db.tenant(company.id) as session:
        for number in range(MOST):
            add_pace(session, company.id, f"b{number}", 1, [], NOON, by="t")
        with pytest.raises(Conflict):
            add_pace(session, company.id, "one more", 1, [], NOON, by="t")
        with pytest.raises(NotFound):
            remove_pace(session, company.id, new_id(), NOON, by="t")
