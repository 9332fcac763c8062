"""What the events say of each phone that was rung."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from calltrack.calls.told import RANK, Told, first, last
from calltrack.telephony.base import CallEvent

# Between the end of a conversation and the end of the call we only hang up; after anything else the caller
# still hears words, which take longer than this.
ENDS_TOGETHER = timedelta(seconds=2)
# A whisper or a greeting that nobody listened to is over by then; a shorter talk makes no lead anyway.
SURELY_TALKED = 15
# Records tell whole seconds: two moments of one kind may lie so far apart.
WHOLE_SECONDS = timedelta(seconds=1)
# What the caller hears after a mailbox begins when the mailbox is left, whole seconds apart.
BEFORE_ITS_END = timedelta(seconds=3)
FAR_AWAY = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class LegState:
    """One phone that was rung."""

    leg_sid: str
    to_number: str
    status: str
    seconds: int | None
    position: int = 1
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    ring_seconds: int | None = None
    is_joined: bool = False
    sip_code: int | None = None
    price_micros: int | None = None
    price_currency: str = ""


def legs_of(told: Told) -> tuple[LegState, ...]:
    """Return the phones that were rung, in the order they began to ring."""
    sids = {event.leg_sid for event in (*told.leg, *told.dialed) if event.leg_sid} | set(told.leg_records)
    legs = sorted((_leg(sid, told) for sid in sids), key=_order)
    joined = _joined(told, legs)
    return tuple(
        replace(leg, position=place, is_joined=leg.leg_sid in joined) for place, leg in enumerate(legs, 1)
    )


def _order(leg: LegState) -> tuple[datetime, str]:
    return (leg.started_at or leg.ended_at or FAR_AWAY, leg.leg_sid)


def _joined(told: Told, legs: list[LegState]) -> set[str]:
    """Name the legs whose person talked with the caller: as the report of the ringing says.

    Where that report was lost, was never made because the caller hung up, or a plain file answered in our
    place, both ends must do, as reported or by the carrier's records: a phone that was picked up for a while
    and put down together with the caller's (a mailbox nobody was joined with is followed by words to the
    caller), or, by the records, the phone by which the caller's own call was picked up.
    """
    joined = {event.leg_sid for event in told.dialed if event.bridged and event.leg_sid}
    end_at = _end_of_call(told)
    if joined or any(event.bridged for event in told.dialed) or end_at is None:
        return joined
    reported = {event.leg_sid for event in told.dialed}
    return {
        leg.leg_sid
        for leg in legs
        if leg.leg_sid not in reported
        and leg.status == "completed"
        and leg.ended_at is not None
        and (_ends_with(leg.ended_at, leg.seconds, end_at) or _picked_up_by(leg, told))
    }


def _end_of_call(told: Told) -> datetime | None:
    """Return when the caller's own leg ended, by the carrier's record, else by its report."""
    if told.end_record is not None and told.end_record.ended_at is not None:
        return told.end_record.ended_at
    return told.reports[-1].at if told.reports else None


def _ends_with(leg_ended_at: datetime, seconds: int | None, ended_at: datetime) -> bool:
    return (seconds or 0) >= SURELY_TALKED and abs(ended_at - leg_ended_at) <= ENDS_TOGETHER


def _picked_up_by(leg: LegState, told: Told) -> bool:
    """Tell whether the caller's own call was picked up while this phone was, by the records of both.

    Ringing picks a call up only when the two are joined (answerOnBridge, as in all our documents that only
    ring); whatever we say before does it earlier, and what is said to a caller whom nobody took later.
    """
    end = told.end_record
    if end is None or leg.leg_sid not in told.leg_records:
        return False
    if not end.duration_seconds or end.ended_at is None or leg.answered_at is None or leg.ended_at is None:
        return False
    picked_up_at = end.ended_at - timedelta(seconds=end.duration_seconds)
    return leg.answered_at - WHOLE_SECONDS <= picked_up_at <= leg.ended_at - BEFORE_ITS_END


def _leg(sid: str, told: Told) -> LegState:
    events = [event for event in told.leg if event.leg_sid == sid]
    finals = [event for event in events if event.is_final]
    reports = [event for event in told.dialed if event.leg_sid == sid]
    record = told.leg_records.get(sid)
    record_end = record if record is not None and record.is_final else None
    seconds = last(event.duration_seconds for event in ([record_end] if record_end else []) + finals)
    started = _started_at(events, record)
    ended = finals[-1].at if finals else record_end.ended_at if record_end else None
    answered = _answered_at(events, finals[-1].status if finals else "", ended, seconds, record_end)
    until = answered or ended
    priced = record if record is not None and record.price_micros is not None else None
    return LegState(
        leg_sid=sid,
        to_number=first(event.forwarded_to or event.to for event in [*events, *([record] if record else [])]),
        status=_status(events, finals, reports, record),
        seconds=seconds,
        started_at=started,
        answered_at=answered,
        ended_at=ended,
        ring_seconds=max(0, round((until - started).total_seconds())) if started and until else None,
        sip_code=last(event.sip_code for event in finals),
        price_micros=priced.price_micros if priced else None,
        price_currency=(priced.currency or "") if priced else "",
    )


def _status(
    events: list[CallEvent], finals: list[CallEvent], reports: list[CallEvent], record: CallEvent | None
) -> str:
    if finals:
        return finals[-1].status
    if record is not None and record.is_final:
        return record.status
    if reports:  # The leg's own final word is late or lost: the report of the attempt names its end.
        return reports[-1].status
    passing = [*events, *([record] if record else [])]
    return max((event.status for event in passing), key=RANK.__getitem__)


def _started_at(events: list[CallEvent], record: CallEvent | None) -> datetime | None:
    """Return when it began to ring: the first report that is not its end, else the carrier's record."""
    passing = [event.at for event in events if event.status == "ringing"]
    return min(passing, default=record.started_at if record else None)


def _answered_at(
    events: list[CallEvent],
    final: str,
    ended: datetime | None,
    seconds: int | None,
    record_end: CallEvent | None,
) -> datetime | None:
    """Return when somebody, or a mailbox, picked up: as reported, else its end less its length."""
    answers = [event.at for event in events if event.status == "in_progress"]
    if answers:
        return min(answers)
    status = final or (record_end.status if record_end else "")
    return ended - timedelta(seconds=seconds) if status == "completed" and ended and seconds else None
