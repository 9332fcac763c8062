import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from calltrack.destinations.base import Consent
from calltrack.destinations.outcomes import Class
from calltrack.destinations.webhook import WebhookOut, WebhookSettings
from tests.destinations.uploads import NOON, SECRET, answer, upload, webhook

OTHER = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo="
OUT = WebhookOut()


def test_the_body_is_exactly_this() -> None:
    made = upload(
        action="restate", sequence=2, changed_at=NOON + timedelta(days=1), original_value_minor=85_000,
        call_id="c1", person_id="p1",
        probability=0.97, source="google", medium="cpc", campaign="Roma", landing_url="https://example.it/",
        consent=Consent("granted", "denied"), first_time=False,
    )  # fmt: skip
    assert json.loads(OUT.freeze(made, webhook())) == {
        "type": "purchase.restated",
        "timestamp": "2026-11-21T12:00:00.000Z",
        "data": {
            "id": "conv-0193a5e07c3c7c70b7c1f1d2a3b4c5d6",
            "kind": "purchase",
            "action": "restate",
            "sequence": 2,
            "status": "counted",
            "occurred_at": "2026-11-20T12:00:00.000Z",
            "changed_at": "2026-11-21T12:00:00.000Z",
            "value": "850.00",
            "value_minor": 85000,
            "currency": "EUR",
            "original_value_minor": 85000,
            "call_id": "c1",
            "person_id": "p1",
            "first_time": False,
            "probability": 0.97,
            "source": "google",
            "medium": "cpc",
            "campaign": "Roma",
            "landing_url": "https://example.it/",
            "click_ids": {"gclid": "Cj0KCQiA-Case_Exact"},
            "clicked_at": "2026-11-20T11:00:00.000Z",
            "consent": {"ad_user_data": "granted", "ad_personalization": "denied"},
        },
    }


@pytest.mark.parametrize(
    ("more", "part", "expected"),
    [
        ({"kind": "lead", "value_minor": None, "currency": None}, "value", None),
        ({"value_minor": 850, "currency": "JPY"}, "value", "850"),
        ({"clicked_at": None}, "clicked_at", None),
        ({"click_ids": {}}, "click_ids", {}),
        ({}, "value", "850.00"),
        ({"value_minor": 1}, "value", "0.01"),
        ({"value_minor": 0}, "value", "0.00"),
        ({"value_minor": 1_234, "currency": "KWD"}, "value", "1.234"),
        ({"value_minor": 10**15}, "value", "10000000000000.00"),
        ({"currency": None}, "value", None),
        ({"currency": None}, "value_minor", 85_000),
        ({"action": "create"}, "status", "counted"),
        ({"action": "restate"}, "status", "counted"),
        ({"action": "retract"}, "status", "retracted"),
        ({"action": "retract", "original_value_minor": 85_000}, "original_value_minor", 85_000),
        ({}, "original_value_minor", None),
        ({"occurred_at": datetime(2026, 11, 20, 13, 0, 0, 250_999, timezone(timedelta(hours=1)))},
         "occurred_at", "2026-11-20T12:00:00.250Z"),
        ({"campaign": "Umz\u00fcge \U0001f600"}, "campaign", "Umz\u00fcge \U0001f600"),
        ({"source": None}, "source", None),
        ({"probability": 0.5}, "probability", 0.5),
        ({"person_id": None}, "person_id", None),
        ({"call_id": "c9"}, "call_id", "c9"),
        ({"first_time": False}, "first_time", False),
        ({"landing_url": "https://a.de/?q=\u00e4"}, "landing_url", "https://a.de/?q=\u00e4"),
        ({"click_ids": {"ttclid": "E.C", "li_fat_id": "l", "_ga": "GA1.1.1.2"}}, "click_ids",
         {"ttclid": "E.C", "li_fat_id": "l", "_ga": "GA1.1.1.2"}),
        ({"consent": Consent()}, "consent", {"ad_user_data": "unknown", "ad_personalization": "unknown"}),
        ({"consent": Consent("denied", "granted")}, "consent",
         {"ad_user_data": "denied", "ad_personalization": "granted"}),
    ],
)  # fmt: skip
def test_parts_of_the_body(more: dict[str, Any], part: str, expected: object) -> None:
    assert json.loads(OUT.freeze(upload(**more), webhook()))["data"][part] == expected


