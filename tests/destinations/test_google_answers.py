import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from calltrack.destinations.google_answers import read_ingest, read_status
from calltrack.destinations.google_data_manager import GoogleDataManager
from calltrack.destinations.google_refusals import NOT_ABOUT_CONVERSIONS, REFUSALS, refusal
from calltrack.destinations.google_steps import ABOUT_ONE_CLICK
from calltrack.destinations.google_verdicts import PROCESSING, processing
from calltrack.destinations.outcomes import Class, Outcome, Token
from tests.destinations.uploads import answer

RECORDED = Path(__file__).parent / "recorded"


def names(file: str) -> list[str]:
    return (RECORDED / file).read_text().split()


def test_every_refusal_of_google_s_own_library_has_a_class() -> None:
    known = names("google_error_reasons.txt")
    assert len(known) == 129
    assert set(known) == set(REFUSALS) | NOT_ABOUT_CONVERSIONS
    assert not set(REFUSALS) & NOT_ABOUT_CONVERSIONS


def test_every_processing_reason_of_google_s_own_library_has_a_class() -> None:
    known = names("google_processing_error_reasons.txt")
    assert len(known) == 45
    assert {processing(name).code for name in known} == set(PROCESSING)


@pytest.mark.parametrize("table", [REFUSALS, PROCESSING])
def test_every_reason_speaks_in_sentences_without_the_api_s_words(table: dict[str, Any]) -> None:
    for code, (class_, message, hint) in table.items():
        assert message.endswith("."), code
        assert hint.endswith("."), code
        assert code not in message
        if class_ is Class.CONFIG:
            assert hint != "Nothing to do.", code


@pytest.mark.parametrize(
    ("reason", "class_"),
    [
        ("INTERNAL_ERROR", Class.LATER),
        ("DEADLINE_EXCEEDED", Class.LATER),
        ("RESOURCE_EXHAUSTED", Class.LATER),
        ("CONVERSION_ACTION_TOO_RECENTLY_CREATED", Class.LATER),
        ("PERMISSION_DENIED", Class.CONFIG),
        ("INVALID_CONVERSION_ACTION_ID", Class.CONFIG),
        ("INVALID_CONVERSION_ACTION_TYPE", Class.CONFIG),
        ("TERMS_AND_CONDITIONS_NOT_SIGNED", Class.CONFIG),
        ("DESTINATION_ACCOUNT_NOT_ENABLED_ENHANCED_CONVERSIONS_FOR_LEADS", Class.CONFIG),
        ("DESTINATION_ACCOUNT_DATA_POLICY_PROHIBITS_ENHANCED_CONVERSIONS", Class.CONFIG),
        ("DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED", Class.CONFIG),
        ("NOT_ALLOWLISTED", Class.CONFIG),
        ("OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH", Class.CONFIG),
        ("CUSTOM_VARIABLE_NOT_ENABLED", Class.CONFIG),
        ("CUSTOM_VARIABLE_NOT_FOUND", Class.CONFIG),
        ("EVENT_SOURCE_AND_DESTINATION_MISMATCH", Class.CONFIG),
        ("DESTINATION_ACCOUNT_TYPE_MISMATCH", Class.CONFIG),
        ("CUSTOM_VARIABLE_VALUE_CONTAINS_PII", Class.ROW),
        ("NO_IDENTIFIERS_PROVIDED", Class.ROW),
        ("EVENT_TIME_INVALID", Class.ROW),
        ("INVALID_AD_IDENTIFIER_FOR_ACCOUNT", Class.ROW),
        ("FIELD_VALUE_TOO_LONG", Class.ROW),
        ("REQUIRED_FIELD_MISSING", Class.BUG),
        ("TOO_MANY_USER_IDENTIFIERS", Class.BUG),
        ("INVALID_HEX_ENCODING", Class.BUG),
        ("INVALID_SHA256_FORMAT", Class.BUG),
        ("TOO_MANY_EVENTS", Class.SPLIT),
        ("TOO_MANY_ELEMENTS", Class.SPLIT),
    ],
)
def test_refusals_have_the_documented_class(reason: str, class_: Class) -> None:
    assert refusal(reason, names_a_row=True).class_ is class_


