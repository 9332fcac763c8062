"""What Google Data Manager refuses at once: shape, limits, formats; each fault named by its path."""

import re
from datetime import datetime, timedelta
from typing import Final

import msgspec

MAX_EVENTS: Final = 2000
MAX_DESTINATIONS: Final = 10
MAX_IDENTIFIERS: Final = 10
MAX_VIOLATIONS: Final = 200
SOURCES: Final = frozenset({"WEB", "APP", "IN_STORE", "PHONE", "MESSAGE", "OTHER"})
CONSENTS: Final = frozenset({"", "CONSENT_STATUS_UNSPECIFIED", "CONSENT_GRANTED", "CONSENT_DENIED"})
ENCODINGS: Final = frozenset({"HEX", "BASE64"})
CUSTOMER_TYPES: Final = frozenset({"", "NEW", "RETURNING", "REENGAGED"})

_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
# Nobody is found by the hash of nothing.
_EMPTY: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_BASE64_SHA256: Final = re.compile(r"[A-Za-z0-9+/]{43}=")
_DIGITS: Final = re.compile(r"[0-9]+")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_REGION: Final = re.compile(r"[A-Z]{2}")
_UPPER: Final = re.compile(r"(?<=[a-z0-9])([A-Z])")


class Account(msgspec.Struct, forbid_unknown_fields=True):
    """ProductAccount."""

    accountId: str = ""  # noqa: N815 (Google's spelling, here and below)
    accountType: str = ""  # noqa: N815
    product: str = ""


class Target(msgspec.Struct, forbid_unknown_fields=True):
    """Destination."""

    operatingAccount: Account | None = None  # noqa: N815
    productDestinationId: str = ""  # noqa: N815
    reference: str = ""
    loginAccount: Account | None = None  # noqa: N815
    linkedAccount: Account | None = None  # noqa: N815


class Consent(msgspec.Struct, forbid_unknown_fields=True):
    """Consent."""

    adUserData: str = ""  # noqa: N815
    adPersonalization: str = ""  # noqa: N815


class Identifier(msgspec.Struct, forbid_unknown_fields=True):
    """UserIdentifier: exactly one of three."""

    emailAddress: str | None = None  # noqa: N815
    phoneNumber: str | None = None  # noqa: N815
    address: dict[str, str] | None = None


class UserData(msgspec.Struct, forbid_unknown_fields=True):
    """UserData."""

    userIdentifiers: list[Identifier] = []  # noqa: N815


class AdIdentifiers(msgspec.Struct, forbid_unknown_fields=True):
    """AdIdentifiers."""

    gclid: str = ""
    gbraid: str = ""
    wbraid: str = ""
    dclid: str = ""
    sessionAttributes: str = ""  # noqa: N815
    landingPageDeviceInfo: dict[str, str] | None = None  # noqa: N815


class CallInfo(msgspec.Struct, forbid_unknown_fields=True):
    """CallInfo: a call that Google itself connected."""

    startTimestamp: str = ""  # noqa: N815


class UserProperties(msgspec.Struct, forbid_unknown_fields=True):
    """UserProperties."""

    customerType: str = ""  # noqa: N815
    customerValueBucket: str = ""  # noqa: N815


class Event(msgspec.Struct, forbid_unknown_fields=True):
    """Event: the fields an offline conversion may have."""

    destinationReferences: list[str] = []  # noqa: N815
    transactionId: str = ""  # noqa: N815
    eventTimestamp: str = ""  # noqa: N815
    lastUpdatedTimestamp: str = ""  # noqa: N815
    userData: UserData | None = None  # noqa: N815
    consent: Consent | None = None
    adIdentifiers: AdIdentifiers | None = None  # noqa: N815
    currency: str = ""
    conversionValue: float | None = None  # noqa: N815
    conversionCount: float | None = None  # noqa: N815
    eventSource: str = ""  # noqa: N815
    eventDeviceInfo: dict[str, str] | None = None  # noqa: N815
    cartData: dict[str, object] | None = None  # noqa: N815
    customVariables: list[dict[str, object]] = []  # noqa: N815
    userProperties: UserProperties | None = None  # noqa: N815
    callInfo: CallInfo | None = None  # noqa: N815


class Ingest(msgspec.Struct, forbid_unknown_fields=True):
    """IngestEventsRequest."""

    destinations: list[Target] = []
    events: list[Event] = []
    consent: Consent | None = None
    validateOnly: bool = False  # noqa: N815
    encoding: str = ""


class Violation(msgspec.Struct):
    """google.rpc.BadRequest.FieldViolation with Google's own reason."""

    field: str
    description: str
    reason: str


