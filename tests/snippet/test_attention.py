"""What tells that somebody looks at a number: visible time, copies, taps, and pages that come and go."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.conftest import BROWSER_ARGUMENTS, find_chromium
from tests.snippet.conftest import TELLS_SHIFTS, Noise
from tests.snippet.edge_double import ANSWERED, ROME, Site

SHOWN = "window.calltrack && calltrack.numbers().length"
BODY = "<p id=n>06 6994 0001</p>"
SEEN = """state => { Object.defineProperty(document, 'hidden', {value: state == 'hidden',
        configurable: true});
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true })); }"""


def opened(page: Page, site: Site, body: str = BODY, path: str = "/") -> None:
    page.goto(site.put(body, path))
    page.wait_for_function(ANSWERED)


def test_the_time_a_page_was_visible_is_told_when_it_is_left(page: Page, site: Site) -> None:
    opened(page, site)
    page.wait_for_timeout(100)
    page.evaluate(SEEN, "hidden")
    (first,) = site.wait_for("beat")
    page.wait_for_timeout(300)
    page.evaluate(SEEN, "visible")
    back = site.wait_for("beat", 2)[1]
    page.evaluate(SEEN, "hidden")
    again = site.wait_for("beat", 3)[2]
    assert 100 <= first.body["d"] < 9000
    assert back.body["d"] < 250  # the time in the background is not the visitor's
    assert (back.body["s"], again.body["s"]) == ("visit-1", "visit-1")
    assert [beat.body["g"] for beat in (first, back, again)] == [True, False, True], "gone, back, gone"


def test_a_page_that_is_left_says_so_with_its_last_breath(page: Page, site: Site) -> None:
    opened(page, site)
    page.goto(site.put("<p>Altro</p>", "/due", tag=""))
    assert site.wait_for("beat")[0].body["u"] == site.url("/")


def test_a_copied_number_is_told_and_other_copies_are_not(page: Page, site: Site) -> None:
    opened(page, site, "<p id=n>06 6994 0001</p><p id=m>IBAN IT60 0542 8111 0100 0000</p>")
    select = "id => { getSelection().selectAllChildren(document.getElementById(id));"
    copy = select + " document.execCommand('copy'); }"
    page.evaluate(copy, "m")
    page.evaluate(copy, "n")
    (told,) = site.wait_for("tap")
    assert (told.body["n"], told.body["w"], told.body["s"]) == (ROME["nn"], "copy", "visit-1")


def test_a_message_link_is_a_tap(page: Page, site: Site) -> None:
    opened(page, site, "<a href='sms:0669940001' onclick='event.preventDefault()'>scrivi</a>")
    page.click("a")
    assert site.wait_for("tap")[0].body["n"] == ROME["nn"]


def test_a_tab_seen_again_shows_what_another_tab_was_given(page: Page, site: Site) -> None:
    opened(page, site)
    twin = page.context.new_page()
    site.numbers = [{**ROME, "n": "390687659999", "nn": "0687659999"}]
    opened(twin, site)
    assert site.to("visit")[1].body["s"] == "visit-1"
    page.evaluate(SEEN, "hidden")
    page.evaluate(SEEN, "visible")
    assert page.text_content("#n") == "06 8765 9999"


@pytest.fixture
def cached(browser: Browser, noise: Noise) -> Iterator[Page]:
    """A page of a browser that keeps pages it left, as visitors' browsers do (test browsers do not)."""
    patient = browser.browser_type.launch(
        executable_path=find_chromium(whole=True),
        args=BROWSER_ARGUMENTS,
        ignore_default_args=["--disable-back-forward-cache"],
    )
    page = patient.new_page()
    page.add_init_script(TELLS_SHIFTS)
    page.on("console", noise.said)
    page.on("pageerror", lambda error: noise.errors.append(str(error)))
    yield page
    patient.close()
    assert (noise.errors, noise.shifts) == ([], [])


def test_back_from_the_cache_and_out_of_a_prerender(cached: Page, site: Site) -> None:
    page = cached
    opened(page, site)
    page.evaluate("window.kept = true")
    site.numbers = [{**ROME, "n": "390687659999", "nn": "0687659999"}]
    opened(page, site, BODY, "/due")
    page.evaluate("history.back()")
    page.wait_for_function("window.kept && document.querySelector('#n').textContent == '06 8765 9999'")
    assert len(site.to("visit")) == 2
    # A page drawn ahead takes no number until somebody sees it.
    site.put(BODY, "/tre")
    rules = '{"prerender": [{"urls": ["/tre"], "eagerness": "immediate"}]}'
    body = f"{BODY}<script type=speculationrules>{rules}</script><a id=next href=/tre>tre</a>"
    opened(page, site, body, "/quattro")
    site.wait_for_page("/tre")
    page.wait_for_timeout(300)
    assert [asked.body["u"] for asked in site.to("visit")][2:] == [site.url("/quattro")]
    page.click("#next")
    page.wait_for_function("location.pathname == '/tre' && " + SHOWN)
    assert site.to("visit")[-1].body["u"] == site.url("/tre")
