"""Every typical fault of an installation on a real page: our server reads it, a real browser opens it."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from playwright.sync_api import Page
from sqlalchemy import delete, select, update
from werkzeug.serving import make_server

from calltrack.accounts.model import Site as SiteRow
from calltrack.app import assemble
from calltrack.infra.http import HttpDoor
from calltrack.installation.inside import inside_script
from calltrack.installation.queries import check_of
from calltrack.installation.service import begin_check, hear_inside, open_checked, read_due
from calltrack.kernel.ids import new_id
from calltrack.numbers.model import SiteTarget, TrackingNumber
from calltrack.snippet import integrity_of, pinned_path, script
from calltrack.visits.model import InstallCheck
from calltrack.wiring import Services
from tests.builders import Company, make_company
from tests.snippet.conftest import Noise
from tests.snippet.edge_double import Site


@dataclass
class Bench:
    """A company, its pages, the real edge behind them, and a check from its beginning to its findings."""

    services: Services
    company: Company
    site: Site
    edge: str
    page: Page

    def tag(self, words: str = "", src: str = "", key: str = "") -> str:
        key = key or self.company.site_key
        return f'<script async src="{src or self.edge + "/ct.js"}" data-site="{key}" {words}></script>'

    def check(self, body: str, tag: str | None = None, policy: str = "", **how: Any) -> dict[str, str]:
        """Publish a page and check it; returns the findings, code to level."""
        headers = {"Content-Security-Policy": policy} if policy else {}
        return self.check_at(self.site.put(body, tag=self.tag() if tag is None else tag, **headers), **how)

    def check_at(self, url: str, *, opens: bool = True, then: str = "", hears: int = 0) -> dict[str, str]:
        """Check a page; `then` is waited for in it, and until the edge noted so many page views."""
        services, now = self.services, self.services.clock()
        with services.db.tenant(self.company.id) as session:
            id_ = begin_check(session, self.company.id, self.company.site_id, url, now)
        door = HttpDoor(allow_private=True)
        assert read_due(services, door, self.company.id) == 1
        door.close()
        if opens:
            with services.db.tenant(self.company.id) as session:
                check = session.get_one(InstallCheck, (self.company.id, id_))
                there = open_checked(session, services.vault, check, now)
            self.page.goto(there)
            if then:
                self.sees(then)
            until = time.monotonic() + 15
            # Numbers that the page remembers are shown before the service heard of it.
            while len(self._newest().seen) < max(hears, then == SHOWN):
                assert time.monotonic() < until, "no page view was noted"
                time.sleep(0.02)
        return self.findings(now + timedelta(seconds=25) if opens else now)

    def sees(self, expression: str) -> None:
        """Wait until it is true in the page; the page's policy may forbid what `wait_for_function` does."""
        until = time.monotonic() + 30
        while not self.page.evaluate(f"!!({expression})"):
            assert time.monotonic() < until, f"never true: {expression}"
            time.sleep(0.05)

    def _newest(self) -> InstallCheck:
        with self.services.db.tenant(self.company.id) as session:
            return session.scalars(select(InstallCheck).order_by(InstallCheck.id.desc()).limit(1)).one()

    def findings(self, now: datetime | None = None) -> dict[str, str]:
        with self.services.db.tenant(self.company.id) as session:
            newest = session.scalars(select(InstallCheck.id).order_by(InstallCheck.id.desc()).limit(1)).one()
            at = now or self.services.clock()
            row = check_of(session, self.company.id, newest, self.edge, at)
        assert all(one.title and one.why and (one.step or one.level == "good") for one in row.findings)
        return {one.code: one.level for one in reversed(row.findings)}  # of two the worse

    def inside(self) -> dict[str, str]:
        """Look from inside the page that is open; returns the findings."""
        to = self.site.put("<p>dashboard</p>", "/dashboard", tag="")
        with self.page.expect_navigation(url="**/dashboard#inside=*"):
            self.page.evaluate(inside_script(self.edge, to, [self.company.target]))
        told = json.loads(unquote(self.page.url.partition("#inside=")[2]))
        with self.services.db.tenant(self.company.id) as session:
            hear_inside(session, self.company.id, self.company.site_id, told, self.services.clock())
        return self.findings()

    @property
    def number(self) -> str:
        """The business number as Italians write it."""
        national = self.company.target.removeprefix("+39")
        return f"{national[:2]} {national[2:6]} {national[6:]}"


@pytest.fixture
def bench(services: Services, site: Site, page: Page, noise: Noise) -> Iterator[Bench]:
    company = make_company(services, numbers=3)
    with services.db.tenant(company.id) as session:
        session.scalars(select(SiteRow)).one().origins = [site.url("")]
    app = assemble(services, "edge")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    edge = f"http://127.0.0.1:{server.server_port}"
    # A page waits 800 ms and asks once: how fast a busy machine answers is not its business here.
    page.add_init_script(PATIENT)
    warm = {"k": company.site_key, "s": str(new_id()), "n": company.target}
    httpx.post(edge + "/v1/tap", json=warm, headers={"Origin": site.url("")}, timeout=30)
    settings = services.settings.model_copy(update={"public_base_url": edge})
    yield Bench(replace(services, settings=settings), company, site, edge, page)
    # The browser itself says what it did not load: that is what these pages are for.
    noise.errors.clear()
    server.shutdown()
    server.server_close()
    app.extensions["edge.connections"].close()


