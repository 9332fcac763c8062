"""GA4: exact bodies, verdicts before sending, what answers mean."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from calltrack.destinations.base import Consent
from calltrack.destinations.ga4 import Ga4
from calltrack.destinations.ga4_settings import Ga4Settings
from calltrack.destinations.outcomes import Class
from tests.destinations.uploads import NOON, answer, upload

GA4 = Ga4()
ID = "conv-0193a5e07c3c7c70b7c1f1d2a3b4c5d6"
MICROS = 1_795_176_000_000_000  # date -u -d '2026-11-20 12:00' +%s000000
DAY = timedelta(days=1)


def ga4(**more: Any) -> Ga4Settings:
    return Ga4Settings.load({"measurement_id": "G-AB12CD34EF", "api_secret": "s3cret"} | more, sandbox=True)


def told(**more: Any) -> Any:
    return upload(**({"ga_client_id": "123.456", "ga_session_id": "789"} | more))


def frozen(settings: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(GA4.freeze(told(**more), ga4(**(settings or {}))))
    return body


PARAMS = {"engagement_time_msec": 1, "session_id": "789", "transaction_id": ID}
EURO = {"currency": "EUR", "value": 850.0}
REFUND = {"transaction_id": ID}


def test_a_frozen_purchase_is_exactly_these_bytes() -> None:
    assert GA4.freeze(told(), ga4()) == (
        b'{"client_id":"123.456","consent":{"ad_personalization":"GRANTED","ad_user_data":"GRANTED"},'
        b'"events":[{"name":"purchase","params":{"currency":"EUR","engagement_time_msec":1,'
        b'"session_id":"789","transaction_id":"conv-0193a5e07c3c7c70b7c1f1d2a3b4c5d6","value":850.0}}],'
        b'"timestamp_micros":1795176000000000}'
    )


@pytest.mark.parametrize(
    ("settings", "more", "name", "params"),
    [
        ({}, {}, "purchase", PARAMS | EURO),
        ({}, {"kind": "lead"}, "generate_lead", PARAMS | EURO),
        ({}, {"kind": "lead", "value_minor": None}, "generate_lead", PARAMS),
        ({}, {"kind": "lead", "currency": None}, "generate_lead", PARAMS),
        ({"lead_event": "phone_lead"}, {"kind": "lead"}, "phone_lead", PARAMS | EURO),
        ({"purchase_event": "phone_sale"}, {}, "phone_sale", PARAMS | EURO),
        ({}, {"value_minor": 850, "currency": "JPY"}, "purchase",
         PARAMS | {"currency": "JPY", "value": 850.0}),
        ({}, {"value_minor": 1_234, "currency": "KWD"}, "purchase",
         PARAMS | {"currency": "KWD", "value": 1.234}),
        ({}, {"value_minor": 1, "currency": "USD"}, "purchase", PARAMS | {"currency": "USD", "value": 0.01}),
        ({}, {"value_minor": 0}, "purchase", PARAMS | {"currency": "EUR", "value": 0.0}),
        ({}, {"value_minor": 10**12}, "purchase", PARAMS | {"currency": "EUR", "value": 1e10}),
        ({}, {"value_minor": None, "currency": None}, "purchase", PARAMS),
        ({}, {"ga_session_id": None}, "purchase",
         {"engagement_time_msec": 1, "transaction_id": ID} | EURO),
        ({}, {"ga_session_id": "abc"}, "purchase", {"engagement_time_msec": 1, "transaction_id": ID} | EURO),
        ({}, {"ga_session_id": "\u0663"}, "purchase",
         {"engagement_time_msec": 1, "transaction_id": ID} | EURO),
        ({}, {"ga_session_id": "7" * 101}, "purchase",
         {"engagement_time_msec": 1, "transaction_id": ID} | EURO),
        ({}, {"ga_session_id": " 789 "}, "purchase", PARAMS | EURO),
        ({}, {"ga_session_id": None, "click_ids": {"_ga_AB12CD34EF": "789"}}, "purchase", PARAMS | EURO),
        ({"measurement_id": "g-ab12cd34ef"}, {"ga_session_id": "", "click_ids": {"_ga_AB12CD34EF": "789"}},
         "purchase", PARAMS | EURO),
        ({}, {"click_ids": {"_ga_AB12CD34EF": "555"}}, "purchase", PARAMS | EURO),
        ({}, {"ga_session_id": None, "click_ids": {"_ga_OTHER00001": "789"}}, "purchase",
         {"engagement_time_msec": 1, "transaction_id": ID} | EURO),
        ({}, {"ga_session_id": None, "click_ids": {"_ga_AB12CD34EF": "GS1.1.789"}}, "purchase",
         {"engagement_time_msec": 1, "transaction_id": ID} | EURO),
        ({}, {"action": "retract", "value_minor": 85_000}, "refund", REFUND | EURO),
        ({}, {"action": "retract", "value_minor": None, "original_value_minor": 85_000}, "refund",
         REFUND | EURO),
        ({}, {"action": "retract", "value_minor": 90_000, "original_value_minor": 85_000}, "refund",
         REFUND | EURO),
        ({}, {"action": "retract", "value_minor": None}, "refund", REFUND),
        ({}, {"action": "retract", "value_minor": None, "currency": None, "original_value_minor": 5},
         "refund", REFUND),
        # Whatever is known of the person stays here: GA4 forbids personal data in events.
        ({}, {"email": "anna.rossi@example.it", "first_name": "Anna \U0001f600", "last_name": "Rossi"},
         "purchase", PARAMS | EURO),
        ({}, {"phone_e164": "+493012345678", "city": "Berlin", "postal_code": "10115", "country": "DE"},
         "purchase", PARAMS | EURO),
        ({}, {"phone_e164": "+12025550123", "email": "J.Smith+ads@gmail.com", "country": "US"}, "purchase",
         PARAMS | EURO),
        ({}, {"ip": "203.0.113.9", "user_agent": "Mozilla/5.0 \u00e8", "landing_url": "https://a.it/?x=1"},
         "purchase", PARAMS | EURO),
        ({}, {"campaign": "Roma", "source": "google", "medium": "cpc"}, "purchase", PARAMS | EURO),
        ({}, {"click_ids": {}, "clicked_at": None}, "purchase", PARAMS | EURO),
    ],
)  # fmt: skip
def test_the_event_is_exactly_this(
    settings: dict[str, Any], more: dict[str, Any], name: str, params: dict[str, Any]
) -> None:
    assert frozen(settings, **more)["events"] == [{"name": name, "params": params}]


@pytest.mark.parametrize(
    ("more", "part", "expected"),
    [
        ({}, "timestamp_micros", MICROS),
        ({"occurred_at": datetime(2026, 11, 20, 12, 0, 0, 250_001, UTC)}, "timestamp_micros",
         MICROS + 250_001),
        ({"action": "retract", "changed_at": NOON + DAY}, "timestamp_micros", MICROS + 86_400_000_000),
        ({"action": "create", "changed_at": NOON + DAY}, "timestamp_micros", MICROS),
        ({"consent": Consent("granted", "denied")}, "consent",
         {"ad_user_data": "GRANTED", "ad_personalization": "DENIED"}),
        ({"consent": Consent("granted", "unknown")}, "consent", {"ad_user_data": "GRANTED"}),
        ({"consent": Consent()}, "consent", None),
        ({"ga_client_id": " 123.456 "}, "client_id", "123.456"),
        ({"ga_client_id": None, "click_ids": {"_ga": "GA1.1.1234567890.1700000000"}}, "client_id",
         "1234567890.1700000000"),
        ({"ga_client_id": None, "click_ids": {"_ga": "GA1.2-2.11.22"}}, "client_id", "11.22"),
        ({"ga_client_id": "9.9", "click_ids": {"_ga": "GA1.1.11.22"}}, "client_id", "9.9"),
    ],
)  # fmt: skip
def test_what_stands_around_the_event(more: dict[str, Any], part: str, expected: object) -> None:
    assert frozen(**more).get(part) == expected


def test_the_secret_travels_in_the_address_of_the_chosen_region() -> None:
    body = GA4.freeze(told(), ga4())
    for region, host in (("global", "www.google-analytics.com"), ("eu", "region1.google-analytics.com")):
        request = GA4.request([body], ga4(region=region), NOON)
        address = urlsplit(request.url)
        assert (request.method, address.scheme, address.netloc) == ("POST", "https", host)
        assert address.path == "/mp/collect"
        assert parse_qs(address.query) == {"measurement_id": ["G-AB12CD34EF"], "api_secret": ["s3cret"]}
        assert request.body == body
    trial = GA4.trial_request([body], ga4(), NOON)
    assert trial is not None
    assert urlsplit(trial.url).path == "/debug/mp/collect"
    assert trial.body == body


@pytest.mark.parametrize(
    ("settings", "more", "decision", "code"),
    [
        ({}, {}, "send", "OK"),
        ({}, {"kind": "lead"}, "send", "OK"),
        ({}, {"action": "retract"}, "send", "OK"),
        ({}, {"action": "restate"}, "never", "NO_WORD_FOR_VALUE"),
        ({}, {"kind": "lead", "action": "restate"}, "never", "NO_WORD_FOR_VALUE"),
        ({}, {"kind": "lead", "action": "retract"}, "never", "NO_WORD_FOR_TAKING_BACK"),
        ({"purchase_event": "phone_sale"}, {"action": "retract"}, "never", "NO_WORD_FOR_TAKING_BACK"),
        ({"lead_event": "purchase"}, {"kind": "lead", "action": "retract"}, "send", "OK"),
        ({"lead_event": ""}, {"kind": "lead"}, "never", "NO_EVENT"),
        ({"purchase_event": None}, {}, "never", "NO_EVENT"),
        ({}, {"ga_client_id": None}, "never", "NO_CLIENT_ID"),
        ({}, {"ga_client_id": "  "}, "never", "NO_CLIENT_ID"),
        ({}, {"ga_client_id": "x" * 101}, "never", "NO_CLIENT_ID"),
        ({}, {"ga_client_id": "1.\n2"}, "never", "NO_CLIENT_ID"),
        ({}, {"ga_client_id": "", "click_ids": {"_ga": "GA1.1.12"}}, "never", "NO_CLIENT_ID"),
        ({}, {"ga_client_id": "", "click_ids": {"_ga": "GA1.1.1.2"}}, "send", "OK"),
        ({}, {"consent": Consent("denied", "granted")}, "never", "CONSENT_DENIED"),
        ({}, {"consent": Consent(), "region": "IT"}, "never", "CONSENT_UNKNOWN"),
        ({}, {"consent": Consent(), "region": "US"}, "send", "OK"),
        ({"when_consent_unknown": "withhold"}, {"consent": Consent(), "region": "US"}, "never",
         "CONSENT_UNKNOWN"),
        ({"when_consent_unknown": "send"}, {"consent": Consent(), "region": "IT"}, "send", "OK"),
        ({}, {"occurred_at": NOON - 3 * DAY}, "send", "OK"),
        ({}, {"occurred_at": NOON - 3 * DAY - timedelta(seconds=1)}, "never", "TOO_OLD"),
        ({}, {"occurred_at": NOON - 9 * DAY, "action": "retract"}, "send", "OK"),
        ({}, {"changed_at": NOON - 4 * DAY, "action": "retract"}, "never", "TOO_OLD"),
        ({}, {"occurred_at": NOON + timedelta(minutes=6)}, "never", "IN_FUTURE"),
    ],
)  # fmt: skip
def test_what_google_would_drop_is_known_before_sending(
    settings: dict[str, Any], more: dict[str, Any], decision: str, code: str
) -> None:
    verdict = GA4.preflight(told(**more), ga4(**settings), NOON)
    assert (verdict.decision, verdict.code) == (decision, code)
    assert verdict.reason.endswith(".")


@pytest.mark.parametrize(
    ("status", "body", "headers", "class_", "code"),
    [
        (204, b"", {}, Class.DONE, "TAKEN"),
        (200, b"", {}, Class.DONE, "TAKEN"),
        (202, b"\n", {}, Class.DONE, "TAKEN"),
        (200, b"GIF89a", {}, Class.DONE, "TAKEN"),
        (200, b"  <html>one moment", {}, Class.UNKNOWN, "NOT_GOOGLE"),
        (301, b"", {"location": "https://elsewhere.example"}, Class.CONFIG, "HTTP_301"),
        (400, b"", {}, Class.BUG, "HTTP_400"),
        (401, b"", {}, Class.CONFIG, "HTTP_401"),
        (403, b"", {}, Class.CONFIG, "HTTP_403"),
        (404, b"", {}, Class.CONFIG, "HTTP_404"),
        (405, b"", {}, Class.BUG, "HTTP_405"),
        (408, b"", {}, Class.LATER, "HTTP_408"),
        (413, b"", {}, Class.ROW, "TOO_LARGE"),
        (429, b"", {}, Class.LATER, "HTTP_429"),
        (500, b"", {}, Class.LATER, "HTTP_500"),
        (502, b"<html>", {}, Class.LATER, "HTTP_502"),
        (503, b"", {}, Class.LATER, "HTTP_503"),
        (504, b"", {}, Class.LATER, "HTTP_504"),
    ],
)
def test_every_answer_has_a_class(
    status: int, body: bytes, headers: dict[str, str], class_: Class, code: str
) -> None:
    (outcome,) = GA4.classify(answer(status, body, **headers), [b"{}"])
    assert (outcome.class_, outcome.code) == (class_, code)
    assert outcome.message.endswith(".")


def test_a_wait_that_is_asked_for_is_kept() -> None:
    (outcome,) = GA4.classify(answer(503, retry_after="120"), [b"{}"])
    assert outcome.after == timedelta(minutes=2)


def test_done_says_that_google_confirms_nothing() -> None:
    (outcome,) = GA4.classify(answer(204), [b"{}"])
    assert "confirms nothing" in outcome.message


@pytest.mark.parametrize(
    ("messages", "class_"),
    [
        ([], Class.DONE),
        ([{"fieldPath": "measurement_id", "validationCode": "VALUE_REQUIRED"}], Class.CONFIG),
        ([{"fieldPath": "events[0].name", "validationCode": "NAME_INVALID"}], Class.CONFIG),
        ([{"fieldPath": "events[0].name", "validationCode": "NAME_RESERVED"}], Class.CONFIG),
        ([{"fieldPath": "timestamp_micros", "validationCode": "VALUE_INVALID"}], Class.ROW),
        ([{"validationCode": "INTERNAL_ERROR"}], Class.LATER),
        ([{"fieldPath": "events", "validationCode": "EXCEEDED_MAX_ENTITIES"}], Class.BUG),
        ([{}], Class.BUG),
    ],
)
def test_a_trial_reads_googles_complaints(messages: list[dict[str, str]], class_: Class) -> None:
    body = json.dumps({"validationMessages": messages}).encode()
    (outcome,) = GA4.classify_trial(answer(200, body), [b"{}"])
    assert outcome.class_ is class_


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"validationMessages": 1}'])
def test_a_trial_without_a_readable_answer_proves_nothing(body: bytes) -> None:
    assert GA4.classify_trial(answer(200, body), [b"{}"])[0].class_ is Class.LATER
    assert GA4.classify_trial(answer(503, body), [b"{}"])[0].class_ is Class.LATER


def test_only_a_purchase_may_be_sent_again_without_knowing() -> None:
    assert Ga4.resend_unknown_within == timedelta(0)
    assert GA4.counts_once(GA4.freeze(told(), ga4()))
    assert not GA4.counts_once(GA4.freeze(told(kind="lead"), ga4()))
    assert not GA4.counts_once(GA4.freeze(told(action="retract"), ga4()))
    assert not GA4.counts_once(GA4.freeze(told(), ga4(purchase_event="phone_sale")))


@pytest.mark.parametrize(
    "wrong",
    [
        {"measurement_id": "UA-1234-5"}, {"measurement_id": ""}, {"measurement_id": "G-\u00c412345"},
        {"api_secret": " "}, {"lead_event": "x" * 41}, {"lead_event": "1st"}, {"lead_event": "a b"},
        {"lead_event": "session_start"}, {"purchase_event": "ga_sale"}, {"purchase_event": "k\u00e4ufe"},
        {"lead_event": "", "purchase_event": ""}, {"region": "moon"}, {"base_url": "ftp://x"},
    ],
)  # fmt: skip
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ga4(**wrong)


def test_the_address_cannot_be_changed_outside_the_sandbox() -> None:
    values = {"measurement_id": "G-AB12CD34EF", "api_secret": "s"}
    assert Ga4Settings.load(values).host == "https://www.google-analytics.com"
    with pytest.raises(ValidationError, match="sandbox only"):
        Ga4Settings.load(values | {"base_url": "https://evil.example"})
