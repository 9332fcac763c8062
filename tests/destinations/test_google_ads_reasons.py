"""Every code of Google's own enums has the class that its documentation gives it."""

import importlib
from datetime import timedelta
from typing import Any

import pytest

from calltrack.destinations.google_ads_codes import ADJUSTMENT, UPLOAD
from calltrack.destinations.google_ads_reasons import ABOUT_ONE_CLICK, REQUEST, SMALLER_CURES, verdict
from calltrack.destinations.outcomes import Class

ERRORS = "google.ads.googleads.v26.errors.types"

# Written down from Google's documentation, apart from the table under test.
UPLOAD_CLASSES = {
    Class.LATER: "UNSPECIFIED UNKNOWN TOO_RECENT_EVENT TOO_RECENT_CALL TOO_RECENT_CONVERSION_ACTION",
    Class.DONE: "ORDER_ID_ALREADY_IN_USE CLICK_CONVERSION_ALREADY_EXISTS CALL_CONVERSION_ALREADY_EXISTS",
    Class.BUG: """TOO_MANY_CONVERSIONS_IN_REQUEST DUPLICATE_ORDER_ID DUPLICATE_CLICK_CONVERSION_IN_REQUEST
        DUPLICATE_CALL_CONVERSION_IN_REQUEST INVALID_JOB_ID GBRAID_WBRAID_BOTH_SET""",
    Class.CONFIG: """UNAUTHORIZED_CUSTOMER
        EXTERNAL_ATTRIBUTION_DATA_SET_FOR_NON_EXTERNALLY_ATTRIBUTED_CONVERSION_ACTION
        EXTERNAL_ATTRIBUTION_DATA_NOT_SET_FOR_EXTERNALLY_ATTRIBUTED_CONVERSION_ACTION
        ORDER_ID_NOT_PERMITTED_FOR_EXTERNALLY_ATTRIBUTED_CONVERSION_ACTION CUSTOM_VARIABLE_NOT_ENABLED
        EXTERNALLY_ATTRIBUTED_CONVERSION_ACTION_NOT_PERMITTED_WITH_USER_IDENTIFIER
        ONE_PER_CLICK_CONVERSION_ACTION_NOT_PERMITTED_WITH_BRAID
        CUSTOMER_DATA_POLICY_PROHIBITS_ENHANCED_CONVERSIONS CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS
        CUSTOMER_NOT_ENABLED_ENHANCED_CONVERSIONS_FOR_LEADS NO_CONVERSION_ACTION_FOUND
        INVALID_CONVERSION_ACTION_TYPE INVALID_CUSTOMER_FOR_CLICK INVALID_CUSTOMER_FOR_CALL
        CONVERSION_TRACKING_NOT_ENABLED_AT_IMPRESSION_TIME CONVERSION_TRACKING_NOT_ENABLED_AT_CALL_TIME""",
    Class.ROW: """UNPARSEABLE_GCLID UNPARSEABLE_WBRAID UNPARSEABLE_GBRAID CONVERSION_PRECEDES_EVENT
        EXPIRED_EVENT EVENT_NOT_FOUND EXPIRED_CALL CALL_NOT_FOUND CONVERSION_PRECEDES_CALL
        UNPARSEABLE_CALLERS_PHONE_NUMBER CUSTOM_VARIABLE_VALUE_CONTAINS_PII
        CONVERSION_NOT_COMPLIANT_WITH_ATT_POLICY CLICK_NOT_FOUND INVALID_USER_IDENTIFIER
        UNSUPPORTED_USER_IDENTIFIER ORDER_ID_CONTAINS_PII""",
}
ADJUSTMENT_CLASSES = {
    Class.LATER: """UNSPECIFIED UNKNOWN TOO_RECENT_CONVERSION_ACTION TOO_RECENT_CONVERSION
        CONVERSION_NOT_FOUND""",
    Class.DONE: """CONVERSION_ALREADY_RETRACTED RESTATEMENT_ALREADY_EXISTS MORE_RECENT_RESTATEMENT_FOUND
        CONVERSION_ALREADY_ENHANCED""",
    Class.BUG: """TOO_MANY_ADJUSTMENTS_IN_REQUEST DUPLICATE_ADJUSTMENT_IN_REQUEST
        DUPLICATE_ENHANCEMENT_IN_REQUEST GCLID_DATE_TIME_PAIR_AND_ORDER_ID_BOTH_SET
        MISSING_ORDER_ID_FOR_WEBPAGE INVALID_JOB_ID""",
    Class.ROW: """CONVERSION_EXPIRED ADJUSTMENT_PRECEDES_CONVERSION TOO_MANY_ADJUSTMENTS
        INVALID_USER_IDENTIFIER UNSUPPORTED_USER_IDENTIFIER ORDER_ID_CONTAINS_PII""",
    Class.CONFIG: """CANNOT_RESTATE_CONVERSION_ACTION_THAT_ALWAYS_USES_DEFAULT_CONVERSION_VALUE
        CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS CONVERSION_ACTION_NOT_ELIGIBLE_FOR_ENHANCEMENT
        CUSTOMER_DATA_POLICY_PROHIBITS_ENHANCEMENT NO_CONVERSION_ACTION_FOUND
        INVALID_CONVERSION_ACTION_TYPE""",
}


