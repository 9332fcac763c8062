"""What a carrier is to the rest of the product: events that come in, plans that go out."""

from calltrack.kernel.errors import BadInput
from calltrack.telephony.events import CallEvent, CallStatus, EventKind
from calltrack.telephony.plans import (
    AfterDial,
    CallPlan,
    Document,
    HookUrls,
    SafeAnswer,
    Silence,
    Voicemail,
    Whisper,
)

__all__ = [
    "AfterDial",
    "BadInput",
    "CallEvent",
    "CallPlan",
    "CallStatus",
    "Document",
    "EventKind",
    "HookUrls",
    "SafeAnswer",
    "Silence",
    "Voicemail",
    "Whisper",
]
