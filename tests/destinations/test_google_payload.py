import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.destinations.base import Consent
from calltrack.destinations.google_data_manager import GoogleDataManager
from tests.destinations.uploads import NOON, google, upload

PHONE = "77e625149d4cddcfac0deca3151f7188f76e5fdc30302e24d2087a18bdd5dd44"
EMAIL = "35968d1150796b2b64ba9bce513749d507646b849a41f5848d09c1ab78ae918e"
GOOGLE = GoogleDataManager()


def test_a_frozen_purchase_is_exactly_these_bytes() -> None:
    assert GOOGLE.freeze(upload(email="Anna.Rossi@example.it"), google()) == (
        b'{"destination":{"operatingAccount":{"accountId":"1234567890","accountType":"GOOGLE_ADS"},'
        b'"productDestinationId":"7002","reference":"1234567890-7002"},'
        b'"event":{"adIdentifiers":{"gclid":"Cj0KCQiA-Case_Exact"},'
        b'"consent":{"adPersonalization":"CONSENT_GRANTED","adUserData":"CONSENT_GRANTED"},'
        b'"conversionValue":850.0,"currency":"EUR","destinationReferences":["1234567890-7002"],'
        b'"eventSource":"PHONE","eventTimestamp":"2026-11-20T12:00:00.000Z",'
        b'"lastUpdatedTimestamp":"2026-11-20T12:00:00.000Z",'
        b'"transactionId":"conv-0193a5e07c3c7c70b7c1f1d2a3b4c5d6",'
        b'"userData":{"userIdentifiers":[{"emailAddress":"' + EMAIL.encode() + b'"},'
        b'{"phoneNumber":"' + PHONE.encode() + b'"}]},"userProperties":{"customerType":"NEW"}}}'
    )


