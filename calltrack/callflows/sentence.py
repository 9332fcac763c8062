"""A flow in words: what a caller meets, step by step, for whoever has to agree with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from calltrack.callflows.opening import DAYS, Holiday, OpeningHours
from calltrack.callflows.steps import (
    Announce,
    ByCaller,
    CallerBranch,
    End,
    Flow,
    Hours,
    Menu,
    Message,
    Next,
    Refuse,
    RingGroup,
    RingTarget,
    Voicemail,
    ways,
)
from calltrack.kernel.phone import pretty

DAY_NAMES = dict(
    zip(DAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True)
)
HOW = {
    "together": "all at once",
    "in_order": "one after the other",
    "round_robin": "in turn, beginning with another one at each call",
    "weighted": "in turn, beginning by weight",
}
SHOWN = {"caller": "", "dialled": " They see the tracking number as the caller."}


@dataclass(frozen=True)
class Line:
    """One line of the text; `depth` is how far it stands in, `step` the step it speaks of."""

    depth: int
    text: str
    step: str | None


def sentence(flow: Flow) -> str:
    """Return the whole flow as one text, a line for each step, branches standing in."""
    return "\n".join("  " * line.depth + line.text for line in lines(flow))


def lines(flow: Flow) -> tuple[Line, ...]:
    """Return the text of a flow line by line; a step two branches lead to is told once."""
    return tuple(_told(flow, flow.start, 0, "", set()))


def _told(flow: Flow, name: Next, depth: int, lead: str, told: set[str]) -> Iterator[Line]:
    if name is None:
        yield Line(depth, f"{lead}{'the call ends' if lead else 'The call ends'}.", None)
        return
    if name in told:
        yield Line(depth, f"{lead}{'as' if lead else 'As'} at “{name}” above.", name)
        return
    told.add(name)
    step = flow.steps[name]
    text = describe(flow, name)
    yield Line(depth, f"{lead}{text}", name)
    if isinstance(step, Announce):
        if step.then is not None:
            yield from _told(flow, step.then, depth, "", told)
        return
    for branch, to in branches(flow, name):
        yield from _told(flow, to, depth + 1, f"{branch}: ", told)


def describe(flow: Flow, name: str) -> str:
    """Return what happens at a step, without where it leads."""
    step = flow.steps[name]
    match step:
        case Announce():
            return f"The caller hears {spoken(step.message)}."
        case Hours():
            return f"Is it open? {opening(step.hours, flow.timezone)}"
        case Menu():
            tries = f", asked up to {step.tries} times" if step.tries > 1 else ""
            return f"The caller hears {spoken(step.message)} and presses a key{tries}."
        case RingGroup():
            return _ring(step)
        case ByCaller():
            return "Who is calling?"
        case Voicemail():
            asked = spoken(step.message) if step.message else "the usual request"
            return f"The caller hears {asked} and leaves a message of up to {step.seconds} seconds."
        case End():
            last = f"The caller hears {spoken(step.message)}, then the" if step.message else "The"
            return f"{last} call ends."
        case Refuse():
            heard = "that the line is busy" if step.reason == "busy" else "that nobody is available"
            return f"The call is not taken; the caller hears {heard}."


def branches(flow: Flow, name: str) -> tuple[tuple[str, Next], ...]:
    """Return each branch of a step in words, with the step it leads to."""
    step = flow.steps[name]
    return tuple((_branch(step, place, plain), to) for place, (plain, to) in enumerate(ways(step)))


def _branch(step: Any, place: int, plain: str) -> str:
    match step:
        case Hours():
            return "While it is open" if plain == "open" else "While it is closed"
        case Menu():
            options = list(step.options.items())
            if place == len(options):
                return "No such key"
            key, option = options[place]
            return f"Key {key} ({option.label})" if option.label else f"Key {key}"
        case RingGroup():
            return "Nobody takes it" if plain == "no answer" else "The business hangs up first"
        case ByCaller():
            if place < len(step.branches):
                return caller(step.branches[place])
            return "The number is withheld" if plain == "withheld" else "Anybody else"
    return "Then"


def caller(branch: CallerBranch) -> str:
    """Return whom a branch is for."""
    if branch.label:
        return branch.label
    prefixes = [f"numbers with {prefix}" for prefix in branch.prefixes]
    return _list([*prefixes, *(f"callers from {country}" for country in branch.countries)])


def phone(target: RingTarget) -> str:
    """Return a phone as people name it."""
    address = pretty(target.number) if target.number else target.sip or "the location's own line"
    return f"{target.label} ({address})" if target.label else address


def spoken(message: Message) -> str:
    """Return what a message says, between quotation marks."""
    if message.audio is not None:
        return f"the audio file {message.audio}"
    if isinstance(message.text, dict):
        return " / ".join(f"“{text}” ({tag})" for tag, text in message.text.items())
    return f"“{message.text}”"


def opening(hours: OpeningHours, zone: str | None) -> str:
    """Return opening hours in words."""
    parts = []
    for windows, days in groupby(DAYS, lambda day: hours.weekly.get(day, ())):  # type: ignore[call-overload]  # plain words of Day
        named = list(days)
        if windows:
            span = DAY_NAMES[named[0]]
            span += f" to {DAY_NAMES[named[-1]]}" if len(named) > 1 else ""
            parts.append(f"{span} {_list(list(windows))}")
    text = f"Open {'; '.join(parts)}" + (f" ({hours.timezone or zone})" if hours.timezone or zone else "")
    if hours.holidays:
        text += f". Other hours on {_list([_holiday(holiday) for holiday in hours.holidays])}"
    return text + "."


def _holiday(holiday: Holiday) -> str:
    day = holiday.day if holiday.until is None else f"{holiday.day} to {holiday.until}"
    name = f" ({holiday.name})" if holiday.name else ""
    return f"{day}{name} {_list(list(holiday.open)) if holiday.open else 'closed'}"


def _ring(step: RingGroup) -> str:
    phones = [phone(target) for target in step.targets]
    many = len(phones) > 1
    how = f" {HOW[step.how]}" if many else ""
    text = f"{_list(phones)} {'ring' if many else 'rings'}{how} for {step.seconds} seconds."
    if step.screening:
        text += " Whoever answers presses 1 to take the call."
    if step.record:
        text += " The call is recorded after the caller was told"
        text += f"; key {step.opt_out_key} leaves the recording out." if step.opt_out_key else "."
    text += SHOWN.get(step.caller_id, f" They see {pretty(step.caller_id)} as the caller.")
    if step.time_limit:
        text += f" The talk ends after {step.time_limit} seconds."
    return text


def _list(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
