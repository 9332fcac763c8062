"""Replays visits and calls through the product's rules: numbers are chosen, calls judged, weeks learnt.

Deterministic: the same events, pool and policy give the same bytes. Ids are replaced by the order in which
they appear before any rule sees them; whose number a call dials is looked up first and told to no rule.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from calltrack.attribution.acquaintances import Acquaintances
from calltrack.attribution.called import surely_called
from calltrack.attribution.densities import DAY, Model
from calltrack.attribution.facts import LIKELIEST, CallAt, Posterior, Thresholds
from calltrack.attribution.history import History, Told
from calltrack.attribution.learning import learn
from calltrack.attribution.posterior import credited, judge
from calltrack.attribution.prior import shipped
from calltrack.attribution.replay_book import Book, Shown
from calltrack.attribution.replay_events import CallComes, Event, Sign, VisitBegins
from calltrack.kernel.errors import BadInput
from calltrack.numbers.choice import AFFINE, Choice, Policy, Pool, choose
from calltrack.numbers.masses import Origin

Output = dict[str, Any]
# The first two weeks teach, at their middle and at their end.
LEARNING_SECONDS, LESSON_SECONDS = 14 * DAY, 7 * DAY
DIGITS = 6


@dataclass
class Replay:
    """A pool, its visits and calls so far, and what was learnt from them."""

    numbers: int
    policy: Policy = AFFINE
    seed: int = 0
    learn_until: float | None = None
    """No call from this moment on teaches; None: two weeks after the first event."""
    thresholds: Thresholds = LIKELIEST
    start: Model = field(default_factory=shipped)

    def __post_init__(self) -> None:
        self.model = self.start
        self._pool = Pool(self.numbers)
        self._chance = Random(self.seed)  # noqa: S311 # a policy by chance must be repeatable, not secret
        self._book = Book(self.numbers)
        self._known = Acquaintances()
        self._told: list[Told] = []
        self._began: float | None = None
        self._end = math.inf
        self._lesson = math.inf

    def play(self, event: Event) -> Output | None:
        """Take the next event; returns what a visit was shown or a call was found to be.

        Raises:
            BadInput: the event names an unknown visit, a number outside the pool, or an id again.
        """
        if self._began is None:
            self._began = event.at
            self._end = event.at + LEARNING_SECONDS if self.learn_until is None else self.learn_until
            self._lesson = min(event.at + LESSON_SECONDS, self._end)
        if event.at >= self._lesson:
            self._learn(event.at)
        self._known.reach(event.at)
        if isinstance(event, VisitBegins):
            return self._visit(event)
        if isinstance(event, CallComes):
            return self._call(event)
        self._sign(event)
        return None

    def _visit(self, event: VisitBegins) -> Output:
        visitor = self._book.visitor(event.visitor)
        origin = Origin(event.source, event.campaign)
        chosen = choose(self._pool, event.at, visitor, origin, self.policy, self._chance.random())
        shown = self._book.show(event, visitor, chosen.number)
        self._pool.give(chosen.number, event.at, shown.visit, visitor, origin)
        return _shown(event, chosen)

    def _sign(self, event: Sign) -> None:
        shown = self._book.shown(event.visit)
        shown.note(event)
        if event.kind == "form":
            self._known.told_by_form(shown.visitor, event.phone)
            self._told.append(Told(at=event.at, visitor=shown.visitor, phone=event.phone))
        self._pool.seen(shown.number, event.at, shown.visit, shown.weight(), left=shown.left)

    def _call(self, event: CallComes) -> Output:
        number = self._dialled(event)
        call = CallAt(at=event.at, number=self._book.name(number), caller=event.caller, region=event.region)
        found = judge(self._book.evidence(number, call, self._known), self.model)
        self._known.told_by_call(call.caller, found.by_visitor)
        self._book.keep(event.call, number, call, found)
        for visit in surely_called(found):
            self._called(self._book.by_key(visit))
        return self._found(event, number, found)

    def _dialled(self, event: CallComes) -> int:
        """Return the number's place in the pool: the only thing a call's `dials_visit` is looked at for."""
        if event.dials_visit is not None:
            return self._book.shown(event.dials_visit).number
        number = event.dials_number
        if number is None or not 0 <= number < self.numbers:
            raise BadInput(f"there is no number {number}; the pool's are 0 to {self.numbers - 1}.")
        return number

    def _called(self, shown: Shown) -> None:
        shown.called = True
        self._pool.reweigh(shown.number, shown.visit, shown.weight())

    def _learn(self, now: float) -> None:
        """Teach what happened until the latest lesson that is over, and set the next."""
        until = self._lesson
        while self._lesson <= now:
            until = self._lesson
            following = min(until + LESSON_SECONDS, self._end)
            self._lesson = following if following > until else math.inf
        if self._began is not None and until > self._began:
            self.model = learn(self.history(until), self.start, f"learnt-{until:g}")

    def history(self, until: float) -> History:
        """Return everything that happened before a moment, as learning reads it."""
        return self._book.history(self._told, self._began or 0.0, until)

    def name_of(self, visit: str) -> str:
        """Return the name by order that the rules know a visit of the file by."""
        return self._book.shown(visit).visit

    def _found(self, event: CallComes, number: int, found: Posterior) -> Output:
        credit = credited(found, self.thresholds)
        return {
            "call": event.call,
            "number": number,
            "candidates": [
                {"visit": self._book.by_key(one.visit).id, "p": round(one.p, DIGITS)}
                for one in found.candidates
            ],
            "p_nobody": round(found.p_nobody, DIGITS),
            "rest": round(found.rest, DIGITS),
            "by_campaign": _rounded(found.by_campaign),
            "by_source": _rounded(found.by_source),
            "credited_visit": None if credit.visit is None else self._book.by_key(credit.visit).id,
            "credited_campaign": credit.campaign,
            "credited_source": credit.source,
        }


def replay(events: Iterator[Event], world: Replay) -> Iterator[Output]:
    """Play all events; yields a line per visit and per call."""
    for event in events:
        output = world.play(event)
        if output is not None:
            yield output


def _shown(event: VisitBegins, chosen: Choice) -> Output:
    return {"visit": event.visit, "number": chosen.number, "shared": chosen.is_shared}


def _rounded(shares: Any) -> dict[str, float]:
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    return {name: rounded for name, p in ranked if (rounded := round(p, DIGITS))}
