"""Input to exact payload: what leaves for Microsoft Advertising, byte for byte."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.destinations.microsoft import Microsoft
from tests.destinations.social import HASHES, microsoft
from tests.destinations.uploads import NOON, upload

MICROSOFT = Microsoft()
CLICK = "F894f652ea334e739002f7167ab8f8e3"
BY_CLICK: dict[str, Any] = {"click_ids": {"msclkid": CLICK}, "phone_e164": None}
NOBODY: dict[str, Any] = {"click_ids": {}, "phone_e164": None}
BARE = {"email_form": "without_dots_and_suffix"}
DIGITS = {"phone_form": "digits"}
LATER = NOON + timedelta(days=3)


def test_a_frozen_purchase_is_exactly_these_bytes() -> None:
    made = upload(click_ids={"msclkid": CLICK}, email="Anna.Rossi@example.it")
    assert MICROSOFT.freeze(made, microsoft()) == (
        b'{"account":"151000001","by":"OfflineConversions","row":{'
        b'"ConversionCurrencyCode":"EUR","ConversionName":"Phone purchase",'
        b'"ConversionTime":"2026-11-20T12:00:00.000Z","ConversionValue":850.0,'
        b'"HashedEmailAddress":"' + HASHES["anna.rossi@example.it"].encode() + b'",'
        b'"HashedPhoneNumber":"' + HASHES["+390669940001"].encode() + b'",'
        b'"MicrosoftClickId":"F894f652ea334e739002f7167ab8f8e3"}}'
    )


def row(settings: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    frozen = json.loads(MICROSOFT.freeze(upload(**more), microsoft(**(settings or {}))))
    found: dict[str, Any] = frozen["row"]
    return found


BASE = {
    "ConversionName": "Phone purchase",
    "ConversionTime": "2026-11-20T12:00:00.000Z",
    "ConversionValue": 850.0,
    "ConversionCurrencyCode": "EUR",
}
CLICKED = BASE | {"MicrosoftClickId": CLICK}
LEAD = {
    "ConversionName": "Phone lead",
    "ConversionTime": "2026-11-20T12:00:00.000Z",
    "MicrosoftClickId": CLICK,
}


def phone(text: str) -> dict[str, Any]:
    return BASE | {"HashedPhoneNumber": HASHES[text]}


def email(text: str) -> dict[str, Any]:
    return BASE | {"HashedEmailAddress": HASHES[text]}


@pytest.mark.parametrize(
    ("settings", "more", "expected"),
    [
        # The click: exact case, never another platform's.
        ({}, BY_CLICK, CLICKED),
        ({}, {**NOBODY, "click_ids": {"msclkid": f" {CLICK} "}}, CLICKED),
        ({}, {**NOBODY, "click_ids": {"msclkid": CLICK, "gclid": "G", "fbclid": "F"}}, CLICKED),
        ({}, {**NOBODY, "click_ids": {"gclid": "G"}, "phone_e164": "+390669940001"}, phone("+390669940001")),
        # Phone: E.164 with its plus, or digits by the setting; it, de, us, gb.
        ({}, {**NOBODY, "phone_e164": "+39 347 123-4521"}, phone("+393471234521")),
        ({}, {**NOBODY, "phone_e164": "+49 30 123456"}, phone("+4930123456")),
        ({}, {**NOBODY, "phone_e164": "+1 (650) 555-1212"}, phone("+16505551212")),
        ({}, {**NOBODY, "phone_e164": "+442079460000"}, phone("+442079460000")),
        (DIGITS, {**NOBODY, "phone_e164": "+390669940001"}, phone("390669940001")),
        (DIGITS, {**NOBODY, "phone_e164": "+1 (650) 555-1212"}, phone("16505551212")),
        (DIGITS, {**NOBODY, "phone_e164": "+49 171 1234567"}, phone("491711234567")),
        ({}, {**BY_CLICK, "phone_e164": "anonymous"}, CLICKED),
        ({}, {**BY_CLICK, "phone_e164": "06 69940001"}, CLICKED),
        # E-mail: trimmed, in lower case; dots and suffix stay unless the setting says otherwise.
        ({}, {**NOBODY, "email": " Anna.Rossi@Example.IT "}, email("anna.rossi@example.it")),
        ({}, {**NOBODY, "email": "Jane.Doe+Shop@gmail.com"}, email("jane.doe+shop@gmail.com")),
        ({}, {**NOBODY, "email": "Max@Exämple.de"}, email("max@exämple.de")),
        ({}, {**NOBODY, "email": HASHES["john_smith@gmail.com"]}, email("john_smith@gmail.com")),
        (BARE, {**NOBODY, "email": "Jane.Doe+Shop@gmail.com"}, email("janedoe@gmail.com")),
        (BARE, {**NOBODY, "email": "Anna.Rossi+casa@example.it"}, email("annarossi@example.it")),
        (BARE, {**NOBODY, "email": HASHES["john_smith@gmail.com"]}, email("john_smith@gmail.com")),
        (BARE, {**BY_CLICK, "email": "+x@example.it"}, CLICKED),
        ({}, {**BY_CLICK, "email": "no address 🎉"}, CLICKED),
        ({}, {**BY_CLICK, "email": ""}, CLICKED),
        ({"send_hashed_contacts": False},
         {**BY_CLICK, "email": "a@example.it", "phone_e164": "+390669940001"}, CLICKED),
        # What Microsoft has no field for never leaves.
        ({}, {**BY_CLICK, "first_name": "Anna 🎉", "city": "Roma", "country": "IT", "ip": "81.2.69.160",
              "user_agent": "Mozilla", "person_id": "7", "landing_url": "https://example.com/"}, CLICKED),
        # Goal, value, currency.
        ({}, {**BY_CLICK, "kind": "lead", "value_minor": None}, LEAD),
        ({}, {**BY_CLICK, "kind": "lead", "currency": None}, LEAD),
        ({"lead_goal_name": "Chiamate ☎"}, {**BY_CLICK, "kind": "lead", "value_minor": None},
         LEAD | {"ConversionName": "Chiamate ☎"}),
        ({}, {**BY_CLICK, "value_minor": 0}, CLICKED | {"ConversionValue": 0.0}),
        ({}, {**BY_CLICK, "value_minor": 12_345, "currency": "USD"},
         CLICKED | {"ConversionValue": 123.45, "ConversionCurrencyCode": "USD"}),
        ({}, {**BY_CLICK, "value_minor": 850, "currency": "JPY"},
         CLICKED | {"ConversionValue": 850.0, "ConversionCurrencyCode": "JPY"}),
        ({}, {**BY_CLICK, "value_minor": 1_234, "currency": "KWD"},
         CLICKED | {"ConversionValue": 1.234, "ConversionCurrencyCode": "KWD"}),
        # The time: UTC, the same text for ever.
        ({}, {**BY_CLICK, "occurred_at": datetime(2026, 11, 20, 13, 0, tzinfo=timezone(timedelta(hours=1)))},
         CLICKED),
        ({}, {**BY_CLICK, "occurred_at": NOON + timedelta(microseconds=250_999)},
         CLICKED | {"ConversionTime": "2026-11-20T12:00:00.250Z"}),
        # Changes name the conversion by the same click, time and goal.
        ({}, {**BY_CLICK, "action": "restate", "value_minor": 90_000, "changed_at": LATER},
         {"AdjustmentType": "Restate", "AdjustmentTime": "2026-11-23T12:00:00.000Z", "AdjustmentValue": 900.0,
          "AdjustmentCurrencyCode": "EUR", "ConversionName": "Phone purchase",
          "ConversionTime": "2026-11-20T12:00:00.000Z", "MicrosoftClickId": CLICK}),
        ({}, {**BY_CLICK, "action": "retract", "changed_at": LATER},
         {"AdjustmentType": "Retract", "AdjustmentTime": "2026-11-23T12:00:00.000Z",
          "ConversionName": "Phone purchase", "ConversionTime": "2026-11-20T12:00:00.000Z",
          "MicrosoftClickId": CLICK}),
        ({}, {**NOBODY, "phone_e164": "+390669940001", "action": "retract", "kind": "lead",
              "changed_at": NOON - timedelta(hours=1)},
         {"AdjustmentType": "Retract", "AdjustmentTime": "2026-11-20T12:00:00.000Z",
          "ConversionName": "Phone lead", "ConversionTime": "2026-11-20T12:00:00.000Z",
          "HashedPhoneNumber": HASHES["+390669940001"]}),
    ],
)  # fmt: skip
def test_the_whole_row(settings: dict[str, Any], more: dict[str, Any], expected: dict[str, Any]) -> None:
    assert row(settings, **more) == expected


def test_conversions_and_changes_of_two_accounts_take_four_ways() -> None:
    ours, theirs = microsoft(), microsoft(account_id="7")
    payloads = [
        MICROSOFT.freeze(upload(**BY_CLICK, action=action), settings)
        for settings in (ours, theirs)
        for action in ("create", "restate", "retract")
    ]
    assert [MICROSOFT.route(payload) for payload in payloads] == [
        "OfflineConversions:151000001",
        "OfflineConversionAdjustments:151000001",
        "OfflineConversionAdjustments:151000001",
        "OfflineConversions:7",
        "OfflineConversionAdjustments:7",
        "OfflineConversionAdjustments:7",
    ]
    assert MICROSOFT.request(payloads[3:4], ours, NOON, "t").headers["customeraccountid"] == "7"
    assert (MICROSOFT.account_of(ours), MICROSOFT.max_batch) == ("151000001", 1000)


def test_a_request_carries_the_frozen_rows_and_the_secrets_in_headers_only() -> None:
    payloads = [MICROSOFT.freeze(upload(click_ids={"msclkid": f"c{n}"}), microsoft()) for n in range(3)]
    request = MICROSOFT.request(payloads, microsoft(), NOON, "access-token")
    assert (request.method, request.url) == (
        "POST",
        "https://campaign.api.bingads.microsoft.com/CampaignManagement/v13/OfflineConversions/Apply",
    )
    assert request.headers == {
        "content-type": "application/json",
        "developertoken": "DEVTOKEN",
        "customerid": "252000002",
        "customeraccountid": "151000001",
        "authorization": "Bearer access-token",
    }
    body = json.loads(request.body)
    assert list(body) == ["OfflineConversions"]
    assert [one["MicrosoftClickId"] for one in body["OfflineConversions"]] == ["c0", "c1", "c2"]
    later = MICROSOFT.request(payloads, microsoft(), NOON + timedelta(days=3), "other")
    assert later.body == request.body
    for place in (request.url, request.body.decode(), repr(request), repr(microsoft()), *map(str, payloads)):
        for secret in ("access-token", "DEVTOKEN", "refresh.token", "client~secret"):
            assert secret not in place


def test_changes_go_to_their_own_address() -> None:
    payload = MICROSOFT.freeze(upload(**BY_CLICK, action="retract"), microsoft())
    request = MICROSOFT.request([payload], microsoft(), NOON)
    assert request.url.endswith("/CampaignManagement/v13/OfflineConversionAdjustments/Apply")
    assert list(json.loads(request.body)) == ["OfflineConversionAdjustments"]
    assert "authorization" not in request.headers


def test_the_token_is_fetched_by_the_refresh_grant_with_the_documented_scope() -> None:
    request = MICROSOFT.token_request(microsoft())
    assert request is not None
    assert request.url == "https://login.microsoftonline.com/common/oauth2/v2.0/token"
    assert parse_qs(request.body.decode()) == {
        "client_id": ["client"],
        "client_secret": ["client~secret"],
        "grant_type": ["refresh_token"],
        "refresh_token": ["refresh.token"],
        "scope": ["https://ads.microsoft.com/msads.manage offline_access"],
    }
    public = MICROSOFT.token_request(microsoft(client_secret=""))
    assert public is not None
    assert "client_secret" not in parse_qs(public.body.decode())


def test_the_tally_asks_for_the_days_and_there_is_no_trial() -> None:
    request = MICROSOFT.tally_request(microsoft(), NOON - timedelta(days=1), NOON, "t")
    assert request is not None
    assert request.url.endswith("/CampaignManagement/v13/OfflineConversionReports/Query")
    assert json.loads(request.body) == {
        "StartDateUtc": "2026-11-19T12:00:00.000Z",
        "EndDateUtc": "2026-11-20T12:00:00.000Z",
    }
    assert MICROSOFT.trial_request([b""], microsoft(), NOON) is None


moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
texts = st.none() | st.text(max_size=30)


@given(
    st.builds(
        upload,
        kind=st.sampled_from(["lead", "purchase"]),
        action=st.sampled_from(["create", "restate", "retract"]),
        occurred_at=moments,
        changed_at=moments,
        value_minor=st.none() | st.integers(0, 10**12),
        click_ids=st.dictionaries(st.just("msclkid"), st.text(max_size=40)),
        phone_e164=texts | st.just("+390669940001"),
        email=texts | st.emails(),
    ),
    st.sampled_from([{}, BARE, DIGITS]),
)
def test_freezing_is_deterministic_and_contacts_leave_as_hashes_only(made: Any, more: Any) -> None:
    frozen = MICROSOFT.freeze(made, microsoft(**more))
    assert frozen == MICROSOFT.freeze(made, microsoft(**more))
    found = json.loads(frozen)["row"]
    for name in ("HashedEmailAddress", "HashedPhoneNumber"):
        value = found.get(name, "0" * 64)
        assert len(value) == 64
        assert set(value) <= set("0123456789abcdef")
        assert value != "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
