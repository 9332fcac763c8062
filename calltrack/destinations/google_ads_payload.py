"""The frozen JSON of one click conversion, call conversion or adjustment, as the Google Ads API takes it.

Field names and rules: ClickConversion, CallConversion and ConversionAdjustment of API v26. Times carry the
offset +00:00. Names of enum values are as in REST. What only allow-listed accounts may send (session
attributes, IP address) is left out.
"""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from calltrack.destinations import hashing
from calltrack.destinations.base import Upload
from calltrack.destinations.google_preflight import click_id, conversion_id, through_google
from calltrack.destinations.google_settings import GoogleAdsSettings
from calltrack.kernel.money import Money

CLICK: Final = "click"
CALL: Final = "call"
ADJUSTMENT: Final = "adjustment"
_CONSENT: Final = {"granted": "GRANTED", "denied": "DENIED"}


def freeze(upload: Upload, settings: GoogleAdsSettings) -> bytes:
    """Return the final JSON of the one thing this upload is.

    Raises:
        ValueError: the settings name no conversion action for it; preflight says never.
    """
    if upload.action != "create":
        made = _adjustment(upload, settings)
    elif through_google(upload, settings):
        made = _call(upload, settings)
    else:
        made = _click(upload, settings)
    return msgspec.json.encode(made, order="deterministic")


class _Kind(msgspec.Struct):
    adjustmentType: str = ""  # noqa: N815 (Google's spelling, here and below)
    callerId: str = ""  # noqa: N815


_READ_KIND = msgspec.json.Decoder(_Kind).decode


def kind_of(payload: bytes) -> str:
    """Say what a frozen payload is: click, call or adjustment."""
    read = _READ_KIND(payload)
    return ADJUSTMENT if read.adjustmentType else CALL if read.callerId else CLICK


def contacts(upload: Upload, settings: GoogleAdsSettings) -> list[dict[str, str]]:
    """Return the hashed identifiers a click conversion may carry: e-mail and phone, nothing else."""
    if not settings.send_hashed_contacts:
        return []
    hashed = (
        ("hashedEmail", hashing.google_email(upload.email)),
        ("hashedPhoneNumber", hashing.phone_with_plus(upload.phone_e164)),
    )
    return [
        {name: value, "userIdentifierSource": "FIRST_PARTY"} for name, value in hashed if value is not None
    ]


def _click(upload: Upload, settings: GoogleAdsSettings) -> dict[str, Any]:
    made: dict[str, Any] = {
        "conversionAction": _action(settings, settings.name_for(upload.kind), upload.kind),
        "conversionDateTime": _time(upload.occurred_at),
        "orderId": conversion_id(upload),
        **click_id(upload),
        **_value(upload),
        **_consent(upload),
    }
    identifiers = contacts(upload, settings)
    if identifiers:
        made["userIdentifiers"] = identifiers
    if upload.kind == "purchase":
        made["customerType"] = "NEW" if upload.first_time else "RETURNING"
    return made


def _call(upload: Upload, settings: GoogleAdsSettings) -> dict[str, Any]:
    return {
        "callerId": upload.phone_e164,
        "callStartDateTime": _time(upload.call_started_at or upload.occurred_at),
        "conversionAction": _action(settings, settings.call_action_id, "call"),
        "conversionDateTime": _time(upload.occurred_at),
        **_value(upload),
        **_consent(upload),
    }


def _adjustment(upload: Upload, settings: GoogleAdsSettings) -> dict[str, Any]:
    made: dict[str, Any] = {
        "adjustmentDateTime": _time(upload.changed_at),
        "adjustmentType": "RETRACTION" if upload.action == "retract" else "RESTATEMENT",
        "conversionAction": _action(settings, settings.name_for(upload.kind), upload.kind),
        "orderId": conversion_id(upload),
    }
    value = _value(upload)
    if upload.action == "restate" and value:
        made["restatementValue"] = {
            "adjustedValue" if name == "conversionValue" else name: part for name, part in value.items()
        }
    return made


def _value(upload: Upload) -> dict[str, Any]:
    """Return value and currency, both or neither: without one Google takes the action's default.

    How many minor units make a whole one is not known without the currency (none in yen).
    """
    if upload.value_minor is None or upload.currency is None:
        return {}
    value = float(Money(upload.value_minor, upload.currency).major())
    return {"conversionValue": value, "currencyCode": upload.currency}


def _consent(upload: Upload) -> dict[str, Any]:
    known = {
        name: _CONSENT[state]
        for name, state in (
            ("adUserData", upload.consent.ad_user_data),
            ("adPersonalization", upload.consent.ad_personalization),
        )
        if state in _CONSENT
    }
    return {"consent": known} if known else {}


def _action(settings: GoogleAdsSettings, number: str | None, what: str) -> str:
    if number is None:
        raise ValueError(f"no conversion action for a {what}: preflight says never")
    return f"customers/{settings.customer_id}/conversionActions/{number}"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S+00:00")
