"""Changing a flow in the making: plain data in, plain data out, whatever mistakes it still holds.

A place is where a step may stand: the start, or a branch of another step. It is written `start`, or the step,
a dot and the branch: `menu.options-1`, `phones.no_answer`.
"""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from calltrack.kernel.errors import BadInput

Plain = dict[str, Any]
START: Final = "start"
# What follows a step goes here, for kinds that something follows.
MAIN: Final = {
    "announce": "then", "hours": "open", "menu": "otherwise", "ring": "no_answer", "by_caller": "otherwise"
}  # fmt: skip
FIXED_WAYS: Final = {
    "announce": ("then",),
    "hours": ("open", "closed"),
    "menu": ("otherwise",),
    "ring": ("no_answer", "after"),
    "by_caller": ("withheld", "otherwise"),
}
NAMES: Final = {
    "announce": "welcome", "hours": "hours", "menu": "menu", "ring": "phones", "by_caller": "region",
    "voicemail": "message", "hang_up": "end", "reject": "refusal",
}  # fmt: skip
STEP_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
WEEK: Final = {day: ["09:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")}


@dataclass(frozen=True)
class Way:
    """A branch: its name in places, and the step it leads to (None: the call ends)."""

    branch: str
    to: str | None


def fresh(kind: str, country: str = "IT") -> Plain:
    """Return a step as it is before anybody wrote anything into it.

    Raises:
        BadInput: there is no such kind.
    """
    match kind:
        case "announce":
            return {"kind": kind, "message": {"text": ""}}
        case "hours":
            return {"kind": kind, "hours": {"weekly": deepcopy(WEEK)}}
        case "menu":
            return {"kind": kind, "message": {"text": ""}, "options": {"1": {}, "2": {}}}
        case "ring":
            return {"kind": kind, "targets": [{"own_line": True}]}
        case "by_caller":
            return {"kind": kind, "branches": [{"countries": [country]}]}
        case "voicemail" | "hang_up" | "reject":
            return {"kind": kind}
    raise BadInput("Choose what the new step does.")


def ways_of(step: Mapping[str, Any]) -> tuple[Way, ...]:
    """Return where a step leads, branch by branch."""
    kind = step.get("kind", "")
    found = []
    if kind == "menu":
        found = [Way(f"options-{key}", option.get("to")) for key, option in step.get("options", {}).items()]
    elif kind == "by_caller":
        found = [Way(f"branches-{n}", branch.get("to")) for n, branch in enumerate(step.get("branches", []))]
    return (*found, *(Way(branch, step.get(branch)) for branch in FIXED_WAYS.get(kind, ())))


def leads(step: Plain, branch: str, to: str | None) -> Plain:
    """Return the step with a branch that leads elsewhere.

    Raises:
        BadInput: it has no such branch.
    """
    if branch not in {way.branch for way in ways_of(step)}:
        raise BadInput("This step has no such branch any more; look at it again.")
    changed = deepcopy(step)
    group, _, which = branch.partition("-")
    if group == "options":
        holder = changed["options"][which]
    elif group == "branches":
        holder = changed["branches"][int(which)]
    else:
        holder, which = changed, branch
        return _put(holder, which, to, changed)
    return _put(holder, "to", to, changed)


def _put(holder: Plain, name: str, to: str | None, whole: Plain) -> Plain:
    if to is None:
        holder.pop(name, None)
    else:
        holder[name] = to
    return whole


def at(flow: Plain, place: str) -> str | None:
    """Return the step that stands at a place.

    Raises:
        BadInput: there is no such place.
    """
    if place == START:
        return flow.get("start") or None
    name, _, branch = place.partition(".")
    found = [way.to for way in ways_of(flow["steps"].get(name, {})) if way.branch == branch]
    if not found:
        raise BadInput("This place is gone; somebody changed the flow. Look at it again.")
    return found[0]


def put(flow: Plain, place: str, name: str | None) -> Plain:
    """Return the flow with another step (or the end of the call) at a place."""
    at(flow, place)
    if place == START:
        return flow | {"start": name or ""}
    owner, _, branch = place.partition(".")
    return flow | {"steps": flow["steps"] | {owner: leads(flow["steps"][owner], branch, name)}}


def add(flow: Plain, kind: str, place: str, country: str = "IT") -> tuple[Plain, str]:
    """Put a new step at a place; what stood there follows it. Returns the flow and the step's name.

    A step that ends the call has nothing after it: what stood there is no longer reached.
    """
    step = fresh(kind, country)
    below = at(flow, place)
    if kind in MAIN and below is not None:
        step = leads(step, MAIN[kind], below)
    name = free_name(flow, kind)
    grown = flow | {"steps": flow["steps"] | {name: step}}
    return put(grown, place, name), name


def free_name(flow: Plain, kind: str) -> str:
    """Return a name for a new step."""
    plain, number = NAMES[kind], 2
    name = plain
    while name in flow["steps"]:
        name, number = f"{plain}-{number}", number + 1
    return name