_DECODER: Final = msgspec.json.Decoder(Ingest)


def read(body: bytes) -> Ingest | Violation:
    """Decode the body, or name the first thing in it that is not what the API takes."""
    try:
        return _DECODER.decode(body)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$")
        field = snake(path.rstrip("`").lstrip("."))
        return Violation(field, f"Invalid JSON payload received. {text}", "INVALID_ARGUMENT")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Violation("", "Invalid JSON payload received. Parse error.", "INVALID_ARGUMENT")


def snake(path: str) -> str:
    """Write a path as Google's field violations do: event_timestamp for eventTimestamp."""
    return _UPPER.sub(r"_\1", path).lower()


def check(request: Ingest, now: datetime) -> list[Violation]:
    """Return what is wrong with the request, at most 200 things; empty means accepted."""
    found = _check_frame(request)
    if found:
        return found
    references = {target.reference for target in request.destinations}
    latest, encoding = now + timedelta(hours=1), request.encoding
    for index, event in enumerate(request.events):
        faults = _check_event(event, references, encoding, latest, dry_run=request.validateOnly)
        found += [Violation(f"events[{index}]{path}", words, reason) for path, words, reason in faults]
        if len(found) >= MAX_VIOLATIONS:
            break
    return found


def _check_frame(request: Ingest) -> list[Violation]:
    found: list[Violation] = []
    if not request.destinations:
        found.append(Violation("destinations", "At least one destination.", "REQUIRED_FIELD_MISSING"))
    if len(request.destinations) > MAX_DESTINATIONS:
        found.append(Violation("destinations", "At most 10 destinations.", "TOO_MANY_DESTINATIONS"))
    if not request.events:
        found.append(Violation("events", "At least one event.", "REQUIRED_FIELD_MISSING"))
    if len(request.events) > MAX_EVENTS:
        found.append(Violation("events", "At most 2000 events.", "TOO_MANY_EVENTS"))
    if request.encoding and request.encoding not in ENCODINGS:
        found.append(Violation("encoding", "Unknown encoding.", "INVALID_ENUM_VALUE"))
    if request.consent is not None and not _consent_is_known(request.consent):
        found.append(Violation("consent", "Unknown consent status.", "INVALID_ENUM_VALUE"))
    seen: set[str] = set()
    for index, target in enumerate(request.destinations):
        path = f"destinations[{index}]"
        found += _check_target(target, path)
        if target.reference in seen:
            found.append(Violation(f"{path}.reference", "Used twice.", "DUPLICATE_DESTINATION_REFERENCE"))
        seen.add(target.reference)
    return found


def _check_target(target: Target, path: str) -> list[Violation]:
    account = target.operatingAccount
    if account is None or not account.accountId or not (account.accountType or account.product):
        return [Violation(f"{path}.operating_account", "Required.", "REQUIRED_FIELD_MISSING")]
    if (account.accountType or account.product) != "GOOGLE_ADS" or not _DIGITS.fullmatch(account.accountId):
        return [
            Violation(f"{path}.operating_account", "No such account.", "DESTINATION_ACCOUNT_TYPE_MISMATCH")
        ]
    if not target.productDestinationId:
        return [Violation(f"{path}.product_destination_id", "Required.", "REQUIRED_FIELD_MISSING")]
    action = target.productDestinationId
    if not _DIGITS.fullmatch(action) or action.startswith("404"):
        return [
            Violation(f"{path}.product_destination_id", "No such action.", "INVALID_CONVERSION_ACTION_ID")
        ]
    return []


Fault = tuple[str, str, str]


def _check_event(
    event: Event, references: set[str], encoding: str, latest: datetime, *, dry_run: bool
) -> list[Fault]:
    found: list[Fault] = []
    for reference in event.destinationReferences:
        if reference not in references:
            found.append((".destination_references", "Not a destination.", "INVALID_DESTINATION"))
    if not event.eventTimestamp:
        found.append((".event_timestamp", "Required.", "REQUIRED_FIELD_MISSING"))
    else:
        happened = timestamp(event.eventTimestamp)
        if happened is None:
            found.append((".event_timestamp", "Not RFC 3339.", "INVALID_FORMAT"))
        elif happened > latest:
            found.append((".event_timestamp", "In the future.", "EVENT_TIME_INVALID"))
    if event.lastUpdatedTimestamp and timestamp(event.lastUpdatedTimestamp) is None:
        found.append((".last_updated_timestamp", "Not RFC 3339.", "INVALID_FORMAT"))
    # A numeric id is refused on the event itself, and a dry run does not notice it.
    if not dry_run and event.transactionId.isascii() and event.transactionId.isdigit():
        found.append(("", "The transaction id is not valid.", "INVALID_FORMAT"))
    if not event.eventSource:
        found.append((".event_source", "Required.", "REQUIRED_FIELD_MISSING"))
    elif event.eventSource not in SOURCES:
        found.append((".event_source", "Unknown source.", "INVALID_ENUM_VALUE"))
    if event.consent is not None and not _consent_is_known(event.consent):
        found.append((".consent", "Unknown consent status.", "INVALID_ENUM_VALUE"))
    if event.currency and not _CURRENCY.fullmatch(event.currency):
        found.append((".currency", "Not an ISO 4217 code.", "INVALID_CURRENCY_CODE"))
    if event.callInfo is not None:
        found += _check_call(event)
    properties = event.userProperties
    if properties is not None and properties.customerType not in CUSTOMER_TYPES:
        found.append((".user_properties.customer_type", "Unknown type.", "INVALID_ENUM_VALUE"))
    return found + _check_identifiers(event, encoding)


