import json
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.snippet.edge_double import ANSWERED, ROME, Site

BODY = "<p id=n>06 6994 0001</p>"
SHOWN = "window.ct && ct.numbers().length"
CLICK_IDS = ["gclid", "gbraid", "wbraid", "fbclid", "msclkid", "ttclid", "li_fat_id", "dclid"]


def remembered(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.evaluate("localStorage.calltrack"))
    return found


def last(site: Site) -> dict[str, Any]:
    return site.to("visit")[-1].body


def touch(body: dict[str, Any]) -> dict[str, str]:
    """What the page tells of click ids and utm words, by name."""
    return dict(parse_qsl("&".join(word[1:] for word in body["l"])))


def opened(
    page: Page, site: Site, query: str = "", referer: str | None = None, path: str = "/"
) -> dict[str, Any]:
    count = len(site.to("visit"))
    page.goto(site.put(BODY, path) + query, referer=referer)
    site.wait_for("visit", count + 1)
    page.wait_for_function(ANSWERED)
    return last(site)


def test_click_ids_words_and_referrer_are_told_and_remembered(page: Page, site: Site) -> None:
    query = "?" + "&".join(f"{name}=Ab-{name}_9" for name in CLICK_IDS)
    query += (
        "&utm_source=google&utm_medium=cpc&utm_campaign=trasloco%20roma&utm_term=t&utm_content=c&x=1#prezzi"
    )
    words = {"source": "google", "medium": "cpc", "campaign": "trasloco roma", "term": "t", "content": "c"}
    told = {name: f"Ab-{name}_9" for name in CLICK_IDS} | {f"utm_{word}": words[word] for word in words}
    first = opened(page, site, query, referer="https://www.google.com/")
    assert (touch(first), first["r"]) == (told, "https://www.google.com/")
    assert (first["k"], first["u"]) == ("site-key", site.url("/" + query.removesuffix("#prezzi")))
    assert not {"v", "s"} & set(first)
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<a id=next href=/contatti>contatti</a>')")
    site.put(BODY, "/contatti")
    page.click("#next")
    second = site.wait_for("visit", 2)[1].body
    assert (second["v"], second["s"]) == ("visitor-1", "visit-1")
    assert touch(second) == told


def test_a_new_touch_replaces_the_old_one_as_a_whole(page: Page, site: Site) -> None:
    opened(page, site, "?gclid=first&utm_source=google")
    assert touch(opened(page, site, "?x=1")) == {"gclid": "first", "utm_source": "google"}
    newer = opened(page, site, "?utm_source=newsletter")
    assert touch(newer) == {"utm_source": "newsletter"}
    newest = opened(page, site, "?fbclid=second")
    assert touch(newest) == {"fbclid": "second"}


def test_click_ids_are_forgotten_after_90_days(page: Page, site: Site) -> None:
    opened(page, site, "?gclid=old&utm_source=google")
    page.evaluate(
        """days => { const s = JSON.parse(localStorage.calltrack); s.e -= days * 864e5; s.a += 1;
        localStorage.calltrack = JSON.stringify(s); }""",
        89,
    )
    assert touch(opened(page, site)) == {"gclid": "old", "utm_source": "google"}
    page.evaluate("""() => { const s = JSON.parse(localStorage.calltrack); s.e -= 2 * 864e5; s.a += 1;
        localStorage.calltrack = JSON.stringify(s); }""")
    assert touch(opened(page, site)) == {}


