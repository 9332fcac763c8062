"""Who gets no number: crawlers, floods, and the share of one network."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from calltrack.kernel.ids import new_id
from calltrack.numbers.model import Lease
from calltrack.visits.admission import Admission
from calltrack.visits.model import PageView, Visit
from calltrack.wiring import Services
from tests.builders import Company, make_company
from tests.visits.conftest import BROWSER, Edge, edge_app, shown


def counts(services: Services, company: Company) -> list[int]:
    with services.db.tenant(company.id) as session:
        return [session.scalar(select(func.count()).select_from(t)) or 0 for t in (Visit, PageView, Lease)]


@pytest.mark.parametrize(
    "name",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
        "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
        "AdsBot-Google (+http://www.google.com/adsbot.html)",
        "Mediapartners-Google",
        "Screaming Frog SEO Spider/20.0",
        "",
    ],
)
def test_a_crawler_takes_no_number_and_leaves_no_trace(
    edge: Edge, company: Company, services: Services, name: str
) -> None:
    reply = edge.post("/v1/visit", company, {"u": company.origin}, User_Agent=name)
    assert (reply.status_code, reply.get_json()["n"]) == (200, [])
    assert counts(services, company) == [0, 0, 0]


@pytest.mark.parametrize(
    "name",
    [
        BROWSER,
        "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 10; Cubot) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 [FBAN]",
    ],
)
def test_a_person_is_no_crawler(edge: Edge, company: Company, name: str) -> None:
    assert edge.post("/v1/visit", company, {}, User_Agent=name).get_json()["n"]


@pytest.fixture
def strict(services: Services) -> Iterator[FlaskClient]:
    """An edge that takes three visits a minute of a network, and five of a site."""
    app = edge_app(services, 2, Admission({"visit": 3, "beat": 3}, visits_per_site=5))
    yield app.test_client()
    app.extensions["edge.connections"].close()


def load(client: FlaskClient, company: Company, path: str = "/v1/visit", **headers: str) -> int:
    sent = {"Origin": company.origin, "User-Agent": BROWSER} | {
        k.replace("_", "-"): v for k, v in headers.items()
    }
    return client.post(path, data=json.dumps({"k": company.site_key}), headers=sent).status_code


def test_one_network_cannot_flood(strict: FlaskClient, company: Company) -> None:
    from_one = [load(strict, company, X_Forwarded_For=f"203.0.113.{host}") for host in range(1, 6)]
    assert from_one == [200, 200, 200, 429, 429]
    assert load(strict, company, X_Forwarded_For="2001:db8:0:1::1") == 200
    taps = [load(strict, company, "/v1/tap", X_Forwarded_For="203.0.113.9") for _ in range(4)]
    assert taps == [204, 204, 204, 429]


def test_a_network_is_56_bits_of_an_ipv6_address(strict: FlaskClient, company: Company) -> None:
    inside = [load(strict, company, X_Forwarded_For=f"2001:db8:1:{net:x}::1") for net in range(4)]
    assert inside == [200, 200, 200, 429]
    assert load(strict, company, X_Forwarded_For="2001:db8:1:100::1") == 200


def test_one_site_cannot_be_flooded_from_everywhere(strict: FlaskClient, company: Company) -> None:
    got = [load(strict, company, X_Forwarded_For=f"203.0.{net}.1") for net in range(7)]
    assert got == [200] * 5 + [429] * 2


def test_a_client_cannot_choose_its_own_network(strict: FlaskClient, company: Company) -> None:
    spoofed = [load(strict, company, X_Forwarded_For=f"198.51.{n}.1, 203.0.113.7") for n in range(5)]
    assert spoofed == [200, 200, 200, 429, 429]
    far = {"REMOTE_ADDR": "192.0.2.66"}
    headers = {"Origin": company.origin, "User-Agent": BROWSER}
    data = json.dumps({"k": company.site_key})
    got = [
        strict.post(
            "/v1/visit",
            data=data,
            headers=headers | {"X-Forwarded-For": f"198.51.{n}.1"},
            environ_overrides=far,
        ).status_code
        for n in range(4)
    ]
    assert got[-1] == 429, "X-Forwarded-For counts only from a proxy on this machine"


def test_one_network_holds_a_share_of_the_pool_only(edge: Edge, services: Services) -> None:
    company = make_company(services, numbers=20)
    flood = [
        edge.post("/v1/visit", company, {}, X_Forwarded_For=f"203.0.113.{host}").get_json()
        for host in range(1, 12)
    ]
    own = [shown(answer) for answer in flood if shown(answer) != company.overflow]
    assert len(own) == 4, "a fifth of twenty"
    keeps = {"v": flood[0]["v"], "s": flood[0]["s"]}
    again = edge.post("/v1/visit", company, keeps, X_Forwarded_For="203.0.113.1").get_json()
    assert shown(again) == shown(flood[0]), "who holds a number keeps it"
    stolen = edge.post("/v1/visit", company, {"s": flood[0]["s"]}, X_Forwarded_For="203.0.113.1").get_json()
    assert shown(stolen) == company.overflow
    elsewhere = edge.post("/v1/visit", company, {}, X_Forwarded_For="198.51.100.1").get_json()
    assert shown(elsewhere) in company.numbers


def test_garbage_keys_do_not_ask_the_database_each_time(services: Services) -> None:
    from calltrack.visits import sites as sites_module
    from calltrack.visits.sites import SiteTable

    table = SiteTable(services.db)
    table.refresh()
    asked = 0

    class Counting:
        def system(self) -> Any:
            nonlocal asked
            asked += 1
            return services.db.system()

    table._db = Counting()  # type: ignore[assignment]  # counts what reaches the database
    for _ in range(300):
        assert table.find(new_id().hex) is None
    table.close()
    assert asked <= 2 * sites_module.LOOK_UPS_PER_SECOND