@pytest.mark.parametrize(
    ("reason", "class_"),
    [
        ("TOO_RECENT_CLICK", Class.LATER),
        ("INTERNAL_ERROR", Class.LATER),
        ("DUPLICATE_GCLID", Class.DONE),
        ("DUPLICATE_TRANSACTION_ID", Class.DONE),
        ("INVALID_GCLID", Class.ROW),
        ("INVALID_GBRAID", Class.ROW),
        ("INVALID_WBRAID", Class.ROW),
        ("EVENT_TOO_OLD", Class.ROW),
        ("DENIED_CONSENT", Class.ROW),
        ("NO_CONSENT", Class.ROW),
        ("UNKNOWN_CONSENT", Class.ROW),
        ("CONVERSION_PRECEDES_CLICK", Class.ROW),
        ("INVALID_CLICK", Class.ROW),
        ("CLICK_NOT_FOUND", Class.ROW),
        ("DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED", Class.CONFIG),
        ("CUSTOM_VARIABLE_NOT_ENABLED", Class.CONFIG),
        ("INVALID_OPERATING_ACCOUNT_FOR_CLICK", Class.CONFIG),
        ("ONE_PER_CLICK_CONVERSION_ACTION_NOT_PERMITTED_WITH_BRAID", Class.CONFIG),
        ("EXTERNAL_ATTRIBUTION_DATA_MISSING", Class.CONFIG),
        ("SOMETHING_NEW_OF_2027", Class.ROW),
    ],
)
def test_processing_reasons_have_the_documented_class(reason: str, class_: Class) -> None:
    assert processing("PROCESSING_ERROR_REASON_" + reason).class_ is class_
    assert processing(reason).class_ is class_


def test_the_one_reason_google_spells_without_its_prefix_is_known() -> None:
    spelled = processing("PROCESSING_ERROR_OPERATING_ACCOUNT_MISMATCH_FOR_AD_IDENTIFIER")
    assert (spelled.code, spelled.class_) == ("OPERATING_ACCOUNT_MISMATCH_FOR_AD_IDENTIFIER", Class.CONFIG)


def test_one_foreign_click_does_not_pause_an_account() -> None:
    for code in ABOUT_ONE_CLICK:
        assert processing(code).pauses is False
    assert processing("CUSTOM_VARIABLE_NOT_ENABLED").pauses is True


def test_an_unknown_refusal_is_the_row_s_fault_only_if_a_row_is_named() -> None:
    assert refusal("NEW_IN_2027", names_a_row=True).class_ is Class.ROW
    assert refusal("NEW_IN_2027", names_a_row=False).class_ is Class.CONFIG
    assert refusal("INVALID_USER_LIST_ID", names_a_row=True).class_ is Class.ROW
    assert refusal("INVALID_USER_LIST_ID", names_a_row=False).class_ is Class.CONFIG
    assert refusal("ALREADY_EXISTS", names_a_row=True).class_ is Class.CONFIG


def refused(*violations: tuple[str, str], reason: str = "INVALID_ARGUMENT") -> bytes:
    fields = [{"field": field, "description": "words", "reason": why} for field, why in violations]
    details: list[dict[str, Any]] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
    if fields:
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": fields})
    return json.dumps(
        {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "m", "details": details}}
    ).encode()


def classes(reading: tuple[Outcome, ...]) -> list[Class]:
    return [outcome.class_ for outcome in reading]


def test_a_receipt_is_an_acceptance_with_a_request_id() -> None:
    reading = read_ingest(answer(200, b'{"requestId":"abc"}'), 3)
    assert classes(reading) == [Class.ACCEPTED] * 3
    assert {outcome.request_id for outcome in reading} == {"abc"}


def test_a_warning_is_kept_with_its_event() -> None:
    body = b'{"requestId":"a","fieldWarnings":[{"field":"events[1].cart_data","description":"odd cart"}]}'
    reading = read_ingest(answer(200, body), 2)
    assert "odd cart" not in reading[0].message
    assert "odd cart" in reading[1].message
    assert reading[1].request_id == "a"


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"requestId":""}', b'{"requestId":5}', b"\xff"])
def test_a_success_without_a_readable_receipt_is_unknown(body: bytes) -> None:
    assert classes(read_ingest(answer(200, body), 2)) == [Class.UNKNOWN] * 2


def test_named_rows_are_judged_and_the_others_go_again() -> None:
    body = refused(
        ("events[1].event_timestamp", "EVENT_TIME_INVALID"), ("events[3].user_data", "INVALID_HEX_ENCODING")
    )
    assert classes(read_ingest(answer(400, body), 5)) == [
        Class.AGAIN, Class.ROW, Class.AGAIN, Class.BUG, Class.AGAIN,
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["events[0]", "events.events[0].x", "events[0].userData.userIdentifiers[3]"])
def test_a_row_is_found_in_any_spelling_of_the_path(path: str) -> None:
    assert classes(read_ingest(answer(400, refused((path, "NO_IDENTIFIERS_PROVIDED"))), 2)) == [
        Class.ROW,
        Class.AGAIN,
    ]