def rename(flow: Plain, old: str, new: str) -> Plain:
    """Give a step another name, wherever it stands.

    Raises:
        BadInput: no name for a step, or another step has it.
    """
    if new == old:
        return flow
    if not STEP_NAME.fullmatch(new):
        raise BadInput("Name a step with small letters, digits, - and _; at most 40 of them.")
    if new in flow["steps"]:
        raise BadInput(f"Another step is named “{new}”; choose another name.")
    steps = {new if name == old else name: step for name, step in flow["steps"].items()}
    return _redirected(flow | {"steps": steps}, old, new)


def remove(flow: Plain, name: str) -> Plain:
    """Take a step out: whatever led to it leads to what followed it.

    Raises:
        BadInput: it is the only one.
    """
    if len(flow["steps"]) == 1:
        raise BadInput("A call flow needs a step: add another one first, or delete the whole flow.")
    steps = {other: step for other, step in flow["steps"].items() if other != name}
    return _redirected(flow | {"steps": steps}, name, follower(flow, name))


def follower(flow: Plain, name: str) -> str | None:
    """Return the step that comes next after a step on its main branch."""
    step = flow["steps"].get(name, {})
    main = MAIN.get(step.get("kind", ""))
    found = step.get(main) if main else None
    return found if found != name else None


def _redirected(flow: Plain, old: str, new: str | None) -> Plain:
    steps = {}
    for name, step in flow["steps"].items():
        for way in ways_of(step):
            if way.to == old:
                step = leads(step, way.branch, new)
        steps[name] = step
    start = (new or "") if flow.get("start") == old else flow.get("start", "")
    return flow | {"steps": steps, "start": start}


def move(flow: Plain, name: str, place: str) -> Plain:
    """Take a step, with all its other branches, to another place; what stood there follows it.

    Raises:
        BadInput: the place is gone, or lies behind the step itself.
    """
    if place not in places_for(flow, name):
        raise BadInput("A step cannot be moved behind itself; choose another place.")
    main = MAIN.get(flow["steps"][name]["kind"])
    cut = _redirected(flow, name, follower(flow, name))
    below = at(cut, place)
    if main is not None:
        moved = leads(cut["steps"][name], main, below)
        cut = cut | {"steps": cut["steps"] | {name: moved}}
    return put(cut, place, name)


def places_for(flow: Plain, name: str) -> tuple[str, ...]:
    """Return the places a step may be moved to: not its own branches, nor what only they lead to."""
    step = flow["steps"][name]
    main = MAIN.get(step["kind"])
    inside = {name}
    for way in ways_of(step):
        if way.branch != main and way.to:
            inside |= below(flow, way.to)
    if main is None and step["kind"] not in MAIN:
        # A step that ends calls may stand only where a call would end.
        free = (place for place in places(flow) if place != START)
        return tuple(p for p in free if p.partition(".")[0] not in inside and at(flow, p) is None)
    return tuple(
        place for place in places(flow) if place.partition(".")[0] not in inside and at(flow, place) != name
    )


def places(flow: Plain) -> Iterator[str]:
    """Yield every place of the flow: the start, and the branches of the steps that are reached."""
    yield START
    reached = below(flow, flow.get("start", ""))
    for name, step in flow["steps"].items():
        if name in reached:
            yield from (f"{name}.{way.branch}" for way in ways_of(step))


def below(flow: Plain, name: str) -> set[str]:
    """Return the step and all that follows it."""
    found, open_ = set[str](), [name]
    while open_:
        one = open_.pop()
        if one in flow["steps"] and one not in found:
            found.add(one)
            open_ += [way.to for way in ways_of(flow["steps"][one]) if way.to]
    return found


def parents(flow: Plain, name: str) -> tuple[str, ...]:
    """Return the places at which a step stands."""
    found = [START] if flow.get("start") == name else []
    for owner, step in flow["steps"].items():
        found += [f"{owner}.{way.branch}" for way in ways_of(step) if way.to == name]
    return tuple(found)


def earlier(flow: Plain, name: str) -> str | None:
    """Return the place one step up: before the one step that leads here on its main branch."""
    stands = parents(flow, name)
    if len(stands) != 1 or stands[0] == START:
        return None
    owner, _, branch = stands[0].partition(".")
    above = parents(flow, owner)
    if branch != MAIN.get(flow["steps"][owner]["kind"]) or flow["steps"][name]["kind"] not in MAIN:
        return None
    return above[0] if len(above) == 1 else None


def later(flow: Plain, name: str) -> str | None:
    """Return the place one step down: behind the step that follows on the main branch, if there is one."""
    follows = follower(flow, name)
    if follows is None or parents(flow, follows) != (f"{name}.{MAIN[flow['steps'][name]['kind']]}",):
        return None
    main = MAIN.get(flow["steps"].get(follows, {}).get("kind", ""))
    return f"{follows}.{main}" if main else None


def unreached(flow: Plain) -> tuple[str, ...]:
    """Return the steps no branch leads to."""
    reached = below(flow, flow.get("start", ""))
    return tuple(name for name in flow["steps"] if name not in reached)
