"""A visit's region: taken from whom we trust, kept with the visit and its lease, gone with consent."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from calltrack.config import Settings
from calltrack.numbers.counting import rename_holders
from calltrack.numbers.model import Lease
from calltrack.visits.addresses import Proxies, client_address, is_within
from calltrack.visits.admission import Admission
from calltrack.visits.erasing import erase_visits
from calltrack.visits.model import Visit
from calltrack.wiring import Services
from tests.builders import Company
from tests.visits.conftest import Edge, age, edge_app

YES = {"ad": True, "measure": True}
LOMBARDY = {"CF_Region_Code": "25", "CF_IPCountry": "IT"}


def proxies(**settings: str) -> Proxies:
    return Proxies.of(Settings(**settings))  # type: ignore[arg-type]  # pydantic checks each value


@pytest.fixture(scope="module")
def edge(services: Services) -> Iterator[Edge]:
    said = {"region_header": "CF-Region-Code", "country_header": "CF-IPCountry"}
    here = replace(services, settings=services.settings.model_copy(update=said))
    app = edge_app(here, 4, Admission({"visit": 10**6, "beat": 10**6}))
    app.extensions["edge.connections"].timeout = 30
    yield Edge(app.test_client(), app.extensions["edge.connections"])
    app.extensions["edge.connections"].close()


@pytest.mark.parametrize(
    ("peer", "chain", "trusted", "address"),
    [
        ("127.0.0.1", "6.6.6.6, 203.0.113.9", "127.0.0.0/8", "203.0.113.9"),
        ("127.0.0.1", "203.0.113.9, 127.0.0.1", "127.0.0.0/8", "203.0.113.9"),
        ("::ffff:127.0.0.1", "203.0.113.9", "127.0.0.0/8", "203.0.113.9"),
        ("127.0.0.1", "6.6.6.6, 203.0.113.9, 173.245.48.7", "127.0.0.0/8, 173.245.48.0/20", "203.0.113.9"),
        ("127.0.0.1", "6.6.6.6, 203.0.113.9, 173.245.48.7", "127.0.0.0/8", "173.245.48.7"),
        ("127.0.0.1", "2001:db8::9", "127.0.0.0/8", "2001:db8::9"),
        ("127.0.0.1", "6.6.6.6, 203.0.113.9:51234, 127.0.0.1:80", "127.0.0.0/8", "203.0.113.9"),
        ("127.0.0.1", "[2001:db8::9]:51234", "127.0.0.0/8", "2001:db8::9"),
        ("::1", "203.0.113.9", "127.0.0.0/8, ::1", "203.0.113.9"),
        ("192.0.2.66", "203.0.113.9", "127.0.0.0/8", "192.0.2.66"),
        ("127.0.0.1", "6.6.6.6, what", "127.0.0.0/8", "what"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.0/8", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.0/8", "127.0.0.1"),
    ],
)
def test_the_browser_is_the_first_from_the_right_that_is_no_proxy(
    peer: str, chain: str, trusted: str, address: str
) -> None:
    networks = Settings(trusted_proxies=trusted).proxies
    assert client_address(peer, chain, lambda one: is_within(one, networks)) == address


@pytest.mark.parametrize(
    ("settings", "environ", "region"),
    [
        ({"region_header": "X-Region"}, {"HTTP_X_REGION": "US-CA"}, "US-CA"),
        ({"region_header": "X-Region"}, {"HTTP_X_REGION": "CA"}, ""),
        (
            {"region_header": "X-Region", "country_header": "X-Land"},
            {"HTTP_X_REGION": "CA", "HTTP_X_LAND": "US"},
            "US-CA",
        ),
        ({"region_header": "X-Region", "country_header": "X-Land"}, {"HTTP_X_LAND": "US"}, ""),
        ({}, {"HTTP_X_REGION": "US-CA"}, ""),
        ({"region_header": "X-Region"}, {"HTTP_X_REGION": "US-CA", "REMOTE_ADDR": "192.0.2.66"}, ""),
        (
            {"region_header": "X-Region", "trusted_proxies": "192.0.2.0/24"},
            {"HTTP_X_REGION": "US-CA", "REMOTE_ADDR": "192.0.2.66"},
            "US-CA",
        ),
        (
            {"region_header": "X-Region"},
            {"HTTP_X_REGION": "US-CA", "REMOTE_ADDR": "203.0.113.9", "calltrack.peer": "127.0.0.1"},
            "US-CA",
        ),
    ],
)
def test_a_region_is_believed_of_a_trusted_proxy_only(
    settings: dict[str, str], environ: dict[str, Any], region: str
) -> None:
    assert proxies(**settings).region_in({"REMOTE_ADDR": "127.0.0.1"} | environ) == region


def test_a_visit_and_its_lease_keep_the_region(edge: Edge, company: Company, services: Services) -> None:
    known = load(edge, company)
    load(edge, company, {"CF_Region_Code": "CA", "CF_IPCountry": "US"}, known)  # a trip within the visit
    assert regions(services, company) == [("IT-25", "IT-25")]
    age(services, company, 3600)
    assert edge.beat(company, known).status_code == 200  # it comes back after a break
    assert regions(services, company) == [("IT-25", "IT-25")] * 2


@pytest.mark.parametrize(
    "headers", [{}, {"CF_Region_Code": "25"}, {"CF_Region_Code": "<", "CF_IPCountry": "IT"}]
)
def test_what_names_no_region_leaves_none(
    edge: Edge, company: Company, services: Services, headers: dict[str, str]
) -> None:
    load(edge, company, headers)
    assert regions(services, company) == [(None, None)]


def test_without_consent_to_be_measured_no_region_is_stored_or_kept(
    edge: Edge, company: Company, services: Services
) -> None:
    assert load(edge, company, q={"ad": True, "measure": False})["s"] == ""
    assert regions(services, company) == []
    known = load(edge, company, q=YES)
    other = load(edge, company, q=YES)
    body = {"v": known["v"], "s": known["s"], "u": company.origin + "/", "q": {"ad": True, "measure": False}}
    assert edge.post("/v1/beat", company, body).status_code == 204
    assert regions(services, company, known["s"]) == [(None, None)]
    assert regions(services, company, other["s"]) == [("IT-25", "IT-25")]


def test_an_erased_visit_has_no_region(edge: Edge, company: Company, services: Services) -> None:
    known = load(edge, company)
    with services.db.tenant(company.id) as session:
        _, instead = erase_visits(session, company.id, [UUID(known["v"])])
        rename_holders(session, company.id, instead)
    assert regions(services, company) == [(None, None)]


def load(
    edge: Edge, company: Company, headers: dict[str, str] = LOMBARDY, known: dict[str, Any] | None = None,
    **body: Any,
) -> dict[str, Any]:  # fmt: skip
    of = {"v": known["v"], "s": known["s"]} if known else {}
    reply = edge.post("/v1/visit", company, {"u": company.origin + "/"} | of | body, **headers)
    assert reply.status_code == 200, reply.text
    return dict(reply.get_json())


def regions(services: Services, company: Company, visit: str = "") -> list[tuple[str | None, str | None]]:
    """Return each visit's region as the visit has it, and its lease."""
    with services.db.tenant(company.id) as session:
        rows = select(Visit.region, Lease.region).join(Lease, Lease.visit_id == Visit.id).order_by(Lease.id)
        rows = rows.where(Visit.id == UUID(visit)) if visit else rows
        return [(of_visit, of_lease) for of_visit, of_lease in session.execute(rows)]