def test_ad_cookies_are_told(page: Page, site: Site, context: BrowserContext) -> None:
    cookies = {
        "_ga": "GA1.1.11.22",
        "_fbc": "fb.1.1.Xy",
        "_fbp": "fb.1.1.22",
        "_ga_AB12CD34EF": "GS2.1.s1747323152$o28$g1$t1747323200$j60$l0$h0",
        "_ga_STREAM2": "GS1.1.1747323153.1.0.1747323153.0.0.0",
        "_gat_UA-1": "1",
        "other": "_ga_OTHER",
        "_gcl_aw": "GCL.1712.Old.Click_1",
    }
    context.add_cookies(
        [{"name": name, "value": value, "url": site.url()} for name, value in cookies.items()]
    )
    del cookies["_gat_UA-1"], cookies["other"]
    assert sorted(opened(page, site)["c"]) == sorted(f"{name}={value}" for name, value in cookies.items())


def test_no_ad_cookie_is_told_after_a_refusal(page: Page, site: Site, context: BrowserContext) -> None:
    context.add_cookies(
        [
            {"name": name, "value": "GS1.1.1747323152.1", "url": site.url()}
            for name in ("_ga", "_ga_AB12CD34EF")
        ]
    )
    page.add_init_script("window.ct = { consent: { ad: false, measure: true } }")
    assert not opened(page, site)["c"]


def test_absurdly_long_values_are_not_passed_on(page: Page, site: Site) -> None:
    body = opened(page, site, f"?gclid={'x' * 600}&fbclid={'y' * 500}&utm_source={'z' * 3000}")
    assert touch(body) == {"fbclid": "y" * 500}
    assert len(json.dumps(body)) < 8192


@pytest.mark.parametrize("garbage", ["", "null", "[]", "{", '"x"', '{"a": "soon"}', "%%%"])
def test_garbage_in_the_stores_is_no_memory(
    page: Page, site: Site, context: BrowserContext, garbage: str
) -> None:
    context.add_cookies([{"name": "calltrack", "value": "%7Bbroken", "url": site.url()}])
    page.goto(site.put(BODY, tag=""))
    page.evaluate("text => { localStorage.calltrack = text; }", garbage)
    body = opened(page, site, "?gclid=g")
    assert ("v" in body, "s" in body, touch(body)) == (False, False, {"gclid": "g"})


def test_sub_domains_share_the_visitor_through_the_widest_cookie(
    page: Page, site: Site, context: BrowserContext
) -> None:
    site.put(BODY)
    page.goto(site.url("/?gclid=one", "www.traslochi.example.co.uk"))
    page.wait_for_function(SHOWN)
    (cookie,) = [each for each in context.cookies() if each.get("name") == "calltrack"]
    assert cookie["domain"] == ".example.co.uk"
    assert cookie["sameSite"] == "Lax"
    assert touch(json.loads(unquote(cookie["value"]))) == {"gclid": "one"}
    page.goto(site.url("/", "shop.traslochi.example.co.uk"))
    second = site.wait_for("visit", 2)[1].body
    assert (second["v"], second["s"], touch(second)) == ("visitor-1", "visit-1", {"gclid": "one"})
    assert {each["name"] for each in context.cookies()} == {"calltrack"}


def test_the_next_page_shows_the_number_without_waiting(page: Page, site: Site) -> None:
    opened(page, site)
    site.delay = 3
    page.goto(site.put(BODY, "/due"))
    page.wait_for_function("document.querySelector('#n').textContent == '06 8765 0001'")
    assert last(site)["p"] == ROME["tn"]


def test_numbers_of_a_lease_that_may_have_ended_are_not_shown_again(page: Page, site: Site) -> None:
    site.heartbeat = 0.01
    opened(page, site)
    site.unwell = lambda _asked: (500, b"")
    page.wait_for_timeout(50)
    page.goto(site.put(BODY, "/due"))
    site.wait_for("visit", 2)
    page.wait_for_timeout(100)
    assert page.text_content("#n") == "06 6994 0001"


def test_a_duplicated_tab_is_the_same_visit(page: Page, site: Site, context: BrowserContext) -> None:
    opened(page, site)
    twin = context.new_page()
    twin.goto(site.url("/"))
    assert site.wait_for("visit", 2)[1].body["s"] == "visit-1"


