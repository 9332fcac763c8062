"""Twilio's error codes, each turned into what the product does about it and what a person does about it.

Twilio answers `{"code", "message", "more_info", "status"}`; newer products answer problem documents
with `code` and `title` (RFC 9457). A code that is not in the table goes by its HTTP status, with Twilio's own
words.
"""

import json
from collections.abc import Mapping
from typing import Any

from calltrack.telephony.carrier_errors import CarrierError, NotFound, Refused, Retry
from calltrack.telephony.twilio_refusals import REFUSALS

BUSY = frozenset((20429, 429, 20428, 14107, 30001, 30022))
GONE = frozenset((20404, 404))
UNWELL = frozenset((20500, 20503, 20504, 500, 502, 503, 504))
RATE_WORDS = (
    "Twilio is busy with too many requests of this account. The same request may be sent again in a moment."
)
LOST_WORDS = "Twilio did not say whether it was done. We look again before anything is repeated."
UNSENT_WORDS = "Twilio cannot be reached. Nothing was sent; try again in a moment."
GONE_WORDS = "Twilio does not have it (any more). Reload the page and see what is there."


def failure(method: str, status: int, body: str, headers: Mapping[str, str]) -> CarrierError:
    """Turn an answer that is no success into the exception to raise."""
    code, said = _told(body)
    known = code or status
    if known in BUSY or status == 429:
        return Retry(RATE_WORDS, code, after_seconds=_seconds(headers))
    if known in REFUSALS:
        return Refused(REFUSALS[known].format(said=said), code)
    if known in GONE or status in (404, 410):
        return NotFound(GONE_WORDS, code)
    if known in UNWELL or status >= 500:
        changes = method not in ("GET", "HEAD")
        words = LOST_WORDS if changes else "Twilio is unwell. Try again in a few minutes."
        return Retry(words, code, maybe_done=changes, after_seconds=_seconds(headers))
    if status in (401, 403):
        return Refused(REFUSALS[20003 if status == 401 else 20006], code)
    return Refused(
        f"Twilio refused it: {said or f'HTTP {status}.'} What to change: twilio.com/docs/errors/{known}",
        code,
    )


def lost(method: str) -> Retry:
    """Return the failure of a request whose answer never came."""
    changes = method not in ("GET", "HEAD")
    return Retry(LOST_WORDS if changes else "Twilio did not answer in time. Try again.", maybe_done=changes)


def unsent() -> Retry:
    """Return the failure of a request that reached nobody."""
    return Retry(UNSENT_WORDS)


def _told(body: str) -> tuple[int | None, str]:
    """Return Twilio's code and sentence; None and nothing where the body is no error document."""
    try:
        told: Any = json.loads(body)
    except ValueError:
        return None, ""
    if not isinstance(told, dict):
        return None, ""
    code = told.get("code")
    said = told.get("message") or told.get("detail") or told.get("title") or ""
    sentence = str(said).strip()[:300]
    if sentence and not sentence.endswith((".", "!", "?")):
        sentence += "."
    return (code if isinstance(code, int) else None), sentence


def _seconds(headers: Mapping[str, str]) -> float | None:
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
