"""What the edge refuses: garbage, strangers, floods; and what it tells browsers about it."""

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update

from calltrack.accounts.model import Site
from calltrack.numbers.model import Lease
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
        b'{"\\u0061":' + b"[" * 8000,
    ],
)  # fmt: skip
def test_garbage_is_refused(edge: Edge, company: Company, path: str, data: bytes) -> None:
    reply = raw(edge, company, path, data)
    assert reply.status_code == 400
    assert "error" in reply.get_json()


@pytest.mark.parametrize(
    "wrong",
    [
        {"u": 5}, {"u": None}, {"p": {}}, {"p": 5}, {"p": [5]}, {"p": ["1"] * 21}, {"p": ["1" * 33]},
        {"c": [5]}, {"c": "x"}, {"l": "x"}, {"l": [5]}, {"c": {"gclid": 5}}, {"c": {"gclid": {"a": 1}}},
        {"q": True}, {"q": {"ad": "yes"}}, {"t": []}, {"v": ["x"]},
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
        headers = {"Origin": company.origin, "User-Agent": BROWSER}
        data = json.dumps({"k": company.site_key})
        assert app.test_client().post("/v1/visit", data=data, headers=headers).status_code == 503
    finally:
        nowhere.close()
        sites.close()


def test_the_hot_functions_run_with_the_callers_rights(services: Services, company: Company) -> None:
    with services.db.shared() as session:
        found = session.execute(
            text("SELECT DISTINCT proname, prosecdef FROM pg_proc WHERE proname LIKE 'edge\\_%' ORDER BY 1")
        ).all()
    assert [tuple(row) for row in found] == [
        ("edge_beat", False), ("edge_choose", False), ("edge_choose_late", False), ("edge_give", False),
        ("edge_number", False), ("edge_open", False), ("edge_seen", False), ("edge_share", False),
        ("edge_sign", False), ("edge_tap", False), ("edge_tapped", False), ("edge_visit", False),
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