def test_a_violation_without_any_reason_is_the_row_it_names() -> None:
    assert classes(read_ingest(answer(400, refused(("events[0].x", ""))), 2)) == [Class.ROW, Class.AGAIN]


def test_a_fault_of_the_account_pauses_whatever_else_is_wrong() -> None:
    body = refused(
        ("events[0]", "NO_IDENTIFIERS_PROVIDED"), ("destinations[0]", "INVALID_CONVERSION_ACTION_ID")
    )
    reading = read_ingest(answer(400, body), 2)
    assert classes(reading) == [Class.CONFIG] * 2
    assert reading[0].code == "INVALID_CONVERSION_ACTION_ID"


@pytest.mark.parametrize(
    ("body", "count", "expected"),
    [
        (refused(), 4, [Class.SPLIT] * 4),
        (refused(), 1, [Class.BUG]),
        (b"not json", 2, [Class.SPLIT] * 2),
        (b"not json", 1, [Class.BUG]),
        (refused(("events", "TOO_MANY_EVENTS")), 3, [Class.SPLIT] * 3),
        (refused(("events", "TOO_MANY_EVENTS")), 1, [Class.BUG]),
        (refused(("events[9]", "NO_IDENTIFIERS_PROVIDED")), 2, [Class.SPLIT] * 2),
        (refused(reason="NOT_ALLOWLISTED"), 2, [Class.CONFIG] * 2),
        (refused(("", "INTERNAL_ERROR")), 2, [Class.LATER] * 2),
    ],
)
def test_a_refusal_that_names_no_row_is_halved(body: bytes, count: int, expected: list[Class]) -> None:
    assert classes(read_ingest(answer(400, body), count)) == expected


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        (401, "", Class.CONFIG),
        (403, "PERMISSION_DENIED", Class.CONFIG),
        (403, "", Class.CONFIG),
        (404, "NOT_FOUND", Class.CONFIG),
        (413, "", Class.SPLIT),
        (429, "", Class.LATER),
        (500, "", Class.LATER),
        (502, "", Class.LATER),
        (503, "", Class.LATER),
        (504, "DEADLINE_EXCEEDED", Class.LATER),
        (302, "", Class.CONFIG),
        (408, "", Class.LATER),
        (409, "ABORTED", Class.LATER),
        (405, "", Class.BUG),
    ],
)
def test_every_status_has_a_class(status: int, reason: str, expected: Class) -> None:
    body = refused(reason=reason) if reason else b""
    assert classes(read_ingest(answer(status, body), 2)) == [expected] * 2


def test_the_wait_google_asks_for_is_kept() -> None:
    body = b'{"error":{"code":429,"details":[{"@type":"t/google.rpc.RetryInfo","retryDelay":"37.5s"}]}}'
    assert read_ingest(answer(429, body), 1)[0].after == timedelta(seconds=38)
    assert read_ingest(answer(429, body, retry_after="12"), 1)[0].after == timedelta(seconds=12)
    assert read_ingest(answer(503), 1)[0].after is None


def status(*parts: tuple[str, list[dict[str, Any]]]) -> bytes:
    said = [{"requestStatus": state, "errorInfo": {"errorCounts": counts}} for state, counts in parts]
    return json.dumps({"requestStatusPerDestination": said}).encode()


def count(reason: str, number: int, *indices: int) -> dict[str, Any]:
    named = {"recordIndices": [str(index) for index in indices]} if indices else {}
    return {"reason": "PROCESSING_ERROR_REASON_" + reason, "recordCount": str(number), **named}


L, R, D, S, C, O = Class.LATER, Class.ROW, Class.DONE, Class.SPLIT, Class.CONFIG, Class.OPEN  # noqa: E741


