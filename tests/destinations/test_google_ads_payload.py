"""What the Google Ads API is sent, byte for byte."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.destinations.base import Consent
from calltrack.destinations.google_ads import GoogleAds
from calltrack.destinations.google_ads_client import _CALLS, _PATH, _message, _plain
from tests.destinations.google_people import PEOPLE, Person, h
from tests.destinations.uploads import NOON, google_ads, upload

ADS = GoogleAds()
PURCHASE = "customers/1234567890/conversionActions/7002"
LEAD = "customers/1234567890/conversionActions/7001"
GRANTED = {"adUserData": "GRANTED", "adPersonalization": "GRANTED"}
PHONE = {"hashedPhoneNumber": h("+390669940001"), "userIdentifierSource": "FIRST_PARTY"}
BASE: dict[str, Any] = {
    "conversionAction": PURCHASE,
    "conversionDateTime": "2026-11-20 12:00:00+00:00",
    "orderId": "conv-0193a5e07c3c7c70b7c1f1d2a3b4c5d6",
    "gclid": "Cj0KCQiA-Case_Exact",
    "conversionValue": 850.0,
    "currencyCode": "EUR",
    "consent": GRANTED,
    "userIdentifiers": [PHONE],
    "customerType": "NEW",
}
RESTATED: dict[str, Any] = {
    "adjustmentDateTime": "2026-11-23 12:00:00+00:00",
    "adjustmentType": "RESTATEMENT",
    "conversionAction": PURCHASE,
    "orderId": "conv-0193a5e07c3c7c70b7c1f1d2a3b4c5d6",
    "restatementValue": {"adjustedValue": 900.0, "currencyCode": "EUR"},
}
CALLED: dict[str, Any] = {
    "callerId": "+390669940001",
    "callStartDateTime": "2026-11-20 11:57:00+00:00",
    "conversionAction": "customers/1234567890/conversionActions/7003",
    "conversionDateTime": "2026-11-20 12:00:00+00:00",
    "conversionValue": 850.0,
    "currencyCode": "EUR",
    "consent": GRANTED,
}
CALL = {
    "click_ids": {},
    "source": "google",
    "medium": "call_asset",
    "call_started_at": NOON - timedelta(minutes=3),
}
LATER = {"changed_at": NOON + timedelta(days=3)}


def but(base: dict[str, Any], *without: str, **other: Any) -> dict[str, Any]:
    """The same payload with some fields changed and some left out."""
    return {name: value for name, value in (base | other).items() if name not in without}


def frozen(given_settings: dict[str, Any], more: dict[str, Any]) -> Any:
    return json.loads(ADS.freeze(upload(**more), google_ads(**given_settings)))


@pytest.mark.parametrize(
    ("given_settings", "more", "expected"),
    [
        ({}, {}, BASE),
        ({}, {"kind": "lead"}, but(BASE, "customerType", conversionAction=LEAD)),
        (
            {},
            {"kind": "lead", "value_minor": None, "currency": None},
            but(BASE, "customerType", "conversionValue", "currencyCode", conversionAction=LEAD),
        ),
        ({}, {"currency": None}, but(BASE, "conversionValue", "currencyCode")),
        ({}, {"value_minor": None}, but(BASE, "conversionValue", "currencyCode")),
        ({}, {"value_minor": 0}, but(BASE, conversionValue=0.0)),
        ({}, {"value_minor": 1}, but(BASE, conversionValue=0.01)),
        ({}, {"value_minor": 12_345}, but(BASE, conversionValue=123.45)),
        ({}, {"value_minor": 850, "currency": "JPY"}, but(BASE, conversionValue=850.0, currencyCode="JPY")),
        ({}, {"value_minor": 1_234, "currency": "KWD"}, but(BASE, conversionValue=1.234, currencyCode="KWD")),
        ({}, {"first_time": False}, but(BASE, customerType="RETURNING")),
        ({}, {"click_ids": {"wbraid": "W", "gbraid": "G"}}, but(BASE, "gclid", wbraid="W")),
        ({}, {"click_ids": {"gbraid": "G"}}, but(BASE, "gclid", gbraid="G")),
        ({}, {"click_ids": {"gclid": "aB", "gbraid": "G"}}, but(BASE, gclid="aB")),
        ({}, {"click_ids": {"gclid": "  aB\n"}}, but(BASE, gclid="aB")),
        ({}, {"click_ids": {"gclid": "g🙂"}}, but(BASE, gclid="g🙂")),
        ({}, {"click_ids": {"gclid": 7}}, but(BASE, "gclid")),
        ({}, {"click_ids": {"gclid": " "}}, but(BASE, "gclid")),
        ({}, {"click_ids": {"fbclid": "F", "msclkid": "M"}}, but(BASE, "gclid")),
        ({}, {"consent": Consent()}, but(BASE, "consent")),
        (
            {},
            {"consent": Consent("granted", "denied")},
            but(BASE, consent={"adUserData": "GRANTED", "adPersonalization": "DENIED"}),
        ),
        ({}, {"consent": Consent("granted", "unknown")}, but(BASE, consent={"adUserData": "GRANTED"})),
        ({"send_hashed_contacts": False}, {"email": "a@example.it"}, but(BASE, "userIdentifiers")),
        (
            {"customer_id": "999 888 7777", "purchase_action_id": "customers/9998887777/conversionActions/5"},
            {},
            but(BASE, conversionAction="customers/9998887777/conversionActions/5"),
        ),
        (
            {},
            {"occurred_at": datetime(2026, 11, 20, 13, 0, 0, 999_999, timezone(timedelta(hours=1)))},
            BASE,
        ),
        ({}, {"id": "12345"}, but(BASE, orderId="conv-12345")),
        ({}, {"user_agent": "Mozilla/5.0", "ip": "192.0.2.1", "landing_url": "https://example.com/"}, BASE),
        ({}, {"source": "google", "medium": "call_asset", "click_ids": {}}, but(BASE, "gclid")),
        ({}, {"action": "restate", "value_minor": 90_000, **LATER}, RESTATED),
        (
            {},
            {"action": "restate", "kind": "lead", "value_minor": 0, "email": "a@example.it", **LATER},
            but(
                RESTATED,
                conversionAction=LEAD,
                restatementValue={"adjustedValue": 0.0, "currencyCode": "EUR"},
            ),
        ),
        (
            {},
            {"action": "restate", "value_minor": 90_000, "click_ids": {"wbraid": "W"}, **LATER},
            RESTATED,
        ),
        (
            {},
            {"action": "retract", "value_minor": 85_000, **LATER},
            but(RESTATED, "restatementValue", adjustmentType="RETRACTION"),
        ),
        (
            {},
            {"action": "retract", "value_minor": None, "currency": None, "phone_e164": None, **LATER},
            but(RESTATED, "restatementValue", adjustmentType="RETRACTION"),
        ),
        ({"call_action_id": "7003"}, CALL, CALLED),
        (
            {"call_action_id": "7003"},
            CALL | {"kind": "lead", "value_minor": None, "consent": Consent(), "email": "a@example.it"},
            but(CALLED, "conversionValue", "currencyCode", "consent"),
        ),
        (
            {"call_action_id": "7003"},
            CALL | {"call_started_at": None},
            but(CALLED, callStartDateTime="2026-11-20 12:00:00+00:00"),
        ),
        ({"call_action_id": "7003", "call_medium": "anruf"}, CALL | {"medium": "anruf"}, CALLED),
        ({"call_action_id": "7003", "call_medium": "anruf"}, CALL, but(BASE, "gclid")),
        ({"call_action_id": "7003"}, CALL | {"source": "billboard"}, but(BASE, "gclid")),
        ({"call_action_id": "7003"}, CALL | {"click_ids": {"gclid": "g"}}, but(BASE, gclid="g")),
        (
            {"call_action_id": "7003"},
            CALL | {"phone_e164": "anonymous"},
            but(BASE, "gclid", "userIdentifiers"),
        ),
    ],
)
def test_each_upload_becomes_exactly_this_row(
    given_settings: dict[str, Any], more: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert frozen(given_settings, more) == expected


@pytest.mark.parametrize("person", PEOPLE, ids=[person.name for person in PEOPLE])
def test_each_person_s_contacts_are_hashed_as_documented(person: Person) -> None:
    identifiers = [
        {name: h(text), "userIdentifierSource": "FIRST_PARTY"}
        for name, text in (("hashedEmail", person.email), ("hashedPhoneNumber", person.phone))
        if text is not None
    ]
    expected = but(BASE, userIdentifiers=identifiers) if identifiers else but(BASE, "userIdentifiers")
    assert frozen({}, person.upload) == expected


def test_a_frozen_purchase_is_exactly_these_bytes() -> None:
    assert ADS.freeze(upload(), google_ads()) == (
        b'{"consent":{"adPersonalization":"GRANTED","adUserData":"GRANTED"},'
        b'"conversionAction":"customers/1234567890/conversionActions/7002",'
        b'"conversionDateTime":"2026-11-20 12:00:00+00:00","conversionValue":850.0,"currencyCode":"EUR",'
        b'"customerType":"NEW","gclid":"Cj0KCQiA-Case_Exact",'
        b'"orderId":"conv-0193a5e07c3c7c70b7c1f1d2a3b4c5d6","userIdentifiers":[{"hashedPhoneNumber":'
        b'"77e625149d4cddcfac0deca3151f7188f76e5fdc30302e24d2087a18bdd5dd44",'
        b'"userIdentifierSource":"FIRST_PARTY"}]}'
    )


@pytest.mark.parametrize(
    ("more", "method", "rows"),
    [
        ({}, "uploadClickConversions", "conversions"),
        (CALL, "uploadCallConversions", "conversions"),
        ({"action": "retract"}, "uploadConversionAdjustments", "conversionAdjustments"),
    ],
)
def test_the_request_is_the_documented_one_and_carries_the_frozen_bytes(
    more: dict[str, Any], method: str, rows: str
) -> None:
    account = google_ads(call_action_id="7003", login_customer_id="999-888-7777")
    payloads = [ADS.freeze(upload(id=f"conv-{n}x", **more), account) for n in range(3)]
    request = ADS.request(payloads, account, NOON, "token")
    assert request.url == f"https://googleads.googleapis.com/v26/customers/1234567890:{method}"
    assert request.method == "POST"
    assert request.headers == {
        "content-type": "application/json",
        "login-customer-id": "9998887777",
        "authorization": "Bearer token",
    }
    assert request.body == b'{"' + rows.encode() + b'":[' + b",".join(payloads) + b'],"partialFailure":true}'
    assert ADS.request(payloads, account, NOON + timedelta(days=9), "other").body == request.body
    trial = ADS.trial_request(payloads, account, NOON, "token")
    assert trial is not None
    assert json.loads(trial.body) == json.loads(request.body) | {"validateOnly": True}


moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


@settings(deadline=None)  # The first example loads the client.
@given(
    st.builds(
        upload,
        kind=st.sampled_from(["lead", "purchase"]),
        action=st.sampled_from(["create", "restate", "retract"]),
        occurred_at=moments,
        changed_at=moments,
        value_minor=st.none() | st.integers(0, 10**12),
        click_ids=st.dictionaries(
            st.sampled_from(["gclid", "gbraid", "wbraid", "fbclid"]), st.text(max_size=40)
        ),
        source=st.sampled_from(["google", None]),
        medium=st.sampled_from(["call_asset", "cpc"]),
        phone_e164=st.none() | st.text(max_size=20) | st.just("+390669940001"),
        email=st.none() | st.text(max_size=30) | st.emails(),
    )
)
def test_whatever_is_frozen_fits_google_s_own_message(made: Any) -> None:
    account = google_ads(call_action_id="7003")
    payload = ADS.freeze(made, account)
    assert payload == ADS.freeze(made, account)
    request = ADS.request([payload], account, NOON)
    found = _PATH.fullmatch(request.url.removeprefix("https://googleads.googleapis.com"))
    assert found is not None
    message = _message(_CALLS[found["call"]], found["customer"], request.body)
    (row,) = _plain(message).get("conversions") or _plain(message)["conversionAdjustments"]
    told = json.loads(payload)
    assert row == {name: value for name, value in told.items() if value != ""}
    for identifier in row.get("userIdentifiers", []):
        (hashed,) = {value for name, value in identifier.items() if name.startswith("hashed")}
        assert len(hashed) == 64
