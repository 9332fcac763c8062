"""What the Google Ads API refuses in a conversion or adjustment: formats, limits, ids it cannot read.

Each fault is (enum, code, field, words) with names as in google-ads 34.0.0, API v26. Only plain values come
in, so this file does not load the client.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from calltrack.kernel.money import CURRENCIES

MAX_ROWS: Final = 2000
MAX_IDENTIFIERS: Final = 5
OLDEST: Final = timedelta(days=90)
ADJUSTABLE: Final = timedelta(days=54)
CALL_ACTION: Final = "7003"

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d", re.ASCII)
_ACTION: Final = re.compile(r"customers/[0-9]{10}/conversionActions/([0-9]{1,20})")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
# Nobody is found by the hash of nothing.
_EMPTY: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_UPLOAD: Final = "conversion_upload_error"
_ADJUST: Final = "conversion_adjustment_upload_error"
_FORMAT: Final = "INVALID_STRING_DATE_TIME_SECONDS_WITH_OFFSET"
_CONTACTS: Final = ("hashed_email", "hashed_phone_number")


class Fault(NamedTuple):
    """One error of the API: its enum and code, the field, a sentence."""

    enum: str
    code: str
    field: str
    words: str


def moment(text: str) -> datetime | None:
    """Read `yyyy-mm-dd hh:mm:ss+hh:mm`; None if it is anything else."""
    if not _TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None


def action_of(name: str) -> str:
    """Return the number in a conversion action's resource name; nothing if it is none."""
    found = _ACTION.fullmatch(name)
    return found[1] if found else ""


def click_fault(row: Any, now: datetime, *, too_recent: bool) -> Fault | None:
    """Return the first thing wrong with a ClickConversion."""
    return (
        _action_fault(row.conversion_action, _UPLOAD, is_call=False)
        or _click_id_fault(row, too_recent=too_recent)
        or _identifier_fault(row)
        or _time_fault(row.conversion_date_time, "conversion_date_time", now, "EXPIRED_EVENT")
        or _value_fault(row.currency_code, "currency_code")
        or _order_fault(row.order_id, _UPLOAD)
    )


def call_fault(row: Any, now: datetime, *, too_recent: bool) -> Fault | None:
    """Return the first thing wrong with a CallConversion."""
    fault = _action_fault(row.conversion_action, _UPLOAD, is_call=True)
    if fault is not None:
        return fault
    if not _E164.fullmatch(row.caller_id):
        return Fault(_UPLOAD, "UNPARSEABLE_CALLERS_PHONE_NUMBER", "caller_id", "Not a phone number in E.164.")
    fault = _time_fault(row.call_start_date_time, "call_start_date_time", now, "EXPIRED_CALL")
    fault = fault or _time_fault(row.conversion_date_time, "conversion_date_time", now, "EXPIRED_CALL")
    if fault is not None:
        return fault
    start, end = moment(row.call_start_date_time), moment(row.conversion_date_time)
    if start is not None and end is not None and end < start:
        return Fault(_UPLOAD, "CONVERSION_PRECEDES_CALL", "conversion_date_time", "Before the call.")
    if row.caller_id.endswith("0000"):
        return Fault(_UPLOAD, "CALL_NOT_FOUND", "caller_id", "No such call was found.")
    if too_recent:
        return Fault(_UPLOAD, "TOO_RECENT_CALL", "call_start_date_time", "Try again in 6 to 12 hours.")
    return _value_fault(row.currency_code, "currency_code")


