"""A flow in the making, as the page shows it: steps with their branches, mistakes beside them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from calltrack.callflows import editing
from calltrack.callflows.audio import Announcement
from calltrack.callflows.editing import Plain
from calltrack.callflows.sentence import describe
from calltrack.callflows.steps import OWN_SOUND, Flow, Message, Step

PLACE: Final = re.compile(r"step “(.+?)”(?:, (.*))?")
ONE_STEP: Final = TypeAdapter[Any](Step)


@dataclass(frozen=True)
class Kind:
    """What a kind of step is called, its icon, and what it is good for."""

    name: str
    icon: str
    what: str


KINDS: Final = {
    "announce": Kind("Say something", "speak", "Callers hear a text or a sound file, then go on."),
    "hours": Kind("Opening hours", "clock", "One way while you are open, another while you are closed."),
    "menu": Kind("Menu of keys", "hash", "Callers press a key to choose."),
    "ring": Kind("Ring phones", "phone", "One phone or many, at once or in turn."),
    "by_caller": Kind("By the caller's number", "globe", "Prefixes and countries go different ways."),
    "voicemail": Kind("Voicemail", "voicemail", "Callers leave a message."),
    "hang_up": Kind("End the call", "out", "A last word, then the call ends."),
    "reject": Kind("Refuse the call", "cross", "Callers hear busy, and nobody pays."),
}
WORDS: Final = {
    "open": "While it is open",
    "closed": "While it is closed",
    "no_answer": "Nobody takes it",
    "after": "The business hangs up first",
    "withheld": "The number is withheld",
    "then": "Then",
}


@dataclass(frozen=True)
class Branch:
    """A way out of a step: its place, its words, and the step it leads to."""

    place: str
    words: str
    node: "Node | None"


@dataclass(frozen=True)
class Node:
    """A step where it stands first; `is_again`: it stands above already and is only named here."""

    name: str
    kind: str
    text: str
    problems: tuple[str, ...] = ()
    branches: tuple[Branch, ...] = ()
    is_again: bool = False
    earlier: str | None = None
    later: str | None = None


@dataclass
class Outline:
    """The flow as a tree, and the steps no branch leads to."""

    first: Node | None
    loose: list[Node] = field(default_factory=list)


def outline(flow: Plain, country: str, problems: Mapping[str, str]) -> Outline:
    """Return a flow in the making as a tree, whatever mistakes it holds."""
    drawer = _Drawer(flow, country, by_step(problems))
    first = drawer.node(flow.get("start") or None)
    loose = [drawer.node(name) for name in editing.unreached(flow)]
    return Outline(first, [node for node in loose if node is not None and not node.is_again])


def by_step(problems: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Sort problems by the step they belong to (empty: the whole flow), each under its field's path."""
    found: dict[str, dict[str, str]] = {}
    for place, text in problems.items():
        of_step = PLACE.fullmatch(place)
        step, rest = (of_step[1], of_step[2] or "") if of_step else ("", place)
        found.setdefault(step, {})[rest.replace(", ", "-")] = text
    return found


def at_field(problems: Mapping[str, str], path: str) -> list[str]:
    """Return the problems of a field, those inside it included."""
    return [text for place, text in problems.items() if place == path or place.startswith(f"{path}-")]


@dataclass(frozen=True)
class Wrong:
    """Problems of a step by the paths of its fields."""

    fields: dict[str, str]

    def at(self, path: str) -> list[str]:
        """Return the problems of a field, those inside it included."""
        return at_field(self.fields, path)

    @property
    def whole(self) -> list[str]:
        """Problems that belong to no single field."""
        return [text for place, text in self.fields.items() if not place]


def branch_words(step: Plain, branch: str) -> str:
    """Return a branch in words."""
    group, _, which = branch.partition("-")
    if group == "options":
        label = step["options"][which].get("label", "")
        return f"Key {which}" + (f" ({label})" if label else "")
    if group == "branches":
        one = step["branches"][int(which)]
        parts = [*one.get("prefixes", ()), *one.get("countries", ())]
        return str(one.get("label") or ", ".join(map(str, parts)) or "Nobody yet")
    if branch == "otherwise":
        return "No such key" if step["kind"] == "menu" else "Anybody else"
    return WORDS[branch]


def place_words(flow: Plain, place: str) -> str:
    """Return a place in words."""
    if place == editing.START:
        return "At the beginning"
    name, _, branch = place.partition(".")
    return f"“{name}”: {branch_words(flow['steps'][name], branch)}"


def step_words(flow: Plain, name: str, country: str) -> str:
    """Return what a step does; nothing while it cannot be read."""
    try:
        step = ONE_STEP.validate_python(flow["steps"][name], context={"country": country})
    except ValidationError:
        return ""
    whole = Flow.model_construct(start=name, steps={name: step}, timezone=flow.get("timezone"))
    return describe(whole, name)


def name_sounds(text: str, sounds: tuple[Announcement, ...]) -> str:
    """Return a text in which our own sound files are called by their names."""
    names = {one.path: one.name for one in sounds}
    return OWN_SOUND.sub(lambda found: f"“{names.get(found[0], 'which is gone')}”", text)


def with_sound_names(flow: Flow, sounds: tuple[Announcement, ...]) -> Flow:
    """Return a flow to be shown: its messages name our own sound files as people know them."""
    names = {one.path: one.name for one in sounds}

    def shown(message: Message | None) -> Message | None:
        if message is None or message.audio is None or not OWN_SOUND.fullmatch(message.audio):
            return message
        return message.model_copy(update={"audio": f"“{names.get(message.audio, 'which is gone')}”"})

    steps = {
        name: step.model_copy(update={"message": shown(step.message)}) if hasattr(step, "message") else step
        for name, step in flow.steps.items()
    }
    return flow.model_copy(update={"steps": steps, "notice": shown(flow.notice)})


@dataclass
class _Drawer:
    flow: Plain
    country: str
    problems: dict[str, dict[str, str]]
    told: set[str] = field(default_factory=set)

    def node(self, name: str | None) -> Node | None:
        step = self.flow["steps"].get(name)
        if name is None or step is None:
            return None
        if name in self.told:
            return Node(name, step["kind"], "", is_again=True)
        self.told.add(name)
        return Node(
            name,
            step["kind"],
            step_words(self.flow, name, self.country),
            tuple(self.problems.get(name, {}).values()),
            tuple(
                Branch(f"{name}.{way.branch}", branch_words(step, way.branch), self.node(way.to))
                for way in editing.ways_of(step)
            ),
            earlier=editing.earlier(self.flow, name),
            later=editing.later(self.flow, name),
        )