def event(settings: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    frozen: dict[str, Any] = json.loads(GOOGLE.freeze(upload(**more), google(**(settings or {}))))
    found: dict[str, Any] = frozen["event"]
    return found


@pytest.mark.parametrize(
    ("more", "part", "expected"),
    [
        ({"kind": "lead"}, "destinationReferences", ["1234567890-7001"]),
        ({"kind": "lead"}, "userProperties", None),
        ({"kind": "lead", "value_minor": None}, "conversionValue", None),
        ({"kind": "lead", "value_minor": None}, "currency", None),
        ({"first_time": False}, "userProperties", {"customerType": "RETURNING"}),
        ({"value_minor": 12_345}, "conversionValue", 123.45),
        ({"value_minor": 850, "currency": "JPY"}, "conversionValue", 850.0),
        ({"value_minor": 1_234, "currency": "KWD"}, "conversionValue", 1.234),
        ({"value_minor": 0}, "conversionValue", 0.0),
        ({"value_minor": 1}, "conversionValue", 0.01),
        ({"action": "retract"}, "conversionValue", 0.0),
        ({"action": "retract"}, "currency", "EUR"),
        ({"action": "retract", "value_minor": None, "currency": None}, "conversionValue", 0.0),
        ({"action": "restate", "value_minor": 90_000}, "conversionValue", 900.0),
        (
            {"action": "restate", "changed_at": NOON + timedelta(days=3)},
            "eventTimestamp",
            "2026-11-20T12:00:00.000Z",
        ),
        (
            {"action": "restate", "changed_at": NOON + timedelta(days=3)},
            "lastUpdatedTimestamp",
            "2026-11-23T12:00:00.000Z",
        ),
        ({"click_ids": {"wbraid": "W", "gbraid": "G"}}, "adIdentifiers", {"wbraid": "W"}),
        ({"click_ids": {"gbraid": "G"}}, "adIdentifiers", {"gbraid": "G"}),
        ({"click_ids": {"gclid": "aB", "gbraid": "G"}}, "adIdentifiers", {"gclid": "aB"}),
        ({"click_ids": {"fbclid": "F", "msclkid": "M"}}, "adIdentifiers", None),
        ({"click_ids": {}}, "adIdentifiers", None),
        (
            {"user_agent": "Mozilla/5.0 \u00e8"},
            "adIdentifiers",
            {"gclid": "Cj0KCQiA-Case_Exact", "landingPageDeviceInfo": {"userAgent": "Mozilla/5.0 \u00e8"}},
        ),
        ({"phone_e164": None}, "userData", None),
        ({"phone_e164": "anonymous", "email": ""}, "userData", None),
        (
            {"phone_e164": None, "email": "a.n.n.a@gmail.com"},
            "userData",
            {
                "userIdentifiers": [
                    {"emailAddress": "7dad900140d08b66a8e4f0aaeaf8f7dbb33d391f959e963d8fbd392719a11c99"}
                ]
            },
        ),
        ({"consent": Consent()}, "consent", None),
        (
            {"consent": Consent("granted", "denied")},
            "consent",
            {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_DENIED"},
        ),
        ({"consent": Consent("granted", "unknown")}, "consent", {"adUserData": "CONSENT_GRANTED"}),
        (
            {"occurred_at": datetime(2026, 11, 20, 13, 0, 0, 250_000, timezone(timedelta(hours=1)))},
            "eventTimestamp",
            "2026-11-20T12:00:00.250Z",
        ),
    ],
)
def test_each_part_of_the_event(more: dict[str, Any], part: str, expected: object) -> None:
    assert event(**more).get(part) == expected


def test_hashed_contacts_can_be_switched_off() -> None:
    assert "userData" not in event({"send_hashed_contacts": False}, email="a@example.it")


def test_a_manager_account_is_named_as_login_account() -> None:
    frozen = json.loads(GOOGLE.freeze(upload(), google(login_customer_id="999-888-7777")))
    assert frozen["destination"]["loginAccount"] == {"accountType": "GOOGLE_ADS", "accountId": "9998887777"}


def test_a_request_names_each_action_once_and_carries_the_frozen_events_byte_by_byte() -> None:
    payloads = [
        GOOGLE.freeze(upload(id=f"conv-{n}x", kind=kind), google())
        for n, kind in enumerate(["lead", "purchase"] * 3)
    ]
    request = GOOGLE.request(payloads, google(), NOON, "token")
    body = json.loads(request.body)
    assert request.method == "POST"
    assert request.url == "https://datamanager.googleapis.com/v1/events:ingest"
    assert request.headers["authorization"] == "Bearer token"
    assert body["encoding"] == "HEX"
    assert [one["productDestinationId"] for one in body["destinations"]] == ["7001", "7002"]
    assert [one["transactionId"] for one in body["events"]] == [f"conv-{n}x" for n in range(6)]
    assert "validateOnly" not in body
    assert GOOGLE.request(payloads, google(), NOON + timedelta(days=9), "other").body == request.body


def test_a_dry_run_is_the_same_request_marked_as_such() -> None:
    payloads = [GOOGLE.freeze(upload(), google())]
    trial = GOOGLE.trial_request(payloads, google(), NOON, "t")
    assert trial is not None
    dry = json.loads(trial.body)
    assert dry.pop("validateOnly") is True
    assert dry == json.loads(GOOGLE.request(payloads, google(), NOON, "t").body)


def test_nothing_secret_or_personal_shows_in_the_repr_of_a_request() -> None:
    request = GOOGLE.request([GOOGLE.freeze(upload(), google())], google(), NOON, "token-value")
    assert "token-value" not in repr(request)
    assert "Cj0KCQiA" not in repr(request)
    assert "refresh" not in repr(google().refresh_token)


moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


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
        phone_e164=st.none() | st.text(max_size=20) | st.just("+390669940001"),
        email=st.none() | st.text(max_size=30) | st.emails(),
        user_agent=st.none() | st.text(max_size=30),
    )
)
def test_freezing_is_deterministic_and_never_leaks_contacts_in_the_clear(made: Any) -> None:
    frozen = GOOGLE.freeze(made, google())
    assert frozen == GOOGLE.freeze(made, google())
    event = json.loads(frozen)["event"]
    for identifier in event.get("userData", {}).get("userIdentifiers", []):
        for value in identifier.values():
            assert len(value) == 64
            assert set(value) <= set("0123456789abcdef")
    assert event["transactionId"] == made.id
