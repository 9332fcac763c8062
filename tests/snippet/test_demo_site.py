import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from playwright.sync_api import Page
from werkzeug.serving import make_server

from calltrack.kernel.errors import BadInput
from calltrack.sandbox.demo_site import DemoSite, create_blueprint
from calltrack.sandbox.demo_site.branches import written
from tests.snippet.conftest import Noise
from tests.snippet.edge_double import MILAN, ROME, Site

PATHS = ["", "servizi", "preventivo", "roma", "milano", "contatti"]
# What is left of a page when the digits of its phone numbers alone are read.
SEEN = (
    "document.body.innerText + [...document.querySelectorAll('[href^=tel]')].map(a => ' ' + a.href).join('')"
)


@pytest.fixture(autouse=True)
def its_panel_grows(noise: Noise) -> None:
    """What the snippet did is written below the page while it happens."""
    noise.moves_itself = True


@dataclass
class Demo:
    """The demo site on a port of its own, with the edge double behind it."""

    address: str
    site: Site


@pytest.fixture
def demo(site: Site) -> Iterator[Demo]:
    app = Flask(__name__)
    app.register_blueprint(create_blueprint(lambda: DemoSite("demo-key", site.edge)))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield Demo(f"http://127.0.0.1:{server.server_port}/demo/", site)
    server.shutdown()
    server.server_close()


def test_no_business_number_is_left_on_any_page(page: Page, demo: Demo) -> None:
    for path in PATHS:
        page.goto(demo.address + path)
        page.wait_for_function("window.ct && ct.numbers().length == 2")
        page.evaluate("document.querySelectorAll('[data-ct-noswap]').forEach(each => each.remove())")
        digits = re.sub(r"[^\w+]", "", page.evaluate(SEEN))
        assert ROME["tn"] not in digits
        assert MILAN["tn"] not in digits
        assert ROME["nn"] in digits
        assert MILAN["nn"] in digits
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        structured = page.text_content("script[type='application/ld+json']") or ""
        assert "+" + ROME["t"] in structured


def test_the_panel_tells_what_the_snippet_did(page: Page, demo: Demo) -> None:
    page.goto(demo.address)
    ad = page.get_attribute("[data-fresh-click]", "href") or ""
    assert re.search(r"gclid=demo-\w{9,}&utm_source=google&utm_medium=cpc&utm_campaign=traslochi-roma", ad)
    page.goto(demo.address + "?gclid=demo-1&utm_source=google&utm_medium=cpc")
    page.wait_for_selector(".ct-panel summary >> text=+39 06 8765 0001")
    page.click(".ct-panel summary")
    panel = page.inner_text(".ct-panel")
    for told in ("+39 02 8088 0001", "+39 02 8765 0002", "visit-1", "google / cpc, gclid demo-1"):
        assert told in panel
    assert page.get_attribute(".ct-panel p a", "href") == "/sandbox/phone?to=%2B390687650001"


def test_a_phone_wide_screen_shows_everything(page: Page, demo: Demo) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for path in PATHS:
        page.goto(demo.address + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_pages_that_are_not_there() -> None:
    app = Flask(__name__)
    app.register_blueprint(create_blueprint(lambda: DemoSite("demo-key")))
    client = app.test_client()
    assert client.get("/demo/napoli").status_code == 404
    home = client.get("/demo/")
    assert 'src="/ct.js" data-site="demo-key"' in home.text
    assert "'unsafe-inline'" not in home.headers["Content-Security-Policy"]


@pytest.mark.parametrize("number", ["0669940001", "+49301234567", "+39 06 6994", "+3906"])
def test_a_number_the_pages_cannot_write_is_refused(number: str) -> None:
    with pytest.raises(BadInput):
        written(number)
