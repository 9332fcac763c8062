"""Who gets no number: crawlers, floods, and the share of one network."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from calltrack.kernel.ids import new_id
from calltrack.kernel.touch import Touch
from calltrack.numbers.model import Lease
from calltrack.visits.admission import Admission
from calltrack.visits.challenges import BEAT_SECONDS, MOST_WAITING, Challenges, Waiting
from calltrack.visits.model import PageView, Visit
from calltrack.visits.service import PageLoad
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


def test_one_network_holds_a_share_of_the_pool_and_more_only_where_somebody_moves(
    edge: Edge, services: Services
) -> None:
    company = make_company(services, numbers=20)
    flood = [
        edge.post("/v1/visit", company, {}, X_Forwarded_For=f"203.0.113.{host}").get_json()
        for host in range(1, 22)
    ]
    own = [shown(answer) for answer in flood if answer["n"]]
    assert len(own) == 4, "a fifth of twenty"
    assert set(own) <= set(company.numbers)
    assert [answer["h"] for answer in flood[4:]] == [BEAT_SECONDS] * 17
    assert counts(services, company) == [4, 4, 4], "who waits leaves no trace"
    keeps = {"v": flood[0]["v"], "s": flood[0]["s"]}
    again = edge.post("/v1/visit", company, keeps, X_Forwarded_For="203.0.113.1").get_json()
    assert shown(again) == shown(flood[0]), "who holds a number keeps it"
    made_up = {"v": str(new_id()), "s": str(new_id())}
    stolen = edge.post("/v1/visit", company, made_up, X_Forwarded_For="203.0.113.1").get_json()
    assert shown(stolen) == company.overflow
    moved = [
        edge.post(
            "/v1/beat", company, {"v": one["v"], "s": one["s"]}, X_Forwarded_For="203.0.113.9"
        ).get_json()
        for one in flood[4:]
    ]
    new = [shown(answer) for answer in moved if shown(answer) != company.overflow]
    assert len(set(new)) == len(new) == 8, "three fifths of twenty, with those of before"
    assert {answer["h"] for answer in moved} != {BEAT_SECONDS}
    elsewhere = edge.post("/v1/visit", company, {}, X_Forwarded_For="198.51.100.1").get_json()
    assert shown(elsewhere) in company.numbers


def test_who_waits_and_goes_on_to_another_page_has_moved(edge: Edge, services: Services) -> None:
    company, robot = (
        make_company(services, numbers=20),
        {"User_Agent": BROWSER.replace("Chrome", "HeadlessChrome")},
    )
    first = edge.post("/v1/visit", company, {}, X_Forwarded_For="203.0.114.1", **robot).get_json()
    assert (first["n"], counts(services, company)) == ([], [0, 0, 0])
    here = {"v": first["v"], "s": first["s"], "u": company.origin + "/due"}
    second = edge.post("/v1/visit", company, here, X_Forwarded_For="203.0.114.1", **robot).get_json()
    assert shown(second) in company.numbers
    mute = edge.post("/v1/visit", company, {}, X_Forwarded_For="203.0.114.2", Accept_Language="").get_json()
    assert mute["n"] == []
    near = edge.post("/v1/visit", company, {}, **robot).get_json()
    assert shown(near) in company.numbers, "from this machine comes no stranger"


def test_a_sign_counts_once_and_for_half_an_hour() -> None:
    now = 0.0
    waiting = Waiting(PageLoad(Touch()), ())
    challenges = Challenges(lambda: now)
    challenges.put("site", "visit", waiting)
    assert challenges.take("other", "visit") is None
    assert challenges.take("site", "visit") is waiting
    assert challenges.take("site", "visit") is None
    challenges.put("site", "visit", waiting)
    now = 1801.0
    assert challenges.take("site", "visit") is None
    for number in range(MOST_WAITING + 1):
        challenges.put("site", str(number), waiting)
    assert challenges.take("site", "0") is None
    assert challenges.take("site", "1") is waiting


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
    began = time.monotonic()
    for _ in range(1_000):
        assert table.find(new_id().hex) is None
    took = time.monotonic() - began
    table.close()
    assert asked <= min(1_000, (took + 2) * sites_module.LOOK_UPS_PER_SECOND)
