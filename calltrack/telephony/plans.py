"""What a carrier shall do with a call, in our own words: a list of parts, carried out one after the other.

A plan that cannot be carried out (no phone to ring, something after an end) cannot be built, and neither can
one that records a caller who was not told: a ring that records needs a notice before it, in the same plan or,
as `announced`, in an earlier one of the same call.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from calltrack.telephony.plan_checks import (
    E164,
    check_address,
    check_language,
    check_number,
    check_seconds,
    check_text,
    check_url,
)

MOST_TARGETS = 10
MOST_PARTS = 60


@dataclass(frozen=True, kw_only=True)
class Speak:
    """Say a text. `is_notice`: it tells the caller that the call is recorded."""

    text: str
    language: str | None = None
    is_notice: bool = False

    def __post_init__(self) -> None:
        check_text("text", self.text)
        check_language(self.language)


@dataclass(frozen=True, kw_only=True)
class Play:
    """Play an audio file from a public address. `is_notice`: it tells the caller of the recording."""

    url: str
    is_notice: bool = False

    def __post_init__(self) -> None:
        check_url("url", self.url)


Prompt = Speak | Play


@dataclass(frozen=True, kw_only=True)
class Ask:
    """Ask for one key while the prompts are heard and `seconds` after; a key goes to `action`.

    Without a key the next part follows, unless `even_without_key`: then `action` is asked all the same, and
    nothing may follow.
    """

    action: str
    prompts: tuple[Prompt, ...] = ()
    seconds: int = 5
    even_without_key: bool = False

    def __post_init__(self) -> None:
        check_url("action", self.action)
        check_seconds("seconds", self.seconds, 1, 60)


@dataclass(frozen=True)
class Login:
    """What a telephone system asks before it takes a call."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A phone to ring: an E.164 number or a SIP address; `whisper` is what it hears before it is joined.

    `login`: for a telephone system that asks for one; a number never does.
    """

    address: str
    whisper: str | None = None
    login: Login | None = None

    def __post_init__(self) -> None:
        check_address("target", self.address)
        check_url("whisper", self.whisper)

    @property
    def is_sip(self) -> bool:
        """Whether a telephone system is rung rather than a telephone number."""
        return self.address.startswith("sip")


@dataclass(frozen=True, kw_only=True)
class Ring:
    """Ring phones, all at once or one after the other, and join the first that takes the call.

    `action` learns how it ended and nothing may follow; without it the next part follows. `caller_id` is the
    number the phones see (None: the caller's own). `record` records both sides, from the answer.
    """

    targets: tuple[Target, ...]
    action: str | None = None
    leg: str | None = None
    recording: str | None = None
    seconds: int = 15
    """Mailboxes pick up at about 20 s, and the carrier adds 5 s to what it is told: ring shorter."""
    one_by_one: bool = False
    caller_id: str | None = None
    time_limit: int | None = None
    star_ends: bool = False
    """The caller's * ends the talk and the flow goes on."""
    record: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.targets) <= MOST_TARGETS:
            raise ValueError(f"A call plan rings 1 to {MOST_TARGETS} numbers, not {len(self.targets)}")
        for name in ("action", "leg", "recording"):
            check_url(name, getattr(self, name))
        check_seconds("seconds", self.seconds, 5, 600)
        if self.caller_id is not None:
            check_number("caller_id", self.caller_id)
        if self.time_limit is not None:
            check_seconds("time_limit", self.time_limit, 30, 14_400)
        if self.record and self.recording is None:
            raise ValueError("A recording needs the address that is told of it: set recording")


@dataclass(frozen=True, kw_only=True)
class Transcribe:
    """Write down, from here on, what both sides say; like a recording only after the caller was told."""

    report: str
    language: str | None = None

    def __post_init__(self) -> None:
        check_url("report", self.report)
        check_language(self.language)


@dataclass(frozen=True, kw_only=True)
class TakeMessage:
    """Record a message of the caller; something said or played must invite to it just before."""

    action: str
    recording: str | None = None
    seconds: int = 120

    def __post_init__(self) -> None:
        check_url("action", self.action)
        check_url("recording", self.recording)
        check_seconds("seconds", self.seconds, 5, 3600)


@dataclass(frozen=True, kw_only=True)
class GoTo:
    """Go on with the plan of another address."""

    url: str

    def __post_init__(self) -> None:
        check_url("url", self.url)


@dataclass(frozen=True, kw_only=True)
class Reject:
    """Do not take the call: it is not answered and costs nothing."""

    reason: Literal["busy", "rejected"] = "rejected"


@dataclass(frozen=True)
class HangUp:
    """End the call."""


Part = Speak | Play | Ask | Transcribe | Ring | TakeMessage | GoTo | Reject | HangUp


@dataclass(frozen=True)
class Announced:
    """The proof that the caller was told of the recording earlier in the same call, and by which step."""

    by: str


@dataclass(frozen=True)
class CallPlan:
    """The parts of one document, in order; the last one ends it, and nothing stands after an end."""

    parts: tuple[Part, ...]
    announced: Announced | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.parts) <= MOST_PARTS:
            raise ValueError(f"A call plan has 1 to {MOST_PARTS} parts, not {len(self.parts)}")
        is_told = self.announced is not None
        for place, part in enumerate(self.parts):
            is_last = place == len(self.parts) - 1
            if ends(part) != is_last:
                raise ValueError(_misplaced(part, is_last))
            if isinstance(part, Reject) and place:
                raise ValueError("A call can be rejected only before anything else was done with it")
            if isinstance(part, TakeMessage) and not (place and isinstance(self.parts[place - 1], Prompt)):
                raise ValueError("A message is recorded only after words that ask for it")
            if isinstance(part, Ring) and part.record and not is_told:
                raise ValueError("A call is recorded only after an announcement says so: put a notice before")
            if isinstance(part, Transcribe) and not is_told:
                raise ValueError("A call is written down only after an announcement: put a notice before")
            is_told = is_told or tells_of_recording(part)


def ends(part: Part) -> bool:
    """Tell whether nothing can follow this part in its document."""
    if isinstance(part, Ring):
        return part.action is not None
    if isinstance(part, Ask):
        return part.even_without_key
    return isinstance(part, TakeMessage | GoTo | Reject | HangUp)


def tells_of_recording(part: Part) -> bool:
    """Tell whether whoever comes past this part has heard that the call is recorded.

    A key cuts the prompts of a question short, but then the part after it is never reached.
    """
    if isinstance(part, Ask):
        return not part.even_without_key and any(prompt.is_notice for prompt in part.prompts)
    return isinstance(part, Prompt) and part.is_notice


def _misplaced(part: Part, is_last: bool) -> str:
    name = type(part).__name__
    return f"{name} does not end a call plan" if is_last else f"Nothing after {name} is ever reached"


@dataclass(frozen=True, kw_only=True)
class Whisper:
    """What the business hears before it is joined with the caller; with `accept_url` it must press 1."""

    text: str
    language: str | None = None
    accept_url: str | None = None

    def __post_init__(self) -> None:
        check_text("text", self.text)
        check_language(self.language)
        check_url("accept_url", self.accept_url)


@dataclass(frozen=True)
class Silence:
    """Nothing to do: go on with the call (joins the caller after a whisper), or take note of a report."""


Document = CallPlan | Whisper | Silence

__all__ = [
    "E164",
    "Announced",
    "Ask",
    "CallPlan",
    "Document",
    "GoTo",
    "HangUp",
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
