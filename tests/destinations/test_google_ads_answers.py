"""What the Google Ads API says, and the class it has for each conversion."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calltrack.destinations.google_ads import GoogleAds
from calltrack.destinations.google_ads_answers import read_summary, read_trial, read_upload
from calltrack.destinations.outcomes import Class, Reading, Token
from calltrack.sandbox.platforms.accounts import example_settings
from tests.destinations.uploads import answer

SETTINGS = GoogleAds.Settings.load(example_settings("google_ads"), sandbox=True)

D, L, R, C, B = Class.DONE, Class.LATER, Class.ROW, Class.CONFIG, Class.BUG
A, S, U = Class.AGAIN, Class.SPLIT, Class.UNKNOWN
KIND = "type.googleapis.com/google.ads.googleads.v26.errors.GoogleAdsFailure"
FULL = {"gclid": "x", "conversionAction": "customers/1/conversionActions/2"}


def error(code: str, row: int | None, enum: str = "conversionUploadError", **more: Any) -> dict[str, Any]:
    """One error of a GoogleAdsFailure, as REST writes it."""
    rows = "conversion_adjustments" if "Adjustment" in enum else "conversions"
    path = [{"fieldName": rows, "index": row}, {"fieldName": "gclid"}] if row is not None else []
    return {"errorCode": {enum: code}, "message": "m", "location": {"fieldPathElements": path}, **more}


def failure(*errors: dict[str, Any], code: int = 3, **more: Any) -> dict[str, Any]:
    return {"code": code, "message": "m", "details": [{"@type": KIND, "errors": list(errors)}], **more}


def uploaded(results: list[Any], *errors: dict[str, Any]) -> bytes:
    said: dict[str, Any] = {"results": results, "jobId": "5"}
    return json.dumps(said | ({"partialFailureError": failure(*errors)} if errors else {})).encode()


def refused(*errors: dict[str, Any], status: str = "") -> bytes:
    return json.dumps({"error": failure(*errors, status=status)}).encode()


def classes(reading: Reading) -> list[Class]:
    return [outcome.class_ for outcome in reading]


@pytest.mark.parametrize(
    ("body", "rows", "expected"),
    [
        (uploaded([FULL, FULL]), 2, [D, D]),
        (uploaded([FULL, {}, FULL], error("UNPARSEABLE_GCLID", 1)), 3, [D, R, D]),
        (uploaded([{}, FULL], error("TOO_RECENT_EVENT", 0)), 2, [L, D]),
        (uploaded([{}, FULL], error("ORDER_ID_ALREADY_IN_USE", 0)), 2, [D, D]),
        (uploaded([{}, FULL], error("CLICK_CONVERSION_ALREADY_EXISTS", 0)), 2, [D, D]),
        (uploaded([{}, FULL], error("EXPIRED_EVENT", 0)), 2, [R, D]),
        (uploaded([{}, FULL], error("CLICK_NOT_FOUND", 0)), 2, [R, D]),
        (uploaded([{}, FULL], error("INVALID_CUSTOMER_FOR_CLICK", 0)), 2, [C, D]),
        (uploaded([{}, {}], error("NO_CONVERSION_ACTION_FOUND", 0), error("EXPIRED_EVENT", 1)), 2, [C, R]),
        (uploaded([{}, FULL], error("INVALID_JOB_ID", 0)), 2, [B, D]),
        (uploaded([{}, {}], error("DUPLICATE_ORDER_ID", 0), error("DUPLICATE_ORDER_ID", 1)), 2, [S, S]),
        (uploaded([{}], error("DUPLICATE_ORDER_ID", 0)), 1, [B]),
        (uploaded([{}, FULL], error("UNKNOWN", 0)), 2, [L, D]),
        (uploaded([{}, FULL], error("BRAND_NEW_CODE", 0)), 2, [R, D]),
        (uploaded([{}, FULL], error("UNSUPPORTED", 0, "currencyCodeError")), 2, [R, D]),
        (uploaded([{}, FULL], error("INVALID_STRING_DATE", 0, "dateError")), 2, [R, D]),
        (uploaded([{}, FULL], error("REQUIRED", 0, "fieldError")), 2, [R, D]),
        (
            uploaded([{}, FULL], error("UNPARSEABLE_GCLID", 0), error("ORDER_ID_ALREADY_IN_USE", 0)),
            2,
            [D, D],
        ),
        (uploaded([{}, FULL], error("TOO_RECENT_EVENT", 0), error("EXPIRED_EVENT", 0)), 2, [R, D]),
        (uploaded([{}, FULL], error("EXPIRED_EVENT", 0), error("UNAUTHORIZED_CUSTOMER", 0)), 2, [C, D]),
        (uploaded([{}, FULL], error("INVALID_JOB_ID", None)), 2, [B, D]),
        (uploaded([{}, FULL], error("UNPARSEABLE_GCLID", 9)), 2, [R, D]),
        (uploaded([{}, FULL]), 2, [U, D]),
        (uploaded([FULL]), 2, [D, U]),
        (uploaded([]), 2, [U, U]),
        (b"{}", 1, [U]),
        (b"<html>", 2, [U, U]),
        (b'{"results":5}', 1, [U]),
        (b"[" * 5000, 1, [U]),
        (json.dumps({"partialFailureError": {"code": 3}, "results": [{}, {}]}).encode(), 2, [S, S]),
        (json.dumps({"partialFailureError": {"code": 3}, "results": [{}]}).encode(), 1, [B]),
        (
            json.dumps(
                {
                    "partialFailureError": failure({"errorCode": {"conversionUploadError": 99}}),
                    "results": [{}],
                }
            ).encode(),
            1,
            [C],
        ),
    ],
)
def test_an_upload_is_read_row_by_row(body: bytes, rows: int, expected: list[Class]) -> None:
    assert classes(read_upload(answer(200, body), rows)) == expected


ADJUST = "conversionAdjustmentUploadError"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("CONVERSION_ALREADY_RETRACTED", D), ("RESTATEMENT_ALREADY_EXISTS", D),
        ("MORE_RECENT_RESTATEMENT_FOUND", D), ("CONVERSION_NOT_FOUND", L), ("TOO_RECENT_CONVERSION", L),
        ("CONVERSION_EXPIRED", R), ("ADJUSTMENT_PRECEDES_CONVERSION", R), ("TOO_MANY_ADJUSTMENTS", R),
        ("MISSING_ORDER_ID_FOR_WEBPAGE", B), ("INVALID_CONVERSION_ACTION_TYPE", C),
        ("CANNOT_RESTATE_CONVERSION_ACTION_THAT_ALWAYS_USES_DEFAULT_CONVERSION_VALUE", C),
    ],
)  # fmt: skip
def test_a_change_is_read_row_by_row(code: str, expected: Class) -> None:
    body = uploaded([FULL, {}], error(code, 1, ADJUST))
    assert classes(read_upload(answer(200, body), 2)) == [D, expected]
    camel = body.replace(b"conversion_adjustments", b"conversionAdjustments")
    assert classes(read_upload(answer(200, camel), 2)) == [D, expected]


CLOSED = "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE"


@pytest.mark.parametrize(
    ("status", "body", "rows", "expected"),
    [
        (429, refused(error("RESOURCE_EXHAUSTED", None, "quotaError")), 2, [L, L]),
        (429, refused(error("RESOURCE_TEMPORARILY_EXHAUSTED", None, "quotaError")), 1, [L]),
        (403, refused(error("ACCESS_PROHIBITED", None, "quotaError")), 2, [C, C]),
        (500, refused(error("INTERNAL_ERROR", None, "internalError")), 2, [L, L]),
        (500, refused(error("TRANSIENT_ERROR", None, "internalError")), 2, [L, L]),
        (409, refused(error("CONCURRENT_MODIFICATION", None, "databaseError")), 2, [L, L]),
        (400, refused(error("REQUEST_TOO_LARGE", None, "databaseError")), 2, [S, S]),
        (400, refused(error("REQUEST_TOO_LARGE", None, "databaseError")), 1, [B]),
        (401, refused(error("OAUTH_TOKEN_REVOKED", None, "authenticationError")), 2, [C, C]),
        (401, refused(error("TWO_STEP_VERIFICATION_NOT_ENROLLED", None, "authenticationError")), 1, [C]),
        (401, b"", 2, [C, C]),
        (403, refused(error("USER_PERMISSION_DENIED", None, "authorizationError")), 2, [C, C]),
        (403, refused(error(CLOSED, None, "notAllowlistedError")), 2, [C, C]),
        (400, refused(error(CLOSED, 1, "notAllowlistedError")), 2, [C, C]),
        (403, b"", 2, [C, C]),
        (404, b"", 1, [C]),
        (400, refused(error("INVALID_LOGIN_CUSTOMER_ID", None, "headerError")), 2, [C, C]),
        (400, refused(error("INVALID_CUSTOMER_ID", None, "requestError")), 2, [C, C]),
        (400, refused(error("TOO_MANY_CONVERSIONS_IN_REQUEST", None)), 2, [S, S]),
        (400, refused(error("TOO_MANY_CONVERSIONS_IN_REQUEST", None)), 1, [B]),
        (400, refused(error("REQUIRED", 1, "fieldError")), 3, [A, R, A]),
        (400, refused(error("REQUIRED_FIELD_MISSING", 0, "requestError")), 2, [B, A]),
        (400, refused(error("REQUIRED_FIELD_MISSING", None, "requestError")), 2, [S, S]),
        (400, refused(error("REQUIRED_FIELD_MISSING", None, "requestError")), 1, [B]),
        (400, b"", 2, [S, S]),
        (400, b"", 1, [B]),
        (413, b"", 2, [S, S]),
        (413, b"", 1, [B]),
        (429, b"", 1, [L]),
        (500, b"<html>", 1, [L]),
        (503, b"", 2, [L, L]),
        (504, b"", 1, [L]),
        (302, b"", 1, [C]),
        (408, b"", 2, [L, L]),
    ],
)
def test_a_refusal_of_the_whole_request(status: int, body: bytes, rows: int, expected: list[Class]) -> None:
    assert classes(read_upload(answer(status, body), rows)) == expected


def test_the_wait_a_quota_error_asks_for_is_kept() -> None:
    details = {"quotaErrorDetails": {"rateScope": "ACCOUNT", "retryDelay": "37.5s"}}
    body = refused(error("RESOURCE_EXHAUSTED", None, "quotaError", details=details))
    assert read_upload(answer(429, body), 1)[0].after == timedelta(seconds=38)
    assert read_upload(answer(429, body, retry_after="12"), 1)[0].after == timedelta(seconds=12)
    assert read_upload(answer(503), 1)[0].after is None


def test_a_fault_of_the_account_speaks_for_all_rows_and_names_the_next_step() -> None:
    body = refused(error("UNPARSEABLE_GCLID", 0), error(CLOSED, 1, "notAllowlistedError"))
    first, second = read_upload(answer(400, body), 2)
    assert first.code == second.code == CLOSED
    assert "Data Manager" in first.hint
    assert first.pauses


def test_a_call_s_fault_names_the_action_for_calls() -> None:
    body = uploaded([{}], error("INVALID_CONVERSION_ACTION_TYPE", 0))
    assert "Import from clicks" in read_upload(answer(200, body), 1)[0].hint
    assert "Import from calls" in read_upload(answer(200, body), 1, is_call=True)[0].hint


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"{}", [D, D]),
        (200, uploaded([], error("UNPARSEABLE_GCLID", 1)), [D, R]),
        (200, uploaded([], error("ORDER_ID_ALREADY_IN_USE", 1)), [D, D]),
        (200, uploaded([], error("CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS", 0)), [C, D]),
        (200, b"<html>", [U, U]),
        (403, b"", [C, C]),
        (429, b"", [L, L]),
    ],
)
def test_a_dry_run_is_read_without_results(status: int, body: bytes, expected: list[Class]) -> None:
    assert classes(read_trial(answer(status, body), 2)) == expected


@pytest.mark.parametrize(
    ("status_", "body", "expected"),
    [
        (200, b'{"access_token":"t","expires_in":3599}', timedelta(seconds=3599)),
        (400, b'{"error":"invalid_grant"}', C),
        (401, b'{"error":"invalid_client"}', C),
        (503, b"", L),
    ],
)
def test_the_sign_in_s_answer(status_: int, body: bytes, expected: timedelta | Class) -> None:
    read = GoogleAds().read_token(answer(status_, body))
    assert (read.lifetime if isinstance(read, Token) else read.class_) == expected


def summary(**more: Any) -> bytes:
    days = [
        {"uploadDate": "2026-11-20", "successfulCount": "7", "failedCount": "2", "pendingCount": "1"},
        {"uploadDate": "2026-11-18", "successfulCount": "5"},
    ]
    row = {"client": "GOOGLE_ADS_API", "status": "GOOD", "totalEventCount": "15", "dailySummaries": days}
    rows = [{"offlineConversionUploadClientSummary": row | more}]
    return json.dumps([{"results": rows, "requestId": "r"}, {"results": []}]).encode()


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (datetime(2026, 11, 20, tzinfo=UTC), (10, 7, 2)),
        (datetime(2026, 11, 19, tzinfo=UTC), (0, 0, 0)),
        (datetime(2026, 11, 18, tzinfo=UTC), (5, 5, 0)),
    ],
)
def test_google_s_own_counts_are_read_by_day(day: datetime, expected: tuple[int, int, int]) -> None:
    found = GoogleAds().read_tally(answer(200, summary()), SETTINGS, day, day + timedelta(days=1))
    assert found is not None
    assert (found.received, found.counted, found.refused) == expected
    assert found.note.startswith("Google finds the account's uploads good.")


@pytest.mark.parametrize("body", [b"[]", b"[{}]", summary(client="GOOGLE_ADS_WEB_CLIENT")])
def test_no_uploads_are_no_counts(body: bytes) -> None:
    found = read_summary(answer(200, body))
    assert found is not None
    assert (found.received, found.counted, found.refused) == (0, 0, 0)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"{}"),
        (200, b"x"),
        (200, summary(dailySummaries=[{"failedCount": "x"}])),
        (403, b"[]"),
        (500, b""),
    ],
)
def test_counts_that_cannot_be_read_are_none(status: int, body: bytes) -> None:
    assert read_summary(answer(status, body)) is None
