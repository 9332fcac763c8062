"""What happened, in order: on the line of a call, and in a person's dealings with the company. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from calltrack.calls.queries import CallRow, HeardEvent, Line
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
    moments += [Moment(heard.event.at, *_leg(heard)) for heard in line.events if heard.event.kind == "leg"]
    if call.answered_at and call.is_bridged:
        moments.append(
            Moment(call.answered_at, "A person answered", "call-in", "good", _waited(call.ring_seconds))
        )
    for heard in line.events:
        if heard.event.kind in ("recording", "voicemail"):
            moments.append(Moment(heard.event.at, *_recorded(heard)))
    if call.ended_at:
        sign = words.outcome(call.status, call.outcome)
        talked = (f"They talked {span(call.talk_seconds)}.",) if call.talk_seconds else ()
        title = "Call ended" if call.outcome == "answered" else sign.word
        moments.append(Moment(call.ended_at, title, sign.icon, sign.tone, talked))
    return tuple(sorted(moments, key=lambda moment: moment.at))


def person_moments(
    journey: Journey, this: CallRow, conversions: Iterable[ConversionRow], pages: Iterable[PageRow]
) -> tuple[Moment, ...]:
    """Return a person's visits, calls and conversions on one line of time, newest first."""
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
    return tuple(sorted(moments, key=lambda moment: moment.at, reverse=True))


def _rang(call: CallRow) -> tuple[str, ...]:
    said = [f"The number is put through to {call.location} ({written(call.forward_to)})."]
    if call.was_spooled:
        said.append("The database was away; the call was connected and written down afterwards.")
    return tuple(said)


def _waited(seconds: int | None) -> tuple[str, ...]:
    return () if seconds is None else (f"After {seconds} second{'' if seconds == 1 else 's'} of ringing.",)


def _leg(heard: HeardEvent) -> tuple[str, str, str]:
    event = heard.event
    what = words.LEG_STATES.get(event.status, event.status)
    number = event.forwarded_to or event.to
    return f"{written(number)} {what}", "phone", "calm" if event.status != "no_answer" else "warn"


def _recorded(heard: HeardEvent) -> tuple[str, str, str, tuple[str, ...]]:
    event = heard.event
    title = "Voicemail left" if event.kind == "voicemail" else "Recording ready"
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
