"""What the carrier's own lists say, as events like those it tells by itself: both are folded (I8)."""

from datetime import datetime

from calltrack.telephony.carrier_calls import CarrierCall, CarrierRecording
from calltrack.telephony.events import CallEvent
from calltrack.telephony.twilio_forms import caller_named

MICROS = 1_000_000


def fetched_call(record: CarrierCall, account_sid: str, now: datetime) -> CallEvent:
    """Return the carrier's record of one leg as an event; equal records have equal keys.

    A leg nobody answered has no length at the carrier; its status callback says 0, and so do we.
    `now` stands in where the record has no time at all.
    """
    caller, withheld = caller_named(record.from_.strip())
    price = None if record.price is None else int(record.price * MICROS)
    is_over = record.status not in ("ringing", "in_progress")
    seconds = record.seconds
    if seconds is None and is_over and record.status != "completed":
        seconds = 0
    return CallEvent(
        kind="fetched",
        key=f"fetched:{record.sid}:{record.status}:{'' if seconds is None else seconds}:{_or_blank(price)}",
        call_sid=record.parent_sid or record.sid,
        leg_sid=record.sid if record.parent_sid else None,
        account_sid=account_sid,
        status=record.status,
        at=record.ended_at or record.started_at or record.created_at or now,
        to=record.to,
        from_=caller,
        from_withheld=withheld,
        forwarded_to=record.to if record.parent_sid else None,
        forwarded_from=record.forwarded_from,
        duration_seconds=seconds,
        stir=record.stir,
        started_at=record.started_at or record.created_at,
        ended_at=record.ended_at if is_over else None,
        price_micros=price,
        currency=record.currency if price is not None else None,
    )


def unknown_call(call_sid: str, account_sid: str, to: str, at: datetime) -> CallEvent:
    """Return the end of a call of which the carrier knows nothing (any more): it failed, `at` that moment."""
    return CallEvent(
        kind="fetched",
        key=f"fetched:{call_sid}:unknown",
        call_sid=call_sid,
        account_sid=account_sid,
        status="failed",
        at=at,
        to=to,
        ended_at=at,
    )


def fetched_recording(record: CarrierRecording, account_sid: str, to: str, now: datetime) -> CallEvent:
    """Return a recording of the carrier's list as the event its lost callback would have been."""
    return CallEvent(
        kind="recording",
        key=f"fetched-recording:{record.sid}:{record.status}:{_or_blank(record.seconds)}",
        call_sid=record.call_sid,
        account_sid=account_sid,
        status="in_progress",
        at=record.started_at or now,
        to=to,
        recording_sid=record.sid,
        recording_status=record.status,
        recording_seconds=record.seconds,
        recording_channels=record.channels,
        recording_source=record.source or None,
        recording_started_at=record.started_at,
    )


def looked_up(call_sid: str, account_sid: str, to: str, line_type: str, at: datetime) -> CallEvent:
    """Return what a look-up told of the caller's line."""
    return CallEvent(
        kind="looked_up",
        key=f"looked_up:{call_sid}:{line_type}",
        call_sid=call_sid,
        account_sid=account_sid,
        status="in_progress",
        at=at,
        to=to,
        line_type=line_type,
    )


def _or_blank(number: int | None) -> str:
    return "" if number is None else str(number)
