"""What all events of one call say together (I8): a pure fold, the same for any order and any repetition."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from calltrack.telephony.base import CallEvent

RANK = {"ringing": 0, "in_progress": 1, "canceled": 2, "no_answer": 3, "busy": 4, "failed": 5, "completed": 6}
RECORDING_RANK = {"in-progress": 0, "absent": 1, "failed": 2, "completed": 3}
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


@dataclass(frozen=True)
class LegState:
    """One phone that was rung."""

    leg_sid: str
    to_number: str
    status: str
    seconds: int | None


@dataclass(frozen=True)
class RecordingState:
    """One recording or voicemail."""

    recording_sid: str
    kind: str
    status: str
    url: str
    seconds: int | None


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


@dataclass(frozen=True)
class _Told:
    """The events of one call by kind, each message once, in an order that does not depend on arrival."""

    all: list[CallEvent]
    incoming: list[CallEvent]
    leg: list[CallEvent]
    dialed: list[CallEvent]
    ended: list[CallEvent]
    recording: list[CallEvent]
    voicemail: list[CallEvent]


def fold(events: Iterable[CallEvent]) -> CallState:
    """Return the state of a call from all its events.

    Terminal beats passing, the higher sequence wins, talk counts only where caller and business were joined.
    A lost first event costs nothing: the others tell when the call began, as well as they can.

    Raises:
        ValueError: there is no event.
    """
    told = _sorted_by_kind(events)
    if not told.all:
        raise ValueError("A call without any event has no state")
    legs = _legs(told)
    bridged = any(event.bridged for event in told.dialed)
    end = _end(told)
    status = _status(told, end is not None)
    started = _started_at(told)
    ended_at = max(end.at, started) if end else None
    picked_up = _picked_up_at(told, bridged)
    answered = None if ended_at and not bridged else picked_up
    ring_end = picked_up or (told.dialed[0].at if told.dialed else ended_at)
    return CallState(
        caller=_caller(told),
        caller_city=_first(event.caller_city for event in told.all if event.kind != "leg"),
        caller_country=_first(event.caller_country for event in told.all if event.kind != "leg"),
        status=status,
        outcome=_outcome(told, legs, status, bridged) if ended_at else None,
        started_at=started,
        answered_at=max(answered, started) if answered else None,
        ended_at=ended_at,
        ring_seconds=max(0, int((ring_end - started).total_seconds())) if ring_end else None,
        duration_seconds=_last(event.duration_seconds for event in told.ended),
        talk_seconds=_talk(told, legs),
        is_bridged=bridged,
        legs=legs,
        recordings=_recordings(told),
    )


def _sorted_by_kind(events: Iterable[CallEvent]) -> _Told:
    once: dict[str, CallEvent] = {}
    for event in events:
        known = once.get(event.key)
        if known is None or (known != event and (_place(event), repr(event)) < (_place(known), repr(known))):
            once[event.key] = event
    ordered = sorted(once.values(), key=_place)
    kinds = ("incoming", "leg", "dialed", "ended", "recording", "voicemail")
    return _Told(ordered, *([event for event in ordered if event.kind == kind] for kind in kinds))


def _place(event: CallEvent) -> tuple[int, int, datetime, str]:
    """Where an event stands: the incoming, then the passing, then the final ones; by number, then time."""
    stage = 0 if event.kind == "incoming" else 2 if event.is_final else 1
    return (stage, -1 if event.sequence is None else event.sequence, event.at, event.key)


def _end(told: _Told) -> CallEvent | None:
    """Return the event that says the caller's call is over.

    The parent's final report may get lost; a finished conversation, a caller who hung up and a message
    left are an end as well, because our answer to each of them ends the call.
    """
    reports = [event for event in told.ended if event.is_final]
    others = [event for event in told.dialed if event.bridged or event.caller_gone] + told.voicemail
    return reports[-1] if reports else max(others, key=lambda event: (event.at, event.key), default=None)


def _status(told: _Told, is_over: bool) -> str:
    reports = [event for event in told.ended if event.is_final]
    if reports:
        return reports[-1].status
    if is_over:
        return "completed"
    if any(event.status != "ringing" for event in told.leg if not event.is_final):
        return "in_progress"
    if told.recording or told.dialed:
        return "in_progress"
    parents = [event.status for event in (*told.incoming, *told.ended) if not event.is_final]
    return max(parents, key=RANK.__getitem__, default="ringing")


def _started_at(told: _Told) -> datetime:
    if told.incoming:
        return min(event.at for event in told.incoming)
    moments = [event.at for event in told.all]
    moments += [
        event.at - timedelta(seconds=event.duration_seconds or 0) for event in (*told.ended, *told.leg)
        if event.is_final
    ]  # fmt: skip
    return min(moments)


def _picked_up_at(told: _Told, bridged: bool) -> datetime | None:
    """Return when the business (or its mailbox) picked up; from the winning leg where one is named."""
    winners = {event.leg_sid for event in told.dialed if event.bridged or not bridged}
    answers = [event for event in told.leg if event.status == "in_progress"]
    decisive = [event.at for event in answers if event.leg_sid in winners] or [e.at for e in answers]
    if decisive:
        return min(decisive)
    joined = [event.at - timedelta(seconds=event.talk_seconds or 0) for event in told.dialed if event.bridged]
    return min(joined, default=None)


def _talk(told: _Told, legs: tuple[LegState, ...]) -> int:
    """Sum the joined seconds; a report that names none is completed from its leg."""
    leg_seconds = {leg.leg_sid: leg.seconds or 0 for leg in legs}
    return sum(
        leg_seconds.get(event.leg_sid or "", 0) if event.talk_seconds is None else event.talk_seconds
        for event in told.dialed
        if event.bridged
    )


def _outcome(told: _Told, legs: tuple[LegState, ...], status: str, bridged: bool) -> str:
    """Say what became of a finished call, in the words of `Call.outcome`.

    Joined: answered. Else by the last attempt to reach the business (mailbox, busy, missed, failed); a caller
    who hung up while it rang: abandoned. Without a report of the attempt the legs speak, then the call.
    """
    if bridged:
        return "answered"
    if told.dialed:
        last = max(told.dialed, key=lambda event: (event.at, event.key))
        if last.caller_gone and last.status not in ("completed", "busy", "failed"):
            return "abandoned"
        return UNJOINED.get(last.status, "missed")
    if legs:
        decisive = max((leg.status for leg in legs), key=RANK.__getitem__)
        return UNJOINED.get(decisive, "abandoned")
    return NEVER_RUNG.get(status, "abandoned")


def _caller(told: _Told) -> str | None:
    """Return the caller's number; a leg shows the business who calls, which may be our own number."""
    own = [event for event in told.all if event.kind != "leg"]
    if any(event.from_withheld for event in (told.incoming or told.ended)):
        return None
    return _first(event.from_ for event in own) or None


