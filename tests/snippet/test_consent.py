"""Who may be remembered: Google consent mode, TCF; and sites that tell sources apart only."""

import threading
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.snippet.edge_double import Answer, Asked, Site

BODY = "<p id=n>06 6994 0001</p>"
SHOWN = "document.querySelector('#n').textContent == '06 8765 0001'"
OWN = "document.querySelector('#n').textContent == '06 6994 0001'"


def stored(page: Page, context: BrowserContext) -> list[Any]:
    return [page.evaluate("[localStorage.length, sessionStorage.length]"), context.cookies()]


NOTHING: list[Any] = [[0, 0], []]
GTAG = """window.dataLayer = window.dataLayer || [];
    window.gtag = function () { dataLayer.push(arguments); };
    gtag("consent", "default", { ad_storage: "denied", analytics_storage: "denied", wait_for_update: 500 });
    gtag("js", new Date()); dataLayer.push({ event: "gtm.js" });"""


def test_google_consent_mode_is_heeded(page: Page, site: Site, context: BrowserContext) -> None:
    page.add_init_script(GTAG)
    page.goto(site.put(BODY) + "?gclid=g1")
    page.wait_for_function("!!window.calltrack?.numbers")
    page.wait_for_timeout(150)
    assert (site.asked, stored(page, context)) == ([], NOTHING)
    page.evaluate("gtag('consent', 'update', { analytics_storage: 'granted' })")
    page.wait_for_function(SHOWN)
    assert site.to("visit")[0].body["q"] == {"ad": False, "measure": True}
    page.evaluate("gtag('consent', 'update', { ad_storage: 'granted' })")
    asked = site.wait_for("visit", 2)[1].body
    assert (asked["q"], asked["l"]) == ({"ad": True, "measure": True}, ["?gclid=g1"])
    # The next page begins with the same refusal by default: it withdraws nothing.
    page.goto(site.url("/"))
    page.wait_for_function(SHOWN)
    assert site.wait_for("visit", 3)[2].body["s"] == "visit-1"
    page.evaluate("gtag('consent', 'update', { analytics_storage: 'denied' })")
    page.wait_for_function(OWN)
    assert stored(page, context) == NOTHING
    assert page.evaluate("dataLayer.length") > 2


TCF = """window.tell = [];
    window.__tcfapi = (what, version, callback) => {
        if (what == "addEventListener" && version == 2) tell.push(callback); };
    window.say = (status, consents, applies) => tell.forEach(each =>
        each({ eventStatus: status, gdprApplies: applies, purpose: { consents } }, true));"""


def test_the_answer_of_a_tcf_banner_is_heeded(page: Page, site: Site, context: BrowserContext) -> None:
    page.add_init_script(TCF)
    page.goto(site.put(BODY, tag=site.tag("data-consent=required")) + "?gclid=g1")
    page.wait_for_function("window.tell.length == 1")
    page.evaluate("say('cmpuishown', { 1: true, 7: true, 8: true })")
    page.wait_for_timeout(100)
    assert (site.asked, stored(page, context)) == ([], NOTHING)
    page.evaluate("say('useractioncomplete', { 1: true, 7: false, 8: true })")
    page.wait_for_function(SHOWN)
    assert site.to("visit")[0].body["q"] == {"ad": False, "measure": True}
    page.evaluate("say('useractioncomplete', { 1: true, 7: true, 8: true })")
    assert site.wait_for("visit", 2)[1].body["q"] == {"ad": True, "measure": True}
    page.evaluate("say('useractioncomplete', { 7: true, 8: true })")
    page.wait_for_function(OWN)
    assert stored(page, context) == NOTHING


@pytest.mark.parametrize("mode", ["required", "source"])
def test_a_withdrawal_waits_for_no_answer(page: Page, site: Site, mode: str) -> None:
    measured, all_ = {"ad": False, "measure": True}, {"ad": True, "measure": True}
    may_answer = threading.Event()

    def hesitate(asked: Asked) -> Answer | None:
        if asked.body.get("q") == all_:
            may_answer.wait(15)
        return None

    site.unwell = hesitate
    page.goto(site.put(BODY, tag=site.tag(f"data-consent={mode}")))
    page.wait_for_function("!!window.calltrack?.numbers")
    page.evaluate("calltrack.consent", measured)
    page.wait_for_function("localStorage.calltrack?.includes('visit-1')")
    before = len(site.to("visit"))
    page.evaluate("calltrack.consent", all_)
    site.wait_for("visit", before + 1)
    # In one breath: who leaves the page now leaves nothing behind.
    left = page.evaluate(f"[calltrack.consent(false), localStorage.length, document.cookie, {OWN}]")
    assert left[1:] == [0, "", True]
    may_answer.set()
    # Who agrees again later is somebody new: the answer that came too late was not taken.
    page.evaluate("calltrack.consent", measured)
    page.wait_for_function("localStorage.calltrack?.includes('visit-1')")
    again = next(asked.body for asked in site.to("visit")[before + 1 :] if asked.body["q"] == measured)
    assert [again.get("v"), again.get("s")] in ([None, None], ["", ""])


