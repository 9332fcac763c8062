"""One person's journey from the events: first touch, stages, figures, path, and where it stopped. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from calltrack.kernel.origin import source_key
from calltrack.stages.events import Event, in_order
from calltrack.stages.score_rules import ScoreRules, score_of
from calltrack.stages.stage_rules import Seen, Step, history
from calltrack.stages.stage_words import StageRules

# Between the touches of a path; can stand in no utm word.
THEN: Final = "\x1e"
LONGEST_PATH: Final = 6
LONGEST_WORD: Final = 200
# Paths are keys of sums: six touches of the widest letters fit into an index's row (2,704 bytes).
LONGEST_TOUCH: Final = 80
# A call in which two people talked shorter than this is a short one.
SHORT_SECONDS: Final = 60
_RINGS: Final = ((10, "rang less than 10 s"), (20, "rang 10 to 19 s"), (40, "rang 20 to 39 s"))
_TALKS: Final = ((15, "talked less than 15 s"), (60, "talked 15 to 59 s"), (180, "talked 1 to 3 min"))


@dataclass(frozen=True, slots=True)
class Given:
    """What journeys are made with: rules, score and the company's time zone."""

    stages: StageRules
    score: ScoreRules
    zone: ZoneInfo


@dataclass(slots=True)
class Journey:
    """The columns of a journey, as `model.JourneyRow` names them."""

    is_demo: bool
    day: date
    first_at: datetime
    last_at: datetime
    source: str
    medium: str
    campaign: str
    landing: str
    stage: int
    stage_at: datetime
    history: list[Any]
    lead_at: datetime | None = None
    bought_at: datetime | None = None
    last_call_at: datetime | None = None
    last_bought_at: datetime | None = None
    visits: int = 0
    calls: int = 0
    answered: int = 0
    missed: int = 0
    short_calls: int = 0
    longest_talk: int = 0
    leads: int = 0
    purchases: int = 0
    value_minor: int = 0
    waits: bool = False
    is_won: bool = False
    is_lost: bool = False
    score: int = 0
    figures: dict[str, Any] = field(default_factory=dict)
    path: str = ""
    stop_kind: str = ""
    stop_detail: str = ""


def make_journey(events: Iterable[Event], given: Given) -> Journey | None:
    """Return the journey; None: nothing is known. The order and repetitions of events do not matter."""
    ordered = in_order(events)
    if not ordered:
        return None
    steps, seen = history(ordered, given.stages)
    journey = _begun(ordered, steps, given.zone)
    for event in ordered:
        _count(journey, event)
    _close(journey, ordered, seen, given.zone)
    journey.score = score_of(facts_of(journey), given.score)
    return journey


def facts_of(journey: Any) -> dict[str, Any]:
    """Return what score and segments may ask of a journey (a `Journey` or a stored row), by name."""
    named = (
        "source", "medium", "campaign", "landing", "stage", "first_at", "last_at", "lead_at", "bought_at",
        "last_call_at", "last_bought_at", "visits", "calls", "answered", "missed", "short_calls",
        "longest_talk", "leads", "purchases", "value_minor", "waits", "is_won", "is_lost", "score",
    )  # fmt: skip
    facts: dict[str, Any] = {name: getattr(journey, name) for name in named}
    return {**facts, **journey.figures}


def _begun(ordered: Sequence[Event], steps: Sequence[Step], zone: ZoneInfo) -> Journey:
    first, last = ordered[0], steps[-1]
    touch = next((one for one in ordered if one.source), first)
    landing = next((one.landing for one in ordered if one.kind == "visit"), "")
    return Journey(
        is_demo=any(one.is_demo for one in ordered), day=first.at.astimezone(zone).date(),
        first_at=first.at, last_at=ordered[-1].at, source=touch.source, medium=touch.medium,
        campaign=touch.campaign, landing=landing[:LONGEST_WORD], stage=last.stage, stage_at=last.at,
        history=[step.stored() for step in steps],
    )  # fmt: skip


