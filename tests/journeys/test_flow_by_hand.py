"""A call flow by hand, in a real browser: build it, try it, publish it, call it, hear of the missed call."""

import re

from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import Demo
from tests.journeys.test_by_hand import reload_until, sign_in

ALL_DAY = "0-24"


def build(page: Page, company: str) -> None:
    """Make a flow from a template and change it step by step."""
    page.goto(f"{company}/flows")
    page.get_by_text("Opening hours and menu").click()
    page.get_by_label("Name").fill("Office of the journey")
    page.get_by_role("button", name="Make it").click()
    page.wait_for_url(re.compile("/edit$"))

    page.get_by_role("link", name="Change hours").click()
    for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"):
        page.get_by_label(day).fill(ALL_DAY)
    page.get_by_role("button", name="Keep", exact=True).last.click()
    expect(page.locator("#step-hours")).to_contain_text("Monday to Saturday 00:00-24:00")

    # A step at the beginning of the open hours; empty, it is named as what is left to do.
    page.get_by_label("Add a step: While it is open").click()
    page.get_by_label("What comes here: While it is open").select_option("+announce")
    page.locator("details[open]").get_by_role("button", name="Put it here").click()
    page.get_by_role("button", name="Keep", exact=True).last.click()
    expect(page.get_by_role("alert")).to_contain_text("cannot be published like this")
    expect(page.get_by_text("Write what callers hear.")).to_be_visible()
    page.get_by_label("What callers hear").fill("Benvenuti da Rossi.")
    page.get_by_role("button", name="Keep", exact=True).last.click()
    expect(page.locator("#step-welcome")).to_contain_text("Benvenuti da Rossi.")


def ask(page: Page, day: str, keys: str) -> None:
    """Try the draft at nine o'clock."""
    page.locator("#day").fill(day)
    page.locator("#time").fill("09:00")
    page.locator("#keys").fill(keys)
    page.get_by_role("main").get_by_role("button", name="Try it").click()


def test_a_flow_is_built_tried_called_and_the_missed_call_is_heard_of(browser: Browser, demo: Demo) -> None:
    problems: list[str] = []
    page = browser.new_page()
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    company = sign_in(page, demo)
    build(page, company)
    flow = page.url.partition("/edit")[0]

    # What happens to a call on Sunday at nine, and on Monday with key 1?
    page.get_by_role("link", name="Try it").click()
    ask(page, "2026-11-29", "")
    expect(page.locator("#answer")).to_contain_text("“hours”: closed, opens on Monday 30 November at 00:00")
    expect(page.locator("#answer")).to_contain_text("may leave a message")
    ask(page, "2026-11-30", "1")
    answer = page.locator("#answer")
    for words in (
        "Benvenuti da Rossi.",
        "The caller presses 1",
        "own line rings for 15 seconds",
        "Nobody takes the call",
    ):
        expect(answer).to_contain_text(words)
    expect(page.locator("svg.call-flow g.marked")).to_have_count(5)

    # Open on Sunday as well, so that the story does not hang on the day it is told; then it goes live.
    page.goto(f"{flow}/edit/hours")
    page.get_by_label("Sunday").fill(ALL_DAY)
    page.get_by_role("button", name="Keep", exact=True).last.click()
    page.get_by_role("button", name="Publish version 2").click()
    expect(page.get_by_role("status").first).to_contain_text("Version 2 is published")
    page.get_by_label("Let it answer").select_option(label="Roma")
    page.get_by_role("button", name="Assign").click()
    expect(page.locator("#answers")).to_contain_text("ring here")

    # The carrier follows within 15 seconds; a caller presses 1 and nobody answers.
    call = page.get_by_role("link", name="Call it with the sandbox phone").get_attribute("href")

    def heard() -> bool:
        page.goto(f"{demo.origin}{call}&keys=1")
        page.get_by_label("No answer").check()
        page.get_by_label("At once").check()
        page.locator("#dial").click()
        expect(page.locator("#after")).to_be_visible(timeout=30_000)
        return page.get_by_text("Benvenuti da Rossi.").count() > 0

    reload_until(page, heard, "the flow to answer")
    lines = page.locator("#lines")
    expect(lines).to_contain_text("Per un preventivo prema 1.")
    expect(page.locator("#state")).to_have_text("Nobody took the call")

    # It stands in the list as missed, and a notice on every page asks to ring back.
    page.goto(f"{company}/calls")
    reload_until(page, lambda: page.locator("tr.lost").count() > 0, "the missed call in the list")
    waits = re.compile("waits? to be rung back")
    reload_until(page, lambda: page.get_by_text(waits).count() > 0, "the notice of the missed call")
    page.goto(f"{company}/settings/locations")
    expect(page.locator("main")).to_contain_text("answered by the call flow Office of the journey")
    assert problems == []