def silent(page: Page, site: Site, context: BrowserContext) -> bool:
    page.wait_for_timeout(300)
    stored = page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")
    return (stored, context.cookies(), site.asked) == ([0, 0, ""], [], [])


def test_without_consent_nothing_is_stored_and_nothing_is_sent(
    page: Page, site: Site, context: BrowserContext
) -> None:
    page.goto(site.put(BODY, tag=site.tag("data-consent=required")) + "?gclid=g1")
    page.wait_for_function("!!window.ct")
    assert silent(page, site, context)
    page.evaluate("ct.consent(false)")
    page.evaluate("ct.consent({ad: true, measure: false})")
    assert silent(page, site, context)
    assert page.text_content("#n") == "06 6994 0001"


def test_consent_upgrades_the_page_at_once_and_is_remembered(page: Page, site: Site) -> None:
    url = site.put(BODY, tag=site.tag("data-consent=required"))
    page.goto(url + "?gclid=g1")
    page.wait_for_function("!!window.ct")
    page.evaluate("ct.consent(true); ct.consent(true)")
    page.wait_for_selector("text=06 8765 0001")
    assert (touch(last(site)), last(site)["q"]) == ({"gclid": "g1"}, {"ad": True, "measure": True})
    page.goto(url)
    page.wait_for_function(SHOWN)
    page.evaluate("ct.consent(true)")
    page.wait_for_timeout(100)
    assert len(site.to("visit")) == 2


def test_an_answer_given_before_the_script_came_counts(page: Page, site: Site) -> None:
    page.add_init_script("window.ct = { consent: true }")
    page.goto(site.put(BODY, tag=site.tag("data-consent=required")))
    page.wait_for_selector("text=06 8765 0001")
    assert last(site)["q"] == {"ad": True, "measure": True}
    assert len(site.asked) == 1


def test_without_consent_to_ads_no_click_id_leaves_the_page(
    page: Page, site: Site, context: BrowserContext
) -> None:
    context.add_cookies([{"name": "_fbp", "value": "fb.1.1.22", "url": site.url()}])
    page.add_init_script("window.ct = { consent: { ad: false, measure: true } }")
    page.goto(site.put(BODY) + "?gclid=g1&utm_source=google")
    page.wait_for_selector("text=06 8765 0001")
    assert (last(site)["c"], touch(last(site))) == (False, {"gclid": "1", "utm_source": "google"})
    assert last(site)["u"] == site.url("/")
    assert last(site)["q"] == {"ad": False, "measure": True}
    assert "g1" not in page.evaluate("localStorage.calltrack")


def test_withdrawal_deletes_stops_and_shows_the_business_number(
    page: Page, site: Site, context: BrowserContext
) -> None:
    site.heartbeat = 0.1
    page.goto(site.put(BODY) + "?gclid=g1")
    page.wait_for_selector("text=06 8765 0001")
    page.evaluate("ct.consent(false)")
    assert page.text_content("#n") == "06 6994 0001"
    told = site.wait_for("beat")[0].body
    assert (told["s"], told["q"]) == ("visit-1", {"ad": False, "measure": False})
    site.asked.clear()
    page.mouse.move(9, 9)
    assert silent(page, site, context)
    page.evaluate("history.pushState({}, '', '/altro')")
    assert silent(page, site, context)


def test_after_withdrawal_of_ads_consent_the_click_is_forgotten(page: Page, site: Site) -> None:
    page.goto(site.put(BODY) + "?gclid=g1")
    page.wait_for_selector("text=06 8765 0001")
    page.evaluate("ct.consent({ ad: false, measure: true })")
    site.wait_for("visit", 2)
    page.wait_for_timeout(100)
    assert (last(site)["c"], touch(last(site))) == (False, {"gclid": "1"})
    assert "g1" not in page.evaluate("localStorage.calltrack")
    assert remembered(page)["s"] == "visit-1"
