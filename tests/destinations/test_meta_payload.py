"""Input to exact payload: what leaves for Meta, byte for byte."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.destinations.meta import Meta
from tests.destinations.social import HASHES, meta
from tests.destinations.uploads import NOON, upload

META = Meta()
ID = "conv-0193a5e07c3c7c70b7c1f1d2a3b4c5d6"
PHONE = HASHES["390669940001"]
AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) \u00e8"
APPENDED = "fb.1.1558571054389.1098115397.AQYBAQIB"
NOBODY: dict[str, Any] = {"phone_e164": None, "click_ids": {}}


def test_a_frozen_purchase_is_exactly_these_bytes() -> None:
    assert META.freeze(upload(email="Anna.Rossi@example.it", click_ids={}), meta()) == (
        b'{"dataset":"1200300400500600","event":{"action_source":"phone_call",'
        b'"custom_data":{"currency":"EUR","value":850.0},'
        b'"event_id":"conv-0193a5e07c3c7c70b7c1f1d2a3b4c5d6","event_name":"Purchase",'
        b'"event_time":1795176000,"user_data":{'
        b'"em":["' + HASHES["anna.rossi@example.it"].encode() + b'"],"ph":["' + PHONE.encode() + b'"]}}}'
    )


def event(settings: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    frozen: dict[str, Any] = json.loads(META.freeze(upload(**more), meta(**(settings or {}))))
    found: dict[str, Any] = frozen["event"]
    return found


def of(text: str) -> list[str]:
    return [HASHES[text]]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        # Phone: digits with country code, no plus; what is no international number is left out.
        ({}, {"ph": of("390669940001")}),
        ({"phone_e164": "+39 347 123-4521"}, {"ph": of("393471234521")}),
        ({"phone_e164": "+49 30 123456"}, {"ph": of("4930123456")}),
        ({"phone_e164": "+491711234567"}, {"ph": of("491711234567")}),
        ({"phone_e164": "+1 (650) 555-1212"}, {"ph": of("16505551212")}),
        ({"phone_e164": "+442079460000"}, {"ph": of("442079460000")}),
        ({"phone_e164": "anonymous"}, {}),
        ({"phone_e164": "06 69940001"}, {}),
        ({"phone_e164": ""}, {}),
        # E-mail: trimmed and in lower case; Gmail's dots and suffixes stay (that rule is Google's).
        ({**NOBODY, "email": " Anna.Rossi@Example.IT "}, {"em": of("anna.rossi@example.it")}),
        ({**NOBODY, "email": "Jane.Doe+Shop@gmail.com"}, {"em": of("jane.doe+shop@gmail.com")}),
        ({**NOBODY, "email": "John_Smith@gmail.com"}, {"em": of("john_smith@gmail.com")}),
        ({**NOBODY, "email": "Max@Exämple.de"}, {"em": of("max@exämple.de")}),
        ({**NOBODY, "email": HASHES["john_smith@gmail.com"]}, {"em": of("john_smith@gmail.com")}),
        ({**NOBODY, "email": "no address"}, {}),
        # Names: lower case, no punctuation, other alphabets kept, emoji dropped.
        ({**NOBODY, "first_name": "Mary", "last_name": "Rossi "}, {"fn": of("mary"), "ln": of("rossi")}),
        ({**NOBODY, "first_name": "Valéry"}, {"fn": of("valéry")}),
        ({**NOBODY, "first_name": "Vale\u0301ry"}, {"fn": of("valéry")}),
        ({**NOBODY, "first_name": "정"}, {"fn": of("정")}),
        ({**NOBODY, "first_name": "  Anna   Maria "}, {"fn": of("anna maria")}),
        ({**NOBODY, "first_name": "Anna 🎉\ufe0f"}, {"fn": of("anna")}),
        ({**NOBODY, "first_name": "👩\u200d👧", "last_name": "-"}, {}),
        ({**NOBODY, "last_name": "D’Angelo"}, {"ln": of("dangelo")}),
        ({**NOBODY, "last_name": "MÜLLER"}, {"ln": of("müller")}),
        ({**NOBODY, "last_name": "von der Leyen"}, {"ln": of("von der leyen")}),
        # Town, postal code, country: it, de, us, gb, pl; what is none is left out.
        (
            {**NOBODY, "city": "Roma", "postal_code": "00187", "country": "IT"},
            {"ct": of("roma"), "zp": of("00187"), "country": of("it")},
        ),
        ({**NOBODY, "city": "Reggio nell'Emilia 2"}, {"ct": of("reggionellemilia")}),
        (
            {**NOBODY, "city": "München", "postal_code": " 80331 ", "country": "de"},
            {"ct": of("münchen"), "zp": of("80331"), "country": of("de")},
        ),
        ({**NOBODY, "city": "Frankfurt (Oder)"}, {"ct": of("frankfurtoder")}),
        (
            {**NOBODY, "city": "New York", "postal_code": "94103-1234", "country": "US"},
            {"ct": of("newyork"), "zp": of("94103"), "country": of("us")},
        ),
        ({**NOBODY, "postal_code": "M1 1AE", "country": "GB"}, {"zp": of("m11ae"), "country": of("gb")}),
        ({**NOBODY, "postal_code": "00-950", "country": "PL"}, {"zp": of("00950"), "country": of("pl")}),
        ({**NOBODY, "city": "12345", "postal_code": "??", "country": "Italy"}, {}),
        # The person of calltrack, hashed; the same at every event.
        (
            {**NOBODY, "person_id": "0193A5E0-7C3C-7C70-B7C1-F1D2A3B4C5D6"},
            {"external_id": of("0193a5e0-7c3c-7c70-b7c1-f1d2a3b4c5d6")},
        ),
        # Click and browser: never hashed, case kept, the cookie before the address.
        (
            {**NOBODY, "click_ids": {"fbclid": "IwAR0_Case-Exact"}},
            {"fbc": "fb.1.1795172400000.IwAR0_Case-Exact"},
        ),
        (
            {**NOBODY, "click_ids": {"fbclid": "IwAR0"}, "clicked_at": None},
            {"fbc": "fb.1.1795176000000.IwAR0"},
        ),
        (
            {**NOBODY, "click_ids": {"_fbc": "fb.1.1554763741205.AbCd_E", "fbclid": "Other"}},
            {"fbc": "fb.1.1554763741205.AbCd_E"},
        ),
        (
            {**NOBODY, "click_ids": {"_fbc": "fb.1.1554763741205.AbCd.Bg", "_fbp": APPENDED}},
            {"fbc": "fb.1.1554763741205.AbCd.Bg", "fbp": APPENDED},
        ),
        ({**NOBODY, "click_ids": {"_fbc": "AbCd", "_fbp": "1098115397"}}, {}),
        (
            {**NOBODY, "user_agent": AGENT, "ip": " 81.2.69.160 "},
            {"client_user_agent": AGENT, "client_ip_address": "81.2.69.160"},
        ),
        ({**NOBODY, "ip": "2a00:1450:4001:831::200E"}, {"client_ip_address": "2a00:1450:4001:831::200e"}),
        ({**NOBODY, "ip": "203.0.113.9"}, {"client_ip_address": "203.0.113.9"}),
        ({**NOBODY, "ip": "192.168.1.7", "user_agent": "  "}, {}),
        ({**NOBODY, "ip": "fe80::1"}, {}),
        ({**NOBODY, "ip": "999.1.1.1"}, {}),
    ],
)  # fmt: skip
def test_what_meta_is_told_of_a_person(more: dict[str, Any], expected: dict[str, Any]) -> None:
    assert event(**more)["user_data"] == expected


FULL: dict[str, Any] = {
    "action_source": "phone_call",
    "custom_data": {"currency": "EUR", "value": 850.0},
    "event_id": ID,
    "event_name": "Purchase",
    "event_time": 1795176000,
    "user_data": {"ph": of("390669940001")},
}
LEAD = {name: value for name, value in FULL.items() if name != "custom_data"} | {"event_name": "Lead"}
PAGE = "https://www.traslochi.test/roma?fbclid=x"


@pytest.mark.parametrize(
    ("settings", "more", "expected"),
    [
        ({}, {}, FULL),
        ({}, {"kind": "lead", "value_minor": None}, LEAD),
        ({}, {"kind": "lead"}, FULL | {"event_name": "Lead"}),
        ({}, {"kind": "lead", "currency": None}, LEAD),
        ({"lead_event_name": "QualifiedLead"}, {"kind": "lead", "value_minor": None},
         LEAD | {"event_name": "QualifiedLead"}),
        ({}, {"value_minor": 0}, FULL | {"custom_data": {"currency": "EUR", "value": 0.0}}),
        ({}, {"value_minor": 12_345, "currency": "USD"},
         FULL | {"custom_data": {"currency": "USD", "value": 123.45}}),
        ({}, {"value_minor": 850, "currency": "JPY"},
         FULL | {"custom_data": {"currency": "JPY", "value": 850.0}}),
        ({}, {"value_minor": 1_234, "currency": "KWD"},
         FULL | {"custom_data": {"currency": "KWD", "value": 1.234}}),
        ({}, {"occurred_at": datetime(2026, 11, 20, 13, 0, 0, 999_999, timezone(timedelta(hours=1)))}, FULL),
        ({"send_hashed_contacts": False},
         {"email": "a@example.it", "first_name": "A", "country": "IT", "click_ids": {"fbclid": "Ab"}},
         FULL | {"user_data": {"fbc": "fb.1.1795172400000.Ab"}}),
        ({"action_source": "website"}, {"landing_url": PAGE, "user_agent": AGENT},
         FULL | {"action_source": "website", "event_source_url": PAGE,
                 "user_data": {"ph": of("390669940001"), "client_user_agent": AGENT}}),
        ({}, {"landing_url": "javascript:alert(1)"}, FULL),
        ({"limited_data_use": "by_location"}, {},
         FULL | {"data_processing_options": ["LDU"], "data_processing_options_country": 0,
                 "data_processing_options_state": 0}),
        ({"limited_data_use": "california"}, {},
         FULL | {"data_processing_options": ["LDU"], "data_processing_options_country": 1,
                 "data_processing_options_state": 1000}),
    ],
)  # fmt: skip
def test_the_whole_event(settings: dict[str, Any], more: dict[str, Any], expected: dict[str, Any]) -> None:
    assert event(settings, **({"click_ids": {}} | more)) == expected


@pytest.mark.parametrize("action", ["restate", "retract"])
def test_a_change_has_no_words_and_is_never_frozen(action: str) -> None:
    with pytest.raises(ValueError, match="preflight says never"):
        META.freeze(upload(action=action), meta())


def test_a_request_carries_the_frozen_events_byte_by_byte_and_the_token_in_a_header_only() -> None:
    payloads = [META.freeze(upload(id=f"conv-{n}x"), meta()) for n in range(3)]
    request = META.request(payloads, meta(), NOON)
    assert (request.method, request.url) == (
        "POST",
        "https://graph.facebook.com/v26.0/1200300400500600/events",
    )
    assert request.headers == {
        "content-type": "application/json",
        "authorization": "Bearer EAAG-secret-token",
    }
    body = json.loads(request.body)
    assert list(body) == ["data"]
    assert [one["event_id"] for one in body["data"]] == ["conv-0x", "conv-1x", "conv-2x"]
    assert META.request(payloads, meta(), NOON + timedelta(days=3)).body == request.body
    for place in (request.url, request.body.decode(), repr(request), repr(meta()), *map(str, payloads)):
        assert "EAAG-secret-token" not in place


def test_events_of_two_datasets_never_share_a_request() -> None:
    ours, theirs = meta(), meta(dataset_id="99887766554433")
    assert META.route(META.freeze(upload(), ours)) == "1200300400500600"
    assert META.route(META.freeze(upload(), theirs)) == "99887766554433"
    # A frozen event goes to its own dataset, whatever the settings have become.
    assert "/1200300400500600/" in META.request([META.freeze(upload(), ours)], theirs, NOON).url
    assert (META.account_of(ours), META.max_batch) == ("1200300400500600", 1000)


def test_an_app_secret_adds_the_documented_proof() -> None:
    settings = meta(access_token="token", app_secret="secret")
    # printf %s token | openssl dgst -sha256 -hmac secret
    proof = "e941110e3d2bfe82621f0e3e1434730d7305d106c5f68c87165d0b27a4611a4a"
    url = META.request([META.freeze(upload(), settings)], settings, NOON).url
    assert url.partition("?")[2] == f"appsecret_proof={proof}"


def test_a_trial_shows_the_event_under_a_name_that_counts_for_no_campaign() -> None:
    payloads = [META.freeze(upload(), meta())]
    assert META.trial_request(payloads, meta(), NOON) is None
    request = META.trial_request(payloads, meta(test_event_code="TEST77"), NOON)
    assert request is not None
    body = json.loads(request.body)
    assert body["test_event_code"] == "TEST77"
    assert [(one["event_name"], one["event_id"]) for one in body["data"]] == [
        ("CalltrackTest", f"{ID}-trial")
    ]
    sent = json.loads(META.request(payloads, meta(), NOON).body)["data"][0]
    assert {**body["data"][0], "event_name": "Purchase", "event_id": ID} == sent


def test_the_tally_asks_for_the_days_by_event_name() -> None:
    request = META.tally_request(meta(), NOON - timedelta(days=1), NOON)
    assert request is not None
    assert (request.method, request.url) == (
        "GET",
        "https://graph.facebook.com/v26.0/1200300400500600/stats"
        "?aggregation=event&start_time=1795089600&end_time=1795176000",
    )


moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
texts = st.none() | st.text(max_size=30)


@given(
    st.builds(
        upload,
        kind=st.sampled_from(["lead", "purchase"]),
        occurred_at=moments,
        value_minor=st.none() | st.integers(0, 10**12),
        click_ids=st.dictionaries(st.sampled_from(["fbclid", "_fbc", "_fbp"]), st.text(max_size=40)),
        phone_e164=texts | st.just("+390669940001"),
        email=texts | st.emails(),
        first_name=texts,
        last_name=texts,
        city=texts,
        postal_code=texts,
        country=texts,
        ip=texts,
        user_agent=texts,
        person_id=texts,
    )
)
def test_freezing_is_deterministic_and_contacts_leave_as_hashes_only(made: Any) -> None:
    frozen = META.freeze(made, meta())
    assert frozen == META.freeze(made, meta())
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    person = json.loads(frozen)["event"]["user_data"]
    for name in person.keys() - {"fbc", "fbp", "client_user_agent", "client_ip_address"}:
        (value,) = person[name]
        assert len(value) == 64
        assert set(value) <= set("0123456789abcdef")
        assert value != empty