@pytest.mark.parametrize(
    ("kind", "action", "expected"),
    [
        ("lead", "create", "lead.created"),
        ("lead", "retract", "lead.retracted"),
        ("purchase", "create", "purchase.created"),
    ],
)
def test_the_type_names_what_happened(kind: str, action: str, expected: str) -> None:
    assert json.loads(OUT.freeze(upload(kind=kind, action=action), webhook()))["type"] == expected


def test_contacts_leave_only_when_switched_on() -> None:
    made = upload(email="a@example.it")
    assert b"390669940001" not in OUT.freeze(made, webhook())
    plain = json.loads(OUT.freeze(made, webhook()))["data"]
    data = json.loads(OUT.freeze(made, webhook(include_contacts=True)))["data"]
    assert {name: data[name] for name in data if name not in plain} == {
        "phone": "+390669940001", "email": "a@example.it", "first_name": None, "last_name": None,
        "city": None, "postal_code": None, "country": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "person",
    [
        {"first_name": "J\u00fcrgen", "last_name": "Gro\u00df", "city": "K\u00f6ln", "postal_code": "50667",
         "country": "DE", "phone_e164": "+4915112345678", "email": "j.gross@example.de"},
        {"first_name": "Niccol\u00f2", "last_name": "D'Angelo", "city": "Roma", "postal_code": "00184",
         "country": "IT", "phone_e164": "+390669940001", "email": "nd@gmail.com"},
        {"first_name": "Amy \U0001f600", "last_name": "O'Neil", "city": "New York", "postal_code": "10001",
         "country": "US", "phone_e164": "+12125550123", "email": "Amy.O+x@Gmail.com"},
    ],
)  # fmt: skip
def test_contacts_leave_as_they_are_known(person: dict[str, str]) -> None:
    data = json.loads(OUT.freeze(upload(**person), webhook(include_contacts=True)))["data"]
    sent = {("phone_e164" if name == "phone" else name): data[name] for name in data}
    assert {name: sent[name] for name in person} == person


