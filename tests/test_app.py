"""One app per surface: each serves its own paths only, and errors are problem documents."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask, request

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

    app.test_client().get("/who", headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.7"})
    assert seen == ["203.0.113.7"]
