"""How many numbers: the page of one pool, busy, young, empty."""

from dataclasses import replace

import pytest

from calltrack.accounts.rules import Role
from calltrack.wiring import Services
from tests.accounts.people import make_user
from tests.builders import Company, make_company
from tests.dashboard.browser import Browser, make_app
from tests.numbers.pool_weeks import NOW, Writer, usual_weeks


@pytest.fixture(scope="module")
def then(services: Services) -> Services:
    """The same parts at the end of the weeks that are written."""
    return replace(services, clock=lambda: NOW)


@pytest.fixture(scope="module")
def busy(services: Services) -> Company:
    company = make_company(services, numbers=3)
    usual_weeks(company).write(services)
    return company


def browser_of(then: Services, company: Company, role: Role) -> Browser:
    browser = Browser(make_app(then))
    browser.enter(make_user(then, company, role))
    return browser


def at(company: Company, rest: str = "") -> str:
    return f"/app/{company.id.hex}/numbers/pools/{company.pool_id.hex}{rest}"


def test_the_page_says_what_it_takes_and_why_tuesday_at_ten(then: Services, busy: Company) -> None:
    manager = browser_of(then, busy, "manager")
    page = manager.get(at(busy)).text
    assert "One number fewer, or more" in page
    assert page.count('<td class="heat-') == 168
    assert '<td class="heat-5" title="Tuesday 10:00 to 11:00: 66 visits, 2.2 on screen, ' in page
    assert "The campaign tv spot (tv) brings 91\u202f% of them" in page
    assert f"/numbers/find?use=pool:{busy.pool_id.hex}" in page.replace("%3A", ":")
    assert at(busy) in manager.get(f"/app/{busy.id.hex}/numbers").text
    asked = manager.get(at(busy, "?day=2&hour=9")).text
    assert "Wednesday 09:00 to 10:00: 6 visits in the hour" in asked
    assert "That is no shortage" in asked
    for nonsense in ("?day=9&hour=9", "?day=x&hour=9", "?day=-1&hour=0"):
        assert 'role="status"' not in manager.get(at(busy, nonsense)).text


def test_a_viewer_reads_and_is_led_to_no_purchase(then: Services, busy: Company) -> None:
    page = browser_of(then, busy, "viewer").get(at(busy)).text
    assert "What it would take" in page
    assert "Find and buy" not in page


def test_too_little_is_said_and_nothing_is_advised(then: Services) -> None:
    company = make_company(then, numbers=2)
    browser = browser_of(then, company, "manager")
    assert "No visits yet" in browser.get(at(company)).text
    writer = Writer(company)
    writer.hour(3, 5 * 24 + 10, 20)
    writer.write(then)
    page = browser.get(at(company)).text
    assert "Too little to advise on yet: 20 visits" in page
    assert "What it would take" not in page
    assert page.count('<td class="heat-') == 168