def test_the_reference_library_accepts_the_signature_and_refuses_any_change() -> None:
    now = datetime.now(UTC)
    request = OUT.request([OUT.freeze(upload(), webhook())], webhook(), now)
    headers = dict(request.headers)
    Webhook(SECRET).verify(request.body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body.replace(b"850.00", b"950.00"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(request.body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body, headers | {"webhook-id": "conv-x-0"})
    old = OUT.request([request.body], webhook(), now - timedelta(minutes=6))
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(SECRET).verify(old.body, dict(old.headers))


def test_while_the_secret_changes_both_secrets_verify() -> None:
    request = OUT.request(
        [OUT.freeze(upload(), webhook())], webhook(secret=OTHER, previous_secret=SECRET), datetime.now(UTC)
    )
    Webhook(OTHER).verify(request.body, dict(request.headers))
    Webhook(SECRET).verify(request.body, dict(request.headers))
    assert request.headers["webhook-signature"].count("v1,") == 2


def test_a_rotated_secret_signs_beside_the_old_one_until_its_day_is_over() -> None:
    settings = webhook()
    rotated = WebhookSettings.load(settings.plain() | settings.secrets() | settings.rotated(NOON))
    fresh = rotated.secret.get_secret_value()
    assert fresh != SECRET
    assert rotated.keys(NOON) == [fresh, SECRET]
    assert rotated.previous_secret_until == (NOON + timedelta(days=7)).date()
    assert SECRET in rotated.keys(NOON + timedelta(days=7, hours=11))
    assert rotated.keys(NOON + timedelta(days=7, hours=12)) == [fresh]


def test_a_test_message_is_signed_and_means_nothing_else() -> None:
    now = datetime.now(UTC)
    request = OUT.trial_request([b"ignored"], webhook(), now)
    later = OUT.trial_request([b"ignored"], webhook(), now + timedelta(seconds=1))
    assert request is not None
    assert later is not None
    Webhook(SECRET).verify(request.body, dict(request.headers))
    assert json.loads(request.body)["type"] == "test"
    assert request.headers["webhook-id"].startswith("test-")
    assert later.headers["webhook-id"] != request.headers["webhook-id"]
    assert OUT.classify_trial(answer(204), [b""])[0].class_ is Class.DONE
    assert OUT.classify_trial(answer(401), [b""])[0].class_ is Class.LATER


def test_every_attempt_has_the_same_id_and_body_and_each_change_its_own() -> None:
    body = OUT.freeze(upload(), webhook())
    first, second = (
        OUT.request([body], webhook(), NOON),
        OUT.request([body], webhook(), NOON + timedelta(hours=3)),
    )
    assert (
        first.headers["webhook-id"]
        == second.headers["webhook-id"]
        == "conv-0193a5e07c3c7c70b7c1f1d2a3b4c5d6-0"
    )
    assert first.body == second.body == body
    changed = OUT.request([OUT.freeze(upload(action="restate", sequence=1), webhook())], webhook(), NOON)
    assert changed.headers["webhook-id"].endswith("-1")


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("status", "headers", "class_", "after"),
    [
        (200, {}, Class.DONE, None),
        (204, {}, Class.DONE, None),
        (299, {}, Class.DONE, None),
        (410, {}, Class.CONFIG, None),
        (301, {"location": "https://elsewhere.example"}, Class.LATER, None),
        (304, {}, Class.LATER, None),
        (400, {}, Class.LATER, None),
        (401, {}, Class.LATER, None),
        (404, {}, Class.LATER, None),
        (413, {}, Class.LATER, None),
        (418, {}, Class.LATER, None),
        (500, {}, Class.LATER, None),
        (429, {"retry_after": "120"}, Class.LATER, 2 * MINUTE),
        (503, {"retry_after": "0"}, Class.LATER, timedelta(seconds=1)),
        (503, {"retry_after": "99999999999999999999"}, Class.LATER, timedelta(hours=24)),
        (429, {"retry_after": "soon"}, Class.LATER, None),
        (429, {"retry_after": "-5"}, Class.LATER, None),
        (429, {"retry_after": "\u0663"}, Class.LATER, None),
        (
            429,
            {"retry_after": "Fri, 20 Nov 2026 12:05:00 GMT", "date": "Fri, 20 Nov 2026 12:00:00 GMT"},
            Class.LATER,
            5 * MINUTE,
        ),
        (
            429,
            {"retry_after": "Fri, 20 Nov 2026 11:00:00 GMT", "date": "Fri, 20 Nov 2026 12:00:00 GMT"},
            Class.LATER,
            timedelta(seconds=1),
        ),
        (429, {"retry_after": "Fri, 20 Nov 2026 12:05:00 GMT"}, Class.LATER, None),
        (400, {"retry_after": "120"}, Class.LATER, None),
    ],
)
def test_every_answer_has_a_class(
    status: int, headers: dict[str, str], class_: Class, after: timedelta | None
) -> None:
    (outcome,) = OUT.classify(answer(status, b"", **headers), [b"{}"])
    assert (outcome.class_, outcome.after) == (class_, after)


def test_the_schedule_is_the_published_one_and_ends() -> None:
    waits = [OUT.wait_before(attempt) for attempt in range(1, 9)]
    hours = [wait.total_seconds() / 3600 for wait in waits[:-1] if wait is not None]
    assert hours == [5 / 3600, 5 / 60, 0.5, 2, 5, 10, 10]
    assert waits[-1] is None
