"""The twin enforces what Microsoft Advertising documents, row by row, in its own error shapes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import TestResponse

from calltrack.sandbox.platforms import oauth
from calltrack.sandbox.platforms.accounts import (
    CLIENT_ID,
    CLIENT_SECRET,
    MICROSOFT_ACCOUNT_ID,
    MICROSOFT_CUSTOMER_ID,
    MICROSOFT_DEVELOPER_TOKEN,
    MICROSOFT_REFRESH_TOKEN,
)
from tests.sandbox.platforms.serving import make_app

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HASH = "77e625149d4cddcfac0deca3151f7188f76e5fdc30302e24d2087a18bdd5dd44"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
V13 = "/sandbox/microsoft/CampaignManagement/v13"
HEADERS = {
    "Authorization": f"Bearer {oauth.issue(NOW)}",
    "DeveloperToken": MICROSOFT_DEVELOPER_TOKEN,
    "CustomerId": MICROSOFT_CUSTOMER_ID,
    "CustomerAccountId": MICROSOFT_ACCOUNT_ID,
}


def post(path: str, body: object, **headers: str) -> TestResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    client = make_app(None, lambda: NOW).test_client()
    return client.post(V13 + path, data=data, headers=HEADERS | headers)


def conversion(**more: Any) -> dict[str, Any]:
    given = {
        "MicrosoftClickId": "abc",
        "ConversionName": "Purchase by phone",
        "ConversionTime": "2026-11-20T11:00:00.000Z",
        "ConversionValue": 850,
        "ConversionCurrencyCode": "EUR",
    }
    return {name: value for name, value in (given | more).items() if value is not None}


def change(**more: Any) -> dict[str, Any]:
    given = {
        "AdjustmentType": "Restate",
        "AdjustmentTime": "2026-11-20T11:30:00Z",
        "AdjustmentValue": 9.5,
        "AdjustmentCurrencyCode": "EUR",
        "MicrosoftClickId": "abc",
        "ConversionName": "Purchase by phone",
        "ConversionTime": "2026-11-20T11:00:00.000Z",
    }
    return {name: value for name, value in (given | more).items() if value is not None}


def codes(answer: TestResponse) -> list[tuple[int, int]]:
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    assert all(one["Type"] == "BatchError" and one["ErrorCode"] for one in answer.json["PartialErrors"])
    return [(one["Index"], one["Code"]) for one in answer.json["PartialErrors"]]


@pytest.mark.parametrize(
    "row",
    [
        conversion(),
        conversion(ConversionValue=None, ConversionCurrencyCode=None),
        conversion(ConversionTime="2026-11-20T11:00:00Z"),
        conversion(ConversionTime="2026-11-20T11:00:00.6853793Z"),
        conversion(ConversionTime="2026-08-22T12:00:00Z"),
        conversion(ConversionName="Lead by phone", HashedEmailAddress=HASH, HashedPhoneNumber=HASH),
        conversion(MicrosoftClickId=None, HashedPhoneNumber=HASH),
    ],
)
def test_a_good_conversion_is_stored(row: dict[str, Any]) -> None:
    assert codes(post("/OfflineConversions/Apply", {"OfflineConversions": [row]})) == []


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (None, 5602),
        (conversion(MicrosoftClickId=None), 5603),
        (conversion(MicrosoftClickId=""), 5603),
        (conversion(MicrosoftClickId="INVALID7"), 5604),
        (conversion(MicrosoftClickId="two words"), 5604),
        (conversion(MicrosoftClickId=7), 5604),
        (conversion(ConversionName=None), 5605),
        (conversion(ConversionName="purchase by phone"), 5606),
        (conversion(ConversionTime="yesterday"), 5607),
        (conversion(ConversionTime="2026-11-20T11:00:00+01:00"), 5607),
        (conversion(ConversionTime="2026-13-20T11:00:00Z"), 5607),
        (conversion(ConversionTime=None), 5608),
        (conversion(ConversionTime="2026-08-22T11:59:59Z"), 5609),
        (conversion(ConversionValue=-1), 5610),
        (conversion(ConversionValue="850"), 5610),
        (conversion(ConversionCurrencyCode="euro"), 5611),
        (conversion(ConversionTime="2026-11-20T12:00:01Z"), 5614),
        (conversion(ConversionName="New goal"), 5615),
        (conversion(HashedEmailAddress="anna@example.it"), 5690),
        (conversion(HashedEmailAddress=EMPTY), 5690),
        (conversion(HashedPhoneNumber=HASH.upper()), 5691),
    ],
)
def test_a_bad_conversion_is_named_by_its_index_and_the_others_are_stored(row: Any, code: int) -> None:
    good = conversion(MicrosoftClickId="good")
    assert codes(post("/OfflineConversions/Apply", {"OfflineConversions": [good, row, good]})) == [(1, code)]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (change(), None),
        (change(AdjustmentCurrencyCode=None), None),
        (change(AdjustmentType="Retract", AdjustmentValue=None, AdjustmentCurrencyCode=None), None),
        (change(MicrosoftClickId=None), 5603),
        (change(ConversionName="Unknown"), 5606),
        (change(ConversionTime="2026-08-01T00:00:00Z"), 5609),
        (change(AdjustmentType="Delete"), 5618),
        (change(AdjustmentTime=None), 5619),
        (change(AdjustmentTime="2026-11-20T10:59:59Z"), 5620),
        (change(AdjustmentTime="soon"), 5621),
        (change(AdjustmentTime="2026-11-20T12:00:01Z"), 5622),
        (change(AdjustmentType="Retract"), 5624),
        (change(AdjustmentValue=None), 5625),
        (change(AdjustmentValue=-1), 5610),
        (change(AdjustmentCurrencyCode="E"), 5611),
        (None, 5602),
    ],
)
def test_each_rule_for_changes(row: Any, code: int | None) -> None:
    got = codes(post("/OfflineConversionAdjustments/Apply", {"OfflineConversionAdjustments": [row]}))
    assert got == ([] if code is None else [(0, code)])


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        ({"OfflineConversions": []}, {}, 400, 5600),
        ({}, {}, 400, 5600),
        (b"{", {}, 400, 5600),
        (b"\xff", {}, 400, 5600),
        ({"OfflineConversions": [conversion()] * 1001}, {}, 400, 5601),
        ({"OfflineConversions": [conversion(Phone="1")]}, {}, 400, 201),
        ({"OfflineConversions": [conversion()]}, {"DeveloperToken": "x"}, 401, 105),
        ({"OfflineConversions": [conversion()]}, {"Authorization": "Bearer x"}, 401, 109),
        ({"OfflineConversions": [conversion()]}, {"Authorization": ""}, 401, 109),
        ({"OfflineConversions": [conversion()]}, {"CustomerId": "9"}, 400, 116),
        ({"OfflineConversions": [conversion()]}, {"CustomerAccountId": ""}, 400, 116),
        ({"OfflineConversions": [conversion()]}, {"CustomerAccountId": "4031"}, 403, 106),
    ],
)
def test_a_request_that_cannot_be_taken_is_a_fault_and_stores_nothing(
    body: object, headers: dict[str, str], status: int, code: int
) -> None:
    answer = post("/OfflineConversions/Apply", body, **headers)
    assert answer.status_code == status
    assert answer.json is not None
    errors = answer.json.get("Errors") or answer.json["OperationErrors"]
    assert [one["Code"] for one in errors] == [code]
    assert answer.json["TrackingId"]
    assert answer.json["Type"] in ("AdApiFaultDetail", "ApiFaultDetail")


def test_1000_rows_are_taken_at_once() -> None:
    many = [conversion(MicrosoftClickId=f"c{n}") for n in range(1000)]
    assert codes(post("/OfflineConversions/Apply", {"OfflineConversions": many})) == []


def test_another_account_s_click_is_taken_and_never_attributed() -> None:
    client = make_app(None, lambda: NOW).test_client()
    body = json.dumps({"OfflineConversions": [conversion(MicrosoftClickId="OTHERACCOUNT1")]})
    assert codes(client.post(f"{V13}/OfflineConversions/Apply", data=body, headers=HEADERS)) == []
    told = client.get("/sandbox/platforms/effects?platform=microsoft").json
    assert told is not None
    assert (told["total"], told["counts"]["microsoft.unattributed"]) == (0, 1)
    assert "Microsoft Advertising" in client.get("/sandbox/platforms").text


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({}, 200, None),
        ({"grant_type": "password"}, 400, "invalid_request"),
        ({"scope": "openid"}, 400, "invalid_request"),
        ({"client_secret": "x"}, 401, "invalid_client"),
        ({"refresh_token": "x"}, 400, "invalid_grant"),
        ({"refresh_token": f"{MICROSOFT_REFRESH_TOKEN}.a.b"}, 400, "invalid_grant"),
    ],
)
def test_the_sign_in_gives_a_new_refresh_token_each_time(
    change: dict[str, str], status: int, error: str | None
) -> None:
    form = {
        "grant_type": "refresh_token",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": MICROSOFT_REFRESH_TOKEN,
        "scope": "https://ads.microsoft.com/msads.manage offline_access",
    }
    client = make_app(None, lambda: NOW).test_client()
    answer = client.post("/sandbox/microsoft/token", data=form | change)
    assert answer.status_code == status
    assert answer.json is not None
    assert answer.json.get("error") == error
    if error is None:
        renewed = client.post(
            "/sandbox/microsoft/token", data=form | {"refresh_token": answer.json["refresh_token"]}
        )
        assert renewed.status_code == 200
        assert renewed.json is not None
        assert renewed.json["refresh_token"] != answer.json["refresh_token"]


@pytest.mark.parametrize("body", [b"{", {}, {"StartDateUtc": "x"}])
def test_a_report_needs_its_days(body: object) -> None:
    assert post("/OfflineConversionReports/Query", body).status_code == 400
