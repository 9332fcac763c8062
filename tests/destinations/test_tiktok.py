"""TikTok: exact payloads, verdicts before sending, what answers mean."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from calltrack.destinations.base import Consent
from calltrack.destinations.outcomes import Class
from calltrack.destinations.tiktok import TikTok
from calltrack.destinations.tiktok_settings import TikTokSettings
from tests.destinations.goldens import SHA256
from tests.destinations.uploads import NOON, answer, upload

TIKTOK = TikTok()
ID = "conv-0193a5e07c3c7c70b7c1f1d2a3b4c5d6"
PHONE = SHA256["+390669940001"]
SECONDS = 1_795_176_000
DAY = timedelta(days=1)


def tiktok(**more: Any) -> TikTokSettings:
    given = {"event_source_id": "C4A1B2C3", "access_token": "t0ken", "test_event_code": "TEST1"}
    return TikTokSettings.load(given | more, sandbox=True)


def told(**more: Any) -> Any:
    return upload(**({"click_ids": {"ttclid": "E.C.P.Case"}, "landing_url": "https://a.it/"} | more))


def event(settings: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    frozen = TIKTOK.freeze(told(**more), tiktok(**(settings or {})))
    found: dict[str, Any] = json.loads(frozen)["event"]
    return found


def test_a_frozen_purchase_is_exactly_these_bytes() -> None:
    assert TIKTOK.freeze(told(), tiktok()) == (
        b'{"event":{"event":"Purchase","event_id":"conv-0193a5e07c3c7c70b7c1f1d2a3b4c5d6",'
        b'"event_time":1795176000,"page":{"url":"https://a.it/"},'
        b'"properties":{"currency":"EUR","value":850.0},'
        b'"user":{"phone":"' + PHONE.encode() + b'","ttclid":"E.C.P.Case"}},'
        b'"source":{"event_source":"web","event_source_id":"C4A1B2C3"}}'
    )


CLICK = {"ttclid": "E.C.P.Case"}
BOTH = CLICK | {"phone": PHONE}
OFFLINE = {"event_source": "offline"}


@pytest.mark.parametrize(
    ("settings", "more", "part", "expected"),
    [
        ({}, {}, "user", BOTH),
        ({}, {"phone_e164": None}, "user", CLICK),
        ({}, {"phone_e164": "anonymous"}, "user", CLICK),
        ({}, {"phone_e164": "", "email": ""}, "user", CLICK),
        ({}, {"phone_e164": "0669940001"}, "user", CLICK),
        ({}, {"phone_e164": "+44 (0)20 7946 0958"}, "user", CLICK),
        ({}, {"phone_e164": "+49 30 12345678"}, "user", CLICK | {"phone": SHA256["+493012345678"]}),
        ({}, {"phone_e164": "+4915112345678"}, "user", CLICK | {"phone": SHA256["+4915112345678"]}),
        ({}, {"phone_e164": "+1 (202) 555-0123"}, "user", CLICK | {"phone": SHA256["+12025550123"]}),
        ({}, {"phone_e164": "+442079460958"}, "user", CLICK | {"phone": SHA256["+442079460958"]}),
        ({}, {"phone_e164": PHONE.upper()}, "user", BOTH),
        ({}, {"email": " Anna.Rossi@Example.IT "}, "user",
         BOTH | {"email": SHA256["anna.rossi@example.it"]}),
        # TikTok documents trim and lower case only: Gmail's dots and +suffix stay.
        ({}, {"email": "J.Smith+ads@gmail.com"}, "user", BOTH | {"email": SHA256["j.smith+ads@gmail.com"]}),
        ({}, {"email": "J.S.M.I.T.H@GoogleMail.com"}, "user",
         BOTH | {"email": SHA256["j.s.m.i.t.h@googlemail.com"]}),
        ({}, {"email": "Hans.M\u00fcller@example.de"}, "user",
         BOTH | {"email": SHA256["hans.m\u00fcller@example.de"]}),
        ({}, {"email": SHA256["jane@example.com"]}, "user", BOTH | {"email": SHA256["jane@example.com"]}),
        ({}, {"email": "no address"}, "user", BOTH),
        ({}, {"email": "\U0001f600"}, "user", BOTH),
        ({"send_hashed_contacts": False}, {"email": "jane@example.com"}, "user", CLICK),
        ({}, {"click_ids": {"ttclid": "a", "_ttp": "2F7h"}}, "user",
         {"ttclid": "a", "ttp": "2F7h", "phone": PHONE}),
        ({}, {"click_ids": {"gclid": "G", "fbclid": "F"}}, "user", {"phone": PHONE}),
        ({}, {"click_ids": {"ttclid": ""}}, "user", {"phone": PHONE}),
        ({}, {"ip": "203.0.113.9", "user_agent": "Mozilla/5.0 \u00e8"}, "user",
         BOTH | {"ip": "203.0.113.9", "user_agent": "Mozilla/5.0 \u00e8"}),
        ({}, {"first_name": "Anna \U0001f600", "last_name": "Rossi", "city": "Roma", "postal_code": "00184",
              "country": "IT"}, "user", BOTH),
        (OFFLINE, {"ip": "203.0.113.9", "user_agent": "x"}, "user", {"phone": PHONE}),
        (OFFLINE, {}, "page", None),
        ({"event_source": "crm"}, {"email": "jane@example.com"}, "user",
         {"phone": PHONE, "email": SHA256["jane@example.com"]}),
        ({}, {}, "page", {"url": "https://a.it/"}),
        ({}, {"landing_url": None}, "page", None),
        ({}, {}, "event", "Purchase"),
        ({}, {"kind": "lead"}, "event", "Lead"),
        ({"lead_event": "SubmitForm"}, {"kind": "lead"}, "event", "SubmitForm"),
        ({}, {}, "event_id", ID),
        ({}, {}, "event_time", SECONDS),
        ({}, {"changed_at": NOON + DAY}, "event_time", SECONDS),
        ({}, {"occurred_at": datetime(2026, 11, 20, 13, 0, 0, 999_999, timezone(timedelta(hours=1)))},
         "event_time", SECONDS),
        ({}, {"value_minor": 850, "currency": "JPY"}, "properties", {"currency": "JPY", "value": 850.0}),
        ({}, {"value_minor": 1_234, "currency": "KWD"}, "properties", {"currency": "KWD", "value": 1.234}),
        ({}, {"value_minor": 0}, "properties", {"currency": "EUR", "value": 0.0}),
        ({}, {"value_minor": None}, "properties", None),
        ({}, {"currency": None}, "properties", None),
    ],
)  # fmt: skip
def test_the_event_has_exactly_this(
    settings: dict[str, Any], more: dict[str, Any], part: str, expected: object
) -> None:
    assert event(settings, **more).get(part) == expected


def test_a_request_joins_the_events_of_one_source() -> None:
    payloads = [TIKTOK.freeze(told(id=f"conv-{n}"), tiktok()) for n in range(3)]
    request = TIKTOK.request(payloads, tiktok(), NOON)
    assert request.url == "https://business-api.tiktok.com/open_api/v1.3/event/track/"
    assert request.headers["access-token"] == "t0ken"
    body = json.loads(request.body)
    assert {name: body[name] for name in body if name != "data"} == {
        "event_source": "web", "event_source_id": "C4A1B2C3",
    }  # fmt: skip
    assert [one["event_id"] for one in body["data"]] == ["conv-0", "conv-1", "conv-2"]
    assert request.body == TIKTOK.request(payloads, tiktok(), NOON + DAY).body


def test_what_was_frozen_for_another_source_travels_apart() -> None:
    first, second = tiktok(), tiktok(event_source_id="OTHER1")
    assert TIKTOK.route(TIKTOK.freeze(told(), first)) != TIKTOK.route(TIKTOK.freeze(told(), second))
    assert TIKTOK.route(TIKTOK.freeze(told(), first)) == TIKTOK.route(TIKTOK.freeze(told(id="x"), first))


def test_a_trial_carries_the_test_code_and_there_is_none_without() -> None:
    payload = TIKTOK.freeze(told(), tiktok())
    trial = TIKTOK.trial_request([payload], tiktok(), NOON)
    assert trial is not None
    assert json.loads(trial.body)["test_event_code"] == "TEST1"
    assert TIKTOK.trial_request([payload], tiktok(test_event_code=""), NOON) is None
    (outcome,) = TIKTOK.classify_trial(answer(200, b'{"code":0}'), [payload])
    assert (outcome.class_, outcome.code) == (Class.DONE, "TEST_TAKEN")


@pytest.mark.parametrize(
    ("settings", "more", "decision", "code"),
    [
        ({}, {}, "send", "OK"),
        ({}, {"kind": "lead"}, "send", "OK"),
        ({}, {"action": "restate"}, "never", "NO_WORD_FOR_VALUE"),
        ({}, {"action": "retract"}, "never", "NO_WORD_FOR_TAKING_BACK"),
        ({"lead_event": ""}, {"kind": "lead"}, "never", "NO_EVENT"),
        ({"purchase_event": None}, {}, "never", "NO_EVENT"),
        ({}, {"phone_e164": None}, "send", "OK"),
        ({}, {"phone_e164": None, "click_ids": {"_ttp": "x"}}, "send", "OK"),
        ({}, {"phone_e164": None, "click_ids": {}}, "never", "NO_IDENTIFIERS"),
        ({}, {"phone_e164": None, "click_ids": {}, "ip": "203.0.113.9", "user_agent": "x"}, "never",
         "NO_IDENTIFIERS"),
        (OFFLINE, {"phone_e164": None}, "never", "NO_IDENTIFIERS"),
        (OFFLINE, {}, "send", "OK"),
        ({}, {"consent": Consent("denied", "denied")}, "never", "CONSENT_DENIED"),
        ({}, {"consent": Consent(), "region": "DE"}, "never", "CONSENT_UNKNOWN"),
        ({}, {"consent": Consent(), "region": "US"}, "send", "OK"),
        ({}, {"occurred_at": NOON - timedelta(hours=2)}, "never", "BEFORE_CLICK"),
        ({}, {"occurred_at": NOON + timedelta(minutes=6)}, "never", "IN_FUTURE"),
        ({}, {"occurred_at": NOON - 7 * DAY, "clicked_at": None}, "send", "OK"),
        ({}, {"occurred_at": NOON - 8 * DAY, "clicked_at": None}, "never", "TOO_OLD"),
        (OFFLINE, {"occurred_at": NOON - 28 * DAY, "clicked_at": None}, "send", "OK"),
        (OFFLINE, {"occurred_at": NOON - 29 * DAY, "clicked_at": None}, "never", "TOO_OLD"),
        ({"event_source": "crm"}, {"occurred_at": NOON - 27 * DAY, "clicked_at": None}, "send", "OK"),
    ],
)  # fmt: skip
def test_what_tiktok_would_do_is_known_before_sending(
    settings: dict[str, Any], more: dict[str, Any], decision: str, code: str
) -> None:
    verdict = TIKTOK.preflight(told(**more), tiktok(**settings), NOON)
    assert (verdict.decision, verdict.code) == (decision, code)
    assert verdict.reason.endswith(".")


DONE, AGAIN, SPLIT, ROW = Class.DONE, Class.AGAIN, Class.SPLIT, Class.ROW
LATER, CONFIG, BUG, UNKNOWN = Class.LATER, Class.CONFIG, Class.BUG, Class.UNKNOWN


def said(code: int, message: str = "", data: object = None) -> bytes:
    return json.dumps({"code": code, "message": message, "request_id": "r", "data": data}).encode()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, said(0, "OK", {}), [DONE, DONE, DONE]),
        (200, said(20001, "Partial success", {"failed_events": [{"order_in_batch": 1,
                                                               "error_message": "bad"}]}),
         [DONE, ROW, DONE]),
        (200, said(20001, "", {"errors": [{"event_id": "conv-2", "message": "bad"}]}), [DONE, DONE, ROW]),
        (200, said(20001, "", [{"index": 0}, {"index": 2}]), [ROW, DONE, ROW]),
        (200, said(20001, "data.2.event_time: too old"), [DONE, DONE, ROW]),
        (200, said(20001, "Partial success", {}), [SPLIT, SPLIT, SPLIT]),
        (200, said(20001, "", {"failed_events": [{"order_in_batch": 7}]}), [SPLIT, SPLIT, SPLIT]),
        (200, said(40001, "No permission to operate pixel C4A1"), [CONFIG] * 3),
        (200, said(40001, "No permission"), [CONFIG] * 3),
        (200, said(40002, "data.0.user.phone: Invalid value; data[2].event_id: missing"), [ROW, AGAIN, ROW]),
        (200, said(40002, "Invalid parameters"), [SPLIT, SPLIT, SPLIT]),
        (200, said(40002, "event_source_id: not found"), [CONFIG] * 3),
        (200, said(40100, "Requests made too frequently."), [LATER] * 3),
        (200, said(40105, "Access token is incorrect or has been revoked."), [CONFIG] * 3),
        (200, said(40104, "Access token is empty"), [CONFIG] * 3),
        (200, said(40102, "Access token expired"), [CONFIG] * 3),
        (200, said(50000, "System error"), [LATER] * 3),
        (200, said(51305, "Internal time-out"), [LATER] * 3),
        (200, said(40999, "new rule"), [SPLIT, SPLIT, SPLIT]),
        (401, said(40105), [CONFIG] * 3),
        (403, b"", [CONFIG] * 3),
        (404, b"", [CONFIG] * 3),
        (302, b"", [CONFIG] * 3),
        (400, b"<html>", [BUG] * 3),
        (400, said(40002, "data.1.user: missing"), [AGAIN, ROW, AGAIN]),
        (413, b"", [SPLIT, SPLIT, SPLIT]),
        (429, b"", [LATER] * 3),
        (500, said(50000), [LATER] * 3),
        (503, b"<html>", [LATER] * 3),
        (200, b"<html>one moment", [UNKNOWN] * 3),
        (200, b"", [UNKNOWN] * 3),
        (200, b'{"message":"no code"}', [UNKNOWN] * 3),
        (200, b'{"code":"0"}', [UNKNOWN] * 3),
    ],
)  # fmt: skip
def test_every_answer_has_a_class(status: int, body: bytes, expected: list[Class]) -> None:
    payloads = [TIKTOK.freeze(told(id=f"conv-{n}"), tiktok()) for n in range(3)]
    outcomes = TIKTOK.classify(answer(status, body), payloads)
    assert [outcome.class_ for outcome in outcomes] == expected
    assert all(outcome.message.endswith(".") for outcome in outcomes)


@pytest.mark.parametrize("body", [said(20001, "", {}), said(40002, "Invalid"), said(40999, "new")])
def test_alone_a_conversion_is_refused_itself(body: bytes) -> None:
    (outcome,) = TIKTOK.classify(answer(200, body), [TIKTOK.freeze(told(), tiktok())])
    assert outcome.class_ is ROW


def test_waits() -> None:
    payload = [TIKTOK.freeze(told(), tiktok())]
    assert TIKTOK.classify(answer(200, said(40100)), payload)[0].after == timedelta(minutes=1)
    assert TIKTOK.classify(answer(429, b"", retry_after="7"), payload)[0].after == timedelta(seconds=7)
    assert TikTok.resend_unknown_within == timedelta(hours=48)


@pytest.mark.parametrize(
    "wrong",
    [
        {"event_source_id": ""}, {"event_source_id": "a b"}, {"access_token": " "},
        {"access_token": "t\u00f6ken"}, {"event_source": "app"}, {"lead_event": "two words"},
        {"lead_event": "", "purchase_event": ""}, {"test_event_code": "a b"},
        {"event_source": "offline", "send_hashed_contacts": False}, {"base_url": "ftp://x"},
    ],
)  # fmt: skip
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        tiktok(**wrong)


def test_the_address_cannot_be_changed_outside_the_sandbox() -> None:
    with pytest.raises(ValidationError, match="sandbox only"):
        TikTokSettings.load({"event_source_id": "C4A1", "access_token": "t", "base_url": "https://x.example"})


def test_the_clock_of_the_tables_is_utc() -> None:
    assert datetime.fromtimestamp(SECONDS, UTC) == NOON
