"""What all events of one call say together (I8): a pure fold, the same for any order and any repetition."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from calltrack.calls.leg_rules import LegState, legs_of
from calltrack.calls.recording_rules import RecordingState, message_seconds, recordings_of
from calltrack.calls.told import RANK, Told, first, last, tell
from calltrack.telephony.base import CallEvent

__all__ = ["CallState", "LegState", "RecordingState", "fold"]

# How an attempt to reach the business that joined nobody reads for people: "completed" was a mailbox.
UNJOINED = {
    "completed": "mailbox",
    "busy": "busy",
    "no_answer": "missed",
    "failed": "failed",
    "canceled": "abandoned",
}
# The same from the caller's own leg, when nobody was rung at all.
NEVER_RUNG = {"busy": "busy", "failed": "failed"}
# Callers the guard turned away: nobody missed them. A line that may not be rung is the company's own mistake.
TURNED_AWAY = {"reject": "blocked", "cut": "over_limit", "challenge": "blocked"}


@dataclass(frozen=True)
class CallState:
    """Everything a call row, its legs and its recordings say."""

    caller: str | None
    caller_city: str
    caller_country: str
    status: str
    outcome: str | None
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    ring_seconds: int | None
    duration_seconds: int | None
    talk_seconds: int
    is_bridged: bool
    legs: tuple[LegState, ...]
    recordings: tuple[RecordingState, ...]
    answered_by: str = ""
    hung_up_by: str = ""
    stir: str = ""
    sip_code: int | None = None
    error_code: int | None = None
    message_seconds: int | None = None
    price_micros: int | None = None
    price_currency: str = ""
    line_type: str = ""
    keys: tuple[str, ...] = ()
    flow_path: tuple[str, ...] = ()
    flow_version: str | None = None


def fold(events: Iterable[CallEvent]) -> CallState:
    """Return the state of a call from all its events.

    Terminal beats passing, the higher sequence wins, talk counts only where caller and business were joined.
    What a report tells is believed first; the carrier's own record (`fetched`) fills in what was lost, and
    tells prices. A lost first event costs nothing: the others tell when the call began, as well as they can.

    Raises:
        ValueError: there is no event.
    """
    told = tell(events)
    legs, recordings = legs_of(told), recordings_of(told)
    bridged = any(event.bridged for event in told.dialed) or any(leg.is_joined for leg in legs)
    started = _started_at(told)
    end = _ended_at(told)
    ended_at = max(end, started) if end else None
    status = _status(told, ended_at is not None)
    picked_up = _picked_up_at(told, legs, bridged)
    answered = None if ended_at and not bridged else picked_up
    ring_end = picked_up or _stopped_ringing_at(told, legs) or ended_at
    record = told.record
    return CallState(
        caller=_caller(told),
        caller_city=first(event.caller_city for event in told.all if event.kind != "leg"),
        caller_country=first(event.caller_country for event in told.all if event.kind != "leg"),
        status=status,
        outcome=_outcome(told, legs, status, bridged) if ended_at else None,
        started_at=started,
        answered_at=max(answered, started) if answered else None,
        ended_at=ended_at,
        ring_seconds=max(0, int((ring_end - started).total_seconds())) if ring_end else None,
        duration_seconds=_duration(told),
        talk_seconds=_talk(told, legs),
        is_bridged=bridged,
        legs=legs,
        recordings=recordings,
        answered_by=first(leg.to_number for leg in legs if leg.is_joined),
        hung_up_by=_hung_up_by(told, status) if ended_at else "",
        stir=first(event.stir for event in told.all if event.leg_sid is None),
        sip_code=_sip_code(told, legs, bridged),
        error_code=last(event.error_code for event in (*told.incoming, *told.dialed)),
        message_seconds=message_seconds(recordings),
        price_micros=record.price_micros if record else None,
        price_currency=(record.currency or "") if record and record.price_micros is not None else "",
        line_type=first(event.line_type for event in reversed(told.looked_up)),
        keys=tuple(event.digits for event in told.key if event.digits),
        **_way(told),
    )


def _ended_at(told: Told) -> datetime | None:
    """Return when the caller's call was over.

    The parent's final report may get lost, and the carrier's record come late; a finished conversation, a
    caller who hung up and a message left are an end as well, because our answer to each ends the call.
    """
    if told.reports:
        return told.reports[-1].at
    if told.end_record is not None:
        return told.end_record.ended_at or told.end_record.at
    talked = [event for event in told.dialed if event.bridged and not event.goes_on]
    left = [event for event in (*told.dialed, *told.key) if event.caller_gone]
    return max((event.at for event in (*talked, *left, *told.voicemail)), default=None)


def _status(told: Told, is_over: bool) -> str:
    if told.reports:
        return told.reports[-1].status
    if told.end_record is not None:
        return told.end_record.status
    if is_over:
        return "completed"
    if any(event.status != "ringing" for event in told.leg if not event.is_final):
        return "in_progress"
    if told.recording or told.dialed or told.key:
        return "in_progress"
    own = (*told.incoming, *told.ended, *([told.record] if told.record else []))
    parents = [event.status for event in own if not event.is_final]
    return max(parents, key=RANK.__getitem__, default="ringing")


def _duration(told: Told) -> int | None:
    heard = last(event.duration_seconds for event in told.ended)
    if heard is not None or told.end_record is None:
        return heard
    return told.end_record.duration_seconds


def _started_at(told: Told) -> datetime:
    if told.incoming:
        return min(event.at for event in told.incoming)
    if told.record is not None and told.record.started_at is not None:
        return told.record.started_at
    moments = [event.at for event in told.all]
    moments += [
        event.at - timedelta(seconds=event.duration_seconds or 0) for event in (*told.ended, *told.leg)
        if event.is_final
    ]  # fmt: skip
    return min(moments)


def _picked_up_at(told: Told, legs: tuple[LegState, ...], bridged: bool) -> datetime | None:
    """Return when the business (or its mailbox) picked up; from the winning leg where one is named."""
    winners = {event.leg_sid for event in told.dialed if event.bridged or not bridged}
    winners |= {leg.leg_sid for leg in legs if leg.is_joined}
    decisive = [leg.answered_at for leg in legs if leg.answered_at and leg.leg_sid in winners]
    decisive = decisive or [leg.answered_at for leg in legs if leg.answered_at]
    if decisive:
        return min(decisive)
    joined = [event.at - timedelta(seconds=event.talk_seconds or 0) for event in told.dialed if event.bridged]
    return min(joined, default=None)


def _stopped_ringing_at(told: Told, legs: tuple[LegState, ...]) -> datetime | None:
    """Return when the last phone stopped ringing, of a call that nobody picked up."""
    ends = [leg.ended_at for leg in legs if leg.ended_at]
    return max(ends) if ends else told.dialed[0].at if told.dialed else None


def _talk(told: Told, legs: tuple[LegState, ...]) -> int:
    """Sum the joined seconds; a report that names none, or was lost, is completed from its leg."""
    reported = [event for event in told.dialed if event.bridged]
    if not reported:
        return sum(leg.seconds or 0 for leg in legs if leg.is_joined)
    leg_seconds = {leg.leg_sid: leg.seconds or 0 for leg in legs}
    return sum(
        leg_seconds.get(event.leg_sid or "", 0) if event.talk_seconds is None else event.talk_seconds
        for event in reported
    )


def _outcome(told: Told, legs: tuple[LegState, ...], status: str, bridged: bool) -> str:
    """Say what became of a finished call, in the words of `Call.outcome`.

    Joined: answered. Else by the last attempt to reach the business (mailbox, busy, missed, failed); a caller
    who hung up while it rang: abandoned. Without a report of the attempt the legs speak, then what the guard
    did with a caller it did not put through (blocked, over_limit), then the call.
    """
    if bridged:
        return "answered"
    if told.dialed:
        last_try = max(told.dialed, key=lambda event: (event.at, event.key))
        if last_try.caller_gone and last_try.status not in ("completed", "busy", "failed"):
            return "abandoned"
        return UNJOINED.get(last_try.status, "missed")
    if legs:
        decisive = max((leg.status for leg in legs), key=RANK.__getitem__)
        return UNJOINED.get(decisive, "abandoned")
    if refused := _turned_away(told):
        return refused
    if status == "completed" and any(event.goes_on is False for event in told.all):
        return "missed"  # The flow itself ended the call: outside opening hours, for one.
    return NEVER_RUNG.get(status, "abandoned")


def _turned_away(told: Told) -> str | None:
    """Return how the guard kept the caller out; who pressed the key it asked for was not kept out by that."""
    done = {event.guard for event in told.incoming if event.guard}
    if done & {"passed", "bar"}:
        done.discard("challenge")
    return next((outcome for guard, outcome in TURNED_AWAY.items() if guard in done), None)


def _way(told: Told) -> dict[str, Any]:
    """Return the steps of the flow the call came through, and the version that answered first.

    A first answer that never arrived is followed by another one, at the fallback address: that one counts.
    """
    begun = [event for event in told.incoming if event.path is not None][-1:]
    walked = begun + sorted(
        (event for event in told.all if event.path is not None and event.kind != "incoming"),
        key=lambda event: (event.at, event.key),
    )
    return {
        "flow_path": tuple(step for event in walked for step in event.path or ()),
        "flow_version": next((event.flow for event in walked if event.flow), None),
    }


def _hung_up_by(told: Told, status: str) -> str:
    """Say who ended the call, as far as the carrier tells.

    Its report on the ringing says whether the caller was still there (CallStatus); after a conversation the
    other side hung up then. A message ends with "hangup" in place of a key. A call that is `canceled` was
    given up by the caller before anybody answered.
    """
    joined = [event for event in told.dialed if event.bridged]
    if joined:
        final = max(joined, key=lambda event: (event.at, event.key))
        return "caller" if final.caller_gone else "business"
    gone = any(event.caller_gone for event in told.dialed)
    spoke = any(event.digits == "hangup" or event.caller_gone for event in told.voicemail)
    return "caller" if gone or spoke or status == "canceled" else "unknown"


def _sip_code(told: Told, legs: tuple[LegState, ...], bridged: bool) -> int | None:
    """Return the network's word on why the call, or the last phone, was not reached."""
    own = last(event.sip_code for event in told.reports)
    return own if own is not None or bridged else last(leg.sip_code for leg in legs)


def _caller(told: Told) -> str | None:
    """Return the caller's number; a leg shows the business who calls, which may be our own number."""
    own = [event for event in told.all if event.kind != "leg" and not _is_of_leg(event)]
    known = told.incoming or told.ended or ([told.record] if told.record else [])
    if any(event.from_withheld for event in known):
        return None
    return first(event.from_ for event in own) or None


def _is_of_leg(event: CallEvent) -> bool:
    return event.kind == "fetched" and event.leg_sid is not None
