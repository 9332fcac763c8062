"""Twilio's form posts about text messages, read once and strictly (facts A.10)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from calltrack.kernel.errors import BadInput
from calltrack.kernel.text import as_written
from calltrack.telephony.carrier_calls import CarrierMessage, MessageStatus
from calltrack.telephony.twilio_forms import SID, caller_named

LONGEST = 4_000
STATUSES: dict[str, MessageStatus] = {
    "accepted": "queued", "scheduled": "queued", "queued": "queued", "sending": "sending", "sent": "sent",
    "delivered": "delivered", "undelivered": "undelivered", "failed": "failed", "canceled": "failed",
    "read": "delivered", "receiving": "received", "received": "received",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ReceivedMessage:
    """A message somebody sent to one of our numbers. `from_` is None when it names no telephone number."""

    sid: str
    from_: str | None
    sender: str
    to: str
    text: str
    media: int
    opt_out: str
    """STOP or START where the carrier saw such a word, HELP, or nothing."""


@dataclass(frozen=True, kw_only=True)
class MessageReport:
    """How far a message we sent has come."""

    sid: str
    status: MessageStatus
    error_code: int | None


def parse_received(form: Mapping[str, str]) -> ReceivedMessage:
    """Read a received message; raises BadInput when it has no identifier."""
    number, _ = caller_named((form.get("From") or "").strip())
    return ReceivedMessage(
        sid=_sid(form),
        from_=number,
        sender=_plain(form.get("From") or "")[:64],
        to=_plain(form.get("To") or "")[:64],
        text=as_written(form.get("Body") or "")[:LONGEST],
        media=_whole(form.get("NumMedia")),
        opt_out=(form.get("OptOutType") or "").upper()[:8],
    )


def found_message(record: CarrierMessage) -> ReceivedMessage:
    """Read a received message from the carrier's own list; raises BadInput when it has no identifier."""
    return parse_received(
        {
            "MessageSid": record.sid,
            "From": record.from_,
            "To": record.to,
            "Body": record.text,
            "NumMedia": str(record.media),
        }
    )


def parse_report(form: Mapping[str, str]) -> MessageReport:
    """Read a report of delivery; raises BadInput for a status nobody knows."""
    word = (form.get("MessageStatus") or form.get("SmsStatus") or "").lower()
    if word not in STATUSES:
        raise BadInput(f"{word[:20]!r} is not a message status")
    return MessageReport(
        sid=_sid(form), status=STATUSES[word], error_code=_whole(form.get("ErrorCode")) or None
    )


def plain(one: ReceivedMessage | MessageReport) -> dict[str, Any]:
    """Return plain values to store."""
    return dict(vars(one))


def _sid(form: Mapping[str, str]) -> str:
    sid = form.get("MessageSid") or form.get("SmsSid") or form.get("SmsMessageSid") or ""
    if not SID.fullmatch(sid):
        raise BadInput("MessageSid is missing or not an identifier of the carrier")
    return sid


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= 9 else 0


def _plain(text: str) -> str:
    return "".join(mark for mark in text if mark.isprintable())
