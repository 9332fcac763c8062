import json
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page

from calltrack.snippet import script
from tests.snippet.conftest import Noise
from tests.snippet.edge_double import ROME, Answer, Asked, Site

BODY = "<p id=n>06 6994 0001</p><a href='tel:+390669940001'>chiama</a>"
SHOWN = "window.ct && ct.numbers().length"


def assert_untouched(page: Page) -> None:
    assert page.text_content("#n") == "06 6994 0001"
    assert page.get_attribute("a", "href") == "tel:+390669940001"


def answer(status: int, body: bytes) -> Callable[[Asked], Answer]:
    return lambda _asked: (status, body)


def with_numbers(*pairs: object) -> bytes:
    return json.dumps({"v": "v", "s": "s", "h": 60, "n": pairs}).encode()


UNWELL = {
    "500": answer(500, b"oops"),
    "403": answer(403, b'{"error": "unknown site"}'),
    "429": answer(429, b""),
    "no JSON": answer(200, b"<html>captive portal</html>"),
    "nothing": answer(200, b""),
    "null": answer(200, b"null"),
    "a number": answer(200, b"7"),
    "a list": answer(200, b"[1, 2]"),
    "no list": answer(200, b'{"v": "v", "s": "s", "n": {"t": 1}}'),
    "nulls in the list": answer(200, with_numbers(None, 5)),
    "empty pairs": answer(200, with_numbers({}, {"t": ROME["t"]})),
    "no digits": answer(200, with_numbers({**ROME, "n": "<img src=x>", "nn": "(?:"})),
    "a short number": answer(200, with_numbers({**ROME, "n": "112", "nn": "112"})),
}


@pytest.mark.parametrize("unwell", UNWELL.values(), ids=UNWELL.keys())
def test_an_unwell_service_changes_nothing(page: Page, site: Site, unwell: Callable[[Asked], Answer]) -> None:
    site.unwell = unwell
    page.goto(site.put(BODY))
    site.wait_for("visit")
    page.wait_for_timeout(60)
    assert_untouched(page)
    page.evaluate("document.body.append('tardi 06 6994 0001')")
    page.mouse.move(5, 5)
    page.wait_for_timeout(260)
    assert_untouched(page)
    assert len(site.asked) == 1


def test_a_slow_service_is_waited_for_800_ms(page: Page, site: Site) -> None:
    site.delay, site.is_patient = 15, False
    page.add_init_script("""window.limits = []; const real = AbortSignal.timeout;
        AbortSignal.timeout = limit => { limits.push(limit); return real.call(AbortSignal, limit); };""")
    page.goto(site.put(BODY))
    failed = page.wait_for_event("requestfailed", lambda request: "/v1/visit" in request.url)
    assert page.evaluate("limits") == [800]
    assert "ABORTED" in (failed.failure or "")
    page.wait_for_timeout(300)
    assert_untouched(page)
    assert len(site.asked) == 1


def test_a_dead_service_changes_nothing(page: Page, site: Site, context: BrowserContext) -> None:
    dead = site.tag().replace(str(site.edge_port), "9")  # the discard port: nobody listens
    context.route("**/ct.js", lambda route: route.fulfill(body=script(), content_type="text/javascript"))
    with page.expect_event("requestfailed", lambda request: "/v1/visit" in request.url):
        page.goto(site.put(BODY, tag=dead))
    page.wait_for_timeout(100)
    assert_untouched(page)


def test_offline_changes_nothing(page: Page, site: Site, context: BrowserContext) -> None:
    page.goto(site.put(BODY))
    page.wait_for_function(SHOWN)
    context.set_offline(True)
    page.evaluate("history.pushState({}, '', '/altro')")
    page.wait_for_timeout(400)
    assert page.text_content("#n") == "06 8765 0001"
    assert len(site.to("visit")) == 1


def test_a_policy_that_forbids_the_service_changes_nothing(page: Page, site: Site) -> None:
    policy = {"Content-Security-Policy": f"default-src 'self'; script-src {site.edge}"}
    page.goto(site.put(BODY, **policy))
    page.wait_for_function("window.ct && ct.numbers")
    page.wait_for_timeout(300)
    assert_untouched(page)
    assert site.to("visit") == []


