"""What was posted: fields the carrier knows, checked as the carrier checks them."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from flask import request

from calltrack.sandbox.carrier_rest.answers import Refusal
from calltrack.sandbox.carrier_rest.records import Record

URLS = {
    "VoiceUrl": 21402,
    "VoiceFallbackUrl": 21402,
    "StatusCallback": 21402,
    "SmsUrl": 21402,
    "SmsFallbackUrl": 21402,
    "SmsStatusCallback": 21402,
    "MessageStatusCallback": 21402,
    "Url": 21205,
    "FallbackUrl": 21205,
}


def posted(names: Mapping[str, str]) -> dict[str, str]:
    """Return the fields given, by our record's names; an address nobody can ask is refused."""
    found: dict[str, str] = {}
    for name, value in request.form.items():
        if name in URLS and value and not _is_address(value):
            raise Refusal(400, URLS[name], f"{name} is not valid: {value[:100]}")
        if name in names:
            found[names[name]] = value
    return found


def refuse_lone_fallbacks(record: Record) -> None:
    """A fallback address without the address it stands in for is refused."""
    if record.get("voice_fallback_url") and not record.get("voice_url"):
        raise Refusal(400, 21405, "VoiceFallbackUrl needs a VoiceUrl")


def _is_address(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and text.isascii() and " " not in text
