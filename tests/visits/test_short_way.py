"""Hot paths are answered without Flask; what fails there is Flask's to say and to answer."""

import json
from typing import Any, cast

import pytest
from flask import Flask, got_request_exception, request_started
from psycopg_pool import ConnectionPool

from calltrack.visits.routes import create_blueprint
from calltrack.visits.sites import Site, SiteTable
from calltrack.wiring import Services
from tests.builders import Company
from tests.visits.conftest import BROWSER, Edge


class BrokenSites(SiteTable):
    """Fails as a fault of ours does."""

    def find(self, key: str) -> Site | None:
        raise RuntimeError(key)


def test_a_page_load_a_sign_and_a_tap_make_no_request_of_flask(edge: Edge, company: Company) -> None:
    asked: list[Any] = []

    def note(_: Flask, **__: Any) -> None:
        asked.append(_)

    with request_started.connected_to(note):
        known = edge.visit(company)
        assert edge.beat(company, known).status_code == 204
        assert edge.post("/v1/tap", company, {"s": known["s"], "n": "0612345678"}).status_code == 204
        assert not asked
        assert edge.client.options("/v1/visit").status_code == 204
    assert len(asked) == 1


@pytest.mark.parametrize("path", ["/v1/visit", "/v1/beat", "/v1/tap", "/v1/form"])
def test_a_fault_is_answered_and_told_by_flask(services: Services, company: Company, path: str) -> None:
    app = Flask("edge")
    sites = BrokenSites(services.db)
    app.register_blueprint(create_blueprint(services, cast(ConnectionPool, None), sites=sites))
    told: list[Exception] = []

    def note(_: Flask, exception: Exception, **__: Any) -> None:
        told.append(exception)

    with got_request_exception.connected_to(note):
        headers = {"Origin": company.origin, "User-Agent": BROWSER}
        answer = app.test_client().post(path, data=json.dumps({"k": "a key"}), headers=headers)
    assert answer.status_code == 500
    assert [str(problem) for problem in told] == ["a key"]
