"""What the Data Manager API is sent: whole events, with hashes over texts written out by hand."""

import json
from datetime import timedelta
from typing import Any

import pytest

from calltrack.destinations.base import Consent
from calltrack.destinations.google_data_manager import GoogleDataManager
from tests.destinations.google_people import PEOPLE, Person, h
from tests.destinations.uploads import NOON, google, upload

GOOGLE = GoogleDataManager()
GRANTED = {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}
PHONE = {"phoneNumber": h("+390669940001")}
BASE: dict[str, Any] = {
    "destinationReferences": ["1234567890-7002"],
    "transactionId": "conv-0193a5e07c3c7c70b7c1f1d2a3b4c5d6",
    "eventTimestamp": "2026-11-20T12:00:00.000Z",
    "lastUpdatedTimestamp": "2026-11-20T12:00:00.000Z",
    "eventSource": "PHONE",
    "conversionValue": 850.0,
    "currency": "EUR",
    "consent": GRANTED,
    "adIdentifiers": {"gclid": "Cj0KCQiA-Case_Exact"},
    "userData": {"userIdentifiers": [PHONE]},
    "userProperties": {"customerType": "NEW"},
}
LATER = {"changed_at": NOON + timedelta(days=3)}
CHANGED = "2026-11-23T12:00:00.000Z"
CALL: dict[str, Any] = {
    "click_ids": {}, "source": "google", "medium": "call_asset",
    "call_started_at": NOON - timedelta(minutes=3),
}  # fmt: skip
CALLED = {
    "callInfo": {"startTimestamp": "2026-11-20T11:57:00.000Z"},
    "destinationReferences": ["1234567890-7003"],
}


def but(*without: str, **other: Any) -> dict[str, Any]:
    """The event with some fields changed and some left out."""
    return {name: value for name, value in (BASE | other).items() if name not in without}


@pytest.mark.parametrize(
    ("settings", "more", "expected"),
    [
        ({}, {}, BASE),
        ({}, {"kind": "lead"}, but("userProperties", destinationReferences=["1234567890-7001"])),
        ({}, {"value_minor": None}, but("conversionValue", "currency")),
        ({}, {"currency": None}, but("conversionValue", "currency")),
        ({}, {"value_minor": 0}, but(conversionValue=0.0)),
        ({}, {"value_minor": 850, "currency": "JPY"}, but(conversionValue=850.0, currency="JPY")),
        ({}, {"value_minor": 1_234, "currency": "KWD"}, but(conversionValue=1.234, currency="KWD")),
        ({}, {"first_time": False}, but(userProperties={"customerType": "RETURNING"})),
        ({"event_source": "WEB"}, {}, but(eventSource="WEB")),
        ({}, {"click_ids": {"wbraid": "W", "gbraid": "G"}}, but(adIdentifiers={"wbraid": "W"})),
        ({}, {"click_ids": {"gbraid": "G"}}, but(adIdentifiers={"gbraid": "G"})),
        ({}, {"click_ids": {"gclid": "g🙂"}}, but(adIdentifiers={"gclid": "g🙂"})),
        ({}, {"click_ids": {"gclid": None}}, but("adIdentifiers")),
        ({}, {"click_ids": {"fbclid": "F"}, "user_agent": "UA", "ip": "192.0.2.1"}, but("adIdentifiers")),
        (
            {},
            {"user_agent": "Mozilla/5.0 è", "ip": "2001:db8::1"},
            but(
                adIdentifiers={
                    "gclid": "Cj0KCQiA-Case_Exact",
                    "landingPageDeviceInfo": {"userAgent": "Mozilla/5.0 è", "ipAddress": "2001:db8::1"},
                }
            ),
        ),
        ({}, {"consent": Consent()}, but("consent")),
        ({}, {"consent": Consent("granted", "unknown")}, but(consent={"adUserData": "CONSENT_GRANTED"})),
        ({"send_hashed_contacts": False}, {"email": "a@example.it"}, but("userData")),
        ({}, {"id": "12345"}, but(transactionId="conv-12345")),
        (
            {},
            {"action": "restate", "value_minor": 90_000, **LATER},
            but(conversionValue=900.0, lastUpdatedTimestamp=CHANGED),
        ),
        ({}, {"action": "retract", **LATER}, but(conversionValue=0.0, lastUpdatedTimestamp=CHANGED)),
        (
            {},
            {"action": "retract", "value_minor": None, "currency": None, **LATER},
            but("currency", conversionValue=0.0, lastUpdatedTimestamp=CHANGED),
        ),
        ({"call_action_id": "7003"}, CALL, but("adIdentifiers", **CALLED)),
        (
            {"call_action_id": "7003"},
            CALL | {"email": "a@example.it", "kind": "lead"},
            but("adIdentifiers", "userProperties", **CALLED),
        ),
        ({"call_action_id": "7003", "send_hashed_contacts": False}, CALL, but("adIdentifiers", **CALLED)),
        ({}, CALL, but("adIdentifiers")),
        ({"call_action_id": "7003"}, CALL | {"medium": "cpc"}, but("adIdentifiers")),
    ],
)
def test_each_upload_becomes_exactly_this_event(
    settings: dict[str, Any], more: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert json.loads(GOOGLE.freeze(upload(**more), google(**settings)))["event"] == expected


@pytest.mark.parametrize("person", PEOPLE, ids=[person.name for person in PEOPLE])
def test_each_person_is_hashed_as_documented(person: Person) -> None:
    identifiers: list[dict[str, Any]] = []
    if person.email is not None:
        identifiers.append({"emailAddress": h(person.email)})
    if person.phone is not None:
        identifiers.append({"phoneNumber": h(person.phone)})
    if person.address is not None:
        given, family, region, postal_code = person.address
        address = {
            "givenName": h(given), "familyName": h(family), "regionCode": region, "postalCode": postal_code,
        }  # fmt: skip
        identifiers.append({"address": address})
    expected = but(userData={"userIdentifiers": identifiers}) if identifiers else but("userData")
    assert json.loads(GOOGLE.freeze(upload(**person.upload), google()))["event"] == expected


def test_a_connection_s_actions_are_each_named_once_and_never_more_than_ten() -> None:
    settings = google(call_action_id="7003")
    kinds: list[dict[str, Any]] = [{"kind": "lead"}, {}, CALL]
    payloads = [GOOGLE.freeze(upload(id=f"conv-{n}x", **kinds[n % 3]), settings) for n in range(9)]
    body = json.loads(GOOGLE.request(payloads, settings, NOON, "t").body)
    assert [one["productDestinationId"] for one in body["destinations"]] == ["7001", "7002", "7003"]


def test_google_s_documented_limits_are_known_to_the_ledger() -> None:
    assert GOOGLE.max_batch == 2000
    assert [(rate.requests, rate.seconds, rate.scope) for rate in GOOGLE.rates] == [
        (300, 60, "platform"), (100_000, 86_400, "platform"),
    ]  # fmt: skip
    assert GOOGLE.tells == {"create", "restate", "retract"}
