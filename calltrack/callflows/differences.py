"""What changed between two versions of a flow, in words."""

from typing import Any

from calltrack.callflows.sentence import branches, describe, spoken
from calltrack.callflows.steps import Flow


def differences(before: Flow, after: Flow) -> tuple[str, ...]:
    """Return each change as a sentence; nothing where both do the same."""
    found = [*_of_the_whole(before, after)]
    found += [f"New: “{name}”. {describe(after, name)}" for name in after.steps if name not in before.steps]
    found += [f"Gone: “{name}”. {describe(before, name)}" for name in before.steps if name not in after.steps]
    for name in after.steps:
        if name in before.steps and before.steps[name] != after.steps[name]:
            found += _of_a_step(before, after, name)
    return tuple(found)


def _of_the_whole(before: Flow, after: Flow) -> list[str]:
    found = []
    if before.start != after.start:
        found.append(f"Calls begin at “{after.start}”, no longer at “{before.start}”.")
    if before.language != after.language:
        found.append(f"It speaks {after.language}, no longer {before.language}.")
    if before.timezone != after.timezone:
        zones = [flow.timezone or "the company's time zone" for flow in (after, before)]
        found.append(f"Its clock is {zones[0]}, no longer {zones[1]}.")
    if before.notice != after.notice:
        told = [spoken(flow.notice) if flow.notice else "the usual sentence" for flow in (after, before)]
        found.append(f"Callers are told of recording by {told[0]}, no longer by {told[1]}.")
    return found


def _of_a_step(before: Flow, after: Flow, name: str) -> list[str]:
    """Say what a step does otherwise, and where it leads otherwise."""
    found = []
    was, now = describe(before, name), describe(after, name)
    if was != now:
        found.append(f"“{name}” was: {was} Now: {now}")
    old, new = dict(branches(before, name)), dict(branches(after, name))
    for branch in new:
        if branch not in old:
            found.append(f"“{name}”, new branch “{branch}”: {_where(new[branch])}.")
        elif old[branch] != new[branch]:
            found.append(f"“{name}”, {branch}: {_where(new[branch])}, no longer {_where(old[branch])}.")
    found += [f"“{name}”: the branch “{branch}” is gone." for branch in old if branch not in new]
    return found or [f"“{name}”: {_fields(before.steps[name], after.steps[name])} changed."]


def _where(to: str | None) -> str:
    return f"goes on at “{to}”" if to else "the call ends"


def _fields(before: Any, after: Any) -> str:
    """Name the fields no sentence speaks of."""
    one, other = before.model_dump(), after.model_dump()
    names = [name.replace("_", " ") for name in other if one.get(name) != other[name]]
    return ", ".join(names) or "something"
