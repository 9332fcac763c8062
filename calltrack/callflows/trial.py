"""What would happen to this call? A walk through the real rules, down every branch, before it goes live."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from calltrack.callflows import rules
from calltrack.callflows.opening import holiday_at, is_open, next_change
from calltrack.callflows.place import ALL_AT_ONCE, Place
from calltrack.callflows.sentence import phone
from calltrack.callflows.steps import Flow, Hours, Menu, RingGroup
from calltrack.callflows.walk import Call, Heard, Reply
from calltrack.telephony.base import (
    Ask,
    HangUp,
    Part,
    Play,
    Reject,
    Ring,
    Speak,
    TakeMessage,
    Whisper,
)

MOST_BRANCHES = 150
HERE = "https://trial.invalid"
ORIGIN = "(where the call comes from)"


@dataclass(frozen=True)
class Told:
    """One thing that happens, and to whom."""

    to: Literal["caller", "business", "flow"]
    text: str


@dataclass(frozen=True)
class Branch:
    """What happens when something is the case, and what may come of it."""

    when: str
    told: tuple[Told, ...]
    steps: tuple[str, ...]
    then: tuple["Branch", ...] = ()


@dataclass(frozen=True)
class Trial:
    """The answer. `is_cut`: there are more branches than are shown."""

    moment: str
    first: Branch
    is_cut: bool


def try_call(flow: Flow, call: Call, origin: str = ORIGIN) -> Trial:
    """Follow a call through a flow: what both sides hear, whichever key is pressed, whoever answers."""
    walker = _Walker(flow, call, origin)
    first = walker.branch("The call comes in", rules.begin(flow, call, walker))
    local = call.began.astimezone(ZoneInfo(flow.timezone or call.zone))
    return Trial(f"{local:%A %d %B %Y, %H:%M} ({local.tzname()})", first, walker.left <= 0)


@dataclass
class _Walker:
    """Follows the branches, and stands in for the carrier's addresses."""

    flow: Flow
    call: Call
    origin: str
    left: int = MOST_BRANCHES
    places: dict[str, Place] = field(default_factory=dict)
    leg: str = f"{HERE}/leg"
    recording: str = f"{HERE}/recording"
    transcription: str | None = None

    def step(self, place: Place) -> str:
        """Return an address that stands for a place."""
        url = f"{HERE}/{len(self.places)}"
        self.places[url] = place
        return url

    def sound(self, audio: str) -> str:
        """Return an address for an audio file of our own; nobody fetches it here."""
        return f"{HERE}{audio}" if audio.startswith("/") else audio

    def branch(self, when: str, reply: Reply) -> Branch:
        """Return what a reply means, with everything that may follow."""
        self.left -= 1
        told = (*self._reasons(reply.path), *(line for part in reply.plan.parts for line in self._told(part)))
        following: list[Branch] = []
        for part in reply.plan.parts:
            for why, place, heard in self._next(part):
                if self.left > 0:
                    again = rules.go_on(self.flow, self.call, self, place, heard)
                    following.append(self.branch(why, again))
        return Branch(when, told, reply.path, tuple(following))

    def _next(self, part: Part) -> Iterator[tuple[str, Place, Heard]]:
        if isinstance(part, Ask):
            place = self.places[part.action]
            step = self.flow.steps[place.step]
            if isinstance(step, Menu):
                for key, option in step.options.items():
                    label = f" ({option.label})" if option.label else ""
                    yield f"The caller presses {key}{label}", place, Heard(digits=key)
                yield "The caller presses no key, or another one", place, Heard()
            elif isinstance(step, RingGroup) and step.opt_out_key:
                yield f"The caller presses {step.opt_out_key}", place, Heard(digits=step.opt_out_key)
        elif isinstance(part, Ring) and part.action:
            yield from self._after(part, self.places[part.action])

    def _after(self, ring: Ring, place: Place) -> Iterator[tuple[str, Place, Heard]]:
        step = self.flow.steps[place.step]
        if isinstance(step, RingGroup) and step.after:
            yield "They talk, and the business hangs up first", place, Heard(joined=True, picked_up=True)
        yield "Nobody takes the call", place, Heard()
        if place.turn == ALL_AT_ONCE and len(ring.targets) > 1 and ring.targets[0].whisper:
            leg = self.places[ring.targets[0].whisper].turn
            yield "The first phone answers, but does not take it", place, Heard(picked_up=True, leg=leg)

    def _told(self, part: Part) -> Iterator[Told]:
        match part:
            case Speak() | Play():
                heard = (
                    f"“{part.text}”"
                    if isinstance(part, Speak)
                    else f"the audio file {part.url.removeprefix(HERE)}"
                )
                yield Told("caller", f"hears {heard}" + (" (notice of recording)" if part.is_notice else ""))
            case Ask():
                for prompt in part.prompts:
                    yield from self._told(prompt)
                yield Told("caller", f"may press a key for {part.seconds} seconds")
            case Ring():
                yield from self._rings(part)
            case TakeMessage():
                yield Told("caller", f"may leave a message of up to {part.seconds} seconds")
            case Reject():
                yield Told(
                    "caller", "hears busy" if part.reason == "busy" else "hears that nobody is available"
                )
            case HangUp():
                yield Told("flow", "the call ends")

    def _rings(self, ring: Ring) -> Iterator[Told]:
        verb = "ring" if len(ring.targets) > 1 else "rings"
        yield Told("business", f"{self._phones(ring)} {verb} for {ring.seconds} seconds")
        url = ring.targets[0].whisper
        if url is not None:
            said = rules.whisper(self.flow, self, self.places[url], self.origin)
            if isinstance(said, Whisper):
                yield Told("business", f"hears “{said.text}” before it is joined")
        if ring.record:
            yield Told("flow", "the talk is recorded")

    def _phones(self, ring: Ring) -> str:
        known = {
            target.address(self.call.own_line): phone(target)
            for step in self.flow.steps.values()
            if isinstance(step, RingGroup)
            for target in step.targets
        }
        return ", ".join(known.get(target.address, target.address) for target in ring.targets)

    def _reasons(self, path: tuple[str, ...]) -> Iterator[Told]:
        """Say why a step with opening hours went the way it went."""
        zone = self.flow.timezone or self.call.zone
        for name in path:
            step = self.flow.steps.get(name)
            if isinstance(step, Hours):
                yield Told("flow", f"“{name}”: {_open_or_closed(step, self.call.began, zone)}")


def _open_or_closed(step: Hours, at: datetime, zone: str) -> str:
    now_open = is_open(step.hours, at, zone)
    holiday = holiday_at(step.hours, at, zone)
    text = "open" if now_open else "closed"
    if holiday is not None:
        text += f" (holiday{': ' + holiday.name if holiday.name else ''})"
    change = next_change(step.hours, at, zone)
    if change is not None:
        local = change.astimezone(ZoneInfo(step.hours.timezone or zone))
        text += f", {'closes' if now_open else 'opens'} on {local:%A %d %B at %H:%M}"
    return text
