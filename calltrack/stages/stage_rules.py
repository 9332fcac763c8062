"""In which stage a person is, since when and why: events in, history out. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from calltrack.stages.events import Event
from calltrack.stages.stage_words import STAGES, Leaf, StageRules, reads


@dataclass(frozen=True, slots=True)
class Step:
    """A stage was reached at a moment; `fact` and `value` (a number or a word) say why.

    `way` holds all facts (name, value, days or 0) where they were several, or where days count.
    """

    stage: int
    at: datetime
    fact: str
    value: int | str
    way: tuple[tuple[str, int | str, int], ...] = ()

    def stored(self) -> list[Any]:
        """Return it as JSON."""
        told = [self.stage, self.at.isoformat(), self.fact, self.value]
        return [*told, [list(one) for one in self.way]] if self.way else told

    @property
    def name(self) -> str:
        """The stage's name."""
        return STAGES[self.stage]

    @property
    def reason(self) -> str:
        """Why, in a few words."""
        if self.fact == "first_touch":
            return "was seen or heard for the first time"
        return " and ".join(_reads(*one) for one in self.way or ((self.fact, self.value, 0),))


def step_of(stored: Sequence[Any]) -> Step:
    """Return a step as it was stored."""
    way = tuple((str(fact), value, int(days)) for fact, value, days in (stored[4] if stored[4:] else ()))
    return Step(int(stored[0]), datetime.fromisoformat(stored[1]), str(stored[2]), stored[3], way)


def _reads(fact: str, value: int | str, days: int) -> str:
    word = value if isinstance(value, str) else None
    return reads(fact, None if word else int(value), word, days)


@dataclass(slots=True)
class Seen:
    """What is known up to an event: numbers by the fact's name, tags and touchpoints by word.

    Words are found whatever their case, as tags are told apart: `words` leads to how they are written.
    """

    numbers: dict[str, int] = field(default_factory=dict)
    words: dict[tuple[str, str], str] = field(default_factory=dict)
    bought_at: datetime | None = None
    events: list[Event] = field(default_factory=list)

    def add(self, event: Event) -> None:
        """Take in one more event; events come in time order."""
        kind, numbers = event.kind, self.numbers
        self.events.append(event)
        if kind == "visit":
            self._count("visits")
            self._most("pages", event.pages)
            self._most("minutes", event.seconds // 60)
            if event.contact:
                numbers["contact_page"] = 1
            if event.price:
                numbers["price_page"] = 1
        elif kind == "call":
            self._add_call(event)
        elif kind == "tap":
            numbers["number_tapped"] = 1
        elif kind == "form":
            numbers["form"] = 1
        elif kind == "touchpoint":
            self._add_word("touchpoint", event.name)
        elif kind == "lead":
            self._count("leads")
        else:
            self._count("purchases")
            self.bought_at = self.bought_at or event.at

    def _add_call(self, event: Event) -> None:
        self._count("calls")
        if event.talked:
            self._most("talk_seconds", event.talk_seconds)
        else:
            self._count("unanswered")
        if self.bought_at is not None:
            self._most("days_after_purchase", (event.at - self.bought_at).days)
        for tag in event.tags:
            self._add_word("tag", tag)

    def holds(self, leaf: Leaf) -> bool:
        """Tell whether a fact holds now, that is at the newest event."""
        if leaf.within_days is None:
            return self._has(leaf)
        # What never was is not looked for in the last days.
        return self._has(leaf) and self._lately(timedelta(days=leaf.within_days))._has(leaf)

    def _lately(self, window: timedelta) -> "Seen":
        seen = Seen()
        since = self.events[-1].at - window
        for event in reversed(self.events):
            if event.at <= since:
                break
            seen.add(event)
        return seen

    def _has(self, leaf: Leaf) -> bool:
        if leaf.is_ is not None:
            return (leaf.fact, leaf.is_.lower()) in self.words
        return self.numbers.get(leaf.fact, 0) >= (leaf.at_least or 1)

    def _add_word(self, kind: str, word: str) -> None:
        self.words[kind, word.lower()] = word

    def _count(self, name: str) -> None:
        self.numbers[name] = self.numbers.get(name, 0) + 1

    def _most(self, name: str, value: int) -> None:
        if value > self.numbers.get(name, 0):
            self.numbers[name] = value


def history(events: Sequence[Event], rules: StageRules) -> tuple[tuple[Step, ...], Seen]:
    """Return the stages in the order they were reached, and what was known in the end.

    `events` come from `in_order`. Everybody is aware with the first event. A stage is never left for a lower
    one; whoever reaches a higher stage at once skips those between.
    """
    seen, steps, stage = Seen(), list[Step](), -1
    for event in events:
        seen.add(event)
        if stage < 0:
            stage = 0
            steps.append(Step(0, event.at, "first_touch", event.kind))
        found = _highest(seen, rules, stage)
        if found:
            stage = found[0]
            steps.append(_step(stage, event.at, found[1]))
    return tuple(steps), seen


def reached(steps: Sequence[Step]) -> Mapping[int, datetime]:
    """Return when each stage, or a higher one, was first reached."""
    found: dict[int, datetime] = {}
    for step in steps:
        for stage in range(step.stage + 1):
            found.setdefault(stage, step.at)
    return found


def _step(stage: int, at: datetime, way: Sequence[Leaf]) -> Step:
    told = tuple(
        (leaf.fact, leaf.is_ if leaf.is_ is not None else leaf.at_least or 1, leaf.within_days or 0)
        for leaf in way
    )
    fact, value, days = told[0]
    return Step(stage, at, fact, value, told if len(told) > 1 or days else ())


def _highest(seen: Seen, rules: StageRules, above: int) -> tuple[int, tuple[Leaf, ...]] | None:
    for stage in range(len(STAGES) - 1, above, -1):
        for way in rules.ways[stage]:
            if all(seen.holds(leaf) for leaf in way):
                return stage, way
    return None
