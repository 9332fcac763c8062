"""The pool advisor by API."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from calltrack.api.registration import new_app, register
from calltrack.app import _explain_errors
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.api.conftest import program_of
from tests.builders import make_company
from tests.numbers.pool_weeks import NOW, usual_weeks


@pytest.fixture(scope="module")
def then(services: Services) -> Services:
    """The same parts at the end of the weeks that are written."""
    return replace(services, clock=lambda: NOW)


@pytest.fixture(scope="module")
def client_then(then: Services) -> FlaskClient:
    app = new_app("api")
    _explain_errors(app)
    register(app, then)
    return app.test_client()


def test_a_program_reads_what_a_pool_should_have(then: Services, client_then: FlaskClient) -> None:
    company = make_company(then, numbers=3)
    usual_weeks(company).write(then)
    viewer = program_of(then, client_then, company, "viewer")
    found = viewer.get(f"/api/v1/pools/{company.pool_id}/advice").json
    assert (found["state"], found["numbers"], found["campaigns"], found["sources"]) == ("ready", 3, 4, 2)
    assert [found[one]["numbers"] for one in ("fewer", "now", "more")] == [2, 3, 4]
    assert found["now"]["cost"] is None
    assert found["hours"][34]["visits"] == 66
    assert found["dry_hours"][0]["causes"] == ["campaign", "visits"]
    assert found["asked"] is None
    at = f"/api/v1/pools/{company.pool_id}/advice?hour="
    asked, short = viewer.get(f"{at}34").json["asked"], found["dry_hours"][0]
    assert (asked["hour"], asked["visits"], asked["sentence"][:5]) == (34, 66, "Tuesd")
    assert viewer.get(f"{at}{short['hour']}").json["asked"] == short
    assert [viewer.get(f"{at}{hour}").status_code for hour in ("168", "-1", "x")] == [422, 422, 422]
    rarely = found["goals"][0]
    assert (rarely["kind"], rarely["change"]) == ("rarely_shared", rarely["numbers"] - 3)


def test_a_pool_without_visits_and_a_foreign_one(then: Services, client_then: FlaskClient) -> None:
    company, other = make_company(then), make_company(then)
    viewer = program_of(then, client_then, company, "viewer")
    empty = viewer.get(f"/api/v1/pools/{company.pool_id}/advice").json
    assert (empty["state"], empty["hours"], empty["goals"], empty["now"]) == ("no_traffic", [], [], None)
    for unknown in (other.pool_id, new_id()):
        answer = viewer.get(f"/api/v1/pools/{unknown}/advice")
        assert (answer.status_code, answer.json["title"]) == (404, "Not found")
    assert viewer.get("/api/v1/pools/nonsense/advice").status_code == 400
