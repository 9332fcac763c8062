"""The Google Ads twin refuses what Google refuses, in Google's own words, over its own socket."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from calltrack.destinations.google_ads_client import GoogleAdsTransport
from calltrack.infra.http import HttpAnswer, HttpDoor, HttpRequest
from calltrack.sandbox.platforms import oauth
from tests.sandbox.platforms.serving import serving

NOW = datetime.now(UTC).replace(microsecond=0)
HASH = "77e625149d4cddcfac0deca3151f7188f76e5fdc30302e24d2087a18bdd5dd44"


def at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S+00:00")


CLICK: dict[str, Any] = {
    "gclid": "abc",
    "conversionAction": "customers/1234567890/conversionActions/7002",
    "conversionDateTime": at(NOW - timedelta(hours=1)),
    "conversionValue": 850,
    "currencyCode": "EUR",
}
CALL: dict[str, Any] = {
    "callerId": "+390669940001",
    "callStartDateTime": at(NOW - timedelta(hours=1)),
    "conversionAction": "customers/1234567890/conversionActions/7003",
    "conversionDateTime": at(NOW - timedelta(minutes=57)),
}
CHANGE: dict[str, Any] = {
    "orderId": "conv-a",
    "adjustmentType": "RESTATEMENT",
    "conversionAction": CLICK["conversionAction"],
    "adjustmentDateTime": at(NOW - timedelta(minutes=5)),
    "restatementValue": {"adjustedValue": 900},
}


class Ads:
    """A caller of the twin that may send anything."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.door = HttpDoor(allow_private=True)
        self.transport = GoogleAdsTransport(self.door)

    def call(
        self, method: str, body: dict[str, Any], customer: str = "1234567890", **headers: str
    ) -> HttpAnswer:
        url = f"{self.origin}/sandbox/google-ads/v26/customers/{customer}{method}"
        given = {"authorization": f"Bearer {oauth.issue(NOW, 86_400)}"} | headers
        answer = self.transport.send(HttpRequest("POST", url, given, json.dumps(body).encode()))
        assert isinstance(answer, HttpAnswer)
        return answer

    def upload(
        self, *rows: dict[str, Any], method: str = ":uploadClickConversions", **frame: Any
    ) -> HttpAnswer:
        name = "conversionAdjustments" if "Adjust" in method else "conversions"
        return self.call(method, {name: list(rows), "partialFailure": True} | frame)

    def clear(self) -> None:
        self.door.send(HttpRequest("DELETE", f"{self.origin}/sandbox/platforms/effects"))


@pytest.fixture(scope="module")
def running() -> Iterator[Ads]:
    with serving() as origin:
        yield Ads(origin)


@pytest.fixture
def ads(running: Ads) -> Ads:
    running.clear()
    return running