def codes_of(enum: str) -> set[str]:
    """The codes of an enum as the installed client has it."""
    module = importlib.import_module(f"{ERRORS}.{enum}")
    holder = next(one for name, one in vars(module).items() if name.endswith("ErrorEnum"))
    return {value.name for value in holder.pb().DESCRIPTOR.enum_types[0].values}


@pytest.mark.parametrize(
    ("enum", "table", "wanted"),
    [
        ("conversion_upload_error", UPLOAD, UPLOAD_CLASSES),
        ("conversion_adjustment_upload_error", ADJUSTMENT, ADJUSTMENT_CLASSES),
    ],
)
def test_every_code_of_the_installed_client_has_the_documented_class(
    enum: str, table: dict[str, Any], wanted: dict[Class, str]
) -> None:
    by_code = {code: class_ for class_, codes in wanted.items() for code in codes.split()}
    assert codes_of(enum) == set(by_code)
    assert {code: row[0] for code, row in table.items()} == by_code
    assert all(verdict(enum, code, names_a_row=True).class_ is class_ for code, class_ in by_code.items())


@pytest.mark.parametrize(
    ("enum", "expected", "others"),
    [
        ("quota_error", Class.LATER, {"ACCESS_PROHIBITED": Class.CONFIG}),
        ("internal_error", Class.LATER, {}),
        (
            "database_error",
            Class.LATER,
            {"DATA_CONSTRAINT_VIOLATION": Class.BUG, "REQUEST_TOO_LARGE": Class.BUG},
        ),
        ("authentication_error", Class.CONFIG, {}),
        ("authorization_error", Class.CONFIG, {}),
        ("not_allowlisted_error", Class.CONFIG, {}),
        ("header_error", Class.CONFIG, {}),
    ],
)
def test_every_code_that_refuses_a_whole_request_has_its_class(
    enum: str, expected: Class, others: dict[str, Class]
) -> None:
    for code in codes_of(enum):
        assert verdict(enum, code, names_a_row=False).class_ is others.get(code, expected), code
    assert set(REQUEST[enum]) - {""} <= codes_of(enum)


def test_the_tables_name_no_code_that_does_not_exist() -> None:
    for enum, rows in REQUEST.items():
        assert set(rows) - {""} <= codes_of(enum), enum
    known = codes_of("conversion_upload_error") | codes_of("conversion_adjustment_upload_error")
    assert known >= ABOUT_ONE_CLICK
    assert known | codes_of("database_error") >= SMALLER_CURES


@pytest.mark.parametrize("table", [UPLOAD, ADJUSTMENT, *REQUEST.values()])
def test_every_code_speaks_in_sentences_without_the_api_s_words(table: dict[str, Any]) -> None:
    for code, (class_, message, hint) in table.items():
        assert message.endswith("."), code
        assert hint.endswith("."), code
        assert not any(word.isupper() and len(word) > 4 for word in message.replace("_", " ").split()), code
        assert class_ is not Class.CONFIG or len(hint) > 20, code


@pytest.mark.parametrize(
    ("enum", "code", "hours"),
    [
        ("conversion_upload_error", "TOO_RECENT_EVENT", 6),
        ("conversion_upload_error", "TOO_RECENT_CALL", 6),
        ("conversion_upload_error", "TOO_RECENT_CONVERSION_ACTION", 6),
        ("conversion_adjustment_upload_error", "TOO_RECENT_CONVERSION", 24),
        ("conversion_adjustment_upload_error", "CONVERSION_NOT_FOUND", 6),
    ],
)
def test_what_is_too_early_waits_as_long_as_google_says(enum: str, code: str, hours: int) -> None:
    assert verdict(enum, code, names_a_row=True).after == timedelta(hours=hours)


def test_a_code_without_a_known_cure_is_tried_five_times() -> None:
    for enum, code in (
        ("conversion_upload_error", "UNKNOWN"),
        ("conversion_adjustment_upload_error", "CONVERSION_NOT_FOUND"),
        ("internal_error", "ERROR_CODE_NOT_PUBLISHED"),
    ):
        assert verdict(enum, code, names_a_row=True).tries == 5
    assert verdict("conversion_upload_error", "TOO_RECENT_EVENT", names_a_row=True).tries is None


def test_a_click_of_another_account_does_not_pause_by_itself() -> None:
    assert not verdict("conversion_upload_error", "INVALID_CUSTOMER_FOR_CLICK", names_a_row=True).pauses
    assert verdict("conversion_upload_error", "NO_CONVERSION_ACTION_FOUND", names_a_row=True).pauses


def test_the_closed_door_names_the_way_that_is_open() -> None:
    code = "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE"
    assert "Data Manager" in verdict("not_allowlisted_error", code, names_a_row=False).hint


@pytest.mark.parametrize(("names_a_row", "expected"), [(True, Class.ROW), (False, Class.CONFIG)])
def test_a_code_google_adds_is_the_row_s_fault_if_a_row_is_named(names_a_row: bool, expected: Class) -> None:
    found = verdict("conversion_upload_error", "BRAND_NEW", names_a_row=names_a_row, description="odd")
    assert (found.class_, found.code) == (expected, "BRAND_NEW")
    assert "odd" in found.message
