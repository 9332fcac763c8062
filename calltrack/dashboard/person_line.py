"""A person's touches in words, newest first: what the page of a person shows. Pure."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from calltrack.dashboard import words
from calltrack.dashboard.show import money, span
from calltrack.dashboard.timelines import Moment
from calltrack.stages.stage_rules import Step
from calltrack.stages.timeline import Touch

_OUTCOMES: Final = {
    "purchase": "a purchase", "lead": "a lead", "none": "nothing", "refund": "a refund",
    "cancelled": "a cancellation",
}  # fmt: skip
_VIA: Final = {"crm": "The CRM", "import": "A file", "api": "A program", "link": "The one-click link"}
STOPS: Final = {
    "visit": "Left the website", "tap": "Tapped the number, did not call", "form": "Typed into a form",
    "missed_call": "Called, nobody answered", "call": "Talked, no lead", "touchpoint": "Another touchpoint",
}  # fmt: skip


def moments_of(touches: Iterable[Touch], steps: Iterable[Step], currency: str) -> tuple[Moment, ...]:
    """Return touches and reached stages, newest first."""
    found = [_moment(one, currency) for one in touches]
    found += [
        Moment(
            one.at,
            f"Reached {one.name}",
            "up",
            "good" if one.stage >= 3 else "calm",
            (f"Because: {one.reason}.",),
        )
        for one in steps
        if one.stage  # everybody begins aware
    ]
    found.reverse()  # Of one moment, what followed stands above.
    return tuple(sorted(found, key=lambda one: one.at, reverse=True))


def touch_words(touch: str) -> str:
    """Return a touch of a path as people call it."""
    kind, _, rest = touch.partition(":")
    if kind == "visit":
        source, _, medium = rest.partition("\x1f")
        return words.source(source, medium)
    named = {"call": "Call", "missed": "Missed call", "form": "Form", "...": "…"}
    return rest.capitalize() if kind == "touchpoint" else named.get(kind, kind)


def _moment(one: Touch, currency: str) -> Moment:
    if one.kind == "visit":
        return _visit(one)
    if one.kind == "call":
        return _call(one)
    if one.kind == "message":
        title = "Text message received" if one.name == "received" else "Text message sent"
        return Moment(one.at, title, "copy", "calm", () if one.name == "received" else (one.state,))
    if one.kind == "outcome":
        worth = f" of {money(one.value_minor, currency)}" if one.value_minor else ""
        said = f"{_VIA.get(one.state, one.state)} told {_OUTCOMES.get(one.name, one.name)}{worth}"
        return Moment(one.at, said, "check", "calm")
    if one.kind == "delivery":
        return Moment(one.at, f"Sent to {one.name}", "send", "calm", (words.state(one.state).word,))
    if one.kind in ("lead", "purchase"):
        worth = f" of {money(one.value_minor, currency)}" if one.value_minor else ""
        return Moment(one.at, f"Became a {one.kind}{worth}", "flag" if one.kind == "lead" else "bag", "good")
    if one.kind == "touchpoint":
        return Moment(one.at, one.name.capitalize(), "pulse", "calm", (one.text,) if one.text else ())
    title = "Tapped the phone number" if one.kind == "tap" else "Typed into a form"
    return Moment(one.at, title, "phone" if one.kind == "tap" else "copy", "calm")


def _visit(one: Touch) -> Moment:
    pages = f"{one.pages} page{'' if one.pages == 1 else 's'}, {span(one.seconds)} long"
    said = [f"Campaign {one.campaign}"] if one.campaign else []
    said.append(f"Began at {one.landing}; {pages}." if one.landing else f"{pages}.")
    return Moment(one.at, f"Visit from {words.source(one.source, one.medium)}", "globe", "calm", tuple(said))


def _call(one: Touch) -> Moment:
    call_id: UUID = one.id
    if one.talked:
        return Moment(
            one.at, "Call: answered", "call-in", "good", (f"They talked {span(one.seconds)}.",), call_id
        )
    rang = (f"It rang {one.ring_seconds} s.",) if one.ring_seconds else ()
    return Moment(one.at, "Call: nobody talked", "call-missed", "bad", rang, call_id)
