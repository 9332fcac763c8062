"""The real snippet against the real edge and its database, in a real browser."""

import re
import threading
from collections.abc import Iterable, Iterator

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page
from sqlalchemy import select
from werkzeug.serving import make_server

from calltrack.accounts.model import Site as SiteRow
from calltrack.app import assemble
from calltrack.kernel.ids import new_id
from calltrack.numbers.model import Lease, NumberSighting
from calltrack.snippet import integrity_of, pinned_path, script
from calltrack.visits.admission import Admission
from calltrack.visits.model import PageView, Visit
from calltrack.visits.sightings import Sightings
from calltrack.wiring import Services
from tests.builders import Company, make_company
from tests.snippet.conftest import Noise
from tests.snippet.edge_double import ANSWERED, Site
from tests.snippet.test_attention import SEEN
from tests.visits.conftest import edge_app

HOSTS = ("roma.example.co.uk", "milano.example.co.uk", "torino.example.co.uk")


@pytest.fixture
def company(services: Services, site: Site) -> Company:
    made = make_company(services, numbers=3)
    with services.db.tenant(made.id) as session:
        session.scalars(select(SiteRow)).one().origins = [
            site.url(""),
            *(site.url("", host) for host in HOSTS),
        ]
    return made


@pytest.fixture
def edge(services: Services, company: Company, site: Site) -> Iterator[str]:
    app = assemble(services, "edge")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    # A page waits 800 ms and asks once: the first answer of a new process is not its business here.
    warm = {"k": company.site_key, "s": str(new_id()), "n": company.target}
    reply = httpx.post(address + "/v1/tap", json=warm, headers={"Origin": site.url("")}, timeout=30)
    assert reply.status_code == 204
    yield address
    server.shutdown()
    server.server_close()
    app.extensions["edge.connections"].close()


def test_a_click_gets_a_number_keeps_it_and_is_known(
    page: Page, site: Site, services: Services, company: Company, edge: str
) -> None:
    national = company.target.removeprefix("+39")
    body = f"<p id=n>{national[:2]}/{national[2:]}</p><a href='tel:{company.target}'>chiama</a>"
    tag = f'<script async src="{edge}/ct.js" data-site="{company.site_key}"></script>'
    page.goto(site.put(body, tag=tag) + "?gclid=Click-1&utm_source=google&utm_medium=cpc")
    page.wait_for_function("window.ct && ct.numbers().length")
    (pair,) = page.evaluate("ct.numbers()")
    assert pair["business"] == company.target
    assert pair["shown"] in company.numbers
    assert page.get_attribute("a", "href") == "tel:" + pair["shown"]
    assert (page.text_content("#n") or "").replace("/", "") == pair["shown"].removeprefix("+39")
    page.goto(site.put(body, "/due", tag=tag))
    page.wait_for_function("window.ct && ct.numbers().length")
    assert page.evaluate("ct.numbers()") == [pair]
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(Visit)).one().click_ids == {"gclid": "Click-1"}
        assert len(session.scalars(select(Lease)).all()) == 1


def test_a_withdrawal_on_one_sub_domain_holds_on_all_others(
    page: Page, context: BrowserContext, site: Site, services: Services, company: Company, edge: str
) -> None:
    tag = f'<script async src="{edge}/ct.js" data-site="{company.site_key}" data-consent=required></script>'
    site.put(f"<p id=n>{company.target}</p>", tag=tag)
    roma, milano, torino = (site.url("/", host) for host in HOSTS)
    shown = "window.calltrack?.numbers?.().length && localStorage.calltrack"
    own = f"document.querySelector('#n').textContent == '{company.target}'"
    forgotten = f"window.calltrack?.numbers && {own} && !localStorage.calltrack && !document.cookie"
    page.goto(torino)
    page.wait_for_function("window.calltrack?.numbers")
    page.evaluate("calltrack.consent(true)")
    page.wait_for_function(shown)
    open_tab, here = context.new_page(), context.new_page()
    for tab, address in ((open_tab, milano), (here, roma)):
        tab.goto(address)
        tab.wait_for_function(shown)
    page.goto("about:blank")
    with here.expect_response("**/v1/beat"):
        here.evaluate("calltrack.consent(false)")
    here.wait_for_function(forgotten)
    # A tab that is open on another sub-domain hears it with its next sign of life,
    for state in ("hidden", "visible"):
        open_tab.evaluate(SEEN, state)
    open_tab.wait_for_function(forgotten)
    open_tab.evaluate("history.pushState({}, '', '/due'); document.body.append('x')")
    # and a sub-domain that remembers the visitor from before with its next page.
    page.goto(torino)
    page.wait_for_function(forgotten)
    open_tab.wait_for_function(forgotten)
    with services.db.tenant(company.id) as session:
        assert [visit.consent for visit in session.scalars(select(Visit))] == [
            {"ad": False, "measure": False}
        ]