def faults(answer: HttpAnswer) -> list[tuple[int | None, str]]:
    """The row and code of each error in an answer."""
    said = json.loads(answer.body)
    status = said.get("error") or said.get("partialFailureError") or {}
    errors = [error for detail in status.get("details", []) for error in detail["errors"]]
    found = []
    for error in errors:
        path = error.get("location", {}).get("fieldPathElements", [])
        found.append((path[0].get("index") if path else None, next(iter(error["errorCode"].values()))))
    return found


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, None),
        ({"gclid": "", "userIdentifiers": [{"hashedEmail": HASH}]}, None),
        ({"gclid": ""}, "REQUIRED"),
        ({"gclid": "", "gbraid": "G", "wbraid": "W"}, "GBRAID_WBRAID_BOTH_SET"),
        ({"gclid": "INVALIDx"}, "UNPARSEABLE_GCLID"),
        ({"gclid": "", "gbraid": "INVALIDx"}, "UNPARSEABLE_GBRAID"),
        ({"gclid": "", "wbraid": "INVALIDx"}, "UNPARSEABLE_WBRAID"),
        ({"gclid": "OTHERACCOUNTx"}, "INVALID_CUSTOMER_FOR_CLICK"),
        ({"conversionAction": "customers/1234567890/conversionActions/4041"}, "NO_CONVERSION_ACTION_FOUND"),
        ({"conversionAction": "7002"}, "NO_CONVERSION_ACTION_FOUND"),
        ({"conversionAction": CALL["conversionAction"]}, "INVALID_CONVERSION_ACTION_TYPE"),
        ({"conversionDateTime": "2026-11-20T12:00:00Z"}, "INVALID_STRING_DATE_TIME_SECONDS_WITH_OFFSET"),
        ({"conversionDateTime": "2026-13-40 12:00:00+00:00"}, "INVALID_STRING_DATE_TIME_SECONDS_WITH_OFFSET"),
        ({"conversionDateTime": ""}, "INVALID_STRING_DATE_TIME_SECONDS_WITH_OFFSET"),
        ({"conversionDateTime": at(NOW - timedelta(days=91))}, "EXPIRED_EVENT"),
        ({"conversionDateTime": at(NOW + timedelta(hours=3))}, "LATER_THAN_MAXIMUM_DATE"),
        ({"currencyCode": "EURO"}, "UNSUPPORTED"),
        ({"orderId": "anna@example.it"}, "ORDER_ID_CONTAINS_PII"),
        ({"orderId": "+390669940001"}, "ORDER_ID_CONTAINS_PII"),
        ({"userIdentifiers": [{"hashedEmail": "anna@example.it"}]}, "INVALID_USER_IDENTIFIER"),
        ({"userIdentifiers": [{"hashedPhoneNumber": HASH.upper()}]}, "INVALID_USER_IDENTIFIER"),
        ({"userIdentifiers": [{"addressInfo": {"countryCode": "IT"}}]}, "UNSUPPORTED_USER_IDENTIFIER"),
        ({"userIdentifiers": [{"hashedEmail": HASH}] * 6}, "TOO_MANY"),
    ],
)
def test_a_conversion_google_would_not_take_is_named_with_its_row(
    ads: Ads, change: dict[str, Any], code: str | None
) -> None:
    answer = ads.upload(CLICK | {"gclid": "other"}, CLICK | change)
    assert answer.status == 200
    assert faults(answer) == ([] if code is None else [(1, code)])
    results = json.loads(answer.body)["results"]
    assert [bool(result) for result in results] == [True, code is None]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, None),
        ({"callerId": "0669940001"}, "UNPARSEABLE_CALLERS_PHONE_NUMBER"),
        ({"callerId": "+390669940000"}, "CALL_NOT_FOUND"),
        ({"conversionAction": CLICK["conversionAction"]}, "INVALID_CONVERSION_ACTION_TYPE"),
        ({"conversionDateTime": at(NOW - timedelta(hours=2))}, "CONVERSION_PRECEDES_CALL"),
        ({"callStartDateTime": at(NOW - timedelta(days=91))}, "EXPIRED_CALL"),
        ({"callStartDateTime": "noon"}, "INVALID_STRING_DATE_TIME_SECONDS_WITH_OFFSET"),
    ],
)
def test_a_call_google_would_not_take(ads: Ads, change: dict[str, Any], code: str | None) -> None:
    answer = ads.upload(CALL | change, method=":uploadCallConversions")
    assert faults(answer) == ([] if code is None else [(0, code)])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, None),
        ({"orderId": "conv-unknown"}, "CONVERSION_NOT_FOUND"),
        ({"orderId": ""}, "REQUIRED"),
        (
            {"gclidDateTimePair": {"gclid": "abc", "conversionDateTime": CLICK["conversionDateTime"]}},
            "GCLID_DATE_TIME_PAIR_AND_ORDER_ID_BOTH_SET",
        ),
        ({"adjustmentDateTime": at(NOW - timedelta(hours=2))}, "ADJUSTMENT_PRECEDES_CONVERSION"),
        ({"adjustmentDateTime": "now"}, "INVALID_STRING_DATE_TIME_SECONDS_WITH_OFFSET"),
        ({"conversionAction": "customers/1234567890/conversionActions/404"}, "NO_CONVERSION_ACTION_FOUND"),
        ({"restatementValue": {"adjustedValue": 1, "currencyCode": "XXX"}}, "UNSUPPORTED"),
        ({"orderId": "anna@example.it"}, "ORDER_ID_CONTAINS_PII"),
    ],
)
def test_a_change_google_would_not_take(ads: Ads, change: dict[str, Any], code: str | None) -> None:
    ads.upload(CLICK | {"orderId": "conv-a"})
    answer = ads.upload(CHANGE | change, method=":uploadConversionAdjustments")
    assert faults(answer) == ([] if code is None else [(0, code)])


