"""One app per surface: each serves its own paths only, and errors are problem documents."""

from collections.abc import Callable, Iterator
from io import BytesIO

import pytest
from flask import Flask, request
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from calltrack.app import Surface, assemble
from calltrack.wiring import Services

Make = Callable[[Surface], Flask]
PATHS = {"voice": "/voice/", "edge": "/v1/visit", "web": "/api/v1/calls", "sandbox": "/sandbox/phone"}


@pytest.fixture
def make(services: Services) -> Iterator[Make]:
    """Assemble apps; what they opened is closed after the test."""
    apps: list[Flask] = []

    def assembled(surface: Surface) -> Flask:
        apps.append(assemble(services, surface))
        return apps[-1]

    yield assembled
    for app in apps:
        if connections := app.extensions.get("edge.connections"):
            connections.close()
        if desk := app.extensions.get("voice.desk"):
            desk.stop()


@pytest.mark.parametrize("surface", ["voice", "edge", "web", "sandbox"])
def test_a_surface_serves_its_own_paths_and_no_others(make: Make, surface: Surface) -> None:
    rules = [rule.rule for rule in make(surface).url_map.iter_rules()]
    served = {name for name, path in PATHS.items() if any(rule.startswith(path) for rule in rules)}
    assert served == {surface}
    assert {"/livez", "/readyz"} <= set(rules)


def test_every_surface_fits_into_one_process(make: Make) -> None:
    rules = [rule.rule for rule in make("all").url_map.iter_rules()]
    assert all(any(rule.startswith(path) for rule in rules) for path in PATHS.values())


@pytest.mark.parametrize(
    ("surface", "signs"), [("voice", False), ("edge", False), ("web", True), ("all", True)]
)
def test_only_where_people_sign_in_a_request_opens_a_session(
    make: Make, surface: Surface, signs: bool
) -> None:
    app = make(surface)
    with app.test_request_context("/livez"):
        opened = app.session_interface.open_session(app, request)
    assert (opened is not None) == signs


def test_a_process_is_ready_when_its_database_is(make: Make) -> None:
    client = make("edge").test_client()
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").json == {"ready": True}


def test_an_unknown_address_is_a_problem_document_for_programs(make: Make) -> None:
    answer = make("edge").test_client().get("/nothing")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_the_web_knows_its_visitors_through_the_front_door(make: Make) -> None:
    app = make("web")
    seen: list[str | None] = []

    @app.get("/who")
    def who() -> str:
        seen.append(request.remote_addr)
        return ""

    client = app.test_client()
    client.get("/who", headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.7"})
    # A reverse proxy on this machine stands before the front door, which adds the proxy's own address.
    client.get("/who", headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.7, 127.0.0.1"})
    client.get("/who", headers={"X-Forwarded-For": "6.6.6.6"}, environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert seen == ["203.0.113.7", "203.0.113.7", "203.0.113.9"]


def test_the_described_api_stands_beside_the_pages(make: Make) -> None:
    document = make("web").test_client().get("/api/v1/openapi.json")
    assert document.status_code == 200
    assert "/api/v1/calls" in document.get_json()["paths"]


@pytest.mark.parametrize(("path", "status"), [("/api/v1/calls", 401), ("/api/v1/nothing", 404)])
def test_programs_get_problem_documents_beside_the_pages(make: Make, path: str, status: int) -> None:
    answer = make("web").test_client().get(path)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")


def test_people_get_pages(make: Make) -> None:
    answer = make("web").test_client().get("/app/nothing")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")


@pytest.mark.parametrize(("path", "kind"), [("/ask", "application/problem+json"), ("/app/ask", "text/html")])
def test_a_database_that_does_not_answer_is_a_503(make: Make, path: str, kind: str) -> None:
    app = make("web")

    @app.get(path)
    def ask() -> str:
        with app.extensions["calltrack"].db.shared() as session:
            session.execute(text("SET LOCAL statement_timeout = 20"))
            session.execute(text("SELECT pg_sleep(5)"))
        return ""

    answer = app.test_client().get(path)
    assert (answer.status_code, answer.mimetype) == (503, kind)


def test_an_error_of_the_database_names_no_values(services: Services) -> None:
    with pytest.raises(DBAPIError) as problem, services.db.shared() as session:
        session.execute(text("SELECT 1 / (length(:number) - 13)"), {"number": "+393331234567"})
    assert "+393331234567" not in str(problem.value)


def test_what_no_field_takes_is_refused_and_not_our_fault(make: Make) -> None:
    app = make("web")

    @app.get("/ask")
    def ask() -> str:
        with app.extensions["calltrack"].db.shared() as session:
            session.execute(text("SELECT :word"), {"word": "a\0b"})
        return ""

    answer = app.test_client().get("/ask")
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")


@pytest.mark.parametrize("surface", ["voice", "edge", "web", "sandbox"])
def test_a_refusal_reads_its_request_to_the_end(make: Make, surface: Surface) -> None:
    sent = BytesIO(b"a=b" * 1000)
    answer = make(surface).test_client().post("/nowhere/at/all", input_stream=sent, content_length=3000)
    assert (answer.status_code, sent.tell()) == (404, 3000)