def test_what_a_page_tells_is_kept_without_personal_data(
    page: Page, site: Site, services: Services, company: Company, edge: str
) -> None:
    tag = f'<script async src="{edge}/ct.js" data-site="{company.site_key}"></script>'
    body = f"<script>document.title = 'Anna 347 123 4567'</script><p>{company.target}</p>"
    query = "?gclid=Click-1&email=anna@posta.it&tel=3471234567&utm_term=anna@posta.it"
    page.goto(site.put(body, "/grazie/anna@posta.it", tag=tag) + query)
    page.wait_for_function("window.ct && ct.numbers().length")
    with services.db.tenant(company.id) as session:
        visit, view = session.scalars(select(Visit)).one(), session.scalars(select(PageView)).one()
    assert visit.click_ids == {"gclid": "Click-1"}
    told = f"{visit.landing_url} {visit.referrer} {visit.term} {view.page} {view.title}"
    assert not re.search("anna@|posta|347|4567", told), told


def test_a_page_of_another_origin_keeps_its_number(
    page: Page, site: Site, company: Company, edge: str
) -> None:
    tag = f'<script async src="{edge}/ct.js" data-site="{company.site_key}"></script>'
    site.put(f"<p id=n>{company.target}</p>", tag=tag)
    with page.expect_event("requestfailed", lambda request: "/v1/visit" in request.url):
        page.goto(site.url("/", "evil.example.co.uk"))
    page.wait_for_timeout(100)
    assert page.text_content("#n") == company.target


def test_a_pinned_build_runs_with_its_hash_and_with_no_other(
    page: Page, site: Site, company: Company, edge: str, noise: Noise
) -> None:
    built = script()

    def opened(integrity: str) -> None:
        words = f'integrity="{integrity}" crossorigin data-site="{company.site_key}"'
        tag = f'<script src="{edge}{pinned_path(built)}" {words}></script>'
        page.goto(site.put(f"<p id=n>{company.target}</p>", tag=tag))

    opened(integrity_of(built))
    page.wait_for_function("window.ct && ct.numbers().length")
    assert page.text_content("#n") == page.evaluate("ct.numbers()[0].shown")
    opened(integrity_of(b"something else"))
    assert page.evaluate("typeof window.ct") == "undefined"
    assert page.text_content("#n") == company.target
    assert "integrity" in noise.errors.pop()  # the browser itself says that it ran no such script


def test_a_number_of_a_pool_written_on_the_page_is_noticed_and_what_the_snippet_wrote_is_not(
    page: Page, site: Site, services: Services, company: Company
) -> None:
    seen: list[list[str]] = []

    class Watching(Sightings):
        def look(self, company_id: str, found: Iterable[str], page: str) -> None:
            seen.append(list(found))
            super().look(company_id, seen[-1], page)

    sightings = Watching(services)
    sightings.settle()
    app = edge_app(services, 4, Admission({"visit": 10**6, "beat": 10**6}), sightings)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    script = f"http://127.0.0.1:{server.server_port}/ct.js"
    tag = f'<script async src="{script}" data-site="{company.site_key}"></script>'
    try:
        # Twice: on the second page the number of the first is written at once, before the service is asked.
        for path in ("/", "/due"):
            page.goto(site.put(f"<p>{company.target}</p>", path, tag=tag))
            page.wait_for_function(ANSWERED)
        assert sightings.settle() == 0
        mine = page.evaluate("ct.numbers()")[0]["shown"]
        other = next(one for one in company.numbers if one != mine)
        page.goto(site.put(f"<p>{company.target}</p><p>Fax {other[:6]} {other[6:]}</p>", "/tre", tag=tag))
        page.wait_for_function(ANSWERED)
        assert sightings.settle() == 1, seen
    finally:
        server.shutdown()
        server.server_close()
        app.extensions["edge.connections"].close()
    with services.db.tenant(company.id) as session:
        (one,) = session.scalars(select(NumberSighting)).all()
    assert one.page.endswith("/tre")
    assert company.numbers[company.number_ids.index(one.number_id)] == other


def test_a_page_gets_its_number_when_somebody_moves(
    page: Page, site: Site, services: Services, company: Company
) -> None:
    app = edge_app(services, 4, Admission())
    inner = app.wsgi_app

    def from_afar(environ: dict[str, object], start: object) -> object:
        return inner(environ | {"HTTP_X_FORWARDED_FOR": "203.0.115.7"}, start)  # type: ignore[arg-type]  # WSGI

    app.wsgi_app = from_afar  # type: ignore[method-assign,assignment]  # Flask's own way
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    tag = f'<script async src="{address}/ct.js" data-site="{company.site_key}"></script>'
    with page.expect_event("requestfinished", lambda request: request.url.endswith("/v1/visit")):
        page.goto(site.put(f"<p id=n>{company.target}</p>", tag=tag))
    assert page.evaluate("ct.numbers()") == []
    assert page.text_content("#n") == company.target
    page.mouse.move(10, 10)
    page.mouse.move(20, 20)
    page.wait_for_function("ct.numbers().length")
    assert page.text_content("#n") in company.numbers
    server.shutdown()
    server.server_close()
    app.extensions["edge.connections"].close()
