"""LinkedIn: exact elements, verdicts, what answers mean, and the twin over a socket."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from calltrack.destinations.base import Consent
from calltrack.destinations.linkedin import LinkedIn
from calltrack.destinations.linkedin_settings import LinkedInSettings
from calltrack.destinations.outcomes import Class, Outcome, Token
from tests.destinations.goldens import SHA256
from tests.destinations.twins import NOW, TwinWorld, classes, connected
from tests.destinations.uploads import NOON, answer, upload

LINKEDIN = LinkedIn()
MILLIS = 1_795_176_000_000
DAY = timedelta(days=1)
CLICK = {"idType": "LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID", "idValue": "df5gf5-gh6t7"}


def linkedin(**more: Any) -> LinkedInSettings:
    given = {"lead_rule_id": "9001", "purchase_rule_id": "9002", "access_token": "t0ken"}
    return LinkedInSettings.load(given | more, sandbox=True)


def told(**more: Any) -> Any:
    return upload(**({"click_ids": {"li_fat_id": "df5gf5-gh6t7"}} | more))


def email(text: str) -> dict[str, str]:
    return {"idType": "SHA256_EMAIL", "idValue": SHA256[text]}


def ids(*found: dict[str, str], **info: str) -> dict[str, Any]:
    return {"userIds": list(found)} | ({"userInfo": info} if info else {})


def test_a_frozen_purchase_is_exactly_these_bytes() -> None:
    assert LINKEDIN.freeze(told(email="Anna.Rossi@example.it"), linkedin()) == (
        b'{"conversion":"urn:lla:llaPartnerConversion:9002","conversionHappenedAt":1795176000000,'
        b'"conversionValue":{"amount":"850.00","currencyCode":"EUR"},'
        b'"eventId":"conv-0193a5e07c3c7c70b7c1f1d2a3b4c5d6",'
        b'"user":{"userIds":[{"idType":"LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID","idValue":"df5gf5-gh6t7"},'
        b'{"idType":"SHA256_EMAIL","idValue":"' + SHA256["anna.rossi@example.it"].encode() + b'"}]}}'
    )


NAME = {"first_name": "Anna", "last_name": "Rossi"}


@pytest.mark.parametrize(
    ("settings", "more", "part", "expected"),
    [
        ({}, {}, "conversion", "urn:lla:llaPartnerConversion:9002"),
        ({}, {"kind": "lead"}, "conversion", "urn:lla:llaPartnerConversion:9001"),
        ({"lead_rule_id": "urn:lla:llaPartnerConversion:77"}, {"kind": "lead"}, "conversion",
         "urn:lla:llaPartnerConversion:77"),
        ({}, {}, "conversionHappenedAt", MILLIS),
        ({}, {"changed_at": NOON + DAY}, "conversionHappenedAt", MILLIS),
        ({}, {"occurred_at": datetime(2026, 11, 20, 13, 0, 0, 250_999, timezone(timedelta(hours=1)))},
         "conversionHappenedAt", MILLIS + 250),
        ({}, {}, "eventId", "conv-0193a5e07c3c7c70b7c1f1d2a3b4c5d6"),
        ({}, {}, "conversionValue", {"currencyCode": "EUR", "amount": "850.00"}),
        ({}, {"value_minor": 850, "currency": "JPY"}, "conversionValue",
         {"currencyCode": "JPY", "amount": "850"}),
        ({}, {"value_minor": 1_234, "currency": "KWD"}, "conversionValue",
         {"currencyCode": "KWD", "amount": "1.234"}),
        ({}, {"value_minor": 0}, "conversionValue", {"currencyCode": "EUR", "amount": "0.00"}),
        ({}, {"value_minor": 10**15, "currency": "USD"}, "conversionValue",
         {"currencyCode": "USD", "amount": "10000000000000.00"}),
        ({}, {"value_minor": None}, "conversionValue", None),
        ({}, {"currency": None}, "conversionValue", None),
        ({}, {}, "user", ids(CLICK)),
        ({}, {"email": " Anna.Rossi@Example.IT "}, "user", ids(CLICK, email("anna.rossi@example.it"))),
        # LinkedIn documents trim and lower case only: Gmail's dots and +suffix stay.
        ({}, {"email": "J.Smith+ads@gmail.com"}, "user", ids(CLICK, email("j.smith+ads@gmail.com"))),
        ({}, {"email": "J.S.M.I.T.H@GoogleMail.com"}, "user",
         ids(CLICK, email("j.s.m.i.t.h@googlemail.com"))),
        ({}, {"email": "Hans.M\u00fcller@example.de"}, "user",
         ids(CLICK, email("hans.m\u00fcller@example.de"))),
        ({}, {"email": SHA256["jane@example.com"].upper()}, "user", ids(CLICK, email("jane@example.com"))),
        ({}, {"email": ""}, "user", ids(CLICK)),
        ({}, {"email": "no address"}, "user", ids(CLICK)),
        ({}, {"email": "\U0001f600"}, "user", ids(CLICK)),
        ({}, {"click_ids": {"gclid": "G"}, "email": "jane@example.com"}, "user",
         ids(email("jane@example.com"))),
        ({}, {"click_ids": {"li_fat_id": ""}, "email": "jane@example.com"}, "user",
         ids(email("jane@example.com"))),
        ({}, NAME | {"country": "IT"}, "user",
         ids(CLICK, firstName="Anna", lastName="Rossi", countryCode="IT")),
        ({}, {"first_name": "J\u00fcrgen", "last_name": "Gro\u00df", "country": "DE"}, "user",
         ids(CLICK, firstName="J\u00fcrgen", lastName="Gro\u00df", countryCode="DE")),
        ({}, {"first_name": "Amy \U0001f600", "last_name": "O'Neil", "country": "US"}, "user",
         ids(CLICK, firstName="Amy \U0001f600", lastName="O'Neil", countryCode="US")),
        ({}, NAME, "user", ids(CLICK, firstName="Anna", lastName="Rossi")),
        ({}, {"first_name": "Anna", "country": "IT"}, "user", ids(CLICK)),
        ({}, {"last_name": "Rossi"}, "user", ids(CLICK)),
        ({"send_hashed_contacts": False}, NAME | {"email": "jane@example.com"}, "user", ids(CLICK)),
        # LinkedIn takes no telephone numbers and no addresses.
        ({}, {"phone_e164": "+4915112345678", "city": "K\u00f6ln", "postal_code": "50667"}, "user",
         ids(CLICK)),
        ({}, {"phone_e164": "+12025550123", "ip": "203.0.113.9", "user_agent": "x"}, "user", ids(CLICK)),
    ],
)  # fmt: skip
def test_the_element_has_exactly_this(
    settings: dict[str, Any], more: dict[str, Any], part: str, expected: object
) -> None:
    element = json.loads(LINKEDIN.freeze(told(**more), linkedin(**settings)))
    assert element.get(part) == expected
    assert set(element) <= {"conversion", "conversionHappenedAt", "conversionValue", "eventId", "user"}


def test_a_request_joins_elements_under_the_documented_headers() -> None:
    payloads = [LINKEDIN.freeze(told(id=f"conv-{n}"), linkedin()) for n in range(3)]
    request = LINKEDIN.request(payloads, linkedin(), NOON)
    assert request.url == "https://api.linkedin.com/rest/conversionEvents"
    assert dict(request.headers) == {
        "content-type": "application/json", "linkedin-version": "202603",
        "x-restli-protocol-version": "2.0.0", "x-restli-method": "BATCH_CREATE",
        "authorization": "Bearer t0ken",
    }  # fmt: skip
    assert [one["eventId"] for one in json.loads(request.body)["elements"]] == ["conv-0", "conv-1", "conv-2"]
    fresh = LINKEDIN.request(payloads, linkedin(api_version="202609"), NOON + DAY, "fresh")
    assert (fresh.headers["authorization"], fresh.headers["linkedin-version"]) == ("Bearer fresh", "202609")
    assert fresh.body == request.body


RENEWS = {"refresh_token": "r", "client_id": "c", "client_secret": "s"}


def test_access_is_renewed_where_it_can_be() -> None:
    assert LINKEDIN.token_request(linkedin()) is None
    request = LINKEDIN.token_request(linkedin(access_token="", **RENEWS))
    assert request is not None
    assert request.url == "https://www.linkedin.com/oauth/v2/accessToken"
    assert request.body == b"grant_type=refresh_token&refresh_token=r&client_id=c&client_secret=s"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"access_token": "a", "expires_in": 5184000, "refresh_token": "r2"},
         Token("a", timedelta(days=60), "r2")),
        (200, {"access_token": "a", "expires_in": 60}, Token("a", timedelta(seconds=60))),
        (200, {}, Class.LATER), (400, {"error": "invalid_grant"}, Class.CONFIG),
        (401, {"error": "invalid_client"}, Class.CONFIG), (500, {"error": "x"}, Class.LATER),
        (429, {}, Class.LATER),
    ],
)  # fmt: skip
def test_what_the_sign_in_service_says(status: int, body: object, expected: object) -> None:
    said = LINKEDIN.read_token(answer(status, json.dumps(body).encode()))
    assert (said.class_ if isinstance(said, Outcome) else said) == expected


@pytest.mark.parametrize(
    ("settings", "more", "decision", "code"),
    [
        ({}, {}, "send", "OK"),
        ({}, {"kind": "lead"}, "send", "OK"),
        ({}, {"action": "restate"}, "never", "NO_WORD_FOR_VALUE"),
        ({}, {"action": "retract"}, "never", "NO_WORD_FOR_TAKING_BACK"),
        ({"lead_rule_id": ""}, {"kind": "lead"}, "never", "NO_RULE"),
        ({"purchase_rule_id": None}, {}, "never", "NO_RULE"),
        ({}, {"click_ids": {}}, "never", "NO_IDENTIFIERS"),
        ({}, {"click_ids": {}, "email": "jane@example.com"}, "send", "OK"),
        ({}, {"click_ids": {}, **NAME}, "never", "NO_IDENTIFIERS"),
        ({"send_hashed_contacts": False}, {"click_ids": {}, "email": "jane@example.com"}, "never",
         "NO_IDENTIFIERS"),
        ({}, {"consent": Consent("denied", "denied")}, "never", "CONSENT_DENIED"),
        ({}, {"consent": Consent(), "region": "CH"}, "never", "CONSENT_UNKNOWN"),
        ({}, {"consent": Consent(), "region": "US"}, "send", "OK"),
        ({}, {"occurred_at": NOON - timedelta(hours=2)}, "never", "BEFORE_CLICK"),
        ({}, {"occurred_at": NOON + timedelta(minutes=6)}, "never", "IN_FUTURE"),
        ({}, {"occurred_at": NOON - 90 * DAY, "clicked_at": None}, "send", "OK"),
        ({}, {"occurred_at": NOON - 91 * DAY, "clicked_at": None}, "never", "TOO_OLD"),
    ],
)  # fmt: skip
def test_what_linkedin_would_do_is_known_before_sending(
    settings: dict[str, Any], more: dict[str, Any], decision: str, code: str
) -> None:
    verdict = LINKEDIN.preflight(told(**more), linkedin(**settings), NOON)
    assert (verdict.decision, verdict.code) == (decision, code)
    assert verdict.reason.endswith(".")


DONE, AGAIN, SPLIT, ROW = Class.DONE, Class.AGAIN, Class.SPLIT, Class.ROW
LATER, CONFIG, BUG, UNKNOWN = Class.LATER, Class.CONFIG, Class.BUG, Class.UNKNOWN
BAD = "ERROR :: /user/userInfo/firstName :: field is required but not found and has no default value\n"
METHOD = "Incorrect conversions information provided. Conversion's method should be CONVERSIONS_API"


def said(message: str = "", code: str = "", service: int = 0) -> bytes:
    return json.dumps({"message": message, "code": code, "serviceErrorCode": service}).encode()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b'{"elements":[{"status":201},{"status":201},{"status":201}]}', [DONE] * 3),
        (200, b'{"elements":[{"status":201},{"status":422},{"status":503}]}', [DONE, ROW, LATER]),
        (201, b"", [DONE] * 3),
        (200, b'{"elements":[{"status":201}]}', [UNKNOWN] * 3),
        (200, b"<html>one moment", [UNKNOWN] * 3),
        (422, said(f"Index: 1, {BAD}"), [AGAIN, ROW, AGAIN]),
        (422, said(f"Index: 0, {BAD}{BAD}Index: 2, {BAD}"), [ROW, AGAIN, ROW]),
        (422, said(f"Index: 0, {BAD}Index: 1, {BAD}Index: 2, {BAD}"), [ROW] * 3),
        (422, said(f"Index: 7, {BAD}"), [SPLIT] * 3),
        (422, said("Unprocessable"), [SPLIT] * 3),
        (422, b"", [SPLIT] * 3),
        (400, said(f"{METHOD}, indices [0] (0-indexed)"), [CONFIG] * 3),
        (400, said("Something wrong, indices [0, 2] (0-indexed)"), [ROW, AGAIN, ROW]),
        (400, said("Cannot parse"), [SPLIT] * 3),
        (400, said("not active", "NONEXISTENT_VERSION"), [CONFIG] * 3),
        (401, said("Invalid access token", "INVALID_ACCESS_TOKEN", 65600), [CONFIG] * 3),
        (401, said("revoked", "REVOKED_ACCESS_TOKEN", 65601), [CONFIG] * 3),
        (403, said("Not enough permissions"), [CONFIG] * 3),
        (404, said("No conversion rule"), [CONFIG] * 3),
        (302, b"", [CONFIG] * 3),
        (405, b"", [BUG] * 3),
        (413, b"", [SPLIT] * 3),
        (426, said("Requested version 202511 is not active"), [CONFIG] * 3),
        (429, b"", [LATER] * 3),
        (500, b"<html>", [LATER] * 3),
        (503, said("away"), [LATER] * 3),
    ],
)
def test_every_answer_has_a_class(status: int, body: bytes, expected: list[Class]) -> None:
    outcomes = LINKEDIN.classify(answer(status, body), [b"{}"] * 3)
    assert [outcome.class_ for outcome in outcomes] == expected
    assert all(outcome.message.endswith(".") for outcome in outcomes)


@pytest.mark.parametrize(
    ("status", "body", "class_", "code"),
    [
        (422, said(f"Index: 0, {BAD}"), ROW, "HTTP_422"), (422, said("Unprocessable"), ROW, "HTTP_422"),
        (413, b"", ROW, "HTTP_413"), (400, said("Cannot parse"), BUG, "HTTP_400"),
        (401, said("", "", 65601), CONFIG, "65601"), (426, b"", CONFIG, "VERSION_ENDED"),
    ],
)  # fmt: skip
def test_alone(status: int, body: bytes, class_: Class, code: str) -> None:
    (outcome,) = LINKEDIN.classify(answer(status, body), [b"{}"])
    assert (outcome.class_, outcome.code) == (class_, code)


def test_an_ended_version_says_what_to_enter() -> None:
    (outcome,) = LINKEDIN.classify(answer(426), [b"{}"])
    assert "newer version" in outcome.hint
    assert LINKEDIN.classify(answer(429, b"", retry_after="9"), [b"{}"])[0].after == timedelta(seconds=9)


@pytest.mark.parametrize(
    "wrong",
    [
        {"lead_rule_id": "x"}, {"lead_rule_id": "", "purchase_rule_id": ""}, {"access_token": ""},
        {"access_token": "", "refresh_token": "r"}, {"access_token": "two words"},
        {"access_token": "t\u00f6ken"}, {"api_version": "202613"}, {"api_version": "26"},
        {"base_url": "ftp://x"},
    ],
)  # fmt: skip
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        linkedin(**wrong)


@pytest.mark.parametrize("name", ["base_url", "token_uri"])
def test_the_addresses_cannot_be_changed_outside_the_sandbox(name: str) -> None:
    with pytest.raises(ValidationError, match="sandbox only"):
        LinkedInSettings.load({"lead_rule_id": "1", "access_token": "t", name: "https://x.example"})


@pytest.fixture
def world() -> Iterator[TwinWorld]:
    with connected("linkedin") as made:
        yield made


HERE = {"click_ids": {"li_fat_id": "df5gf5"}, "email": "jane@example.com"}


def spoil(payload: bytes) -> bytes:
    return payload.replace(b'"conversionHappenedAt":', b'"happenedAt":')


@pytest.mark.parametrize("bad", [[250], [7, 100, 499]])
def test_bad_rows_of_five_hundred_are_named_and_the_rest_goes_in_one_more_request(
    world: TwinWorld, bad: list[int]
) -> None:
    payloads = world.payloads(*(f"{n}x" for n in range(500)), **HERE)
    payloads = [spoil(one) if n in bad else one for n, one in enumerate(payloads)]
    first = world.deliver(payloads)
    assert [n for n, class_ in enumerate(classes(first)) if class_ is ROW] == bad
    assert world.effects() == []
    assert all("/conversionHappenedAt" in first.outcomes[n].message for n in bad)
    again = [payload for payload, class_ in zip(payloads, classes(first), strict=True) if class_ is AGAIN]
    assert set(classes(world.deliver(again))) == {DONE}
    assert len(world.effects()) == 500 - len(bad)
    assert world.requests == 2


def test_after_a_time_out_the_same_event_is_sent_again_and_counts_once(world: TwinWorld) -> None:
    payloads = world.payloads("a", "b", **HERE)
    world.faults("timeout-after-processing:3", "drop-after-processing")
    assert classes(world.deliver(payloads)) == [UNKNOWN, UNKNOWN]
    assert classes(world.deliver(payloads)) == [UNKNOWN, UNKNOWN]
    assert classes(world.deliver(payloads)) == [DONE, DONE]
    assert [(one["target"], one["id"], one["received"], one["values"]) for one in world.effects()] == [
        ("linkedin/9002", "conv-a", 3, [850.0]), ("linkedin/9002", "conv-b", 3, [850.0]),
    ]  # fmt: skip


def test_without_a_refresh_token_the_pasted_one_is_used() -> None:
    with connected("linkedin", refresh_token="") as world:
        assert world.destination.token_request(world.settings) is None
        assert classes(world.deliver(world.payloads("a", **HERE))) == [DONE]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"refresh_token": "", "access_token": "other"}, "65600"),
        ({"refresh_token": "other"}, "INVALID_GRANT"),
        ({"client_secret": "other"}, "INVALID_CLIENT"), ({"api_version": "202511"}, "VERSION_ENDED"),
    ],
)  # fmt: skip
def test_a_wrong_connection_pauses_with_the_next_step(change: dict[str, str], code: str) -> None:
    with connected("linkedin", **change) as world:
        (outcome,) = world.deliver(world.payloads("a", **HERE)).outcomes
        assert (outcome.class_, outcome.code) == (CONFIG, code)
        assert outcome.hint
        assert world.effects() == []


@pytest.mark.parametrize(
    ("change", "class_", "words"),
    [
        ({"conversion": "urn:lla:llaPartnerConversion:5"}, ROW, "/conversion"),
        ({"conversion": "urn:li:partner:5"}, CONFIG, "CONVERSIONS_API"),
        ({"conversionHappenedAt": "soon"}, ROW, "/conversionHappenedAt"),
        ({"conversionHappenedAt": int((NOW - 91 * DAY).timestamp() * 1000)}, ROW, "90 days"),
        ({"conversionHappenedAt": int((NOW + DAY).timestamp() * 1000)}, ROW, "90 days"),
        ({"conversionValue": {"currencyCode": "EUR"}}, ROW, "/conversionValue/amount"),
        ({"conversionValue": {"currencyCode": "EUR", "amount": 850.0}}, ROW, "/conversionValue/amount"),
        ({"conversionValue": {"currencyCode": "euro", "amount": "1"}}, ROW, "currencyCode"),
        ({"user": {}}, ROW, "/user/userIds"), ({"user": {"userIds": []}}, ROW, "/user/userIds"),
        ({"user": ids({"idType": "EMAIL", "idValue": "x"})}, ROW, "idType"),
        ({"user": ids({"idType": "SHA256_EMAIL", "idValue": "jane@example.com"})}, ROW, "idValue"),
        ({"user": ids(CLICK | {"idValue": "INVALID1"})}, ROW, "idValue"),
        ({"user": ids(CLICK, firstName="Anna")}, ROW, "lastName"),
        ({"user": ids(CLICK, firstName="A", lastName="R", countryCode="Italy")}, ROW, "countryCode"),
    ],
)  # fmt: skip
def test_the_twin_refuses_what_breaks_the_rules(
    world: TwinWorld, change: dict[str, Any], class_: Class, words: str
) -> None:
    (good,) = world.payloads("a", **HERE)
    wrong = json.dumps(json.loads(good) | change).encode()
    (outcome,) = world.deliver([wrong]).outcomes
    assert (outcome.class_, words in outcome.message) == (class_, True), outcome.message
    assert world.effects() == []


def test_more_than_five_thousand_go_in_halves(world: TwinWorld) -> None:
    assert set(classes(world.deliver(world.payloads("a", **HERE) * 5001))) == {SPLIT}


def test_outages_are_waited_for(world: TwinWorld) -> None:
    world.faults("429:Retry-After=3", "503", "garbage", "drop-connection")
    seen = [world.deliver(world.payloads("a", **HERE)).outcomes[0] for _ in range(5)]
    assert [one.class_ for one in seen] == [LATER, LATER, UNKNOWN, UNKNOWN, DONE]
    assert seen[0].after == timedelta(seconds=3)
    assert len(world.effects()) == 1


def test_an_element_that_was_refused_says_why_and_what_to_do() -> None:
    elements = [{"status": 201}, {"status": 400, "error": {"message": "Bad amount"}}, {"status": 503}]
    body = json.dumps({"elements": elements}).encode()
    reading = LinkedIn().classify(answer(200, body), [b"{}"] * 3)
    assert [one.class_ for one in reading] == [Class.DONE, Class.ROW, Class.LATER]
    assert "Bad amount" in reading[1].message
    assert all(one.hint for one in reading[1:])
