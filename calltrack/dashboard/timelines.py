"""What happened, in order: on the line of a call, and in a person's dealings with the company. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from calltrack.calls.failures import HUNG_UP, reason_of, verdict_of
from calltrack.calls.queries import CallRow, HeardEvent, LegRow, Line
from calltrack.conversions.queries import ConversionRow
from calltrack.dashboard import words
from calltrack.dashboard.show import line as written
from calltrack.dashboard.show import money, span
from calltrack.journeys.queries import Journey
from calltrack.visits.queries import PageRow, VisitRow


@dataclass(frozen=True)
class Moment:
    """Something that happened at a time; `details` are shown beneath."""

    at: datetime
    title: str
    icon: str
    tone: str = "calm"
    details: tuple[str, ...] = ()
    call_id: UUID | None = None
    is_this: bool = False
    pages: tuple[PageRow, ...] = field(default=())


def line_moments(call: CallRow, line: Line) -> tuple[Moment, ...]:
    """Return what happened on the line of a call, from its stored row, legs and carrier events."""
    moments = [Moment(call.started_at, f"Rang {written(call.number)}", "bell", "calm", _rang(call))]
    told = [leg for leg in line.legs if leg.started_at or leg.ended_at]
    for leg in told:
        moments += _leg_moments(leg)
    if not told:  # Calls from before legs had times of their own.
        moments += _reported_legs(line)
    if call.answered_at and call.is_bridged:
        moments.append(Moment(call.answered_at, "A person answered", "call-in", "good", _answered(call)))
    recorded: set[str | None] = set()
    for heard in line.events:
        sid = heard.event.recording_sid
        if heard.event.kind in ("recording", "voicemail") and sid not in recorded:
            recorded.add(sid)
            moments.append(Moment(_recorded_at(heard), *_recorded(heard)))
        if heard.event.kind == "key" and heard.event.digits:
            title = f"The caller pressed {heard.event.digits} at “{heard.event.step}”"
            moments.append(Moment(heard.event.at, title, "phone", "calm"))
    if call.ended_at:
        sign = words.outcome(call.status, call.outcome)
        talked = [f"They talked {span(call.talk_seconds)}."] if call.talk_seconds else []
        talked += [HUNG_UP[call.hung_up_by]] if call.hung_up_by in HUNG_UP else []
        title = "Call ended" if call.outcome == "answered" else sign.word
        moments.append(Moment(call.ended_at, title, sign.icon, sign.tone, tuple(talked)))
    return tuple(sorted(moments, key=lambda moment: moment.at))


def person_moments(
    journey: Journey,
    this: CallRow,
    conversions: Iterable[ConversionRow],
    pages: Iterable[PageRow],
    more: Iterable[Moment] = (),
) -> tuple[Moment, ...]:
    """Return a person's visits, calls, conversions and what else happened, newest first."""
    seen: dict[UUID, tuple[PageRow, ...]] = {}
    for one in pages:
        seen[one.visit_id] = (*seen.get(one.visit_id, ()), one)
    moments = [_visit(visit, seen.get(visit.id, ())) for visit in journey.visits]
    known = {call.id for call in journey.calls}
    for call in journey.calls:
        sign = words.outcome(call.status, call.outcome)
        moments.append(_call(call.id, call.started_at, sign, call.talk_seconds, call.id == this.id))
    if this.id not in known:
        sign = words.outcome(this.status, this.outcome)
        moments.append(_call(this.id, this.started_at, sign, this.talk_seconds, True))
    for conversion in conversions:
        moments += _changes(conversion)
    moments += more
    return tuple(sorted(moments, key=lambda moment: moment.at, reverse=True))


def _rang(call: CallRow) -> tuple[str, ...]:
    said = [f"The number is put through to {call.location} ({written(call.forward_to)})."]
    if call.was_spooled:
        said.append("The database was away; the call was connected and written down afterwards.")
    if call.error_code:
        said.append(f"The carrier turned to our fallback address (its error {call.error_code}).")
    said += [words_ for words_ in (verdict_of(call.stir),) if words_]
    if call.line_type:
        said.append(f"The caller's line: {words.LINE_TYPES.get(call.line_type, call.line_type)}.")
    return tuple(said)


