"""The twin enforces what Meta documents, in the Graph API's own error shape."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from calltrack.sandbox.platforms.accounts import META_ACCESS_TOKEN, META_DATASET_ID
from tests.sandbox.platforms.serving import make_app

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
HASH = "892c1257e5ac9132727c5d7f27d3f9da72a7acfc2bbe948bd4c0f39f2e3a5445"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
EVENTS = f"/sandbox/meta/v26.0/{META_DATASET_ID}/events"


def post(body: object, folder: Path | None = None, **headers: str) -> TestResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"authorization": f"Bearer {META_ACCESS_TOKEN}"} | headers
    return make_app(folder, lambda: NOW).test_client().post(EVENTS, data=data, headers=given)


def event(**more: Any) -> dict[str, Any]:
    given = {
        "event_name": "Lead",
        "event_id": "conv-1",
        "event_time": AT,
        "action_source": "phone_call",
        "user_data": {"ph": [HASH]},
    }
    return {name: value for name, value in (given | more).items() if value is not None}


def person(**parts: Any) -> dict[str, Any]:
    return event(user_data=parts)


@pytest.mark.parametrize(
    "one",
    [
        event(),
        event(event_id=None),
        event(event_time=AT - 7 * 86_400),
        event(event_time=AT + 60),
        event(event_time=AT - 60 * 86_400, action_source="physical_store"),
        event(event_name="Purchase", custom_data={"value": 850, "currency": "EUR"}),
        event(event_name="My event"),
        event(data_processing_options=["LDU"], data_processing_options_country=1,
              data_processing_options_state=1000),
        event(data_processing_options=[]),
        person(em=HASH, ph=[HASH, HASH]),
        person(fbc="fb.1.1554763741205.AbC", fbp="fb.1.1554763741205.123.Bg"),
        person(fn=[HASH], ln=[HASH], zp=[HASH]),
        person(client_ip_address="81.2.69.160", client_user_agent="Mozilla"),
        event(action_source="website", event_source_url="https://example.com/",
              user_data={"em": HASH, "client_user_agent": "Mozilla"}),
    ],
)  # fmt: skip
def test_a_good_event_is_received(one: dict[str, Any]) -> None:
    answer = post({"data": [one]})
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    assert answer.json["events_received"] == 1
    assert answer.json["messages"] == []
    assert answer.json["fbtrace_id"]


@pytest.mark.parametrize(
    ("one", "subcode"),
    [
        (event(event_time=AT - 7 * 86_400 - 1), 2804003),
        (event(event_time=AT - 63 * 86_400, action_source="physical_store"), 2804003),
        (event(event_time=AT + 61), 2804004),
        (event(event_time=str(AT)), 2804001),
        (event(event_time=AT * 1000), 2804001),
        (event(event_time=None), 2804001),
        (event(event_name=None), 2804001),
        (event(event_name=""), 2804001),
        (event(event_id=7), 2804001),
        (event(action_source=None), 2804001),
        (event(action_source="telephone"), 2804001),
        (event(user_data=None), 2804001),
        (event(event_name="Purchase"), 2804019),
        (event(event_name="Purchase", custom_data={"value": 1}), 2804019),
        (event(custom_data={"value": "1"}), 2804001),
        (event(custom_data={"value": True}), 2804001),
        (event(custom_data={"currency": "euro"}), 2804001),
        (event(custom_data=[]), 2804001),
        (event(data_processing_options=["ALL"]), 2804001),
        (event(data_processing_options=["LDU"], data_processing_options_country=39), 2804001),
        (person(), 2804050),
        (person(client_user_agent="Mozilla"), 2804050),
        (person(ct=[HASH], country=[HASH]), 2804050),
        (person(ph="390669940001"), 2804001),
        (person(ph=[HASH.upper()]), 2804001),
        (person(em=[EMPTY]), 2804001),
        (person(em=[None]), 2804001),
        (person(fbc=HASH), 2804001),
        (person(fbc="IwAR0"), 2804001),
        (person(fbp="fb.1.1554763741205.abc"), 2804001),
        (person(phone=HASH), 2804001),
        (event(action_source="website"), 2804001),
        (event(action_source="website", event_source_url="https://example.com/"), 2804001),
        (event(user_data={"fbc": "fb.1.1554763741205.INVALID7"}), 2804001),
        (7, 2804001),
    ],
)
def test_a_bad_event_refuses_the_request_and_nothing_counts(one: Any, subcode: int, tmp_path: Path) -> None:
    answer = post({"data": [event(event_id="good"), one]}, tmp_path)
    assert answer.status_code == 400
    assert answer.json is not None
    error = answer.json["error"]
    assert (error["code"], error["error_subcode"], error["is_transient"]) == (100, subcode, False)
    assert error["error_user_msg"].endswith(".")
    assert "data[1]" not in answer.text
    assert not (tmp_path / "platforms.jsonl").read_text()
    assert answer.headers["Date"] == "Fri, 20 Nov 2026 12:00:00 GMT"


def test_at_most_1000_events_and_at_least_one() -> None:
    assert post({"data": [event(event_id=f"c{n}") for n in range(1000)]}).status_code == 200
    assert post({"data": [event(event_id=f"c{n}") for n in range(1001)]}).status_code == 400
    nothings: tuple[object, ...] = ({"data": []}, {}, [], b"", b"\xff", b"{")
    assert {post(nothing).status_code for nothing in nothings} == {400}


@pytest.mark.parametrize(
    ("authorization", "subcode"),
    [("", None), ("Bearer ", None), ("Bearer other", None), ("Basic x", None), ("Bearer expired7", 463)],
)
def test_a_wrong_token_is_a_401_with_code_190(authorization: str, subcode: int | None) -> None:
    answer = post({"data": [event()]}, authorization=authorization)
    assert answer.status_code == 401
    assert answer.json is not None
    assert (answer.json["error"]["code"], answer.json["error"].get("error_subcode")) == (190, subcode)


def test_what_counted_outlives_a_restart(tmp_path: Path) -> None:
    post({"data": [event()]}, tmp_path)
    app = make_app(tmp_path, lambda: NOW + timedelta(hours=1))
    effects = app.test_client().get("/sandbox/platforms/effects?platform=meta").json
    assert effects is not None
    assert [(one["target"], one["id"]) for one in effects["effects"]] == [
        (f"{META_DATASET_ID}/Lead", "conv-1")
    ]
    assert "Meta" in app.test_client().get("/sandbox/platforms").text