PATIENT = """const limit = AbortSignal.timeout;
    AbortSignal.timeout = (ms) => limit.call(AbortSignal, Math.max(ms, 30e3));"""
SHOWN = "window.ct && ct.numbers().length"
THERE = "window.ct && ct.numbers"


def test_a_page_as_it_should_be_has_no_fault(bench: Bench) -> None:
    before = bench.check(f"<p>{bench.number}</p>", opens=False)
    assert before == {}
    assert bench.check(f"<p>{bench.number}</p>", then=SHOWN) == {"replaced": "good"}


def test_1_the_tag_is_not_there_or_no_browser_runs_it(bench: Bench) -> None:
    body = f"<p>{bench.number}</p>"
    assert bench.check(body, "")["not_there"] == "fault"
    assert bench.check(body, f"<!-- {bench.tag()} -->")["not_there"] == "fault"
    assert bench.check(body, bench.tag().replace(" src=", " data-src="))["not_run"] == "fault"
    managed = "<script>/* googletagmanager.com/gtm.js */</script>"
    assert bench.check(body, managed, opens=False)["not_there"] == "notice"


def test_2_the_key_is_wrong_missing_or_another_sites(bench: Bench) -> None:
    body = f"<p>{bench.number}</p>"
    assert bench.check(body, bench.tag(key="nobodys-key-123"), hears=1)["wrong_key"] == "fault"
    tag = f'<script async src="{bench.edge}/ct.js"></script>'
    assert bench.check(body, tag, opens=False)["wrong_key"] == "fault"
    other = make_company(bench.services)
    with bench.services.db.tenant(other.id) as session:
        session.scalars(select(SiteRow)).one().origins = [bench.site.url("")]
    assert bench.check(body, bench.tag(key=other.site_key), hears=1)["wrong_key"] == "fault"


def test_3_the_address_is_not_registered(bench: Bench) -> None:
    bench.site.put(f"<p>{bench.number}</p>", tag=bench.tag())
    assert bench.check_at(bench.site.url("/", "localhost"), hears=1) == {"origin": "fault"}


def test_4_the_policy_forbids_the_script_or_the_question(bench: Bench) -> None:
    body = f"<p>{bench.number}</p>"
    for policy in ("default-src 'self'", f"script-src {bench.edge}; connect-src 'self'"):
        assert bench.check(body, policy=policy)["csp"] == "fault"
        assert bench.page.text_content("p") == bench.number
    meta = f'<meta http-equiv="Content-Security-Policy" content="script-src {bench.edge}/other/">'
    # Where the page writes it, in the body, browsers do not heed it: this is about what our server reads.
    assert bench.check(meta + body, opens=False)["csp"] == "fault"
    fine = f"default-src 'none'; script-src {bench.edge}; connect-src {bench.edge}"
    assert bench.check(body, policy=fine, then=SHOWN) == {"replaced": "good"}


def test_5_the_snippet_waits_for_consent_and_works_after_it(bench: Bench) -> None:
    body, tag = f"<p>{bench.number}</p>", bench.tag('data-consent="required"')
    assert bench.check(body, tag, opens=False)["consent"] == "notice"
    assert bench.check(body, tag, then=THERE) == {"consent": "fault"}
    assert bench.inside()["consent"] == "fault"
    bench.page.go_back()
    bench.page.wait_for_function(THERE)
    bench.page.evaluate("ct.consent(true)")
    bench.page.wait_for_function(SHOWN)
    assert bench.findings()["replaced"] == "good"
    held = f"<script>/* Cookiebot: consent.cookiebot */</script>{bench.tag('type=text/plain')}"
    assert bench.check(body, held, opens=False)["consent"] == "notice"


def test_6_the_number_is_not_on_the_page_or_in_a_picture(bench: Bench) -> None:
    assert bench.check("<p>Chiamateci</p>", then=THERE, hears=1)["not_found"] == "fault"
    digits = bench.company.target.removeprefix("+39")
    picture = f'<img src="/telefono-{digits}.png" alt="telefono">'
    assert bench.check(picture, then=THERE, hears=1)["in_picture"] == "fault"
    structured = f'<script type="application/ld+json">{{"telephone": "{bench.company.target}"}}</script>'
    assert bench.check(structured, then=THERE, hears=1)["not_found"] == "fault"


def test_7_the_number_is_written_oddly_or_in_a_frame_and_one_that_comes_late_is_found(bench: Bench) -> None:
    odd = bench.number.replace(" ", " | ")
    assert bench.check(f"<p>{odd}</p>", then=THERE, hears=1)["notation"] == "fault"
    assert bench.check(f"<p>{bench.number}-23</p>", then=THERE, hears=1)["notation"] == "fault"
    assert bench.check(f"<p>Roma: {bench.number[3:]}</p>", then=THERE, hears=1)["notation"] == "fault"
    frame = f'<iframe src="{bench.site.url("/", "localhost")}x"></iframe>'
    assert bench.check(frame, then=THERE, hears=1)["in_frame"] == "fault"
    digits = bench.number.replace(" ", "")
    writes = f"<script>setTimeout(() => document.querySelector('p').append('0' + {digits[1:]}), 300)</script>"
    assert bench.check("<p></p>" + writes, opens=False)["not_found"] == "notice"
    assert bench.check("<p></p>" + writes, hears=2) == {"replaced": "good"}