def _reported_legs(line: Line) -> list[Moment]:
    """Return the states of legs as reported: each once, when it began, however often it was told."""
    legs: dict[tuple[str | None, str], Moment] = {}
    for heard in sorted(line.events, key=lambda heard: heard.event.at):
        if heard.event.kind == "leg":
            said = _leg(heard)
            legs.setdefault((heard.event.leg_sid, said[0]), Moment(heard.event.at, *said))
    return list(legs.values())


def _leg_moments(leg: LegRow) -> list[Moment]:
    """Return when a phone began to ring, and how that ended; who was joined stands in the call itself."""
    number = written(leg.to_number)
    found = [Moment(leg.started_at, f"{number} began to ring", "phone")] if leg.started_at else []
    if leg.is_joined:  # That a person answered there is a moment of the call itself.
        return found
    if leg.answered_at:
        title = f"{number} was picked up, nobody was joined"
        found.append(Moment(leg.answered_at, title, "phone", "calm", _waited(leg.ring_seconds)))
    elif leg.ended_at:
        what = words.LEG_STATES.get(leg.status, leg.status)
        why = reason_of(leg.sip_code)
        details = _waited(leg.ring_seconds) + ((f"Because {why}.",) if why else ())
        tone = "calm" if leg.status in ("canceled", "completed") else "warn"
        found.append(Moment(leg.ended_at, f"{number} {what}", "phone", tone, details))
    return found


def _answered(call: CallRow) -> tuple[str, ...]:
    who = (f"At {written(call.answered_by)}.",) if call.answered_by else ()
    return who + _waited(call.ring_seconds)


def _waited(seconds: int | None) -> tuple[str, ...]:
    return () if seconds is None else (f"After {seconds} second{'' if seconds == 1 else 's'} of ringing.",)


def _leg(heard: HeardEvent) -> tuple[str, str, str]:
    event = heard.event
    what = words.LEG_STATES.get(event.status, event.status)
    number = event.forwarded_to or event.to
    return f"{written(number)} {what}", "phone", "calm" if event.status != "no_answer" else "warn"


def _recorded_at(heard: HeardEvent) -> datetime:
    """Return when the recording was complete; the report of it may come much later."""
    event = heard.event
    if event.recording_started_at is None or event.recording_seconds is None:
        return event.at
    return event.recording_started_at + timedelta(seconds=event.recording_seconds)


def _recorded(heard: HeardEvent) -> tuple[str, str, str, tuple[str, ...]]:
    event = heard.event
    title = "Voicemail left" if event.kind == "voicemail" else "Recorded"
    length = (f"{span(event.recording_seconds)} long.",) if event.recording_seconds else ()
    return title, "voicemail" if event.kind == "voicemail" else "record", "calm", length


def _visit(visit: VisitRow, pages: tuple[PageRow, ...]) -> Moment:
    origin = words.source(visit.source, visit.medium)
    said = [f"Campaign {visit.campaign}"] if visit.campaign else []
    if visit.term:
        said.append(f"Searched for “{visit.term}”")
    if visit.referrer:
        said.append(f"Came from {visit.referrer}")
    return Moment(visit.started_at, f"Visit from {origin}", "globe", "calm", tuple(said), pages=pages)


def _call(id_: UUID, at: datetime, sign: words.Sign, talked: int, is_this: bool) -> Moment:
    said = (f"They talked {span(talked)}.",) if talked else ()
    title = f"Call: {sign.word.lower()}"
    return Moment(at, title, sign.icon, sign.tone, said, None if is_this else id_, is_this)


def _changes(conversion: ConversionRow) -> list[Moment]:
    name = "lead" if conversion.kind == "lead" else "purchase"
    made = []
    for change in conversion.changes:
        worth = f" of {money(change.value_minor, change.currency)}" if change.value_minor is not None else ""
        title = {
            "create": f"Became a {name}{worth}",
            "restate": f"The {name}'s value became {money(change.value_minor, change.currency)}",
            "retract": f"The {name} was taken back",
        }[change.action]
        tone = "warn" if change.action == "retract" else "good"
        at = conversion.occurred_at if change.action == "create" else change.changed_at
        made.append(Moment(at, title, "flag" if name == "lead" else "bag", tone, (change.reason,)))
    return made
