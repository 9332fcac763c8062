"""The story by hand, in a real browser: click an ad, read the number, dial it, watch it, give it a value."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from calltrack.config import DEMO_EMAIL, DEMO_PASSWORD
from tests.journeys.conftest import Demo
from tests.plain import PLAIN

GCLID = "Cj0KCQiA-by-hand-1"


def read_swapped_number(page: Page, demo: Demo) -> str:
    """Open the demo site as from an ad and return the number that took the place of the business number."""
    page.goto(f"{demo.origin}/demo/?gclid={GCLID}&utm_source=google&utm_medium=cpc&utm_campaign=by-hand")
    link = page.locator("a[href^='tel:']").first
    expect(link).not_to_have_attribute("href", re.compile("6994"), timeout=5_000)
    number = (link.get_attribute("href") or "").removeprefix("tel:")
    assert re.fullmatch(r"\+390694800\d{3}", number), number
    return number


def sign_in(page: Page, demo: Demo) -> str:
    """Sign in and return the address of the company's pages."""
    page.goto(f"{demo.origin}/login")
    page.get_by_label("E-mail").fill(DEMO_EMAIL)
    page.get_by_label("Password").fill(DEMO_PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile("/app/[0-9a-f]{32}"))
    found = re.search(r"/app/[0-9a-f]{32}", page.url)
    assert found
    return demo.origin + found.group()


def dial(page: Page, demo: Demo, number: str) -> None:
    page.goto(f"{demo.origin}/sandbox/phone")
    page.locator("#to").fill(number)
    page.get_by_label("At once").check()
    page.locator("#dial").click()


def reload_until(page: Page, true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if true():
            return
        page.wait_for_timeout(400)
        page.reload()
    pytest.fail(f"waited 60 s in vain for {what}")


def test_from_the_click_to_the_ad_account(browser: Browser, demo: Demo) -> None:
    problems: list[str] = []
    owner, visitor = browser.new_page(), browser.new_page()
    owner.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    owner.on("pageerror", lambda error: problems.append(str(error)))
    company = sign_in(owner, demo)
    owner.goto(f"{company}/live")
    expect(owner.locator("[data-stream]")).to_have_class(re.compile("on|live|ok|good"), timeout=10_000)
    before = owner.locator("[data-list] > li").count()

    number = read_swapped_number(visitor, demo)
    dial(visitor, demo, number)

    # The page was not reloaded: the call came over the stream.
    expect(owner.locator("[data-list] > li")).to_have_count(before + 1, timeout=10_000)
    row = owner.locator("[data-list] > li").first
    expect(row.locator("[data-word]")).to_have_text("Answered", timeout=15_000)
    expect(row.locator("[data-source]")).to_have_text("Google Ads", timeout=15_000)
    expect(row.locator("[data-brought]")).to_contain_text("Lead", timeout=15_000)

    row.locator("a").click()
    expect(owner.locator("main")).to_contain_text(GCLID)
    expect(owner.locator("main")).to_contain_text("by-hand")
    owner.locator("#value").fill("850")
    owner.get_by_role("button", name="Set purchase").click()
    expect(owner.locator("main")).to_contain_text(re.compile(r"850"))

    reload_until(
        owner,
        lambda: owner.get_by_text("It counts there, once.").count() >= 8,
        "lead and purchase confirmed by all four destinations",
    )
    effects = PLAIN.get(f"{demo.origin}/sandbox/platforms/effects").json()["effects"]
    mine = [effect for effect in effects if effect["click"] == GCLID]
    assert len({effect["platform"] for effect in mine}) == 2
    for platform in {effect["platform"] for effect in mine}:
        values = [effect["values"][-1] or 0 for effect in mine if effect["platform"] == platform]
        assert sorted(values) == [0, 850.0], platform
    assert all(effect["received"] == 1 for effect in mine)
    visitor.goto(f"{demo.origin}/sandbox/platforms")
    expect(visitor.locator("main")).to_contain_text(GCLID)
    expect(visitor.locator("main")).to_contain_text("850")
    assert problems == []