def test_8_the_tag_is_there_twice(bench: Bench) -> None:
    body = f"<p>{bench.number}</p>"
    found = bench.check(body, bench.tag() * 2, then=SHOWN)
    assert found == {"twice": "notice", "replaced": "good"}
    assert bench.check(body, bench.tag() + bench.tag(key="another-key"), opens=False)["twice"] == "fault"


def test_9_a_tracking_number_is_written_into_the_page(bench: Bench) -> None:
    own = bench.company.numbers[0].removeprefix("+39")
    found = bench.check(f"<p>{bench.number}</p><p>{own[:2]}/{own[2:]}</p>", then=SHOWN)
    assert (found["hard_coded"], found["replaced"]) == ("fault", "good")


def test_10_the_snippet_is_a_copy_or_its_hash_is_wrong(bench: Bench) -> None:
    body = f"<p>{bench.number}</p>"
    good, pinned = integrity_of(script()), bench.edge + pinned_path(script())
    cases = {
        'integrity="sha384-AAAA" crossorigin': ("integrity", "fault"),
        f'integrity="{good}"': ("integrity", "fault"),
        f'integrity="{good}" crossorigin': ("integrity", "notice"),
    }
    for words, (code, level) in cases.items():
        assert bench.check(body, bench.tag(words))[code] == level, words
        assert bench.page.evaluate("typeof window.ct == 'object'") == (level == "notice")
    words = f'integrity="{good}" crossorigin'
    assert bench.check(body, bench.tag(words, src=pinned), then=SHOWN) == {"replaced": "good"}
    gone = bench.edge + "/v1/s/0123456789abcdef.js"
    assert bench.check(body, bench.tag(src=gone))["old_copy"] == "fault"
    bench.site.pages["/ct.js"] = ("void 'old';", {"Content-Type": "text/javascript"})
    assert bench.check(body, bench.tag(src="/ct.js"))["old_copy"] == "fault"


def test_11_the_browser_blocks_us(bench: Bench) -> None:
    bench.page.route("**/v1/visit", lambda route: route.abort("blockedbyclient"))
    body = f"<p>{bench.number}</p>"
    assert bench.check(body, then=THERE) == {"blocked": "fault"}
    assert bench.inside()["blocked"] == "fault"
    bench.page.route("**/ct.js", lambda route: route.abort("blockedbyclient"))
    assert bench.check(body) == {"blocked": "fault"}
    assert bench.inside()["blocked"] == "fault"


def test_12_the_pool_has_no_numbers_or_nothing_is_replaced(bench: Bench) -> None:
    body = f"<p>{bench.number}</p>"
    with bench.services.db.tenant(bench.company.id) as session:
        session.execute(update(TrackingNumber).values(health="unfit"))
    assert bench.check(body, then=THERE, hears=1)["pool_empty"] == "fault"
    with bench.services.db.tenant(bench.company.id) as session:
        session.execute(delete(SiteTarget))
    assert bench.check(body, opens=False)["no_target"] == "fault"


def test_a_redirect_that_drops_the_click_id_is_told_by_both(bench: Bench) -> None:
    bench.site.put(f"<p>{bench.number}</p>", "/qui", tag=bench.tag())
    bench.site.moved["/vecchia"] = "/qui"
    found = bench.check_at(bench.site.url("/vecchia"), then=SHOWN)
    assert (found["redirect"], found["replaced"]) == ("fault", "good")
    assert bench.check_at(bench.site.url("/vecchia"), opens=False)["redirect"] == "fault"
    bench.site.moved["/vecchia"] = "/qui?%s"
    assert bench.check_at(bench.site.url("/vecchia"), then=SHOWN) == {"replaced": "good"}


def test_a_page_that_writes_its_number_back_is_seen_from_inside(bench: Bench) -> None:
    body = f"<p>{bench.number}</p>"
    bench.check(body, then=SHOWN)
    assert bench.inside()["seen_inside"] == "good"
    bench.check(body, then=SHOWN)
    bench.page.evaluate(
        """own => {
            const text = document.querySelector("p").firstChild;
            const insist = () => { if (text.data != own) text.data = own; };
            new MutationObserver(insist).observe(text, { characterData: true });
            insist();
        }""",
        bench.number,
    )
    bench.page.wait_for_function("own => document.querySelector('p').textContent == own", arg=bench.number)
    assert bench.inside()["reverted"] == "fault"


def test_a_page_our_server_cannot_read_is_judged_by_the_browser_alone(bench: Bench) -> None:
    found = bench.check_at(bench.site.url("/nowhere"), opens=False)
    assert found == {"unread": "notice"}
