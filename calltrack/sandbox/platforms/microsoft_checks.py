"""What Microsoft Advertising refuses row by row: each fault by the published number and symbolic name."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from calltrack.sandbox.platforms.accounts import MICROSOFT_GOALS

MAX_ROWS: Final = 1000
OLDEST: Final = timedelta(days=90)
NEW_GOAL: Final = "New goal"

Fault = tuple[int, str, str]
"""Number, symbolic name, description."""

# Numbers of the last two were never published; Microsoft lists their names only (DailySummary, Status).
NULL: Final = (5602, "OfflineConversionIsNull", "The offline conversion cannot be null.")
NO_CLICK: Final = (5603, "OfflineConversionMicrosoftClickIdNullOrEmpty", "The Microsoft Click Id is empty.")
BAD_CLICK: Final = (5604, "OfflineConversionMicrosoftClickIdInvalid", "The Microsoft Click Id is invalid.")
NO_NAME: Final = (5605, "OfflineConversionNameNullOrEmpty", "The conversion name is empty.")
BAD_NAME: Final = (5606, "OfflineConversionNameInvalid", "No offline conversion goal has this name.")
BAD_TIME: Final = (5607, "OfflineConversionTimeInvalid", "The conversion time is invalid.")
NO_TIME: Final = (5608, "OfflineConversionTimeNullOrEmpty", "The conversion time is empty.")
TOO_OLD: Final = (5609, "OfflineConversionTimeOutOfWindow", "The conversion time is out of the window.")
BAD_VALUE: Final = (5610, "OfflineConversionValueInvalid", "The conversion value is invalid.")
BAD_CURRENCY: Final = (5611, "OfflineConversionCurrencyCodeInvalid", "The currency code is invalid.")
IN_FUTURE: Final = (5614, "FutureConversionTimeCannotBeSet", "A future conversion time cannot be set.")
GOAL_TOO_NEW: Final = (5615, "OfflineConversionNotAcceptedForGoal", "Wait two hours after making the goal.")
BAD_TYPE: Final = (5618, "OfflineConversionInvalidAdjustmentType", "The adjustment type is invalid.")
NO_CHANGE_TIME: Final = (5619, "OfflineConversionAdjustmentTimeNullOrEmpty", "The adjustment time is empty.")
TOO_EARLY: Final = (
    5620,
    "OfflineConversionAdjustmentTimeEarlierThanConversionTime",
    "The adjustment time is earlier than the conversion time.",
)
BAD_CHANGE_TIME: Final = (5621, "OfflineConversionAdjustmentTimeInvalid", "The adjustment time is invalid.")
CHANGE_IN_FUTURE: Final = (
    5622,
    "OfflineConversionFutureAdjustmentTimeCannotBeSet",
    "The adjustment time cannot be in the future.",
)
VALUE_UNEXPECTED: Final = (
    5624,
    "OfflineConversionAdjustmentValueNotExpected",
    "An adjustment value is not expected.",
)
VALUE_MISSING: Final = (5625, "OfflineConversionAdjustmentValueRequired", "An adjustment value is required.")
EMAIL_NOT_HASHED: Final = (5690, "ConversionEmailAddressIsNotHashed", "The e-mail address is not hashed.")
PHONE_NOT_HASHED: Final = (5691, "ConversionPhoneNumberIsNotHashed", "The phone number is not hashed.")

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_EMPTY: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_XML_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z", re.ASCII)
_ROW: Final = frozenset(
    ("MicrosoftClickId", "ConversionName", "ConversionTime", "HashedEmailAddress", "HashedPhoneNumber")
)
CONVERSION: Final = _ROW | {
    "ConversionValue", "ConversionCurrencyCode", "ExternalAttributionCredit", "ExternalAttributionModel",
}  # fmt: skip
ADJUSTMENT: Final = _ROW | {
    "AdjustmentType", "AdjustmentTime", "AdjustmentValue", "AdjustmentCurrencyCode",
}  # fmt: skip


def check_conversion(row: Any, now: datetime) -> Fault | None:
    """Return why this conversion would not be stored; None: it is."""
    if not isinstance(row, dict):
        return NULL
    return _check_key(row, now) or _check_money(row.get("ConversionValue"), row.get("ConversionCurrencyCode"))


def check_adjustment(row: Any, now: datetime) -> Fault | None:
    """Return why this change would not be stored; None: it is."""
    if not isinstance(row, dict):
        return NULL
    fault = _check_key(row, now)
    if fault is not None:
        return fault
    if row.get("AdjustmentType") not in ("Restate", "Retract"):
        return BAD_TYPE
    at = row.get("AdjustmentTime")
    if not at:
        return NO_CHANGE_TIME
    changed, happened = moment(at), moment(row["ConversionTime"])
    if changed is None or happened is None:
        return BAD_CHANGE_TIME
    if changed < happened:
        return TOO_EARLY
    if changed > now:
        return CHANGE_IN_FUTURE
    value = row.get("AdjustmentValue")
    if row["AdjustmentType"] == "Retract":
        return None if value is None else VALUE_UNEXPECTED
    if value is None:
        return VALUE_MISSING
    return _check_money(value, row.get("AdjustmentCurrencyCode"))


def moment(text: Any) -> datetime | None:
    """Read a UTC time of XML Schema; None if it is none."""
    if not isinstance(text, str) or not _XML_TIME.fullmatch(text):
        return None
    try:
        # Microsoft takes seven decimals, Python six.
        return datetime.fromisoformat(text[:26].rstrip("Z")).replace(tzinfo=UTC)
    except ValueError:
        return None


def key_of(row: dict[str, Any]) -> str:
    """Return what Microsoft knows a row by beside its goal: click, else hash, and the time's text."""
    who = row.get("MicrosoftClickId") or row.get("HashedEmailAddress") or row.get("HashedPhoneNumber")
    return f"{who}@{row['ConversionTime']}"


def _check_key(row: dict[str, Any], now: datetime) -> Fault | None:
    return _check_who(row) or _check_goal(row.get("ConversionName")) or _check_time(row, now)


def _check_who(row: dict[str, Any]) -> Fault | None:
    for name, fault in (("HashedEmailAddress", EMAIL_NOT_HASHED), ("HashedPhoneNumber", PHONE_NOT_HASHED)):
        value = row.get(name)
        if value is not None and (
            not isinstance(value, str) or not _SHA256.fullmatch(value) or value == _EMPTY
        ):
            return fault
    click = row.get("MicrosoftClickId")
    if not click:
        return None if row.get("HashedEmailAddress") or row.get("HashedPhoneNumber") else NO_CLICK
    is_one = isinstance(click, str) and len(click) <= 200 and not any(char.isspace() for char in click)
    return None if is_one and not click.startswith("INVALID") else BAD_CLICK


def _check_goal(name: Any) -> Fault | None:
    if not name:
        return NO_NAME
    if name == NEW_GOAL:
        return GOAL_TOO_NEW
    return None if name in MICROSOFT_GOALS else BAD_NAME


def _check_time(row: dict[str, Any], now: datetime) -> Fault | None:
    if not row.get("ConversionTime"):
        return NO_TIME
    happened = moment(row["ConversionTime"])
    if happened is None:
        return BAD_TIME
    if happened > now:
        return IN_FUTURE
    return TOO_OLD if now - happened > OLDEST else None


def _check_money(value: Any, currency: Any) -> Fault | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
        return BAD_VALUE
    if currency is not None and not (isinstance(currency, str) and _CURRENCY.fullmatch(currency)):
        return BAD_CURRENCY
    return None
