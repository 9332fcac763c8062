"""In a real browser: a manager finds and buys a number, hears it ring, mends a broken one, gives one back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from calltrack.accounts.carrier import carrier_for
from calltrack.calls.model import Call
from calltrack.config import DEMO_EMAIL, DEMO_PASSWORD
from calltrack.delivery.number_notices import review_numbers
from calltrack.numbers.keeping import check_numbers
from calltrack.numbers.model import TrackingNumber
from calltrack.sandbox.demo_company import find_demo_company
from calltrack.telephony.carrier import NumberChange
from calltrack.wiring import Services
from tests.plain import PLAIN
from tests.workers.process import WORKER, running, until


@pytest.fixture
def tab(browser: Browser, demo: Services) -> Iterator[Page]:
    context = browser.new_context(base_url=demo.settings.base_url)
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto("/login")
    page.fill("input[name=email]", DEMO_EMAIL)
    page.fill("input[name=password]", DEMO_PASSWORD)
    page.click("form button.primary")
    page.wait_for_url("**/app/**")
    yield page
    context.close()


def test_found_bought_rung_mended_and_given_back(tab: Page, demo: Services) -> None:
    company_id = find_demo_company(demo)
    assert company_id is not None
    base = f"/app/{company_id.hex}"
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    with running(demo.settings, *WORKER):
        tab.goto(f"{base}/numbers")
        tab.get_by_role("link", name="Find and buy").first.click()
        search = tab.locator("#search")
        search.get_by_label("Country").fill("IT")
        search.get_by_label("Town").fill("Roma")
        search.get_by_role("button", name="Search").click()
        law = tab.locator("#law")
        expect(law).to_contain_text("2.25 a month")
        expect(law).to_contain_text("an approved bundle of papers")
        order = tab.locator("#order")
        box = order.locator("input[name=e164]").first
        e164 = box.get_attribute("value") or ""
        box.check()
        order.get_by_label("What it is for").select_option(label="Roma: one source, such as a billboard")
        order.get_by_role("button", name="Buy what is chosen").click()
        # Nothing typed is lost: the source is missing.
        expect(tab.locator(".field-problem")).to_contain_text("Name the source")
        order.locator(f"input[value='{e164}']").check()
        order.get_by_label("Source").fill("van lettering")
        order.get_by_role("button", name="Buy what is chosen").click()
        expect(tab.locator("table")).to_contain_text("in service", timeout=30_000)

    played = PLAIN.post(
        f"{demo.settings.base_url}/sandbox/calls",
        json={"from": "+393331234567", "to": e164, "speed": 0},
        timeout=30,
    )
    assert played.status_code in (200, 201, 202), played.text
    with demo.db.tenant(company_id) as session:
        number = session.scalars(select(TrackingNumber).where(TrackingNumber.e164 == e164)).one()

    def has_rung() -> bool:
        with demo.db.tenant(company_id) as session:
            return session.scalars(select(Call.id).where(Call.number_id == number.id)).first() is not None

    assert until(has_rung, 60)

    with demo.db.tenant(company_id) as session:
        carrier = carrier_for(session, demo.vault, demo.carriers, company_id)
    carrier.update_number(number.carrier_number_id, NumberChange(voice_url="https://elsewhere.example.com/"))
    assert check_numbers(demo, company_id) == 1
    review_numbers(demo, company_id, company_id)
    tab.goto(f"{base}/numbers/{number.id.hex}")
    expect(tab.locator(".notices")).to_contain_text("so its calls go elsewhere")
    health = tab.locator("#health")
    expect(health).to_contain_text("so its calls go elsewhere")
    health.get_by_role("button", name="Repair").click()
    expect(tab.locator(".flash")).to_contain_text("is as it should be")
    expect(health).to_contain_text("Its calls arrive here")

    leave = tab.locator("#leave")
    leave.locator("summary").click()
    expect(leave).to_contain_text("It stands for van lettering")
    leave.get_by_label("Type the number to confirm").fill("+39 06 000000")
    leave.get_by_role("button").click()
    expect(tab.locator("#leave .field-problem")).to_contain_text("Type the number itself")
    leave.get_by_label("Type the number to confirm").fill(e164)
    leave.get_by_role("button").click()
    expect(tab.locator(".flash")).to_contain_text("given back in 30 days")
    tab.goto(f"{base}/numbers/{number.id.hex}")
    tab.get_by_role("button", name="Keep it after all").click()
    expect(tab.locator(".flash")).to_contain_text("Kept")
    tab.set_viewport_size({"width": 360, "height": 740})
    for path in ("/numbers/find?country=IT&locality=Roma", "/numbers/import", "/numbers/orders", "/numbers"):
        tab.goto(base + path)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360, path
    assert faults == []
