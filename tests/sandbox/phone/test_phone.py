"""The phone page and its addresses, played against a real hook server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from calltrack.sandbox.carrier import SimulatedNumber
from calltrack.sandbox.phone import create_blueprint
from tests.sandbox.carrier.hooks import ACCOUNT, TOKEN, TRACKING, Hooks, eventually, running

ORDER: dict[str, Any] = {"from": "333 123 4567", "to": "06 8765 0001", "outcome": "answered", "speed": 0}


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with running() as hooks:
        yield hooks


@pytest.fixture
def client(hooks: Hooks) -> FlaskClient:
    def token(account_sid: str) -> str:
        assert account_sid == ACCOUNT
        return TOKEN

    def directory() -> list[SimulatedNumber]:
        return [hooks.number(label="Roma · Google Ads")]

    app = Flask(__name__)
    app.register_blueprint(create_blueprint(directory, token))
    return app.test_client()


def place(client: FlaskClient, **changes: Any) -> dict[str, Any]:
    answer = client.post("/sandbox/calls", json={**ORDER, **changes})
    assert answer.status_code == 202, answer.text
    call_sid = answer.json["id"]  # type: ignore[index]  # the status says it is there
    eventually(lambda: client.get(f"/sandbox/calls/{call_sid}").json["state"] == "ended")  # type: ignore[index]
    return dict(client.get(f"/sandbox/calls/{call_sid}").json)  # type: ignore[arg-type]


def test_a_call_is_played_against_the_hooks(client: FlaskClient, hooks: Hooks) -> None:
    call = place(client)
    assert (call["result"], call["connected"], call["talk_seconds"]) == ("talked", True, 180)
    [asked] = hooks.of("voice")
    assert (asked["From"], asked["To"]) == ("+393331234567", TRACKING)
    assert hooks.unsigned == []
    kinds = [entry["kind"] for entry in call["entries"]]
    assert {"call", "ring", "business-hears", "connected", "hook"} <= set(kinds)
    hook = next(entry for entry in call["entries"] if entry["kind"] == "hook")
    assert (hook["status"], hook["purpose"]) == (200, "voice")
    assert hook["milliseconds"] > 0
    assert client.get(f"/sandbox/calls/{call['id']}?after={call['lines']}").json["entries"] == []  # type: ignore[index]


def test_a_fast_call_reports_no_time_to_come(client: FlaskClient, hooks: Hooks) -> None:
    from email.utils import parsedate_to_datetime

    place(client, talk_seconds=3600)
    assert parsedate_to_datetime(hooks.of("status")[0]["Timestamp"]).timestamp() <= time.time()


@pytest.mark.parametrize("withheld", ["", "withheld", "Anonymous"])
def test_the_caller_can_withhold_the_number(client: FlaskClient, hooks: Hooks, withheld: str) -> None:
    place(client, **{"from": withheld})
    assert hooks.of("voice")[0]["From"] == "anonymous"


def test_a_number_of_nobody_is_told_so(client: FlaskClient, hooks: Hooks) -> None:
    call = place(client, to="+390612345678")
    assert (call["result"], call["connected"]) == ("not-in-service", False)
    assert "not in service" in call["entries"][0]["text"]
    assert hooks.asked == []


def test_a_voicemail_and_bad_weather(client: FlaskClient, hooks: Hooks) -> None:
    call = place(client, outcome="no-answer", voicemail_seconds=9, order="shuffled", duplicates=1)
    assert call["result"] == "voicemail"
    assert len(hooks.of("status")) == 2


def test_the_last_calls_are_listed(client: FlaskClient) -> None:
    first, second = place(client), place(client, outcome="busy")
    calls = client.get("/sandbox/calls").json["calls"]  # type: ignore[index]  # always an object
    assert [call["id"] for call in calls] == [second["id"], first["id"]]
    assert "entries" not in calls[0]
    assert client.get("/sandbox/calls/CA0").status_code == 404


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ([], "JSON object"),
        ({**ORDER, "to": ""}, '"to"'),
        ({**ORDER, "to": "hello"}, "not a phone number"),
        ({**ORDER, "from": 5}, '"from"'),
        ({**ORDER, "from": "12"}, "too short"),
        ({**ORDER, "outcome": "exploded"}, '"outcome"'),
        ({**ORDER, "outcome": ["busy"]}, '"outcome"'),
        ({**ORDER, "talk_seconds": -1}, '"talk_seconds"'),
        ({**ORDER, "talk_seconds": "60"}, '"talk_seconds"'),
        ({**ORDER, "talk_seconds": True}, '"talk_seconds"'),
        ({**ORDER, "speed": 1e9}, '"speed"'),
        ({**ORDER, "volume": 11}, "Unknown field"),
        ({**ORDER, "keys": "1x"}, '"keys"'),
        ({**ORDER, "keys": "1" * 21}, '"keys"'),
        ({**ORDER, "keys": 1}, '"keys"'),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_in_words(
    client: FlaskClient, hooks: Hooks, order: object, words: str
) -> None:
    answer = client.post("/sandbox/calls", json=order)
    assert answer.status_code == 400
    assert words in answer.json["error"]  # type: ignore[index]  # always an object
    assert hooks.asked == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("{", "application/json"),
        ("{}", "text/plain"),
        ("[" * 9000, "application/json"),
        ("[" * 5000, "application/json"),
        ('{"speed": NaN}', "application/json"),
    ],
)
def test_garbage_is_refused(client: FlaskClient, body: str, content_type: str) -> None:
    answer = client.post("/sandbox/calls", data=body, content_type=content_type)
    assert answer.status_code == 400
    assert answer.json["error"]  # type: ignore[index]  # always an object


def test_the_page_shows_the_numbers_and_runs_no_inline_script(client: FlaskClient) -> None:
    page = client.get("/sandbox/phone?to=%3Cscript%3E")
    assert page.status_code == 200
    assert "+39 06 8765 0001" in page.text
    assert "Roma · Google Ads" in page.text
    assert "<script>" not in page.text
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    for name in ("sandbox.css", "phone.css", "phone.js", "sandbox.svg"):
        assert f"/sandbox/static/{name}" in page.text
        with client.get(f"/sandbox/static/{name}") as asset:
            assert asset.status_code == 200


def test_a_house_without_numbers_says_what_to_do() -> None:
    app = Flask(__name__)
    app.register_blueprint(create_blueprint(list, lambda _: ""))
    assert "no tracking numbers yet" in app.test_client().get("/sandbox/phone").text
