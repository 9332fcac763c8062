"""The phone page in a real browser: dial, follow, read the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from calltrack.sandbox.phone import create_blueprint
from tests.sandbox.carrier.hooks import TOKEN, Hooks, running


@pytest.fixture(scope="module")
def hooks() -> Iterator[Hooks]:
    with running() as hooks:
        yield hooks


@pytest.fixture(scope="module")
def origin(hooks: Hooks) -> Iterator[str]:
    app = Flask(__name__)
    app.register_blueprint(create_blueprint(lambda: [hooks.number(label="Roma")], lambda _: TOKEN))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def page(origin: str, browser: Browser) -> Iterator[Page]:
    page = browser.new_page(base_url=origin)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    yield page
    page.close()
    assert faults == []


def test_a_call_is_dialled_and_followed(page: Page, hooks: Hooks) -> None:
    page.goto("/sandbox/phone?from=%2B393331234567")
    for key in "0687650001":
        page.click(f'[data-key="{key}"]')
    page.click(".segments label:has(input[value='0'])")
    page.click("#dial")
    expect(page.locator("#state")).to_have_text("They talked 3:00")
    expect(page.locator("#lines")).to_contain_text("The business hears Call from Google Ads")
    expect(page.locator("#lines .badge.good").first).to_have_text("200")
    expect(page.locator("#after")).to_be_visible()
    assert hooks.of("voice")[-1]["From"] == "+393331234567"


def test_the_form_is_what_is_played(page: Page, hooks: Hooks) -> None:
    page.goto("/sandbox/phone")
    page.click(".pick")
    page.check("#withheld")
    page.click(".choices label:has(input[value='busy'])")
    page.fill("#voicemail", "7")
    page.click(".segments label:has(input[value='0'])")
    page.click("#dial")
    expect(page.locator("#state")).to_have_text("A message was left")
    assert hooks.of("voice")[-1]["From"] == "anonymous"
    assert hooks.of("voicemail")[-1]["RecordingDuration"] == "7"


def test_a_number_of_nobody_is_told(page: Page) -> None:
    page.goto("/sandbox/phone?to=%2B390612345678")
    page.click("#dial")
    expect(page.locator("#state")).to_have_text("Not in service here")
    expect(page.locator("#after")).to_be_hidden()


def test_nothing_sticks_out_on_a_small_screen(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto("/sandbox/phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
