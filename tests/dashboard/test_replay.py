"""In a real browser: a marketer sees why a call did not arrive, mends it, and watches it arrive."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select, update
from werkzeug.serving import make_server

from calltrack.accounts.model import AuditEntry
from calltrack.conversions.model import Conversion
from calltrack.delivery import accounts, notices, tallies
from calltrack.delivery.model import Delivery
from calltrack.wiring import Services
from tests.accounts.people import PASSWORD, make_user
from tests.builders import Company
from tests.dashboard.browser import Browser as Quiet
from tests.dashboard.rows import Maker
from tests.delivery.world import World
from tests.plain import PLAIN
from tests.sandbox.platforms.serving import serving


@pytest.fixture
def world(services: Services, company: Company) -> Iterator[World]:
    with serving() as origin:
        made = World(services, company, origin)
        yield made
        made.door.close()


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def tab(browser: Browser, address: str, world: World) -> Iterator[Page]:
    person = make_user(world.services, world.company)
    context = browser.new_context(base_url=address)
    context.set_default_timeout(8_000)
    page = context.new_page()
    page.goto("/login")
    page.fill("input[name=email]", person.email)
    page.fill("input[name=password]", PASSWORD)
    page.click("form button.primary")
    page.wait_for_url("**/app/**")
    yield page
    context.close()


def call_of(world: World) -> str:
    with world.services.db.tenant(world.company.id) as session:
        row = session.get_one(Conversion, (world.company.id, world.rows()[0].conversion_id))
    return f"/app/{world.company.id.hex}/calls/{row.call_id.hex}"


def test_a_refused_purchase_is_understood_sent_again_and_seen_to_arrive(tab: Page, world: World) -> None:
    google = world.google(hold_after_click_hours=0)
    world.conversions()
    world.faults("reason:EVENT_TIME_INVALID")
    world.deliver(google)
    tab.goto(call_of(world))
    sent = tab.locator("#sent")
    expect(sent).to_contain_text("google_data_manager refused the purchase of €")
    expect(sent).to_contain_text("Next:")
    tab.on("dialog", lambda dialog: dialog.accept())
    sent.get_by_role("button", name="Send it again").click()
    expect(tab.locator(".flash")).to_contain_text("1 delivery is sent again now")
    expect(sent).to_contain_text("On its way to google_data_manager")
    world.deliver(google)
    world.later(seconds=1)
    world.poll(google)
    expect(sent).to_contain_text("reached google_data_manager today at", timeout=15_000)
    assert [effect["values"] for effect in world.effects()] == [[850.0]]


def test_all_failed_of_a_filter_go_again_once_the_effect_was_confirmed(tab: Page, world: World) -> None:
    google = world.google(hold_after_click_hours=0)
    world.conversions(3)
    with world.services.db.tenant(world.company.id) as session:
        refused = {"state": "rejected", "due_at": None, "settled_at": world.now(), "last_class": "ROW"}
        session.execute(update(Delivery).values(**refused))
    home = f"/app/{world.company.id.hex}"
    tab.goto(f"{home}/deliveries?state=failed")
    expect(tab.locator(".tally-total")).to_have_text("3 deliveries =")
    chosen = tab.get_by_role("button", name="Send the chosen again")
    expect(chosen).to_be_disabled()
    tab.locator('input[name="id"]').first.check()
    expect(chosen).to_have_text("Send the chosen again (1)")
    chosen.click()
    expect(tab.locator("h1")).to_have_text("Send 1 delivery again?")
    tab.get_by_role("link", name="Leave them").click()
    tab.locator('input[name="id"]').first.check()
    tab.get_by_role("button", name="Send all failed of this filter again").click()
    expect(tab.locator("h1")).to_have_text("Send 3 deliveries again?")
    assert world.states() == ["rejected"] * 3
    tab.get_by_role("button", name="Send again").click()
    expect(tab.locator(".flash")).to_contain_text("3 deliveries are sent again now")
    assert world.states() == ["pending"] * 3
    world.deliver(google)
    world.later(seconds=1)
    world.poll(google)
    assert len(world.effects()) == 3
    with world.services.db.tenant(world.company.id) as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "delivery.replayed")).all()
    assert [entry.detail["count"] for entry in noted] == [3]


def test_a_paused_destination_is_on_every_page_until_it_runs(tab: Page, world: World) -> None:
    google = world.google(hold_after_click_hours=0)
    world.conversions()
    world.faults("reason:NOT_ALLOWLISTED")
    world.deliver(google)
    notices.review(world.services, world.company.id)
    home = f"/app/{world.company.id.hex}"
    for path in ("/", "/calls", "/destinations"):
        tab.goto(f"{home}{path}")
        expect(tab.locator(".notice.action")).to_contain_text("is paused, so nothing is sent there")
    tab.goto(call_of(world))
    tab.get_by_role("button", name="Let google_data_manager run").click()
    expect(tab).to_have_url(f"{tab.url.partition('#')[0].split('/app/')[0]}{call_of(world)}#sent")
    notices.review(world.services, world.company.id)
    tab.goto(f"{home}/")
    expect(tab.locator(".notice")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_of_deliveries_is_wider_than_a_telephone(
    browser: Browser, address: str, services: Services, company: Company, theme: Any
) -> None:
    made = Maker(services, company).fill(30, 20)
    person = make_user(services, company)
    context = browser.new_context(
        base_url=address, viewport={"width": 390, "height": 800}, color_scheme=theme
    )
    page = context.new_page()
    page.goto("/login")
    page.fill("input[name=email]", person.email)
    page.fill("input[name=password]", PASSWORD)
    page.click("form button.primary")
    page.wait_for_url("**/app/**")
    home = f"/app/{company.id.hex}"
    for path in (
        "/deliveries?period=all", "/deliveries?state=failed", f"/deliveries/{made.deliveries[0].hex}",
        "/destinations", f"/destinations/{made.destinations[0].hex}", "/notices",
        f"/calls/{made.calls[3].hex}",
    ):  # fmt: skip
        answer = page.goto(home + path)
        assert answer is not None
        assert answer.status == 200, path
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    context.close()


def test_the_ledger_shows_what_a_platform_has_fewer_of(app: Flask, world: World) -> None:
    google = world.google(hold_after_click_hours=0)
    world.conversions(9)
    world.deliver(google)
    world.later(seconds=1)
    world.poll(google)
    browser = Quiet(app)
    browser.enter(make_user(world.services, world.company, "viewer"))
    home = f"/app/{world.company.id.hex}"
    assert "Counted by the platforms" not in browser.get(f"{home}/deliveries").text
    world.later(days=1, hours=4 - world.now().hour)
    for fewer, said in ((0, "the same as here"), (2, "2</span> fewer"), (4, "4 missing there")):
        world.faults(modes={"counts_fewer": fewer})
        tallies.compare(world.services, world.company.id, google, courier=world.courier)
        page = browser.get(f"{home}/deliveries").text
        assert "Counted by the platforms themselves" in page
        assert said in page
    assert "4 missing there" in browser.get(f"{home}/destinations/{google.hex}").text


def test_the_export_of_a_page_streams_its_filter(app: Flask, world: World) -> None:
    google = world.google(hold_after_click_hours=0)
    world.conversions(2)
    world.deliver(google)
    person = make_user(world.services, world.company, "viewer")
    browser = Quiet(app)
    browser.enter(person)
    home = f"/app/{world.company.id.hex}"
    answer = browser.get(f"{home}/deliveries.csv?state=accepted")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=deliveries-")
    first, _, *rows = answer.text.splitlines()
    assert "state accepted" in first
    assert len(rows) == 2
    assert browser.get(f"{home}/deliveries.csv?state=lost").status_code == 400
    for wrong in ("?state=lost", "?destination=x", f"?text={'x' * 201}"):
        page = browser.get(f"{home}/deliveries{wrong}")
        assert (page.status_code, "problem" in page.text) == (400, True)


def test_a_delivery_page_shows_the_exact_request_without_secrets(app: Flask, world: World) -> None:
    webhook = world.webhook()
    world.conversions()
    world.deliver(webhook)
    (row,) = world.rows()
    browser = Quiet(app)
    browser.enter(make_user(world.services, world.company, "viewer"))
    text = browser.get(f"/app/{world.company.id.hex}/deliveries/{row.id.hex}").text
    assert f"POST {world.origin}" in text
    assert "webhook-signature: ***" in text
    assert row.payload_hash.hex() in text
    assert "whsec_" not in text
    assert json.loads(row.payload)["data"]["id"] in text
    assert PLAIN.get(world.origin + "/sandbox/platforms/effects").status_code == 200


def test_sending_again_says_beforehand_what_will_be_left(app: Flask, world: World) -> None:
    webhook, google = world.webhook(), world.google()
    world.conversions(3)
    with world.services.db.tenant(world.company.id) as session:
        session.execute(update(Delivery).values(state="rejected", settled_at=world.now(), due_at=None))
        one = session.scalars(select(Delivery.id).where(Delivery.destination_id == google)).first()
        session.execute(update(Delivery).where(Delivery.id == one).values(is_demo=True))
        accounts.pause(session, world.company.id, webhook, "Paused by Anna.", world.now(), by="anna")
    browser = Quiet(app)
    browser.enter(make_user(world.services, world.company, "manager"))
    path = f"/app/{world.company.id.hex}/deliveries/replay"
    text = browser.post(path, all="yes", state="failed").text
    assert "Send 2 deliveries again?" in text
    assert "3 of these wait for a destination that is paused" in text
    assert "1 of these are demo data" in text
    nothing = browser.post(path, all="yes", state="failed", destination=webhook.hex).text
    assert "Nothing can be sent again now" in nothing
    assert ">Send again</button>" not in nothing