def test_a_policy_that_forbids_the_script_changes_nothing(page: Page, site: Site, noise: Noise) -> None:
    page.goto(site.put(BODY, **{"Content-Security-Policy": "default-src 'self'"}))
    page.wait_for_timeout(100)
    assert_untouched(page)
    noise.errors.clear()  # the browser itself says that it did not load a script


def test_it_works_under_trusted_types_and_a_strict_policy(page: Page, site: Site) -> None:
    policy = (
        f"default-src 'none'; script-src {site.edge}; connect-src {site.edge}; base-uri 'none'; "
        "object-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    page.goto(site.put(BODY, **{"Content-Security-Policy": policy}))
    page.wait_for_selector("text=06 8765 0001")
    assert page.get_attribute("a", "href") == "tel:+390687650001"


def test_two_tags_are_one(page: Page, site: Site) -> None:
    page.goto(site.put(BODY, tag=site.tag() + site.tag()))
    page.wait_for_function(SHOWN)
    page.wait_for_timeout(200)
    assert len(site.asked) == 1


def test_a_page_opened_in_the_background_takes_no_number_until_it_is_seen(page: Page, site: Site) -> None:
    page.add_init_script("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.goto(site.put(BODY))
    page.wait_for_timeout(300)
    assert site.asked == []
    page.evaluate("""() => {
        Object.defineProperty(document, 'hidden', {value: false});
        document.dispatchEvent(new Event('visibilitychange'));
    }""")
    page.wait_for_selector("text=06 8765 0001")
    assert len(site.asked) == 1


def test_nothing_is_left_in_the_global_scope_but_ct(page: Page, site: Site) -> None:
    page.goto(site.put(BODY, tag=""))
    before = set(page.evaluate("Object.getOwnPropertyNames(window)"))
    page.goto(site.put(BODY))
    page.wait_for_function(SHOWN)
    assert set(page.evaluate("Object.getOwnPropertyNames(window)")) - before == {"calltrack", "ct"}
    assert page.evaluate("Object.keys(calltrack).sort()") == ["consent", "numbers", "push", "swap"]


def test_the_request_needs_no_preflight_and_carries_no_credentials(page: Page, site: Site) -> None:
    page.goto(site.put(BODY))
    (asked,) = site.wait_for("visit")
    assert asked.headers["content-type"].startswith("text/plain")
    assert "cookie" not in asked.headers
    assert [each.path for each in site.asked] == ["/v1/visit"]
    assert set(asked.body) == {"k", "u", "r", "t", "l", "c", "p"}


def test_a_page_that_breaks_the_browsers_own_functions_is_left_alone(page: Page, site: Site) -> None:
    page.add_init_script("""
        const no = { get() { throw new DOMException('no', 'SecurityError'); } };
        Object.defineProperty(window, 'localStorage', no);
        Object.freeze(history);
    """)
    page.goto(site.put(BODY))
    page.wait_for_selector("text=06 8765 0001")
    page.evaluate("history.pushState({}, '', '/altro')")


def test_a_page_without_a_fetch_is_left_alone(page: Page, site: Site) -> None:
    page.add_init_script("delete window.fetch; window.fetch = undefined")
    page.goto(site.put(BODY))
    page.wait_for_timeout(150)
    assert_untouched(page)


def test_a_big_page_is_read_in_no_time(page: Page, site: Site) -> None:
    rows = "<tr><td>Codice <b>12-34</b><td>12.05.2024<td>€ 1.250,00<td><a href='/a'>Dettagli</a></tr>" * 3000
    page.goto(site.put(f"<p id=n>06 6994 0001</p><table>{rows}</table>"))
    page.wait_for_function(SHOWN)
    # What the page's own thread computes, however often others come between.
    browser = page.context.new_cdp_session(page)
    browser.send("Performance.enable", {"timeDomain": "threadTicks"})

    def used() -> float:
        told = browser.send("Performance.getMetrics")["metrics"]
        return float(next(each["value"] for each in told if each["name"] == "ThreadTime"))

    before = used()
    page.evaluate("for (let i = 0; i < 4; i++) ct.swap(document.body)")
    assert 0 < (used() - before) / 4 < 0.25