def test_a_change_after_54_days_comes_too_late(ads: Ads) -> None:
    ads.upload(CLICK | {"orderId": "conv-a", "conversionDateTime": at(NOW - timedelta(days=55))})
    assert faults(ads.upload(CHANGE, method=":uploadConversionAdjustments")) == [(0, "CONVERSION_EXPIRED")]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{"orderId": "a"}, {"orderId": "a", "gclid": "x"}], [(1, "DUPLICATE_ORDER_ID")]),
        ([{"orderId": "a"}, {"orderId": "b"}], [(1, "DUPLICATE_CLICK_CONVERSION_IN_REQUEST")]),
        ([{}, {}], [(1, "DUPLICATE_CLICK_CONVERSION_IN_REQUEST")]),
        ([{"orderId": "a"}, {"orderId": "b", "gclid": "x"}], []),
    ],
)
def test_what_stands_twice_in_a_request_is_named(
    ads: Ads, rows: list[dict[str, Any]], expected: list[tuple[int, str]]
) -> None:
    assert faults(ads.upload(*[CLICK | row for row in rows])) == expected


def test_a_conversion_is_known_by_its_id_or_by_click_and_time(ads: Ads) -> None:
    ads.upload(CLICK | {"orderId": "a"})
    assert faults(ads.upload(CLICK | {"orderId": "a", "gclid": "x"})) == [(0, "ORDER_ID_ALREADY_IN_USE")]
    assert faults(ads.upload(CLICK | {"orderId": "b"})) == [(0, "CLICK_CONVERSION_ALREADY_EXISTS")]
    assert faults(ads.upload(CLICK)) == [(0, "CLICK_CONVERSION_ALREADY_EXISTS")]
    other = {"conversionAction": "customers/1234567890/conversionActions/7001"}
    assert faults(ads.upload(CLICK | {"orderId": "a"} | other)) == []


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        ({"body": {"conversions": [CLICK]}}, 400, "PARTIAL_FAILURE_MODE_REQUIRED"),
        ({"body": {"conversions": [], "partialFailure": True}}, 400, "REQUIRED_FIELD_MISSING"),
        ({"customer": "4031234567"}, 403, "USER_PERMISSION_DENIED"),
        ({"customer": "12"}, 400, "INVALID_CUSTOMER_ID"),
        ({"authorization": "Bearer x"}, 401, "OAUTH_TOKEN_EXPIRED"),
        ({"login-customer-id": "123"}, 400, "INVALID_LOGIN_CUSTOMER_ID"),
    ],
)
def test_a_request_google_would_not_take(ads: Ads, call: dict[str, Any], status: int, code: str) -> None:
    given = {"body": {"conversions": [CLICK], "partialFailure": True}} | call
    answer = ads.call(":uploadClickConversions", **given)
    assert answer.status == status
    assert faults(answer) == [(None, code)]


def test_a_query_for_anything_else_is_refused(ads: Ads) -> None:
    answer = ads.call("/googleAds:searchStream", {"query": "SELECT user_list.id FROM user_list"})
    assert (answer.status, faults(answer)) == (400, [(None, "BAD_RESOURCE_TYPE_IN_FROM_CLAUSE")])


