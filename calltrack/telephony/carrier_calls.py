"""Calls, messages, recordings and look-ups at the carrier, in our own words."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import Literal

from calltrack.telephony.events import CallStatus

Direction = Literal["inbound", "outbound_dial", "outbound_api"]
MessageStatus = Literal["queued", "sending", "sent", "delivered", "undelivered", "failed", "received", "read"]
LegEvent = Literal["initiated", "ringing", "answered", "completed"]
ALL_EVENTS: tuple[LegEvent, ...] = ("initiated", "ringing", "answered", "completed")


@dataclass(frozen=True, kw_only=True)
class CarrierCall:
    """One leg as the carrier's own list knows it; price and length come some time after its end."""

    sid: str
    parent_sid: str | None = None
    """The caller's leg, where this is a leg to the business."""
    from_: str
    """As the carrier writes it: E.164, or a word for a withheld number."""
    to: str
    status: CallStatus
    direction: Direction
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    seconds: int | None = None
    price: Decimal | None = None
    """What it cost, positive, in `currency`."""
    currency: str | None = None
    number_sid: str | None = None
    answered_by: str | None = None
    stir: str | None = None
    forwarded_from: str | None = None
    caller_name: str | None = None


@dataclass(frozen=True, kw_only=True)
class CallOrder:
    """A call we begin: the carrier rings `to` and asks `url` what to do when it is answered."""

    to: str
    from_: str
    """A number of this account, or a verified one."""
    url: str
    fallback_url: str | None = None
    status_callback: str | None = None
    status_events: tuple[LegEvent, ...] = ALL_EVENTS
    ring_seconds: int = 25
    most_seconds: int | None = None


@dataclass(frozen=True, kw_only=True)
class MessageOrder:
    """A text message to send."""

    to: str
    from_: str
    text: str
    status_callback: str | None = None


@dataclass(frozen=True, kw_only=True)
class CarrierMessage:
    """A text message as the carrier's own list knows it."""

    sid: str
    from_: str
    to: str
    text: str
    status: MessageStatus
    inbound: bool
    segments: int = 1
    media: int = 0
    sent_at: datetime | None = None
    created_at: datetime | None = None
    error_code: int | None = None
    price: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True, kw_only=True)
class CarrierRecording:
    """A recording that lies at the carrier."""

    sid: str
    call_sid: str
    status: str
    """in-progress, paused, stopped, processing, completed, absent or deleted."""
    seconds: int | None = None
    channels: int = 1
    source: str = ""
    started_at: datetime | None = None
    price: Decimal | None = None
    currency: str | None = None


@dataclass
class RecordingStream:
    """Sound on its way from the carrier. Use as a context manager: its end lets the connection go."""

    status: Literal[200, 206, 416]
    content_type: str
    length: int | None
    """Bytes in this answer; None when the carrier does not say."""
    content_range: str | None
    """Such as `bytes 0-1023/4096`, with status 206."""
    chunks: Iterator[bytes] = field(repr=False)
    """Raises `Retry` when the carrier breaks off in the middle."""
    close: Callable[[], None] = field(repr=False)

    def __enter__(self) -> "RecordingStream":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, kw_only=True)
class LookedUp:
    """What the carrier knows of a telephone number."""

    e164: str
    is_valid: bool
    country: str | None = None
    line_type: str | None = None
    """landline, mobile, fixedVoip, nonFixedVoip, personal, tollFree, premium, sharedCost, uan, voicemail,
    pager or unknown; None when not asked or not told."""
    carrier_name: str | None = None
    caller_name: str | None = None
    problems: tuple[str, ...] = ()
    """Why it is not valid, such as TOO_SHORT."""
