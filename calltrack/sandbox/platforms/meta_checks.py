"""What Meta's Conversions API refuses: required fields, formats, hashes, ages; the first fault ends all."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

MAX_EVENTS: Final = 1000
OLDEST: Final = timedelta(days=7)
OLDEST_IN_STORE: Final = timedelta(days=62)
AHEAD: Final = timedelta(minutes=1)
SOURCES: Final = frozenset({
    "email", "website", "app", "phone_call", "chat", "physical_store", "system_generated",
    "business_messaging", "other",
})  # fmt: skip
HASHED: Final = frozenset(("em", "ph", "fn", "ln", "ge", "db", "ct", "st", "zp", "country", "external_id"))
CLEAR: Final = frozenset(("client_ip_address", "client_user_agent", "fbc", "fbp", "lead_id"))
# By any of these Meta may find one person; names, towns and a browser alone are "too broad".
STRONG: Final = frozenset(("em", "ph", "fbc", "fbp", "external_id", "lead_id", "client_ip_address"))

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_FBC: Final = re.compile(r"fb\.[0-9]\.[0-9]{10,16}\.[^.\s]+(\.[^.\s]+)?")
_FBP: Final = re.compile(r"fb\.[0-9]\.[0-9]{10,16}\.[0-9]+(\.[^.\s]+)?")
_CURRENCY: Final = re.compile(r"[A-Za-z]{3}")
_EMPTY: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class Fault(NamedTuple):
    """Why a request is refused: Meta's subcode (0: none), title and message for people."""

    subcode: int
    title: str
    message: str


TOO_OLD: Final = Fault(
    2804003,
    "Event Timestamp Too Old",
    "The timestamp for this event is too far in the past. Events need to be sent from your server within"
    " 7 days of when they occurred.",
)
# The subcodes below, other than 2804019 and 2804050, are not in Meta's published lists: it says 28040xx.
IN_FUTURE: Final = Fault(
    2804004, "Event Timestamp In Future", "The timestamp of this event is in the future."
)
NO_VALUE: Final = Fault(2804019, "Missing Value", "A Purchase event needs a value and a currency.")
TOO_BROAD: Final = Fault(
    2804050,
    "You Haven't Added Sufficient Customer Information Parameters",
    "This event has no customer information parameters, or a combination that is so broad that it is unlikely"
    " to be effective for matching.",
)


def invalid(field: str, why: str) -> Fault:
    """Return the fault of a field that is missing or malformed."""
    return Fault(2804001, "Invalid Parameter", f"The parameter {field} {why}.")


def check(events: list[Any], now: datetime) -> Fault | None:
    """Return the first fault of any event, which refuses them all; None: all are taken."""
    return next((fault for event in events if (fault := _check_event(event, now)) is not None), None)


def _check_event(event: Any, now: datetime) -> Fault | None:
    if not isinstance(event, dict):
        return invalid("data", "must hold objects")
    if not isinstance(event.get("event_name"), str) or not 1 <= len(event["event_name"]) <= 100:
        return invalid("event_name", "is missing or no name")
    if not isinstance(event.get("event_id", ""), str):
        return invalid("event_id", "must be a string")
    return (
        _check_time(event, now)
        or _check_source(event)
        or _check_person(event.get("user_data"))
        or _check_custom(event)
        or _check_options(event)
    )


def _check_time(event: dict[str, Any], now: datetime) -> Fault | None:
    at = event.get("event_time")
    if isinstance(at, bool) or not isinstance(at, int) or not 0 < at < 10_000_000_000:
        return invalid("event_time", "must be a unix time in seconds")
    happened = datetime.fromtimestamp(at, UTC)
    if now - happened > (OLDEST_IN_STORE if event.get("action_source") == "physical_store" else OLDEST):
        return TOO_OLD
    return IN_FUTURE if happened > now + AHEAD else None


def _check_source(event: dict[str, Any]) -> Fault | None:
    source = event.get("action_source")
    if source not in SOURCES:
        return invalid("action_source", "is missing or unknown")
    if source != "website":
        return None
    if not str(event.get("event_source_url", "")).startswith(("https://", "http://")):
        return invalid("event_source_url", "is required for website events")
    person = event.get("user_data")
    if not isinstance(person, dict) or not person.get("client_user_agent"):
        return invalid("client_user_agent", "is required for website events")
    return None


def _check_person(person: Any) -> Fault | None:
    if not isinstance(person, dict):
        return invalid("user_data", "is required")
    for name, value in person.items():
        values = value if isinstance(value, list) else [value]
        if name in HASHED and not all(isinstance(one, str) and _SHA256.fullmatch(one) for one in values):
            return invalid(f"user_data.{name}", "must be hashed with SHA-256")
        if name in HASHED and _EMPTY in values:
            return invalid(f"user_data.{name}", "is the hash of nothing")
        if name not in HASHED | CLEAR:
            return invalid(f"user_data.{name}", "is not a customer information parameter")
        if name in CLEAR and (not isinstance(value, str) or not value or _SHA256.fullmatch(value)):
            return invalid(f"user_data.{name}", "must be sent as it is, not hashed")
    if "fbc" in person and not _FBC.fullmatch(person["fbc"]):
        return invalid("user_data.fbc", "is not a click id of the form fb.1.time.fbclid")
    if "fbp" in person and not _FBP.fullmatch(person["fbp"]):
        return invalid("user_data.fbp", "is not a browser id of the form fb.1.time.number")
    named = {"fn", "ln"} <= person.keys() and bool({"ct", "zp"} & person.keys())
    return None if STRONG & person.keys() or named else TOO_BROAD


def _check_custom(event: dict[str, Any]) -> Fault | None:
    custom = event.get("custom_data", {})
    if not isinstance(custom, dict):
        return invalid("custom_data", "must be an object")
    value, currency = custom.get("value"), custom.get("currency")
    if event["event_name"] == "Purchase" and (value is None or currency is None):
        return NO_VALUE
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        return invalid("custom_data.value", "must be a number")
    if currency is not None and not (isinstance(currency, str) and _CURRENCY.fullmatch(currency)):
        return invalid("custom_data.currency", "is not an ISO 4217 code")
    return None


def _check_options(event: dict[str, Any]) -> Fault | None:
    options = event.get("data_processing_options", [])
    if options not in ([], ["LDU"]):
        return invalid("data_processing_options", "must be [] or [LDU]")
    place = (event.get("data_processing_options_country"), event.get("data_processing_options_state"))
    if options and place not in ((0, 0), (1, 0), *((1, state) for state in range(1000, 1013))):
        return invalid("data_processing_options_country", "and state are not a known place")
    return None
