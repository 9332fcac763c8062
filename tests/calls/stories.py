"""The events of whole calls, as the carrier tells them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from calltrack.telephony.base import CallEvent

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SID, LEG, RECORDING = "CA" + "1" * 32, "CA" + "2" * 32, "RE" + "3" * 32
CALLER, NUMBER, BUSINESS = "+393471234567", "+390687650001", "+390669940001"


def event(kind: Any, key: str, seconds: float, **more: Any) -> CallEvent:
    """Return an event so many seconds after the start of the call."""
    given: dict[str, Any] = {
        "kind": kind, "key": key, "call_sid": SID, "account_sid": "AC1", "status": "ringing",
        "at": START + timedelta(seconds=seconds), "to": NUMBER, "from_": CALLER,
    }  # fmt: skip
    return CallEvent(**(given | more))


def leg(key: str, seconds: float, status: str, sequence: int, **more: Any) -> CallEvent:
    """Return a report about the leg to the business."""
    return event(
        "leg", f"leg:{key}", seconds, status=status, sequence=sequence,
        **({"to": BUSINESS, "forwarded_to": BUSINESS, "leg_sid": LEG} | more),
    )  # fmt: skip


INCOMING = event("incoming", "incoming", 0, caller_city="Roma", caller_country="IT")
RINGING = leg("1", 1, "ringing", 1)
ANSWERED = leg("2", 9, "in_progress", 2)
LEG_OVER = leg("3", 190, "completed", 3, duration_seconds=181)
DIALED = event(
    "dialed", "dialed", 190, status="completed", leg_sid=LEG, talk_seconds=180, bridged=True
)  # fmt: skip
ENDED = event("ended", "ended", 191, status="completed", sequence=0, duration_seconds=191)
RECORDED = event(
    "recording", "recording", 200, status="in_progress", from_=None, recording_sid=RECORDING,
    recording_url="https://carrier.test/RE3", recording_status="completed", recording_seconds=180,
    recording_source="DialVerb",
)  # fmt: skip
TALKED = (INCOMING, RINGING, ANSWERED, LEG_OVER, DIALED, ENDED, RECORDED)
