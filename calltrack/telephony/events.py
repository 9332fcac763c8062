"""What a carrier told us about a call, in our own words."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, cast, get_args

from calltrack.kernel.errors import BadInput

EventKind = Literal["incoming", "leg", "dialed", "ended", "recording", "voicemail"]
CallStatus = Literal["ringing", "in_progress", "completed", "busy", "no_answer", "failed", "canceled"]

KINDS: frozenset[str] = frozenset(get_args(EventKind))
STATUSES: frozenset[str] = frozenset(get_args(CallStatus))


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

    def __post_init__(self) -> None:
        for name in ("at", "recording_started_at"):
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
        for name in ("at", "recording_started_at"):
            if values.get(name) is not None:
                values[name] = datetime.fromisoformat(cast(str, values[name]))
        try:
            return cls(**values)
        except TypeError as error:
            raise BadInput(f"A stored event is incomplete: {error}") from None