def test_a_withdrawal_in_one_tab_holds_in_every_other(
    page: Page, site: Site, context: BrowserContext
) -> None:
    site.heartbeat = 0.1
    may_answer = threading.Event()
    url = site.put(BODY, tag=site.tag("data-consent=required"))
    page.goto(url)
    page.wait_for_function("!!window.calltrack?.numbers")
    page.evaluate("calltrack.consent(true)")
    page.wait_for_function("localStorage.calltrack?.includes('visit-1')")
    twin, waiting = context.new_page(), context.new_page()
    twin.goto(url)
    twin.wait_for_function(SHOWN)
    # A page that empties its own store withdraws nothing: the cookie is still there.
    twin.evaluate("localStorage.clear()")
    twin.mouse.move(5, 5)
    twin.wait_for_function("localStorage.calltrack?.includes('visit-1')")
    waiting.goto(url)
    waiting.wait_for_function("localStorage.calltrack && " + SHOWN)

    def hesitate(asked: Asked) -> Answer | None:
        if asked.path == "/v1/visit":
            may_answer.wait(15)
        return None

    site.unwell = hesitate
    before = len(site.to("visit"))
    waiting.evaluate("history.pushState({}, '', '/due'); document.body.append('x')")
    site.wait_for("visit", before + 1)
    page.evaluate("calltrack.consent(false)")
    twin.mouse.move(9, 9)
    twin.wait_for_function(OWN)
    may_answer.set()
    waiting.wait_for_function(OWN)
    assert stored(twin, context) == NOTHING
    told = [asked.body for asked in site.to("beat") if "q" in asked.body]
    twin.mouse.move(5, 5)
    twin.wait_for_timeout(250)
    assert len(site.to("visit")) == before + 1
    assert {(body["v"], body["q"]["measure"]) for body in told} == {("visitor-1", False)}
    assert "q" in site.to("beat")[-1].body, "nothing after the refusal"


def test_where_the_law_of_consent_does_not_apply_tcf_says_so(page: Page, site: Site) -> None:
    page.add_init_script(TCF)
    page.goto(site.put(BODY, tag=site.tag("data-consent=required")))
    page.wait_for_function("window.tell.length == 1")
    page.evaluate("say('tcloaded', undefined, false)")
    page.wait_for_function(SHOWN)


def test_sources_are_told_apart_without_remembering_anybody(
    page: Page, site: Site, context: BrowserContext
) -> None:
    site.heartbeat = 0.05
    page.goto(
        site.put(BODY, tag=site.tag("data-consent=source")) + "?gclid=secret&utm_source=google&x=1",
        referer="https://www.google.com/",
    )
    page.wait_for_function(SHOWN)
    body = site.to("visit")[0].body
    assert body["q"] == {}
    assert (body["l"], body["c"]) == (["?gclid=1", "&utm_source=google"], False)
    assert body["u"] == site.url("/")
    assert not {"v", "s"} & set(body)
    page.mouse.move(5, 5)
    page.wait_for_timeout(150)
    assert len(site.asked) == 1  # no heartbeat: there is no visit
    assert stored(page, context) == NOTHING
    page.evaluate("calltrack.consent(true)")
    upgraded = site.wait_for("visit", 2)[1].body
    assert (upgraded["l"], upgraded["q"]) == (
        ["?gclid=secret", "&utm_source=google"],
        {"ad": True, "measure": True},
    )
    page.wait_for_function("localStorage.calltrack.includes('visit-1')")
    page.evaluate("calltrack.consent(false)")
    assert site.wait_for("visit", 3)[2].body["q"] == {}
    page.wait_for_function(SHOWN)
    assert stored(page, context) == NOTHING
