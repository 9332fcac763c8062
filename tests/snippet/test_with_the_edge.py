"""The real snippet against the real edge and its database, in a real browser."""

import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page
from sqlalchemy import select
from werkzeug.serving import make_server

from calltrack.accounts.model import Site as SiteRow
from calltrack.app import assemble
from calltrack.numbers.model import Lease
from calltrack.visits.model import Visit
from calltrack.wiring import Services
from tests.builders import Company, make_company
from tests.snippet.edge_double import Site


@pytest.fixture
def company(services: Services, site: Site) -> Company:
    made = make_company(services, numbers=3)
    with services.db.tenant(made.id) as session:
        session.scalars(select(SiteRow)).one().origins = [site.url("")]
    return made


@pytest.fixture
def edge(services: Services, company: Company) -> Iterator[str]:
    app = assemble(services, "edge")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
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


def test_a_page_of_another_origin_keeps_its_number(
    page: Page, site: Site, company: Company, edge: str
) -> None:
    tag = f'<script async src="{edge}/ct.js" data-site="{company.site_key}"></script>'
    site.put(f"<p id=n>{company.target}</p>", tag=tag)
    with page.expect_event("requestfailed", lambda request: "/v1/visit" in request.url):
        page.goto(site.url("/", "evil.example.co.uk"))
    page.wait_for_timeout(100)
    assert page.text_content("#n") == company.target
