"""The words of the interpreter: the call, what was heard of it, and a walk through its flow so far."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from calltrack.callflows.place import Phase, Place
from calltrack.callflows.steps import Flow, Message
from calltrack.telephony.base import Announced, CallPlan, HangUp, Part, Play, Prompt, Reject, Speak
from calltrack.telephony.plans import ends, tells_of_recording


@dataclass(frozen=True, kw_only=True)
class Call:
    """What is known of a call when it comes in, and never changes while it lasts.

    caller: E.164, None when withheld. own_line: the location's own number. zone: its company's time zone.
    """

    sid: str
    caller: str | None
    dialled: str
    own_line: str
    began: datetime
    zone: str = "UTC"


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What happened at a place. `leg`: which phone of the group was decisive (None: not known)."""

    digits: str = ""
    joined: bool = False
    picked_up: bool = False
    """Somebody or a mailbox answered."""
    leg: int | None = None
    is_gone: bool = False
    """The caller hung up."""


class Addresses(Protocol):
    """Where the carrier asks and tells while it carries out a plan."""

    def step(self, place: Place) -> str:
        """Return the address that goes on from a place."""

    def sound(self, audio: str) -> str:
        """Return where the carrier fetches an audio file: our own ones are named by their path alone."""

    @property
    def leg(self) -> str:
        """Where each phone's progress is told."""

    @property
    def recording(self) -> str:
        """Where recordings are told."""

    @property
    def transcription(self) -> str | None:
        """Where the carrier tells what is said; None: nobody writes it down during the call."""


@dataclass(frozen=True)
class Reply:
    """What the caller meets next, and the steps walked to get there (a key pressed reads `menu=1`)."""

    plan: CallPlan
    path: tuple[str, ...]

    @property
    def goes_on(self) -> bool:
        """Whether the call is not over after this."""
        return not isinstance(self.plan.parts[-1], HangUp | Reject)


@dataclass(frozen=True, kw_only=True)
class Walk:
    """One document in the making."""

    flow: Flow
    call: Call
    addresses: Addresses
    language: str
    announced: Announced | None = None
    is_unrecorded: bool = False
    parts: tuple[Part, ...] = ()
    path: tuple[str, ...] = ()

    @property
    def is_told(self) -> bool:
        """Whether the caller has heard, by the end of these parts, that the call is recorded."""
        return self.announced is not None or any(map(tells_of_recording, self.parts))

    def entering(self, step: str) -> "Walk":
        """Return the walk with one more step on its path."""
        return replace(self, path=(*self.path, step))

    def doing(self, *parts: Part) -> "Walk":
        """Return the walk with these parts at its end."""
        return replace(self, parts=(*self.parts, *parts))

    def speaking(self, language: str | None) -> "Walk":
        """Return the walk in another language; None keeps it."""
        return self if language is None else replace(self, language=language)

    def saying(self, message: Message, *, is_notice: bool = False) -> Prompt:
        """Return what is said or played for a message."""
        if message.audio is not None:
            return Play(url=self.addresses.sound(message.audio), is_notice=is_notice)
        text, spoken = message.in_language(self.language, self.flow.language)
        return Speak(text=text, language=spoken, is_notice=is_notice)

    def sentence(self, text: str, *, is_notice: bool = False) -> Speak:
        """Return one of our own sentences in the caller's language."""
        return Speak(text=text, language=self.language, is_notice=is_notice)

    def address(
        self, step: str, phase: Phase, *, turn: int = 0, left_out: int = 0, is_told: bool | None = None
    ) -> str:
        """Return the address that goes on from a place of this walk."""
        return self.addresses.step(
            Place(
                step=step,
                phase=phase,
                language=self.language,
                turn=turn,
                left_out=left_out,
                is_told=self.is_told if is_told is None else is_told,
                is_unrecorded=self.is_unrecorded,
            )
        )

    def ended(self, *parts: Part) -> Reply:
        """Close the document; one without an end of its own hangs up."""
        whole = (*self.parts, *parts)
        if not whole or not ends(whole[-1]):
            whole = (*whole, HangUp())
        return Reply(CallPlan(whole, self.announced), self.path)
