"""What the edge refuses: garbage, strangers, floods; and what it tells browsers about it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text, update

from calltrack.accounts.model import Site
from calltrack.edge import create_edge
from calltrack.kernel.ids import new_id
from calltrack.numbers.model import Lease
from calltrack.visits.admission import Admission
from calltrack.visits.model import PageView, Visit
from calltrack.visits.routes import create_blueprint
from calltrack.wiring import Services
from tests.builders import Company, make_company
from tests.visits.conftest import BROWSER, Edge, shown

PATHS = ("/v1/visit", "/v1/beat", "/v1/tap")


def raw(edge: Edge, company: Company, path: str, data: bytes) -> Any:
    return edge.client.post(path, data=data, headers={"Origin": company.origin, "User-Agent": BROWSER})


def counts(services: Services, company: Company) -> list[int]:
    with services.db.tenant(company.id) as session:
        return [session.scalar(select(func.count()).select_from(t)) or 0 for t in (Visit, PageView, Lease)]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"null", b"{", b"\xff\xfe", b'{"k": 5}', b'{"k": ""}', b"{}", b'{"k": null}', b"[" * 8000,
        b'{"k":"' + b"k" * 200 + b'"}', b'{"k":"x","s":5}', b'{"k":"x","s":"' + b"s" * 65 + b'"}',
        b'{"k":"\\ud800', b'{"k":"x"} trailing',
    ],
)  # fmt: skip
def test_garbage_is_refused(edge: Edge, company: Company, path: str, data: bytes) -> None:
    reply = raw(edge, company, path, data)
    assert reply.status_code == 400
    assert "error" in reply.get_json()


@pytest.mark.parametrize(
    "wrong",
    [
        {"u": 5}, {"u": None}, {"p": "x"}, {"p": [5]}, {"p": ["1"] * 21}, {"p": ["1" * 33]}, {"c": []},
        {"c": {"gclid": 5}}, {"c": {"gclid": {"a": 1}}}, {"m": "x"}, {"q": True}, {"q": {"ad": "yes"}},
        {"t": []}, {"v": ["x"]},
    ],
)  # fmt: skip
def test_wrong_types_are_refused_and_store_nothing(
    edge: Edge, company: Company, services: Services, wrong: dict[str, Any]
) -> None:
    assert edge.post("/v1/visit", company, wrong).status_code == 400
    assert counts(services, company) == [0, 0, 0]


def test_unknown_fields_are_ignored(edge: Edge, company: Company) -> None:
    assert edge.visit(company, zzz={"a": [1]})["n"]


@pytest.mark.parametrize("path", PATHS)
def test_a_large_body_is_refused_unread(edge: Edge, company: Company, path: str) -> None:
    body = json.dumps({"k": company.site_key, "u": "x" * 8192}).encode()
    assert raw(edge, company, path, body).status_code == 413
    assert raw(edge, company, path, body[:8193]).status_code == 413


def test_a_body_without_length_is_refused(edge: Edge, company: Company) -> None:
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/v1/visit", "CONTENT_LENGTH": "zzz"}
    assert edge.client.open(environ_overrides=environ).status_code == 400


def test_the_largest_body_is_taken(edge: Edge, company: Company) -> None:
    frame = len(json.dumps({"k": company.site_key, "u": ""}))
    reply = edge.post("/v1/visit", company, {"u": "u" * (8192 - frame)})
    assert reply.status_code == 200


@pytest.mark.parametrize(
    "poison",
    [
        {"t": "a\x00b", "u": "https://www.prova.test/\x00?utm_source=a\x00b"},
        {"t": "half an emoji \ud83d", "r": "https://x.test/\udfff"},
        {"m": {"source": "\x00", "campaign": "\U0001f69a trasloco", "term": "‮abc"}},
        {"m": {"source": "x" * 7000}},
        {"u": "https://www.prova.test/?utm_source=" + "%00" * 500 + "&gclid=" + "g" * 600},
        {"u": "https://[::1"}, {"u": "javascript:alert(1)"}, {"u": "//", "r": "data:text/html,x"},
        {"c": {"_ga": "\x00\ud800", "gclid": "\x00", "_fbp": "è"}},
    ],
)  # fmt: skip
def test_poison_is_cleaned_and_the_visit_counts(
    edge: Edge, company: Company, services: Services, poison: dict[str, Any]
) -> None:
    assert shown(edge.visit(company, **poison)) in company.numbers
    with services.db.tenant(company.id) as session:
        visit, view = session.scalars(select(Visit)).one(), session.scalars(select(PageView)).one()
    words = [visit.source, visit.campaign, visit.landing_url, visit.referrer, view.page, view.title]
    for word in words:
        assert "\x00" not in word
        assert len(word.encode()) <= 1024


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "origin",
    [
        "null", "", "https://prova.test", "http://www.prova.test", "https://www.prova.test:8443",
        "https://www.prova.test.evil.test", "https://evil.test/https://www.prova.test", "https://wwwaprova.test",
        "https://sub.www.prova.test", "https://www.prova.test/", "https://www.prova.test@evil.test", None,
    ],
)  # fmt: skip
def test_another_origin_is_refused_and_told_nothing(
    edge: Edge, company: Company, services: Services, path: str, origin: str | None
) -> None:
    headers = {"User-Agent": BROWSER} | ({} if origin is None else {"Origin": origin})
    reply = edge.client.post(path, data=json.dumps({"k": company.site_key}), headers=headers)
    assert reply.status_code == 403
    assert "Access-Control-Allow-Origin" not in reply.headers
    assert reply.headers["Vary"] == "Origin"
    assert counts(services, company) == [0, 0, 0]


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_key_is_refused(edge: Edge, company: Company, path: str) -> None:
    reply = edge.post(path, company, {"k": "no-such-key"})
    assert reply.status_code == 403


def test_the_registered_origin_may_read_the_answer_without_credentials(edge: Edge, company: Company) -> None:
    written = "https://WWW.Prova.Test"
    reply = edge.post("/v1/visit", company, {}, Origin=written)
    assert reply.status_code == 200
    assert reply.headers["Access-Control-Allow-Origin"] == written
    assert "Access-Control-Allow-Credentials" not in reply.headers
    assert (reply.headers["Vary"], reply.headers["Cache-Control"]) == ("Origin", "no-store")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_a_registered_origin_may_be_written_loosely(edge: Edge, services: Services) -> None:
    company = make_company(services)
    with services.db.tenant(company.id) as session:
        session.execute(update(Site).values(origins=["HTTPS://Shop.Test:443/", "nonsense"]))
    assert edge.post("/v1/visit", company, {}, Origin="https://shop.test").status_code == 200
    assert edge.post("/v1/visit", company, {}).status_code == 403


@pytest.mark.parametrize("path", PATHS)
def test_preflights_are_answered_for_registered_origins_only(edge: Edge, company: Company, path: str) -> None:
    assert edge.visit(company)["n"]
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    good = edge.client.options(path, headers={"Origin": company.origin} | asked)
    assert good.status_code == 204
    assert good.headers["Access-Control-Allow-Origin"] == company.origin
    assert good.headers["Access-Control-Allow-Methods"] == "POST"
    bad = edge.client.options(path, headers={"Origin": "https://evil.test"} | asked)
    assert "Access-Control-Allow-Origin" not in bad.headers
    assert good.headers["Vary"] == bad.headers["Vary"] == "Origin"


@pytest.mark.parametrize("path", PATHS)
def test_only_post_is_a_method(edge: Edge, path: str) -> None:
    assert edge.client.get(path).status_code == 405


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
    app = create_edge(services, threads=2, admission=Admission({"visit": 3, "beat": 3}, visits_per_site=5))
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


def test_a_dead_database_is_a_quick_refusal(services: Services, company: Company) -> None:
    from calltrack.infra.direct import open_pool
    from calltrack.visits.sites import SiteTable

    sites = SiteTable(services.db)
    assert sites.find(company.site_key)
    nowhere = open_pool(
        "postgresql://nobody@127.0.0.1:9/none", size=1, wait_seconds=0.2, statement_timeout_ms=500
    )
    app = Flask("edge")
    app.register_blueprint(create_blueprint(services, nowhere, sites=sites))
    try:
        assert load(app.test_client(), company) == 503
    finally:
        nowhere.close()
        sites.close()


def test_the_snippet_is_served_for_five_minutes_with_its_tag(
    services: Services, tmp_path: Path, edge: Edge
) -> None:
    script = tmp_path / "ct.js"
    script.write_text("void 0;\n" * 50)
    app = Flask("edge")
    app.register_blueprint(create_blueprint(services, edge.connections, script=script))
    client = app.test_client()
    reply = client.get("/ct.js")
    assert (reply.status_code, reply.data, reply.mimetype) == (200, script.read_bytes(), "text/javascript")
    assert reply.headers["Cache-Control"] == "public, max-age=300"
    assert reply.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    packed = client.get("/ct.js", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(reply.data)
    same = client.get("/ct.js", headers={"If-None-Match": reply.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")


def test_a_snippet_that_was_never_built_is_a_404_that_says_so(
    services: Services, tmp_path: Path, edge: Edge
) -> None:
    app = Flask("edge")
    app.register_blueprint(create_blueprint(services, edge.connections, script=tmp_path / "none.js"))
    reply = app.test_client().get("/ct.js")
    assert reply.status_code == 404
    assert "make snippet" in reply.text


def test_the_hot_functions_run_with_the_callers_rights(services: Services, company: Company) -> None:
    with services.db.shared() as session:
        found = session.execute(
            text("SELECT proname, prosecdef FROM pg_proc WHERE proname LIKE 'edge\\_%' ORDER BY 1")
        ).all()
    assert [tuple(row) for row in found] == [
        ("edge_beat", False), ("edge_lease", False), ("edge_tap", False), ("edge_visit", False),
    ]  # fmt: skip


def test_another_tenants_transaction_sees_nothing_of_the_visit(
    edge: Edge, company: Company, services: Services
) -> None:
    edge.visit(company)
    other = make_company(services)
    assert counts(services, other) == [0, 0, 0]
    with edge.connections.connection() as connection:
        row = connection.execute("SELECT count(*) FROM visit").fetchone()
    assert row == (0,), "the tenant ended with its transaction"


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
