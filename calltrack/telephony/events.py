"""What a carrier told us about a call, in our own words."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, cast, get_args

from calltrack.kernel.errors import BadInput

EventKind = Literal[
    "incoming",
    "leg",
    "dialed",
    "ended",
    "recording",
    "voicemail",
    "key",
    "fetched",
    "looked_up",
    "transcript",
]
CallStatus = Literal["ringing", "in_progress", "completed", "busy", "no_answer", "failed", "canceled"]

KINDS: frozenset[str] = frozenset(get_args(EventKind))
STATUSES: frozenset[str] = frozenset(get_args(CallStatus))
MOMENTS = ("at", "recording_started_at", "started_at", "ended_at")


@dataclass(frozen=True, kw_only=True)
class CallEvent:
    """One thing a carrier said about one call.

    `key` is the same for every repetition of the same message, and different for every other message.
    """

    kind: EventKind
    key: str
    call_sid: str
    """The caller's own leg: the call."""
    account_sid: str
    status: CallStatus
    """Of the call; of the leg for `leg`; of the attempt to reach the business for `dialed`."""
    at: datetime
    """When it happened by the carrier's clock, else when we received it."""
    to: str
    """The number dialled, E.164 where the carrier could tell; for `leg` the number this leg rings."""
    from_: str | None = None
    """The caller in E.164; None when withheld or not a telephone number. For `leg`, what the callee sees."""
    from_withheld: bool = False
    leg_sid: str | None = None
    """The leg to the business: its own for `leg`, the decisive one for `dialed`."""
    sequence: int | None = None
    duration_seconds: int | None = None
    """How long this call or leg lasted, including greetings and mailboxes."""
    talk_seconds: int | None = None
    """How long caller and business were joined; 0 when they never were, None when not told."""
    bridged: bool | None = None
    """Whether caller and business were joined; None when not told."""
    caller_gone: bool = False
    """The caller hung up already: an answer cannot be heard any more."""
    forwarded_to: str | None = None
    """The business number this leg rings."""
    forwarded_from: str | None = None
    digits: str | None = None
    flow: str | None = None
    """The version of the call flow that answered (32 hex digits); None: the location's settings did."""
    step: str | None = None
    """The step of the flow this is the answer to."""
    path: tuple[str, ...] | None = None
    """The steps of the flow the caller came through by our answer; a key pressed reads `menu=1`."""
    goes_on: bool | None = None
    """Whether our answer left the call going on; None where no flow answered."""
    recording_sid: str | None = None
    recording_url: str | None = None
    recording_status: str | None = None
    recording_seconds: int | None = None
    recording_channels: int | None = None
    recording_source: str | None = None
    recording_started_at: datetime | None = None
    caller_city: str | None = None
    caller_country: str | None = None
    stir: str | None = None
    sip_code: int | None = None
    error_code: int | None = None
    """Why the carrier turned to the fallback address."""
    error_url: str | None = None
    """Which address had failed then."""
    started_at: datetime | None = None
    """For `fetched`: when the call or leg began, by the carrier's own record."""
    ended_at: datetime | None = None
    price_micros: int | None = None
    """What this call or leg cost, in millionths of `currency`; told some time after its end."""
    currency: str | None = None
    line_type: str | None = None
    """For `looked_up`: what kind of line the caller has, such as mobile or landline."""
    text: str | None = None
    """For `transcript`: what was said, card numbers taken out."""
    speaker: str | None = None
    """For `transcript`: caller or business."""
    language: str | None = None
    transcript_sid: str | None = None
    transcript_step: str | None = None
    """For `transcript`: started, said, stopped or failed."""
    guard: str | None = None
    """What our guard did with the caller instead of putting him through: challenge, reject, cut (a cap), bar
    (calls must not go to the line). passed: put through, because the key was pressed."""

    def __post_init__(self) -> None:
        for name in MOMENTS:
            moment = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                raise BadInput(f"{name} must carry a time zone")

    @property
    def is_final(self) -> bool:
        """Whether nothing but repetitions can follow for this call or leg."""
        return self.status not in ("ringing", "in_progress")

    def to_json(self) -> dict[str, Any]:
        """Return plain values, without the empty ones: what is stored as the raw event."""
        plain: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                plain[field.name] = value.isoformat() if isinstance(value, datetime) else value
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> CallEvent:
        """Read what `to_json` wrote; names a later version added are left aside."""
        if plain.get("kind") not in KINDS or plain.get("status") not in STATUSES:
            raise BadInput("A stored event needs a known kind and status")
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in plain.items() if name in known}
        for name in MOMENTS:
            if values.get(name) is not None:
                values[name] = datetime.fromisoformat(cast(str, values[name]))
        if values.get("path") is not None:
            values["path"] = tuple(values["path"])
        try:
            return cls(**values)
        except TypeError as error:
            raise BadInput(f"A stored event is incomplete: {error}") from None