@pytest.mark.parametrize(
    ("body", "rows", "expected"),
    [
        (status(("SUCCESS", [])), 2, [D, D]),
        (status(("PROCESSING", [])), 2, [O, O]),
        (status(("SUCCESS", []), ("PROCESSING", [])), 2, [O, O]),
        (status(("REQUEST_STATUS_UNKNOWN", [])), 1, [O]),
        (status(), 1, [O]),
        (b"{}", 1, [O]),
        (b"garbage", 2, [O, O]),
        (status(("PARTIAL_SUCCESS", [count("INVALID_GCLID", 1, 1)])), 3, [D, R, D]),
        (
            status(("PARTIAL_SUCCESS", [count("INVALID_GCLID", 1, 0), count("TOO_RECENT_CLICK", 1, 2)])),
            3,
            [R, D, L],
        ),
        (status(("PARTIAL_SUCCESS", [count("DUPLICATE_TRANSACTION_ID", 1, 0)])), 2, [D, D]),
        (status(("SUCCESS", []), ("PARTIAL_SUCCESS", [count("INVALID_GCLID", 1, 1)])), 2, [D, R]),
        (status(("PARTIAL_SUCCESS", [count("INVALID_GCLID", 1)])), 3, [S, S, S]),
        (status(("PARTIAL_SUCCESS", [count("TOO_RECENT_CLICK", 2)])), 3, [L, L, L]),
        (status(("PARTIAL_SUCCESS", [count("DUPLICATE_GCLID", 2)])), 3, [D, D, D]),
        (status(("PARTIAL_SUCCESS", [count("CUSTOM_VARIABLE_NOT_ENABLED", 1)])), 2, [C, C]),
        (
            status(("PARTIAL_SUCCESS", [count("INVALID_GCLID", 1, 0), count("CLICK_NOT_FOUND", 1)])),
            3,
            [R, S, S],
        ),
        (status(("FAILED", [count("INVALID_GCLID", 3)])), 3, [R, R, R]),
        (status(("FAILED", [count("TOO_RECENT_CLICK", 3)])), 3, [L, L, L]),
        (status(("FAILED", [count("INVALID_GCLID", 1), count("CLICK_NOT_FOUND", 1)])), 2, [S, S]),
        (status(("FAILED", [count("INVALID_GCLID", 1)])), 1, [R]),
        (status(("FAILED", [])), 1, [R]),
        (status(("PARTIAL_SUCCESS", [count("INVALID_GCLID", 1, 77)])), 1, [R]),
    ],
)
def test_a_verdict_is_read_row_by_row(body: bytes, rows: int, expected: list[Class]) -> None:
    assert classes(read_status(answer(200, body), rows)) == expected


def test_too_recent_a_click_is_sent_again_after_six_hours() -> None:
    assert processing("TOO_RECENT_CLICK").after == timedelta(hours=6)


@pytest.mark.parametrize(
    ("status_", "body", "expected"),
    [
        (401, b"", Class.CONFIG),
        (429, b"", Class.OPEN),
        (503, b"", Class.OPEN),
        (418, b"", Class.OPEN),
        (400, refused(("request_id", "REQUEST_TOO_OLD")), Class.UNKNOWN),
        (400, refused(("request_id", "INVALID_REQUEST_ID")), Class.UNKNOWN),
    ],
)
def test_a_failed_question_leaves_the_conversion_as_it_is(status_: int, body: bytes, expected: Class) -> None:
    assert classes(read_status(answer(status_, body), 1)) == [expected]


@pytest.mark.parametrize(
    ("status_", "body", "expected"),
    [
        (200, b'{"access_token":"t","expires_in":3599}', timedelta(seconds=3599)),
        (200, b"{}", Class.LATER),
        (200, b"<html>", Class.LATER),
        (400, b'{"error":"invalid_grant"}', Class.CONFIG),
        (401, b'{"error":"invalid_client"}', Class.CONFIG),
        (400, b'{"error":"unauthorized_client"}', Class.CONFIG),
        (429, b'{"error":"slow_down"}', Class.LATER),
        (500, b"", Class.LATER),
        (503, b'{"error":"temporarily_unavailable"}', Class.LATER),
    ],
)
def test_the_sign_in_s_answer(status_: int, body: bytes, expected: timedelta | Class) -> None:
    read = GoogleDataManager().read_token(answer(status_, body))
    assert (read.lifetime if isinstance(read, Token) else read.class_) == expected


