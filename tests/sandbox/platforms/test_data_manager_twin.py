"""The twin enforces Google's documented limits in Google's own error shape."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import thread_time
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from calltrack.sandbox.platforms import oauth
from calltrack.sandbox.platforms.accounts import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from tests.sandbox.platforms.serving import make_app

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HASH = "77e625149d4cddcfac0deca3151f7188f76e5fdc30302e24d2087a18bdd5dd44"
INGEST = "/sandbox/datamanager/v1/events:ingest"


class Twin:
    """A client of the twin that may move the clock."""

    def __init__(self, folder: Path | None = None) -> None:
        self.now = NOW
        self.client: FlaskClient = make_app(folder, lambda: self.now).test_client()
        self.bearer = {"authorization": f"Bearer {oauth.issue(NOW, 10 * 86_400)}"}

    def ingest(self, body: object) -> TestResponse:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(INGEST, data=data, headers=self.bearer)

    def status(self, request_id: str) -> Any:
        answer = self.client.get(
            f"/sandbox/datamanager/v1/requestStatus:retrieve?requestId={request_id}", headers=self.bearer
        )
        assert answer.json is not None
        return answer.json["requestStatusPerDestination"]

    def effects(self, query: str = "") -> Any:
        return self.client.get(f"/sandbox/platforms/effects{query}").json


@pytest.fixture
def twin() -> Twin:
    return Twin()


def event(**more: Any) -> dict[str, Any]:
    given = {
        "transactionId": "conv-1",
        "eventTimestamp": "2026-11-20T11:00:00Z",
        "eventSource": "PHONE",
        "adIdentifiers": {"gclid": "abc"},
        "conversionValue": 850,
        "currency": "EUR",
    }
    return {name: value for name, value in (given | more).items() if value is not None}


def destination(**more: Any) -> dict[str, Any]:
    account = {"accountType": "GOOGLE_ADS", "accountId": "1234567890"}
    given = {"reference": "a", "operatingAccount": account, "productDestinationId": "7001"}
    return {name: value for name, value in (given | more).items() if value is not None}


def body(*events: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"destinations": [destination()], "encoding": "HEX", "events": list(events) or [event()]} | more


def user(*identifiers: dict[str, Any]) -> dict[str, Any]:
    return event(userData={"userIdentifiers": list(identifiers)}, adIdentifiers=None)


def violations(answer: TestResponse) -> list[tuple[str, str]]:
    assert answer.status_code == 400
    assert answer.json is not None
    error = answer.json["error"]
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    (bad,) = [one for one in error["details"] if one["@type"] == "type.googleapis.com/google.rpc.BadRequest"]
    return [(one["field"], one["reason"]) for one in bad["fieldViolations"]]


REFUSED: list[tuple[Any, str, str]] = [
    (body(*[event(transactionId=f"c-{n}") for n in range(2001)]), "events", "TOO_MANY_EVENTS"),
    (body(events=[]), "events", "REQUIRED_FIELD_MISSING"),
    (body(destinations=[]), "destinations", "REQUIRED_FIELD_MISSING"),
    (
        body(destinations=[destination(reference=f"r{n}") for n in range(11)]),
        "destinations",
        "TOO_MANY_DESTINATIONS",
    ),
    (
        body(destinations=[destination(), destination()]),
        "destinations[1].reference",
        "DUPLICATE_DESTINATION_REFERENCE",
    ),
    (
        body(destinations=[destination(operatingAccount=None)]),
        "destinations[0].operating_account",
        "REQUIRED_FIELD_MISSING",
    ),
    (
        body(destinations=[destination(operatingAccount={"accountType": "GOOGLE_ADS", "accountId": "12-3"})]),
        "destinations[0].operating_account",
        "DESTINATION_ACCOUNT_TYPE_MISMATCH",
    ),
    (
        body(destinations=[destination(productDestinationId=None)]),
        "destinations[0].product_destination_id",
        "REQUIRED_FIELD_MISSING",
    ),
    (
        body(destinations=[destination(productDestinationId="abc")]),
        "destinations[0].product_destination_id",
        "INVALID_CONVERSION_ACTION_ID",
    ),
    (
        body(destinations=[destination(productDestinationId="4041")]),
        "destinations[0].product_destination_id",
        "INVALID_CONVERSION_ACTION_ID",
    ),
    (body(encoding="ROT13"), "encoding", "INVALID_ENUM_VALUE"),
    (body(consent={"adUserData": "YES"}), "consent", "INVALID_ENUM_VALUE"),
    (body(event(), event(transactionId="12345")), "events[1]", "INVALID_FORMAT"),
    (body(event(eventTimestamp=None)), "events[0].event_timestamp", "REQUIRED_FIELD_MISSING"),
    (body(event(eventTimestamp="2026-11-20 11:00:00")), "events[0].event_timestamp", "INVALID_FORMAT"),
    (body(event(eventTimestamp="2026-11-20T11:00:00")), "events[0].event_timestamp", "INVALID_FORMAT"),
    (body(event(eventTimestamp="2026-13-20T11:00:00Z")), "events[0].event_timestamp", "INVALID_FORMAT"),
    (body(event(eventTimestamp="2026-11-20T13:30:00Z")), "events[0].event_timestamp", "EVENT_TIME_INVALID"),
    (body(event(lastUpdatedTimestamp="x")), "events[0].last_updated_timestamp", "INVALID_FORMAT"),
    (body(event(eventSource=None)), "events[0].event_source", "REQUIRED_FIELD_MISSING"),
    (body(event(eventSource="CALL")), "events[0].event_source", "INVALID_ENUM_VALUE"),
    (body(event(consent={"adUserData": "granted"})), "events[0].consent", "INVALID_ENUM_VALUE"),
    (body(event(currency="eur")), "events[0].currency", "INVALID_CURRENCY_CODE"),
    (body(event(currency="EURO")), "events[0].currency", "INVALID_CURRENCY_CODE"),
    (body(event(destinationReferences=["b"])), "events[0].destination_references", "INVALID_DESTINATION"),
    (
        body(event(userProperties={"customerType": "OLD"})),
        "events[0].user_properties.customer_type",
        "INVALID_ENUM_VALUE",
    ),
    (body(event(adIdentifiers=None)), "events[0]", "NO_IDENTIFIERS_PROVIDED"),
    (body(event(adIdentifiers={})), "events[0]", "NO_IDENTIFIERS_PROVIDED"),
    (body(user()), "events[0]", "NO_IDENTIFIERS_PROVIDED"),
    (
        body(user(*[{"phoneNumber": HASH}] * 11)),
        "events[0].user_data.user_identifiers",
        "TOO_MANY_USER_IDENTIFIERS",
    ),
    (body(user({"phoneNumber": HASH}), encoding=""), "events[0].user_data", "REQUIRED_FIELD_MISSING"),
    (
        body(user({"phoneNumber": "+390669940001"})),
        "events[0].user_data.user_identifiers[0]",
        "INVALID_HEX_ENCODING",
    ),
    (
        body(user({"phoneNumber": HASH[:63]})),
        "events[0].user_data.user_identifiers[0]",
        "INVALID_SHA256_FORMAT",
    ),
    (body(user({"emailAddress": ""})), "events[0].user_data.user_identifiers[0]", "INVALID_HEX_ENCODING"),
    (
        body(user({"phoneNumber": HASH}), encoding="BASE64"),
        "events[0].user_data.user_identifiers[0]",
        "INVALID_BASE64_ENCODING",
    ),
    (
        body(user({"phoneNumber": HASH, "emailAddress": HASH})),
        "events[0].user_data.user_identifiers[0]",
        "INVALID_ARGUMENT",
    ),
    (body(user({})), "events[0].user_data.user_identifiers[0]", "INVALID_ARGUMENT"),
    (body(event(), event(conversionValue="850")), "events[1].conversion_value", "INVALID_ARGUMENT"),
    (body(event(gclid="top level")), "events[0]", "INVALID_ARGUMENT"),
    (body(event(transactionId=7)), "events[0].transaction_id", "INVALID_ARGUMENT"),
    (b"{", "", "INVALID_ARGUMENT"),
    (b"\xff\xfe", "", "INVALID_ARGUMENT"),
    (b"", "", "INVALID_ARGUMENT"),
    ([], "", "INVALID_ARGUMENT"),
]


@pytest.mark.parametrize(("sent", "field", "reason"), REFUSED)
def test_one_fault_refuses_the_whole_request(twin: Twin, sent: Any, field: str, reason: str) -> None:
    assert (field, reason) in violations(twin.ingest(sent))
    assert twin.effects()["total"] == 0


ACCEPTED: list[dict[str, Any]] = [
    body(*[event(transactionId=f"c-{n}") for n in range(2000)]),
    body(destinations=[destination(reference=f"r{n}", productDestinationId=f"7{n}") for n in range(10)]),
    body(user(*[{"phoneNumber": HASH}] * 10)),
    body(user({"emailAddress": HASH.upper()})),
    body(user({"emailAddress": "R+0qAr/Rg0aYmNEYu1FQbZxXc0CkGYI4Y2R0bVY0mZM="}), encoding="BASE64"),
    body(event(transactionId=None)),
    body(event(transactionId="call-123")),
    body(event(eventTimestamp="2026-11-20T12:00:00.123456789+01:00")),
    body(event(consent={"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_DENIED"})),
    body(event(conversionValue=None, currency=None)),
    body(encoding=""),
]


@pytest.mark.parametrize("sent", ACCEPTED)
def test_what_is_within_the_limits_is_taken(twin: Twin, sent: dict[str, Any]) -> None:
    answer = twin.ingest(sent)
    assert answer.status_code == 200
    assert answer.json is not None
    assert set(answer.json) == {"requestId"}
    assert twin.effects()["total"] == max(len(sent["events"]), len(sent["destinations"]))


def test_a_dry_run_counts_nothing_and_misses_a_numeric_id(twin: Twin) -> None:
    assert twin.ingest(body(event(transactionId="123"), validateOnly=True)).json == {}
    assert violations(twin.ingest(body(event(eventSource="X"), validateOnly=True)))
    assert twin.effects()["total"] == 0


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer x", "Basic abc", "Bearer sandbox.9999999999.abc.def", "Bearer sandbox..."],
)
def test_without_a_valid_token_nothing_is_taken(twin: Twin, header: str) -> None:
    twin.bearer = {"authorization": header}
    answer = twin.ingest(body())
    assert answer.status_code == 401
    assert answer.json is not None
    assert answer.json["error"]["status"] == "UNAUTHENTICATED"


def test_a_token_expires(twin: Twin) -> None:
    twin.bearer = {"authorization": f"Bearer {oauth.issue(NOW)}"}
    assert twin.ingest(body()).status_code == 200
    twin.now = NOW + timedelta(seconds=oauth.LIFETIME)
    assert twin.ingest(body()).status_code == 401


def test_a_foreign_account_is_forbidden(twin: Twin) -> None:
    foreign = destination(operatingAccount={"accountType": "GOOGLE_ADS", "accountId": "4030000000"})
    assert twin.ingest(body(destinations=[foreign])).status_code == 403


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({}, 200, None),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": ""}, 401, "invalid_client"),
        ({"refresh_token": "revoked"}, 400, "invalid_grant"),
    ],
)
def test_the_sign_in(twin: Twin, change: dict[str, str], status: int, error: str | None) -> None:
    form = {"grant_type": "refresh_token", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    answer = twin.client.post("/sandbox/oauth/token", data={**form, "refresh_token": REFRESH_TOKEN, **change})
    assert answer.status_code == status
    assert answer.json is not None
    assert answer.json.get("error") == error


def request_id(answer: TestResponse) -> str:
    assert answer.json is not None
    found: str = answer.json["requestId"]
    return found


def test_a_verdict_takes_its_time(twin: Twin) -> None:
    receipt = request_id(twin.ingest(body()))
    assert twin.status(receipt)[0]["requestStatus"] == "PROCESSING"
    twin.now = NOW + timedelta(seconds=2)
    (part,) = twin.status(receipt)
    assert part["requestStatus"] == "SUCCESS"
    assert part["eventsIngestionStatus"] == {"recordCount": "1"}
    assert part["destination"]["productDestinationId"] == "7001"


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"adIdentifiers": {"gclid": "INVALID-x"}}, "INVALID_GCLID"),
        ({"adIdentifiers": {"gbraid": "INVALID-x"}}, "INVALID_GBRAID"),
        ({"adIdentifiers": {"wbraid": "INVALID-x"}}, "INVALID_WBRAID"),
        ({"adIdentifiers": {"gclid": "OTHERACCOUNT-x"}}, "INVALID_OPERATING_ACCOUNT_FOR_CLICK"),
        ({"consent": {"adUserData": "CONSENT_DENIED"}}, "DENIED_CONSENT"),
        ({"eventTimestamp": "2026-08-01T00:00:00Z"}, "EVENT_TOO_OLD"),
    ],
)
def test_what_google_rejects_later(twin: Twin, more: dict[str, Any], reason: str) -> None:
    receipt = request_id(
        twin.ingest(body(event(transactionId="good-1"), event(transactionId="bad-1", **more)))
    )
    twin.now = NOW + timedelta(seconds=2)
    (part,) = twin.status(receipt)
    assert part["requestStatus"] == "PARTIAL_SUCCESS"
    assert part["errorInfo"]["errorCounts"] == [
        {"reason": f"PROCESSING_ERROR_REASON_{reason}", "recordCount": "1", "recordIndices": [1]}
    ]
    assert [effect["id"] for effect in twin.effects()["effects"]] == ["good-1"]


def test_when_all_fail_the_request_failed(twin: Twin) -> None:
    receipt = request_id(twin.ingest(body(event(adIdentifiers={"gclid": "INVALID"}))))
    twin.now = NOW + timedelta(seconds=2)
    assert twin.status(receipt)[0]["requestStatus"] == "FAILED"


def test_each_destination_of_a_request_has_its_own_verdict(twin: Twin) -> None:
    two = [destination(), destination(reference="b", productDestinationId="7002")]
    bad = event(transactionId="x-2", destinationReferences=["b"], adIdentifiers={"gclid": "INVALID"})
    receipt = request_id(twin.ingest(body(event(destinationReferences=["a"]), bad, destinations=two)))
    twin.now = NOW + timedelta(seconds=2)
    assert [part["requestStatus"] for part in twin.status(receipt)] == ["SUCCESS", "FAILED"]


def test_an_unknown_receipt_is_refused(twin: Twin) -> None:
    answer = twin.client.get(
        "/sandbox/datamanager/v1/requestStatus:retrieve?requestId=nothing", headers=twin.bearer
    )
    assert violations(answer) == [("request_id", "INVALID_REQUEST_ID")]


def test_one_id_counts_once_per_conversion_action_and_a_new_value_replaces_the_old(twin: Twin) -> None:
    for sent in (
        event(), event(), event(conversionValue=900), event(conversionValue=900,
        adIdentifiers={"gclid": "other"}),
        event(conversionValue=None), event(conversionValue=0),
    ):  # fmt: skip
        twin.ingest(body(sent))
    twin.ingest(body(destinations=[destination(productDestinationId="7002")]))
    first, second = twin.effects("?id=conv-1")["effects"]
    assert (first["values"], first["received"], first["click"]) == ([850, 900, 0], 6, "abc")
    assert (second["target"], second["values"]) == ("1234567890/7002", [850])
    counts = twin.effects()["counts"]
    assert counts["google_data_manager.counted"] == 2
    assert counts["google_data_manager.replaced"] == 2
    assert counts["google_data_manager.repeated"] == 3


def test_a_restart_forgets_nothing_even_after_a_half_written_line(tmp_path: Path) -> None:
    before = Twin(tmp_path)
    receipt = request_id(
        before.ingest(body(event(), event(transactionId="x-2", adIdentifiers={"gclid": "INVALID"})))
    )
    before.ingest(body(event(conversionValue=900)))
    with (tmp_path / "platforms.jsonl").open("ab") as file:
        file.write(b'["e","google_data_manager","123')
    after = Twin(tmp_path)
    assert after.effects()["effects"] == before.effects()["effects"]
    after.now = NOW + timedelta(seconds=2)
    assert after.status(receipt)[0]["requestStatus"] == "PARTIAL_SUCCESS"
    after.ingest(body(event(conversionValue=900)))
    (effect,) = Twin(tmp_path).effects()["effects"]
    assert (effect["values"], effect["received"]) == ([850, 900], 3)


def test_an_overgrown_file_is_rewritten_at_the_start(tmp_path: Path) -> None:
    twin = Twin(tmp_path)
    for _ in range(60):
        twin.ingest(body(*[event(transactionId=f"c-{n}") for n in range(50)]))
    grown = (tmp_path / "platforms.jsonl").stat().st_size
    again = Twin(tmp_path)
    assert (tmp_path / "platforms.jsonl").stat().st_size < grown / 5
    assert again.effects()["total"] == 50
    assert Twin(tmp_path).effects() == again.effects()
    assert +Counter(again.effects()["counts"]) == {
        "google_data_manager.counted": 50,
        "google_data_manager.repeated": 2950,
    }


def test_two_thousand_events_are_taken_well_under_half_a_second(tmp_path: Path) -> None:
    twin = Twin(tmp_path)
    identifiers = {"userIdentifiers": [{"emailAddress": HASH}, {"phoneNumber": HASH}]}

    def best_of(make: Callable[[int], list[dict[str, Any]]]) -> float:
        times = []
        for turn in range(3):
            sent = json.dumps(body(*make(turn))).encode()
            started = thread_time()
            assert twin.ingest(sent).status_code == 200
            times.append(thread_time() - started)
        return min(times)

    fresh = best_of(
        lambda turn: [event(transactionId=f"c-{turn}-{n}", userData=identifiers) for n in range(2000)]
    )
    assert fresh < 0.25


def test_effects_can_be_narrowed_limited_and_cleared(twin: Twin) -> None:
    twin.ingest(body(*[event(transactionId=f"c-{n}") for n in range(5)]))
    assert len(twin.effects("?limit=2")["effects"]) == 2
    assert twin.effects("?limit=2")["total"] == 5
    assert twin.effects("?platform=webhook")["total"] == 0
    assert twin.effects("?id=c-3")["total"] == 1
    assert twin.client.delete("/sandbox/platforms/effects").status_code == 204
    assert twin.effects()["total"] == 0


ADDRESS = {"givenName": HASH, "familyName": HASH, "regionCode": "IT", "postalCode": "00185"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"postalCode": None}, "REQUIRED_FIELD_MISSING"),
        ({"givenName": "anna"}, "INVALID_HEX_ENCODING"),
        ({"familyName": "abc123"}, "INVALID_SHA256_FORMAT"),
        ({"regionCode": "ita"}, "INVALID_REGION_CODE"),
        ({"postalCode": " "}, "INVALID_POSTAL_CODE"),
    ],
)
def test_an_address_is_whole_or_refused(twin: Twin, change: dict[str, Any], reason: str | None) -> None:
    address = {name: value for name, value in (ADDRESS | change).items() if value is not None}
    sent = body(event(userData={"userIdentifiers": [{"address": address}]})) | {"encoding": "HEX"}
    answer = twin.ingest(sent)
    assert answer.status_code == (200 if reason is None else 400)
    assert reason is None or reason in answer.text


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"callInfo": {"startTimestamp": "2026-11-20T10:57:00Z"}}, None),
        ({"callInfo": {"startTimestamp": "this morning"}}, "INVALID_FORMAT"),
        ({"callInfo": {}}, "INVALID_FORMAT"),
        (
            {"callInfo": {"startTimestamp": "2026-11-20T10:57:00Z"}, "userData": None},
            "REQUIRED_FIELD_MISSING",
        ),
    ],
)
def test_a_call_needs_its_start_and_its_caller(twin: Twin, given: dict[str, Any], reason: str | None) -> None:
    person = {"userData": {"userIdentifiers": [{"phoneNumber": HASH}]}}
    answer = twin.ingest(body(event(**(person | given))) | {"encoding": "HEX"})
    assert answer.status_code == (200 if reason is None else 400)
    assert reason is None or reason in answer.text
