"""What shall happen in a simulated call: the number, the people, and the open questions about the carrier."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

Outcome = Literal["answered", "declined", "mailbox", "busy", "no-answer", "failed", "caller-hangs-up"]
LegResult = Literal["answer", "mailbox", "busy", "no-answer", "failed"]
Order = Literal["fifo", "shuffled", "reversed"]

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
WITHHELD = "anonymous"
"""The `from_` of a caller who hides the number; carriers also send it as +266696687."""
ITALIAN_MOBILE_PREFIXES = ("320", "328", "333", "334", "338", "340", "345", "347", "349", "366", "388", "392")


@dataclass(frozen=True, kw_only=True)
class SimulatedNumber:
    """A telephone number at the carrier, with the addresses the carrier asks and tells."""

    e164: str
    voice_url: str
    voice_fallback_url: str | None = None
    status_callback: str | None = None
    account_sid: str
    voice_method: Literal["GET", "POST"] = "POST"
    label: str = ""
    sms_url: str | None = None


@dataclass(frozen=True, kw_only=True)
class LegScript:
    """What happens when one number is rung."""

    result: LegResult = "answer"
    ring_seconds: int = 6
    whisper: str | None = "1"
    """The key pressed in a whisper that asks for one; "hangup" hangs up during it; None presses nothing."""
    talk_seconds: int = 180
    refers_to: str | None = None
    """Whom the business's telephone system passes the caller on to (a SIP REFER), if the document lets it."""
    refers_after: int = 30


@dataclass(frozen=True, kw_only=True)
class RoomScript:
    """What happens in a conference the caller is put into; others come and go as it says."""

    joined_after: int | None = 5
    """When somebody else comes in; None: nobody does."""
    patience: int = 60
    """How long the caller waits alone before hanging up."""
    ends_with_other: bool = True
    """Whether the conference ends when the other leaves; else the caller is alone again."""


@dataclass(frozen=True, kw_only=True)
class Switches:
    """What nobody knows for certain about the real carrier: the product must be right both ways."""

    dial_duration_includes_whisper: bool = True
    action_after_caller_hangup: bool = True
    loser_status: Literal["canceled", "no-answer"] = "canceled"
    reports_retried_on_5xx: bool = False
    action_before_leg_completed: bool = False
    others_ring_during_whisper: bool = False
    mailbox_is_bridged: bool = False
    """Whether a mailbox that picks up an unscreened call counts as joined."""
    whisper_failure: Literal["bridge", "hangup"] = "hangup"
    status_after_application_error: Literal["completed", "failed"] = "completed"
    empty_answer: Literal["ends", "error"] = "ends"
    action_failure: Literal["fallback", "ends"] = "fallback"
    """What follows when a later document cannot be had: the number's fallback address, or the end."""
    unjoined_leg_is_named: bool = True
    """Whether the action names a leg (DialCallSid) where nobody took the call."""
    progress_is_reported: bool = False
    """Whether the number's status address hears of ringing and answering, too."""
    action_after_refer: bool = False
    """Whether the action of a Dial is asked after a passed-on caller's document."""


@dataclass(frozen=True, kw_only=True)
class CallScript:
    """One call: who calls which number, what the people do, how the carrier behaves meanwhile."""

    from_: str
    to: str
    outcome: Outcome = "answered"
    legs: Mapping[str, LegScript] = field(default_factory=dict)
    """What happens at a certain business number; the outcome decides for all others."""
    talk_seconds: int = 180
    ring_seconds: int = 6
    hangs_up: Literal["business", "caller"] = "business"
    digits: tuple[str, ...] = ()
    """What the caller keys in, one entry for each time it is asked."""
    keys_cut_in: bool = False
    """The caller presses the key at once, while it is still being spoken."""
    star_after: int | None = None
    """After how many seconds of talk the caller presses *; it ends the talk where the document says so."""
    said: tuple[tuple[Literal["caller", "business"], str], ...] = ()
    """What is said once the two are joined; told where the document asks for a transcription."""
    voicemail_seconds: int = 0
    """How long the caller speaks after the tone; 0 hangs up before it."""
    speed: float = 0
    """1 is real time, 10 ten times faster, 0 waits for nothing."""
    timestamps: Literal["virtual", "wall"] = "virtual"
    """Times the carrier reports: of the call as played, or of this moment (never in the future)."""
    at: datetime | None = None
    """When the call begins by the virtual clock; now where not given."""
    order: Order = "fifo"
    duplicates: float = 0.0
    drop: float = 0.0
    lose_end: bool = False
    """Never report the end of the call."""
    recording_delay: int = 5
    seed: int | None = None
    city: str = ""
    country: str = ""
    stir: str | None = None
    forwarded_from: str | None = None
    direction: Literal["inbound", "outbound-api"] = "inbound"
    """outbound-api: the product calls `to` from its number `from_` (see `outbound.py`)."""
    room: RoomScript = RoomScript()
    switches: Switches = Switches()

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise ValueError(f"outcome must be one of {', '.join(OUTCOMES)}")
        if self.speed < 0 or not (0 <= self.duplicates <= 1 and 0 <= self.drop <= 1):
            raise ValueError("speed must not be negative; duplicates and drop are shares between 0 and 1")
        if min(self.talk_seconds, self.ring_seconds, self.voicemail_seconds, self.recording_delay) < 0:
            raise ValueError("seconds must not be negative")
        if self.at is not None and self.at.tzinfo is None:
            raise ValueError("at must carry a time zone")

    @property
    def caller_waits(self) -> int | None:
        """How long the caller listens to the ringing before hanging up; None for as long as it takes."""
        return max(1, self.ring_seconds // 2) if self.outcome == "caller-hangs-up" else None

    def leg(self, number: str) -> LegScript:
        """Return what happens when this business number is rung."""
        if number in self.legs:
            return self.legs[number]
        results: dict[Outcome, LegResult] = {
            "answered": "answer",
            "declined": "answer",
            "caller-hangs-up": "no-answer",
            "mailbox": "mailbox",
            "busy": "busy",
            "no-answer": "no-answer",
            "failed": "failed",
        }
        return LegScript(
            result=results[self.outcome],
            ring_seconds=self.ring_seconds,
            whisper="hangup" if self.outcome == "declined" else "1",
            talk_seconds=self.talk_seconds,
        )


def random_caller(rng: random.Random) -> str:
    """Return an Italian mobile number that looks like anybody's."""
    return f"+39{rng.choice(ITALIAN_MOBILE_PREFIXES)}{rng.randrange(10**7):07d}"