# Written down from Google's documentation, apart from the tables under test.
REFUSED_AS = {
    Class.LATER: "INTERNAL_ERROR DEADLINE_EXCEEDED RESOURCE_EXHAUSTED CONVERSION_ACTION_TOO_RECENTLY_CREATED",
    Class.CONFIG: """PERMISSION_DENIED INVALID_CONVERSION_ACTION_ID INVALID_CONVERSION_ACTION_TYPE
        TERMS_AND_CONDITIONS_NOT_SIGNED DESTINATION_ACCOUNT_NOT_ENABLED_ENHANCED_CONVERSIONS_FOR_LEADS
        DESTINATION_ACCOUNT_DATA_POLICY_PROHIBITS_ENHANCED_CONVERSIONS NOT_ALLOWLISTED
        DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH
        CUSTOM_VARIABLE_NOT_ENABLED CUSTOM_VARIABLE_NOT_FOUND EVENT_SOURCE_AND_DESTINATION_MISMATCH
        DESTINATION_ACCOUNT_TYPE_MISMATCH""",
    Class.ROW: """CUSTOM_VARIABLE_VALUE_CONTAINS_PII NO_IDENTIFIERS_PROVIDED EVENT_TIME_INVALID
        INVALID_AD_IDENTIFIER_FOR_ACCOUNT FIELD_VALUE_TOO_LONG INVALID_CURRENCY_CODE INVALID_EVENT""",
    Class.BUG: """REQUIRED_FIELD_MISSING TOO_MANY_USER_IDENTIFIERS INVALID_HEX_ENCODING
        INVALID_SHA256_FORMAT""",
    # A request that is too large is sent in halves; what still is too large alone is a bug.
    Class.SPLIT: "TOO_MANY_EVENTS TOO_MANY_ELEMENTS",
}
PROCESSED_AS = {
    Class.LATER: "TOO_RECENT_CLICK INTERNAL_ERROR",
    Class.DONE: "DUPLICATE_GCLID DUPLICATE_TRANSACTION_ID",
    Class.ROW: """INVALID_GCLID INVALID_GBRAID INVALID_WBRAID EVENT_TOO_OLD DENIED_CONSENT NO_CONSENT
        UNKNOWN_CONSENT CONVERSION_PRECEDES_CLICK INVALID_CLICK CLICK_NOT_FOUND""",
    Class.CONFIG: """DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED CUSTOM_VARIABLE_NOT_ENABLED
        INVALID_OPERATING_ACCOUNT_FOR_CLICK OPERATING_ACCOUNT_MISMATCH_FOR_AD_IDENTIFIER
        ONE_PER_CLICK_CONVERSION_ACTION_NOT_PERMITTED_WITH_BRAID EXTERNAL_ATTRIBUTION_DATA_MISSING""",
}


def test_every_documented_refusal_has_the_documented_class() -> None:
    for class_, reasons in REFUSED_AS.items():
        for reason in reasons.split():
            assert refusal(reason, names_a_row=class_ is Class.ROW).class_ is class_, reason


def test_every_documented_verdict_has_the_documented_class() -> None:
    for class_, reasons in PROCESSED_AS.items():
        for reason in reasons.split():
            assert processing(reason).class_ is class_, reason
            assert processing(f"PROCESSING_ERROR_REASON_{reason}").class_ is class_, reason


@pytest.mark.parametrize(("names_a_row", "expected"), [(True, Class.ROW), (False, Class.CONFIG)])
def test_a_reason_google_adds_is_the_row_s_fault_if_a_row_is_named(
    names_a_row: bool, expected: Class
) -> None:
    assert refusal("BRAND_NEW", names_a_row=names_a_row).class_ is expected


@pytest.mark.parametrize(
    ("reason", "step"),
    [("SERVICE_DISABLED", "enable the Data Manager API"), ("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "again")],
)
def test_what_stands_before_every_google_api_has_its_own_next_step(reason: str, step: str) -> None:
    (outcome,) = read_ingest(answer(403, refused(reason=reason)), 1)
    assert outcome.class_ is Class.CONFIG
    assert step in outcome.hint


def test_a_receipt_that_is_gone_is_a_verdict_and_sent_again() -> None:
    body = refused(reason="REQUEST_TOO_OLD")
    assert GoogleDataManager().is_verdict(answer(400, body))
    assert classes(read_status(answer(400, body), 2)) == [Class.UNKNOWN] * 2


@pytest.mark.parametrize("reason", ["INVALID_SOMETHING_NEW", "INVALID_EVENT_NAME", "FIELD_VALUE_TOO_LONG"])
def test_a_reason_that_names_a_row_is_the_rows(reason: str) -> None:
    assert refusal(reason, names_a_row=True).class_ is Class.ROW


@pytest.mark.parametrize(
    ("whole", "field", "expected"),
    [
        ("EVENT_TIME_INVALID", "events[1].event_timestamp", [Class.AGAIN, Class.ROW]),
        ("INVALID_ARGUMENT", "events[1].event_timestamp", [Class.AGAIN, Class.ROW]),
        ("INVALID_CONVERSION_ACTION_ID", "destinations[0]", [Class.CONFIG] * 2),
    ],
)
def test_a_violation_without_a_reason_has_that_of_the_refusal(
    whole: str, field: str, expected: list[Class]
) -> None:
    violation = {"field": field, "description": "Is wrong."}
    details = [{"reason": whole}, {"fieldViolations": [violation]}]
    body = json.dumps({"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": details}}).encode()
    assert classes(read_ingest(answer(400, body), 2)) == expected
