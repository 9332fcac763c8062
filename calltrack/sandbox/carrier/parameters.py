"""The form fields of every request, empty ones included, as real requests carry them."""

from __future__ import annotations

import math
import secrets
from datetime import UTC, datetime
from email.utils import format_datetime

from calltrack.sandbox.carrier.script import CallScript, SimulatedNumber

API_VERSION = "2010-04-01"
PLACES = ("City", "State", "Zip", "Country")
COUNTRIES = {
    "+39": "IT",
    "+49": "DE",
    "+33": "FR",
    "+34": "ES",
    "+44": "GB",
    "+41": "CH",
    "+43": "AT",
    "+1": "US",
}


def new_sid(prefix: str) -> str:
    """Return an identifier as the carrier makes them: two letters and 32 hex digits."""
    return prefix + secrets.token_hex(16)


def country_of(number: str) -> str:
    """Return the country of a number where we know its prefix; empty otherwise, as the carrier does."""
    return next((country for prefix, country in COUNTRIES.items() if number.startswith(prefix)), "")


def of_call(script: CallScript, number: SimulatedNumber, call_sid: str, status: str) -> dict[str, str]:
    """Return the fields of every request about the caller's own leg."""
    fields = {
        "CallSid": call_sid,
        "AccountSid": number.account_sid,
        "ApiVersion": API_VERSION,
        "CallStatus": status,
        "Direction": script.direction,
        **_parties(script.from_, number.e164, script.city, script.country),
    }
    if script.stir is not None:
        fields["StirVerstat"] = script.stir
    if script.forwarded_from is not None:
        fields["ForwardedFrom"] = script.forwarded_from
    return fields


def of_leg(
    number: SimulatedNumber, parent_sid: str, leg_sid: str, shown: str, business: str, status: str
) -> dict[str, str]:
    """Return the fields of every request about a leg to the business."""
    return {
        "CallSid": leg_sid,
        "ParentCallSid": parent_sid,
        "AccountSid": number.account_sid,
        "ApiVersion": API_VERSION,
        "CallStatus": status,
        "Direction": "outbound-dial",
        **_parties(shown, business, "", ""),
    }


def of_progress(sequence: int, at: datetime, final_seconds: int | None = None) -> dict[str, str]:
    """Return what a report of progress adds; a final one tells seconds, and minutes rounded up."""
    fields = {
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(sequence),
        "Timestamp": rfc_2822(at),
    }
    if final_seconds is not None:
        fields["CallDuration"] = str(final_seconds)
        fields["Duration"] = str(math.ceil(final_seconds / 60))
    return fields


def of_recording(account_sid: str, recording_sid: str, seconds: int) -> dict[str, str]:
    """Return what a document's action learns of a recording."""
    path = f"/{API_VERSION}/Accounts/{account_sid}/Recordings/{recording_sid}"
    return {
        "RecordingUrl": f"https://api.twilio.com{path}",
        "RecordingSid": recording_sid,
        "RecordingDuration": str(seconds),
    }


def of_room(
    account_sid: str, room_sid: str, name: str, event: str, sequence: int, at: datetime
) -> dict[str, str]:
    """Return the fields of every report about a conference."""
    return {
        "ConferenceSid": room_sid,
        "FriendlyName": name,
        "AccountSid": account_sid,
        "StatusCallbackEvent": event,
        "SequenceNumber": str(sequence),
        "Timestamp": rfc_2822(at),
    }


def rfc_2822(moment: datetime) -> str:
    """Return a time as the carrier writes it: Sun, 22 Nov 2026 12:00:00 +0000."""
    return format_datetime(moment.astimezone(UTC))


def _parties(from_: str, to: str, city: str, country: str) -> dict[str, str]:
    from_places = {"City": city, "State": "", "Zip": "", "Country": country or country_of(from_)}
    to_places = {"City": "", "State": "", "Zip": "", "Country": country_of(to)}
    fields = {"From": from_, "Caller": from_, "To": to, "Called": to}
    for place in PLACES:
        fields[f"From{place}"] = fields[f"Caller{place}"] = from_places[place]
        fields[f"To{place}"] = fields[f"Called{place}"] = to_places[place]
    return fields