def _check_call(event: Event) -> list[Fault]:
    """A call is found by its start and the caller's number; nothing else may name a click beside it."""
    found: list[Fault] = []
    if event.callInfo is None or timestamp(event.callInfo.startTimestamp) is None:
        found.append((".call_info.start_timestamp", "Not RFC 3339.", "INVALID_FORMAT"))
    given = event.userData.userIdentifiers if event.userData is not None else []
    if not any(one.phoneNumber for one in given):
        found.append((".user_data", "The caller's number is required.", "REQUIRED_FIELD_MISSING"))
    return found


def _check_identifiers(event: Event, encoding: str) -> list[Fault]:
    identifiers = event.userData.userIdentifiers if event.userData is not None else []
    if not identifiers and not click_of(event):
        return [("", "No ad identifier and no user identifier.", "NO_IDENTIFIERS_PROVIDED")]
    if len(identifiers) > MAX_IDENTIFIERS:
        return [(".user_data.user_identifiers", "At most 10.", "TOO_MANY_USER_IDENTIFIERS")]
    if identifiers and not encoding:
        return [(".user_data", "The encoding is required.", "REQUIRED_FIELD_MISSING")]
    found: list[Fault] = []
    for place, identifier in enumerate(identifiers):
        path = f".user_data.user_identifiers[{place}]"
        given = [one for one in (identifier.emailAddress, identifier.phoneNumber) if one is not None]
        if identifier.address is not None:
            found += _check_address(identifier.address, path, encoding)
        if len(given) + (identifier.address is not None) != 1:
            found.append((path, "Exactly one identifier.", "INVALID_ARGUMENT"))
        for value in given:
            reason = _hash_fault(value, encoding)
            if reason:
                found.append((path, "Not a SHA-256 in the stated encoding.", reason))
    return found


def _check_address(address: dict[str, str], path: str, encoding: str) -> list[Fault]:
    """All four parts are required; names are hashed, region and postal code are not."""
    missing = {"givenName", "familyName", "regionCode", "postalCode"} - address.keys()
    if missing:
        return [(f"{path}.address", f"{snake(min(missing))} is required.", "REQUIRED_FIELD_MISSING")]
    found: list[Fault] = []
    for name in ("givenName", "familyName"):
        reason = _hash_fault(address[name], encoding)
        if reason:
            found.append((f"{path}.address.{snake(name)}", "Not a SHA-256 in the stated encoding.", reason))
    if not _REGION.fullmatch(address["regionCode"]):
        found.append((f"{path}.address.region_code", "Not ISO 3166-1 alpha-2.", "INVALID_REGION_CODE"))
    if not address["postalCode"].strip():
        found.append((f"{path}.address.postal_code", "Empty.", "INVALID_POSTAL_CODE"))
    return found


def _hash_fault(value: str, encoding: str) -> str:
    if encoding == "HEX":
        if _SHA256.fullmatch(value) and value.lower() != _EMPTY:
            return ""
        return "INVALID_SHA256_FORMAT" if _HEX.fullmatch(value) else "INVALID_HEX_ENCODING"
    return "" if _BASE64_SHA256.fullmatch(value) else "INVALID_BASE64_ENCODING"


def _consent_is_known(consent: Consent) -> bool:
    return consent.adUserData in CONSENTS and consent.adPersonalization in CONSENTS


def click_of(event: Event) -> str:
    """Return the click id an event carries, if any."""
    ids = event.adIdentifiers
    return (ids.gclid or ids.gbraid or ids.wbraid or ids.dclid or ids.sessionAttributes) if ids else ""


def timestamp(text: str) -> datetime | None:
    """Read an RFC 3339 timestamp; None if it is none."""
    if not _RFC3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None
