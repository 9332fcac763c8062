"""Numbers by API: searched, ordered once, taken in, moved, repaired, given back, each only by its owner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from calltrack.api.registration import new_app, register
from calltrack.app import _explain_errors
from calltrack.kernel.ids import new_id
from calltrack.numbers.buying import buy_due
from calltrack.numbers.leaving import leave_due
from calltrack.telephony.carrier import NumberChange, NumberOrder
from calltrack.wiring import Services
from tests.api.conftest import Program, program_of
from tests.builders import make_company
from tests.numbers.provider import Provider, provided

BASE = "/api/v1/numbers"


@pytest.fixture
def provider(services: Services) -> Iterator[Provider]:
    with provided(services) as one:
        yield one


@pytest.fixture
def client_of_it(provider: Provider) -> FlaskClient:
    app = new_app("api")
    _explain_errors(app)
    register(app, provider.services)
    return app.test_client()


@pytest.fixture
def manager(provider: Provider, client_of_it: FlaskClient) -> Program:
    return program_of(provider.services, client_of_it, provider.company, "manager")


def static(provider: Provider, source: str = "billboard") -> dict[str, str]:
    return {"kind": "static", "location_id": str(provider.company.location_id), "source": source}


def delete(program: Program, path: str) -> Any:
    return program.client.delete(path, headers=program._headers())


def test_from_search_to_service(provider: Provider, manager: Program) -> None:
    found = manager.get(f"{BASE}/search?country=US&area_code=415").json
    assert (found["rent_minor"], found["rent_currency"], found["documents"]) == (115, "USD", [])
    e164 = found["numbers"][0]["e164"]
    body = {"e164": e164, "country": "US", "use": static(provider)}
    answer = manager.post(f"{BASE}/orders", body, idempotency="key-1")
    assert (answer.status_code, answer.json["state"]) == (202, "intended")
    order = f"{BASE}/orders/{answer.json['id']}"
    buy_due(provider.services, provider.company.id)
    assert manager.get(order).json["state"] == "in_service"
    assert [one["id"] for one in manager.get(f"{BASE}/orders").json["orders"]] == [answer.json["id"]]
    # The number is not for sale any more, and the same key still gets its first answer.
    again = manager.post(f"{BASE}/orders", body, idempotency="key-1")
    assert (again.status_code, again.json) == (202, answer.json)
    assert manager.post(f"{BASE}/orders", {**body, "e164": "+1"}, idempotency="key-1").status_code == 409
    assert manager.post(f"{BASE}/orders", body, idempotency="key-2").status_code == 409
    one = manager.get(f"{BASE}/{answer.json['number_id']}").json
    assert (one["e164"], one["health"], one["source"], one["hooks"]) == (
        e164,
        "well",
        "billboard",
        "application",
    )
    assert sum(one.e164 == e164 for one in provider.world.carrier.list_numbers()) == 1


def test_what_the_law_asks_is_told_before_the_order_and_refuses_it(
    provider: Provider, manager: Program
) -> None:
    found = manager.get(f"{BASE}/search?country=DE&type=local&locality=Berlin").json
    assert "Proof of business" in " ".join(found["documents"])
    assert "not approved yet" in " ".join(found["missing"])
    assert {one["status"] for one in found["bundles"]} == {"in-review"}
    body = {"e164": found["numbers"][0]["e164"], "country": "DE", "use": static(provider)}
    answer = manager.post(f"{BASE}/orders", body)
    assert answer.status_code == 409
    assert "in-review" in answer.json["detail"]


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"use": {"kind": "static", "source": "x"}}, 400, "Choose the location"),
        ({"use": {"kind": "pool"}}, 400, "Choose the pool"),
        ({"use": {"kind": "pool", "pool_id": str(new_id())}}, 404, "no such pool"),
        ({"country": "XX"}, 400, "not a country"),
        ({"e164": "+14155550000"}, 409, "not for sale"),
        ({"type": "fax"}, 422, "Change the fields"),
    ],
)
def test_a_wrong_order_says_what_to_change(
    provider: Provider, manager: Program, change: dict[str, Any], status: int, said: str
) -> None:
    body = {"e164": provider.offers()[0], "country": "US", "use": static(provider)} | change
    answer = manager.post(f"{BASE}/orders", body)
    assert answer.status_code == status
    assert said in answer.json["detail"]


def test_an_unwell_carrier_is_503_and_changes_nothing(provider: Provider, manager: Program) -> None:
    body = {"e164": provider.offers()[0], "country": "US", "use": static(provider)}
    provider.world.fault("search", "503")
    assert manager.post(f"{BASE}/orders", body, idempotency="k").status_code == 503
    assert manager.get(f"{BASE}/orders").json["orders"] == []
    assert manager.post(f"{BASE}/orders", body, idempotency="k").status_code == 202


def test_numbers_of_the_account_are_taken_in(provider: Provider, manager: Program) -> None:
    e164 = provider.offers()[0]
    provider.world.carrier.buy_number(NumberOrder(e164=e164, name="shop"))
    assert [one["e164"] for one in manager.get(f"{BASE}/at-carrier").json["numbers"]] == [e164]
    answer = manager.post(f"{BASE}/imports", {"numbers": [e164], "use": static(provider)})
    assert answer.status_code == 201
    (one,) = answer.json["imported"]
    assert (one["e164"], one["problem"]) == (e164, None)
    assert manager.get(f"{BASE}/{one['id']}").json["health"] == "well"


def test_moved_repaired_kept_and_given_back(provider: Provider, manager: Program) -> None:
    e164 = provider.offers()[0]
    number = provider.buy(e164, provider.static_use())
    path = f"{BASE}/{number.id.hex}"
    pool = {"kind": "pool", "pool_id": str(provider.company.pool_id)}
    moved = manager.put(f"{path}/use", pool).json
    assert (moved["kind"], moved["state"]) == ("pool", "resting")
    assert moved["rests_until"] is not None
    owned = provider.at_carrier(e164)
    assert owned is not None
    provider.world.carrier.update_number(owned.sid, NumberChange(voice_url="https://x.example.com/"))
    provider.check()
    ill = manager.get(path).json
    assert (ill["health"], ill["state"], ill["findings"][0]["repairable"]) == ("unfit", "unfit", True)
    assert manager.post(f"{path}/repair", {}).json["health"] == "well"
    assert manager.put(f"{path}/leaving", {"confirm": "yes", "days": 0}).status_code == 400
    answer = manager.put(f"{path}/leaving", {"confirm": e164, "days": 7})
    assert answer.status_code == 202
    assert manager.get(path).json["state"] == "leaving"
    assert manager.put(f"{path}/use", pool).status_code == 409
    assert delete(manager, f"{path}/leaving").status_code == 204
    assert delete(manager, f"{path}/leaving").status_code == 409
    assert manager.put(f"{path}/leaving", {"confirm": e164, "days": 0}).status_code == 202
    assert leave_due(provider.services, provider.company.id) == 1
    assert manager.get(path).status_code == 404
    assert provider.at_carrier(e164) is None


def writes(number_id: UUID) -> list[tuple[str, str, dict[str, Any]]]:
    path = f"{BASE}/{number_id}"
    return [
        ("POST", f"{BASE}/orders", {"e164": "+14155550000", "country": "US", "use": {"kind": "pool"}}),
        ("POST", f"{BASE}/imports", {"numbers": ["+14155550000"], "use": {"kind": "pool"}}),
        ("GET", f"{BASE}/search?country=US", {}),
        ("GET", f"{BASE}/at-carrier", {}),
        ("POST", f"{BASE}/repair", {}),
        ("PUT", f"{BASE}/hooks", {"hooks": "own"}),
        ("PUT", f"{path}/use", {"kind": "static", "source": "x", "location_id": str(new_id())}),
        ("POST", f"{path}/repair", {}),
        ("PUT", f"{path}/hooks", {"hooks": "application"}),
        ("PUT", f"{path}/leaving", {"confirm": "+14155550000"}),
        ("DELETE", f"{path}/leaving", {}),
    ]


def test_all_numbers_are_set_right_and_follow_the_application(provider: Provider, manager: Program) -> None:
    owned = provider.at_carrier(provider.company.numbers[0])
    assert owned is not None
    provider.world.carrier.update_number(owned.sid, NumberChange(voice_url="https://x.example.com/"))
    done = manager.post(f"{BASE}/repair", {}).json
    assert done == {
        "repaired": [provider.company.numbers[0]],
        "not_repaired": [],
        "left": 0,
        "problem": "",
    }
    headers = manager._headers()
    path = f"{BASE}/{provider.company.number_ids[1]}/hooks"
    answer = manager.client.put(path, json={"hooks": "application"}, headers=headers)
    assert answer.json is not None
    assert answer.json["repaired"] == [provider.company.numbers[1]]
    assert manager.get(f"{BASE}/{provider.company.number_ids[1]}").json["hooks"] == "application"
    assert manager.client.put(path, json={"hooks": "application"}, headers=headers).status_code == 409
    assert manager.client.put(path, json={"hooks": "both"}, headers=headers).status_code in (400, 422)
    provider.world.fault("numbers", "503")
    assert manager.post(f"{BASE}/repair", {}).status_code == 503


def test_a_viewer_changes_nothing_and_costs_nothing(provider: Provider, client_of_it: FlaskClient) -> None:
    viewer = program_of(provider.services, client_of_it, provider.company, "viewer")
    for method, path, body in writes(provider.company.number_ids[0]):
        answer = client_of_it.open(path, method=method, json=body, headers=viewer._headers())
        assert answer.status_code == 403, (method, path)


def test_foreign_numbers_and_orders_do_not_exist(provider: Provider, client_of_it: FlaskClient) -> None:
    e164 = provider.offers()[0]
    order_id = provider.order(e164)
    stranger = program_of(provider.services, client_of_it, make_company(provider.services), "owner")
    for id_ in (provider.company.number_ids[0], new_id()):
        for method, path, body in writes(id_)[6:]:
            answer = client_of_it.open(path, method=method, json=body, headers=stranger._headers())
            assert answer.status_code == 404, (method, path)
        assert stranger.get(f"{BASE}/{id_}").status_code == 404
    for id_ in (order_id, new_id()):
        assert stranger.get(f"{BASE}/orders/{id_}").status_code == 404
    assert stranger.get(f"{BASE}/orders").json["orders"] == []
    assert provider.number(provider.company.numbers[0]).leave_at is None