def test_a_query_about_cost_names_its_days_and_fields_that_exist(ads: Ads) -> None:
    campaigns = ads.call("/googleAds:searchStream", {"query": "SELECT campaign.id FROM campaign"})
    assert campaigns.status == 200
    of_clicks = "SELECT click_view.gclid FROM click_view WHERE segments.date"
    for query, code in (
        ("SELECT campaign.id, metrics.cost_micros FROM campaign", "EXPECTED_FILTERS_ON_DATE_RANGE"),
        ("SELECT campaign.cost FROM campaign", "UNRECOGNIZED_FIELD"),
        (f"{of_clicks} BETWEEN '2026-11-01' AND '2026-11-02'", "EXPECTED_FILTERS_ON_DATE_RANGE"),
        (f"{of_clicks} = '2020-11-01'", "DATE_RANGE_TOO_WIDE"),
    ):
        answer = ads.call("/googleAds:searchStream", {"query": query})
        assert (answer.status, faults(answer)) == (400, [(None, code)])


def test_a_dry_run_says_the_same_and_counts_nothing(ads: Ads) -> None:
    answer = ads.upload(CLICK, CLICK | {"gclid": "INVALIDx"}, validateOnly=True)
    assert faults(answer) == [(1, "UNPARSEABLE_GCLID")]
    assert "results" not in json.loads(answer.body)
    assert faults(ads.upload(CLICK)) == []


def test_the_job_number_comes_back(ads: Ads) -> None:
    assert json.loads(ads.upload(CLICK, jobId=7).body)["jobId"] == "7"
    assert int(json.loads(ads.upload(CLICK).body)["jobId"]) >= 2**31


def test_a_restart_forgets_nothing_that_counted(tmp_path: Path) -> None:
    change = {"method": ":uploadConversionAdjustments"}
    with serving(tmp_path) as origin:
        first = Ads(origin)
        first.upload(CLICK | {"orderId": "conv-a"})
        assert faults(first.upload(CHANGE, **change)) == []
    with serving(tmp_path) as origin:
        again = Ads(origin)
        assert faults(again.upload(CLICK | {"orderId": "conv-a"})) == [(0, "ORDER_ID_ALREADY_IN_USE")]
        assert faults(again.upload(CLICK)) == [(0, "CLICK_CONVERSION_ALREADY_EXISTS")]
        assert faults(again.upload(CHANGE, **change)) == [(0, "RESTATEMENT_ALREADY_EXISTS")]
        retract = {"orderId": "conv-a", "adjustmentType": "RETRACTION"} | {
            name: CHANGE[name] for name in ("conversionAction", "adjustmentDateTime")
        }
        assert faults(again.upload(retract, **change)) == []
        assert faults(again.upload(retract, **change)) == [(0, "CONVERSION_ALREADY_RETRACTED")]


FORKING = """
import os, sys
from tests.sandbox.platforms.test_google_ads_twin import CLICK, Ads, faults
ads = Ads(sys.argv[1])
assert faults(ads.upload(CLICK | {"gclid": "parent"})) == []
children = []
for number in range(3):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = int(faults(ads.upload(CLICK | {"gclid": f"child-{number}"})) != [])
        finally:
            os._exit(code)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
assert faults(ads.upload(CLICK | {"gclid": "parent again"})) == []
sys.exit(codes != [0, 0, 0])
"""


def test_children_forked_with_an_open_channel_send_over_their_own(ads: Ads) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKING, ads.origin],
        check=False,
        timeout=60,
        capture_output=True,
        text=True,
        # As in the product: only the tests' own process goes without gRPC's fork handlers.
        env=os.environ | {"GRPC_ENABLE_FORK_SUPPORT": "true"},
    )
    assert done.returncode == 0, done.stderr
