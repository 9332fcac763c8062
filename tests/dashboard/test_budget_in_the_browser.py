"""One screen says what to cut, what to raise, how sure that is and why; it is tried and applied there."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from calltrack.accounts import sessions
from calltrack.accounts.rules import Role
from tests.accounts.people import make_user
from tests.budgets.world import World, running
from tests.dashboard.browser import make_app

LIGHT = {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}}
DARK = {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def world(services) -> Iterator[World]:  # type: ignore[no-untyped-def]  # a fixture of ours
    with running(services) as made:
        yield made


@pytest.fixture(scope="module")
def origin(world: World) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, make_app(world.services), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def opened(browser: Browser, world: World, origin: str, role: Role, look: object, **more: object) -> Page:
    """Open the page as somebody who signed in a moment ago."""
    person = make_user(world.services, world.company, role)
    with world.services.db.shared() as session:
        token = sessions.start(session, person.id, "", world.services.clock())
    context = browser.new_context(**(look | more))  # type: ignore[operator]  # plain options
    context.add_cookies([{"name": "calltrack_session", "value": token, "url": origin}])
    page = context.new_page()
    page.goto(f"{origin}/app/{world.company.id.hex}/budget")
    return page


def test_a_marketer_sees_tries_applies_and_undoes(
    browser: Browser, world: World, origin: str, tmp_path: Path
) -> None:
    world.set({"8001": 100, "8002": 100, "8003": 100})
    page = opened(browser, world, origin, "manager", LIGHT)
    problems: list[str] = []
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    headline = page.locator("#advice")
    expect(headline.locator("h2")).to_contain_text("cut preventivo")
    expect(headline.locator("h2")).to_contain_text("raise")
    expect(headline).to_contain_text("Probability that it is a gain")
    expect(headline).to_contain_text("Correlational.")
    rows = page.locator("#campaigns tbody tr")
    expect(rows.filter(has_text="roma")).to_contain_text("Raise by")
    expect(rows.filter(has_text="preventivo")).to_contain_text("Cut by")
    expect(page.locator("#why")).to_contain_text("its last unit of spend brings about")
    slider = page.get_by_role("slider", name="roma, a week")
    slider.focus()
    for _ in range(3):
        slider.press("ArrowRight")
    expect(page.locator("#try-answer[data-round]")).to_contain_text("More than today")
    page.screenshot(path=tmp_path / "light.png", full_page=True)
    page.get_by_role("button", name="Check at Google Ads").click()
    expect(page.locator("main")).to_contain_text("Waits for Google")
    assert world.work() == 1
    expect(page.locator("main")).to_contain_text("Waits for you")
    expect(page.locator("main")).to_contain_text("raised by")
    assert world.amounts()["8001"] == 100
    page.get_by_role("button", name="Change the budgets").click()
    expect(page.locator("main")).to_contain_text("Google has changed the budgets.")
    assert world.amounts()["8003"] < 100 < world.amounts()["8001"]
    page.get_by_role("button", name="Undo this change").click()
    expect(page.locator("main")).to_contain_text("Waits for Google")
    assert world.work() == 1
    page.get_by_role("button", name="Change the budgets").click()
    expect(page.locator("main")).to_contain_text("Done")
    assert set(world.amounts().values()) == {100}
    assert problems == []
    page.context.close()


def test_on_a_phone_in_the_dark_without_script_and_without_the_right_to_change(
    browser: Browser, world: World, origin: str, tmp_path: Path
) -> None:
    page = opened(browser, world, origin, "viewer", DARK, java_script_enabled=False)
    page.screenshot(path=tmp_path / "dark.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.get_by_role("button", name="Check at Google Ads").count() == 0
    expect(page.locator("#apply")).to_contain_text("Only a manager or an owner can change budgets.")
    page.get_by_label("roma", exact=True).fill("900")
    page.get_by_role("button", name="Work it out").click()
    expect(page.locator("#try-answer")).to_contain_text("A week costs")
    expect(page.get_by_label("roma", exact=True)).to_have_value("900")
    page.context.close()
