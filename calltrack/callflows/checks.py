"""Is this a flow that every caller comes through? Read from plain data, with errors that name the step."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from calltrack.callflows.steps import DEEPEST, MOST_STEPS, ByCaller, Flow, Hours, Refuse, ways
from calltrack.kernel.errors import BadFields

MOST_NAMED = 20
LARGEST = 64_000
UNANSWERED = (Hours, ByCaller)
KINDS = ("announce", "hours", "menu", "ring", "by_caller", "voicemail", "hang_up", "reject")


def read_flow(plain: Any, country: str | None = None) -> Flow:
    """Read a flow as written by a person or program.

    Args:
        plain: the definition (`docs/call-flows.md`).
        country: how national phone numbers are meant.

    Raises:
        BadFields: something is missing or wrong; each problem names its step and what to change.
    """
    if not isinstance(plain, Mapping):
        raise BadFields("A call flow is an object with start and steps.", {"flow": "is no object"})
    if len(str(plain)) > LARGEST:
        raise BadFields("The call flow is too large; split it.", {"flow": "has more than 64,000 characters"})
    try:
        flow = Flow.model_validate(plain, context={"country": country})
    except ValidationError as problem:
        raise _bad(_named(plain, problem)) from None
    problems = _problems(flow)
    if problems:
        raise _bad(problems)
    return flow


def _bad(problems: dict[str, str]) -> BadFields:
    named = list(problems.items())[:MOST_NAMED]
    return BadFields(" ".join(f"{place}: {text.rstrip('.')}." for place, text in named), dict(named))


def _named(plain: Mapping[str, Any], problem: ValidationError) -> dict[str, str]:
    """Say where each mistake is: the step by its name, then the field."""
    found: dict[str, str] = {}
    errors = problem.errors(include_url=False, include_input=False)
    for error in errors:
        if error["type"] == "too_short" and _is_wrong_inside(error, errors):
            continue
        place = [str(part) for part in error["loc"]]
        if place[:1] == ["steps"] and len(place) > 1:
            inside = place[3:] if place[2:3] and place[2] in KINDS else place[2:]
            place = [
                f"step “{place[1]}”",
                *(part for part in inside if part.isidentifier() or part.isdigit()),
            ]
        else:
            place = place or ["flow"]
        found.setdefault(", ".join(place), _words(error))
    return found


def _is_wrong_inside(error: Any, errors: Any) -> bool:
    """Tell whether a list only counts as empty because what stands in it is wrong."""
    depth = len(error["loc"])
    return any(len(one["loc"]) > depth and one["loc"][:depth] == error["loc"] for one in errors)


def _words(error: Any) -> str:
    if error["loc"] == ("start",):
        return "choose the step at which calls begin"
    match error["type"]:
        case "missing":
            return "is missing; fill it in"
        case "extra_forbidden":
            return "is not known here; remove it"
        case "union_tag_invalid" | "union_tag_not_found":
            kinds = "announce, hours, menu, ring, by_caller, voicemail, hang_up or reject"
            return f"needs a kind: {kinds}"
        case "too_long" if error["loc"] == ("steps",):
            return f"has more than {MOST_STEPS} steps; split the flow"
        case "too_short" | "string_too_short" if "text" in error["loc"]:
            return "write what callers hear"
        case "too_short":
            return "is empty; add at least one"
        case "string_too_long":
            return f"is too long; at most {error['ctx']['max_length']} characters"
        case "int_parsing" | "int_type":
            return "must be a whole number"
        case "greater_than_equal":
            return f"must be {error['ctx']['ge']} or more"
        case "less_than_equal":
            return f"must be {error['ctx']['le']} or less"
        case "string_pattern_mismatch":
            if "0-9*#" in error["ctx"]["pattern"]:
                return "must be one key: 0 to 9, * or #"
            return "must be a name of small letters, digits, - and _, at most 40 of them"
    text = str(error["msg"]).removeprefix("Value error, ")
    return text[:1].lower() + text[1:] if text[:2] != text[:2].upper() else text


def _problems(flow: Flow) -> dict[str, str]:
    """Find what is wrong with the whole: missing steps, ways back, steps nobody reaches."""
    if flow.start not in flow.steps:
        return {"start": f"there is no step “{flow.start}”; name one of: {', '.join(list(flow.steps)[:10])}"}
    found: dict[str, str] = {}
    for name, step in flow.steps.items():
        for branch, to in ways(step):
            if to is not None and to not in flow.steps:
                found[f"step “{name}”, {branch}"] = f"there is no step “{to}”; add it or choose another one"
    return found or _ways_back(flow) or _unreached(flow) or _too_late_to_reject(flow)


def _ways_back(flow: Flow) -> dict[str, str]:
    depth: dict[str, int] = {}

    def deepest(name: str, above: tuple[str, ...]) -> int:
        if name in above:
            raise _Circle(above[-1], name)
        if name not in depth:
            below = [deepest(to, (*above, name)) for _, to in ways(flow.steps[name]) if to]
            depth[name] = 1 + max(below, default=0)
        return depth[name]

    try:
        if deepest(flow.start, ()) > DEEPEST:
            return {"steps": f"a caller would come through more than {DEEPEST} steps; make the flow shorter"}
    except _Circle as circle:
        at, to = circle.args
        return {f"step “{at}”": f"leads back to “{to}”, and callers would go round; lead it somewhere else"}
    return {}


class _Circle(Exception):
    """A step leads back to one that led to it."""


def _unreached(flow: Flow) -> dict[str, str]:
    reached, open_ = set[str](), [flow.start]
    while open_:
        name = open_.pop()
        if name not in reached:
            reached.add(name)
            open_ += [to for _, to in ways(flow.steps[name]) if to]
    return {
        f"step “{name}”": "no branch leads here; lead one to it or remove it"
        for name in flow.steps
        if name not in reached
    }


def _too_late_to_reject(flow: Flow) -> dict[str, str]:
    """A call can be rejected only while nothing was said and nobody was rung."""
    fresh, open_ = set[str](), [flow.start]
    while open_:
        name = open_.pop()
        fresh.add(name)
        if isinstance(flow.steps[name], UNANSWERED):
            open_ += [to for _, to in ways(flow.steps[name]) if to]
    late = {
        to
        for name, step in flow.steps.items()
        if name not in fresh or not isinstance(step, UNANSWERED)
        for _, to in ways(step)
        if to and isinstance(flow.steps[to], Refuse)
    }
    late |= {name for name, step in flow.steps.items() if isinstance(step, Refuse) and name not in fresh}
    return {
        f"step “{name}”": "the call is answered before, so it cannot be rejected any more; use hang_up"
        for name in sorted(late)
    }