def _legs(told: _Told) -> tuple[LegState, ...]:
    sids = sorted({event.leg_sid for event in (*told.leg, *told.dialed) if event.leg_sid})
    return tuple(_leg(sid, told) for sid in sids)


def _leg(sid: str, told: _Told) -> LegState:
    events = [event for event in told.leg if event.leg_sid == sid]
    finals = [event for event in events if event.is_final]
    reports = [event for event in told.dialed if event.leg_sid == sid]
    if finals:
        status = finals[-1].status
    elif reports:  # The leg's own final word is late or lost: the report of the attempt names its end.
        status = reports[-1].status
    else:
        status = max((event.status for event in events), key=RANK.__getitem__)
    return LegState(
        leg_sid=sid,
        to_number=_first(event.forwarded_to or event.to for event in events),
        status=status,
        seconds=_last(event.duration_seconds for event in finals),
    )


def _recordings(told: _Told) -> tuple[RecordingState, ...]:
    events = [event for event in (*told.recording, *told.voicemail) if event.recording_sid]
    return tuple(
        _recording(sid, [event for event in events if event.recording_sid == sid])
        for sid in sorted({event.recording_sid or "" for event in events})
    )


def _recording(sid: str, events: list[CallEvent]) -> RecordingState:
    spoken = any(event.kind == "voicemail" or event.recording_source == "RecordVerb" for event in events)
    statuses = [event.recording_status or "in-progress" for event in events]
    return RecordingState(
        recording_sid=sid,
        kind="voicemail" if spoken else "call",
        status=max(statuses, key=lambda word: (RECORDING_RANK.get(word, 1), word)),
        url=_first(event.recording_url for event in events),
        seconds=_last(event.recording_seconds for event in events),
    )


def _first(words: Iterable[str | None]) -> str:
    return next((word for word in words if word), "")


def _last(numbers: Iterable[int | None]) -> int | None:
    return next((number for number in reversed(list(numbers)) if number is not None), None)
