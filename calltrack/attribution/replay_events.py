"""The events a replay reads: one JSON object a line, in time order, parsed once."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from calltrack.kernel.errors import BadInput

# Beyond it a float cannot tell milliseconds apart.
LARGEST_TIME = 1e12
SIGNS = ("page", "seen", "leave", "copy", "tap", "form")


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitBegins:
    """Somebody opens the site."""

    at: float
    visit: str
    visitor: str
    campaign: str
    source: str
    device: str
    region: str
    returning: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A sign of life of a visit: a page, a beat, a copy or tap of the number, a form, or its end."""

    at: float
    visit: str
    kind: str
    contact: bool = False
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallComes:
    """A call. What it dials is told by the visit that was shown the number, or by the number's place."""

    at: float
    call: str
    caller: str | None
    region: str
    dials_visit: str | None
    dials_number: int | None


Event = VisitBegins | Sign | CallComes


def read_events(lines: Iterable[str]) -> Iterator[Event]:
    """Return the events of the lines; empty lines are passed over.

    Raises:
        BadInput: a line is no event, or earlier than the one before it; the text names the line.
    """
    latest = -math.inf
    for place, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = _event(_object(line))
        except BadInput as problem:
            raise BadInput(f"Line {place}: {problem}") from None
        if event.at < latest:
            raise BadInput(f"Line {place}: its time {event.at:g} is before {latest:g}. Sort the events by t.")
        latest = event.at
        yield event


def _object(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise BadInput("this is not JSON. Write one object a line.") from None
    if not isinstance(value, dict):
        raise BadInput("this is no JSON object.")
    return value


def _event(value: dict[str, Any]) -> Event:
    kind = value.get("type")
    if kind == "visit":
        return VisitBegins(
            at=_time(value),
            visit=_id(value, "visit"),
            visitor=_id(value, "visitor"),
            campaign=_word(value, "campaign"),
            source=_word(value, "source"),
            device=_word(value, "device"),
            region=_word(value, "region"),
            returning=value.get("returning") is True,
        )
    if kind == "call":
        return _call(value)
    if kind in SIGNS:
        return Sign(
            at=_time(value),
            visit=_id(value, "visit"),
            kind=kind,
            contact=kind == "page" and value.get("kind") == "contact",
            phone=_id(value, "phone") if kind == "form" else "",
        )
    raise BadInput(f"there is no event of type {kind!r}; it is one of visit, call, {', '.join(SIGNS)}.")


def _call(value: dict[str, Any]) -> CallComes:
    number = value.get("dials_number")
    if number is not None and (not isinstance(number, int) or isinstance(number, bool)):
        raise BadInput("dials_number must be a whole number, counted from 0.")
    visit = _id(value, "dials_visit") if value.get("dials_visit") is not None else None
    if (visit is None) == (number is None):
        raise BadInput("a call needs either dials_visit or dials_number.")
    return CallComes(
        at=_time(value),
        call=_id(value, "call"),
        caller=_word(value, "caller") or None,
        region=_word(value, "region"),
        dials_visit=visit,
        dials_number=number,
    )


def _time(value: dict[str, Any]) -> float:
    at = value.get("t")
    if isinstance(at, bool) or not isinstance(at, int | float) or not abs(at) <= LARGEST_TIME:
        raise BadInput("t must be a number of seconds.")
    return float(at)


def _id(value: dict[str, Any], name: str) -> str:
    found = _word(value, name)
    if not found:
        raise BadInput(f"{name} is missing.")
    return found


def _word(value: dict[str, Any], name: str) -> str:
    found = value.get(name)
    if found is None:
        return ""
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise BadInput(f"{name} must be text.")
    return str(found)
