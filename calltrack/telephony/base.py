"""What a carrier is to the rest of the product: events that come in, plans that go out."""

from calltrack.kernel.errors import BadInput
from calltrack.telephony.events import CallEvent, CallStatus, EventKind
from calltrack.telephony.plans import (
    Announced,
    Ask,
    CallPlan,
    Document,
    GoTo,
    HangUp,
    Login,
    Part,
    Play,
    Prompt,
    Reject,
    Ring,
    Silence,
    Speak,
    TakeMessage,
    Target,
    Transcribe,
    Whisper,
)

__all__ = [
    "Announced",
    "Ask",
    "BadInput",
    "CallEvent",
    "CallPlan",
    "CallStatus",
    "Document",
    "EventKind",
    "GoTo",
    "HangUp",
    "Login",
    "Part",
    "Play",
    "Prompt",
    "Reject",
    "Ring",
    "Silence",
    "Speak",
    "TakeMessage",
    "Target",
    "Transcribe",
    "Whisper",
]
