"""The frozen JSON of one Data Manager event, and of the account and conversion action it goes to.

Field names and rules: Event, UserData and Destination of the Data Manager API, v1.9; formats: its page
"Format user data". Names are hashed in lower case without titles, suffixes and punctuation.
"""

import unicodedata
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from calltrack.destinations import hashing
from calltrack.destinations.base import Upload
from calltrack.destinations.google_preflight import click_id, conversion_id, through_google
from calltrack.destinations.google_settings import GoogleDataManagerSettings
from calltrack.kernel.money import Money

_CONSENT: Final = {"granted": "CONSENT_GRANTED", "denied": "CONSENT_DENIED"}
_TITLES: Final = frozenset(
    {"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "herr", "frau", "sig", "sigra", "dott", "dottssa"}
)
_SUFFIXES: Final = frozenset({"jr", "sr", "ii", "iii", "iv", "phd", "md"})
LONGEST_POSTAL_CODE: Final = 12


def freeze(upload: Upload, settings: GoogleDataManagerSettings) -> bytes:
    """Return the event and where it goes as canonical JSON.

    Raises:
        ValueError: the settings name no conversion action for it; preflight says never.
    """
    is_call = through_google(upload, settings)
    action = settings.call_action_id if is_call else settings.name_for(upload.kind)
    if action is None:
        raise ValueError(f"no conversion action for a {upload.kind}: preflight says never")
    reference = f"{settings.customer_id}-{action}"
    destination: dict[str, Any] = {
        "reference": reference,
        "operatingAccount": _account(settings.customer_id),
        "productDestinationId": action,
    }
    if settings.login_customer_id is not None:
        destination["loginAccount"] = _account(settings.login_customer_id)
    event = {"destinationReferences": [reference], **_base(upload, settings)}
    event |= _call(upload) if is_call else _click_and_person(upload, settings)
    return msgspec.json.encode({"destination": destination, "event": event}, order="deterministic")


def contacts(upload: Upload, settings: GoogleDataManagerSettings) -> list[dict[str, Any]]:
    """Return the identifiers an event may carry: hashed e-mail and phone, and an address that is whole."""
    if not settings.send_hashed_contacts:
        return []
    found: list[dict[str, Any]] = []
    email, phone = hashing.google_email(upload.email), hashing.phone_with_plus(upload.phone_e164)
    if email is not None:
        found.append({"emailAddress": email})
    if phone is not None:
        found.append({"phoneNumber": phone})
    address = _address(upload)
    if address is not None:
        found.append({"address": address})
    return found


def _base(upload: Upload, settings: GoogleDataManagerSettings) -> dict[str, Any]:
    event: dict[str, Any] = {
        "transactionId": conversion_id(upload),
        "eventTimestamp": _rfc3339(upload.occurred_at),
        "lastUpdatedTimestamp": _rfc3339(upload.changed_at),
        "eventSource": settings.event_source,
        **_value(upload),
    }
    consent = {
        name: _CONSENT[state]
        for name, state in (
            ("adUserData", upload.consent.ad_user_data),
            ("adPersonalization", upload.consent.ad_personalization),
        )
        if state in _CONSENT
    }
    if consent:
        event["consent"] = consent
    if upload.kind == "purchase":
        event["userProperties"] = {"customerType": "NEW" if upload.first_time else "RETURNING"}
    return event


def _click_and_person(upload: Upload, settings: GoogleDataManagerSettings) -> dict[str, Any]:
    event: dict[str, Any] = {}
    click = click_id(upload)
    if click:
        device = {
            name: value
            for name, value in (("userAgent", upload.user_agent), ("ipAddress", upload.ip))
            if value
        }
        event["adIdentifiers"] = {**click, "landingPageDeviceInfo": device} if device else click
    identifiers = contacts(upload, settings)
    if identifiers:
        event["userData"] = {"userIdentifiers": identifiers}
    return event


def _call(upload: Upload) -> dict[str, Any]:
    """Return what Google finds a call by that it connected itself: the caller and when the call began."""
    return {
        "callInfo": {"startTimestamp": _rfc3339(upload.call_started_at or upload.occurred_at)},
        "userData": {"userIdentifiers": [{"phoneNumber": hashing.phone_with_plus(upload.phone_e164)}]},
    }


def _value(upload: Upload) -> dict[str, Any]:
    if upload.action == "retract":
        return {"conversionValue": 0.0} | ({"currency": upload.currency} if upload.currency else {})
    if upload.currency is None or upload.value_minor is None:
        return {}
    value = float(Money(upload.value_minor, upload.currency).major())
    return {"conversionValue": value, "currency": upload.currency}


def _address(upload: Upload) -> dict[str, str] | None:
    """Return a whole address, its names hashed, the rest as Google asks in the clear; else None."""
    given, family = _name(upload.first_name, titles=_TITLES), _name(upload.last_name, suffixes=_SUFFIXES)
    region = (upload.country or "").strip().upper()
    postal_code = " ".join((upload.postal_code or "").split()).upper()
    whole = given is not None and family is not None and 0 < len(postal_code) <= LONGEST_POSTAL_CODE
    if not whole or not (len(region) == 2 and region.isascii() and region.isalpha()):
        return None
    return {
        "givenName": given or "",
        "familyName": family or "",
        "regionCode": region,
        "postalCode": postal_code,
    }


def _name(
    value: str | None, *, titles: frozenset[str] = frozenset(), suffixes: frozenset[str] = frozenset()
) -> str | None:
    """Hash a given or family name: lower case, no title, no suffix, no punctuation, no space around it."""
    if value is None:
        return None
    if hashing.is_hashed(value.strip()):
        return value.strip().lower()
    text = unicodedata.normalize("NFC", value).lower()
    letters = "".join(one for one in text if unicodedata.category(one)[0] not in "PSC" and not _selects(one))
    words = letters.split()
    while len(words) > 1 and words[0] in titles:
        words.pop(0)
    while len(words) > 1 and words[-1] in suffixes:
        words.pop()
    return hashing.sha256(" ".join(words)) if words else None


def _selects(one: str) -> bool:
    """Say whether this is a variation selector or keycap mark, which is all an emoji leaves behind."""
    return 0xFE00 <= ord(one) <= 0xFE0F or one == "\u20e3"


def _account(number: str) -> dict[str, str]:
    return {"accountType": "GOOGLE_ADS", "accountId": number}


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