def _count(journey: Journey, event: Event) -> None:
    if event.kind == "visit":
        journey.visits += 1
    elif event.kind == "call":
        _count_call(journey, event)
    elif event.kind == "lead":
        journey.leads += 1
        journey.lead_at = journey.lead_at or event.at
    elif event.kind == "purchase":
        journey.purchases += 1
        journey.value_minor += event.value_minor
        journey.bought_at = journey.bought_at or event.at
        journey.last_bought_at = event.at


def _count_call(journey: Journey, event: Event) -> None:
    journey.calls += 1
    journey.last_call_at = event.at
    # Somebody waits from a call nobody took until a talk.
    journey.waits = not event.talked
    if event.talked:
        journey.answered += 1
        journey.short_calls += event.talk_seconds < SHORT_SECONDS
        journey.longest_talk = max(journey.longest_talk, event.talk_seconds)
    else:
        journey.missed += 1
    journey.is_won = journey.is_won or event.work == "won"
    journey.is_lost = journey.is_lost or event.work == "lost"


def _close(journey: Journey, ordered: Sequence[Event], seen: Seen, zone: ZoneInfo) -> None:
    journey.is_won = journey.is_won or journey.purchases > 0
    journey.is_lost = journey.is_lost and not journey.is_won
    journey.figures = _figures(ordered, seen, zone)
    if journey.lead_at or journey.bought_at:
        journey.path = _path(ordered, journey.bought_at or journey.lead_at)
    else:
        journey.stop_kind, journey.stop_detail = _stop(ordered)


def _figures(ordered: Sequence[Event], seen: Seen, zone: ZoneInfo) -> dict[str, Any]:
    """Return what has no column of its own; what is nothing is left out."""
    figures: dict[str, Any] = {
        name: seen.numbers[name]
        for name in ("pages", "minutes", "contact_page", "price_page", "number_tapped", "form")
        if seen.numbers.get(name)
    }
    figures["all_pages"] = sum(event.pages for event in ordered)
    for name in ("tag", "touchpoint"):
        if words := sorted(word for (kind, _), word in seen.words.items() if kind == name):
            figures[name] = words
    calls = [event for event in ordered if event.kind == "call"]
    if calls:
        figures["hour"] = calls[-1].at.astimezone(zone).hour
        figures["country"], figures["city"] = calls[-1].country, calls[-1].city
    return {name: value for name, value in figures.items() if value not in ("", 0) or name == "hour"}


def _path(ordered: Sequence[Event], until: datetime | None) -> str:
    """Return the touches up to the first purchase (or lead), each once in a row, the last six of them."""
    touches: list[str] = []
    for event in ordered:
        if until is not None and event.at > until:
            break
        word = _touch(event)
        if word and (not touches or touches[-1] != word):
            touches.append(word)
    cut = ["..."] if len(touches) > LONGEST_PATH else []
    return THEN.join(cut + touches[-LONGEST_PATH:])


def _touch(event: Event) -> str:
    if event.kind == "visit":
        return ("visit:" + source_key(event.source, event.medium))[:LONGEST_TOUCH]
    if event.kind == "call":
        return "call" if event.talked else "missed"
    if event.kind == "touchpoint":
        return "touchpoint:" + event.name
    return "form" if event.kind == "form" else ""


def _stop(ordered: Sequence[Event]) -> tuple[str, str]:
    """Return at what kind of touchpoint somebody is who is no lead, and which one."""
    last = ordered[-1]
    if last.kind == "call":
        if not last.talked:
            return "missed_call", _span(last.ring_seconds, _RINGS, "rang 40 s or more")
        return "call", _span(last.talk_seconds, _TALKS, "talked 3 min or more")
    if last.kind == "touchpoint":
        return "touchpoint", last.name
    page = next((one.last_page for one in reversed(ordered) if one.kind == "visit"), "")
    return last.kind, page[:LONGEST_WORD]


def _span(seconds: int, spans: tuple[tuple[int, str], ...], longest: str) -> str:
    return next((words for limit, words in spans if seconds < limit), longest)