def adjustment_fault(row: Any, happened: datetime | None, now: datetime) -> Fault | None:
    """Return the first thing wrong with a ConversionAdjustment of a conversion of this time."""
    fault = _action_fault(row.conversion_action, _ADJUST, is_call=False)
    at = moment(row.adjustment_date_time)
    if fault is None and at is None:
        fault = Fault("date_error", _FORMAT, "adjustment_date_time", "Write yyyy-mm-dd hh:mm:ss+hh:mm.")
    if fault is None and row.order_id and row.HasField("gclid_date_time_pair"):
        fault = Fault(_ADJUST, "GCLID_DATE_TIME_PAIR_AND_ORDER_ID_BOTH_SET", "order_id", "Set one of them.")
    if fault is None and not row.order_id and not row.HasField("gclid_date_time_pair"):
        fault = Fault("field_error", "REQUIRED", "order_id", "Name the conversion.")
    fault = fault or _order_fault(row.order_id, _ADJUST)
    if fault is None and row.HasField("restatement_value"):
        fault = _value_fault(row.restatement_value.currency_code, "restatement_value")
    if fault is not None:
        return fault
    if happened is None:
        return Fault(_ADJUST, "CONVERSION_NOT_FOUND", "order_id", "No such conversion was found.")
    if now - happened > ADJUSTABLE:
        return Fault(_ADJUST, "CONVERSION_EXPIRED", "order_id", "The conversion is too old to be adjusted.")
    if at is not None and at < happened:
        return Fault(_ADJUST, "ADJUSTMENT_PRECEDES_CONVERSION", "adjustment_date_time", "Too early.")
    return None


def _action_fault(name: str, enum: str, *, is_call: bool) -> Fault | None:
    action = action_of(name)
    if not action or action.startswith("404"):
        return Fault(enum, "NO_CONVERSION_ACTION_FOUND", "conversion_action", "No such conversion action.")
    if action.startswith(CALL_ACTION) != is_call:
        return Fault(enum, "INVALID_CONVERSION_ACTION_TYPE", "conversion_action", "Not of the right type.")
    return None


def _click_id_fault(row: Any, *, too_recent: bool) -> Fault | None:
    if row.gbraid and row.wbraid:
        return Fault(_UPLOAD, "GBRAID_WBRAID_BOTH_SET", "gbraid", "Set one of them.")
    for name in ("gclid", "gbraid", "wbraid"):
        value = getattr(row, name)
        if value.startswith("INVALID"):
            code = f"UNPARSEABLE_{name.upper()}"
            return Fault(_UPLOAD, code, name, f"The imported {name} could not be decoded.")
        if value.startswith("OTHERACCOUNT"):
            return Fault(_UPLOAD, "INVALID_CUSTOMER_FOR_CLICK", name, "The click is of another customer.")
        if value and too_recent:
            return Fault(_UPLOAD, "TOO_RECENT_EVENT", name, "The click occurred too recently.")
    return None


def _identifier_fault(row: Any) -> Fault | None:
    if not (row.gclid or row.gbraid or row.wbraid or row.user_identifiers):
        return Fault("field_error", "REQUIRED", "gclid", "A click id or a user identifier is required.")
    if len(row.user_identifiers) > MAX_IDENTIFIERS:
        return Fault("collection_size_error", "TOO_MANY", "user_identifiers", "At most 5 identifiers.")
    for one in row.user_identifiers:
        kind = one.WhichOneof("identifier")
        if kind not in _CONTACTS:
            return Fault(_UPLOAD, "UNSUPPORTED_USER_IDENTIFIER", "user_identifiers", "Only e-mail and phone.")
        if not _SHA256.fullmatch(getattr(one, kind)) or getattr(one, kind) == _EMPTY:
            return Fault(_UPLOAD, "INVALID_USER_IDENTIFIER", "user_identifiers", "Not a SHA-256 in hex.")
    return None


def _time_fault(text: str, field: str, now: datetime, expired: str) -> Fault | None:
    at = moment(text)
    if at is None:
        return Fault("date_error", _FORMAT, field, "Write yyyy-mm-dd hh:mm:ss+hh:mm.")
    if at > now + timedelta(hours=1):
        return Fault("date_error", "LATER_THAN_MAXIMUM_DATE", field, "In the future.")
    return Fault(_UPLOAD, expired, field, "Too long ago.") if at < now - OLDEST else None


def _value_fault(currency: str, field: str) -> Fault | None:
    if currency and currency not in CURRENCIES:
        return Fault("currency_code_error", "UNSUPPORTED", field, "No such currency.")
    return None


def _order_fault(order_id: str, enum: str) -> Fault | None:
    looks_personal = "@" in order_id or re.fullmatch(r"\+?[0-9][0-9 ()-]{8,}", order_id) is not None
    return (
        Fault(enum, "ORDER_ID_CONTAINS_PII", "order_id", "Looks like personal data.")
        if looks_personal
        else None
    )
