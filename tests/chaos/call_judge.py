"""Did the caller meet what the flow says? The journal of a call beside the walk through its definition.

Nothing of the product's own rules is asked. Where a plain file answered in the product's place, the caller
must meet what `docs/fail-open.md` promises: the location's own line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from calltrack.sandbox.carrier import CallJournal, CallScript, Entry
from calltrack.sandbox.carrier.call import ERROR_MESSAGE
from tests.chaos.call_walker import SENTENCES, Event, Walker, Way

ASKS = ("voice", "gather", "action", "voicemail", "fallback")
STATIC: dict[str, Any] = {
    "start": "ring",
    "steps": {
        "ring": {
            "kind": "ring", "targets": [{"own_line": True}], "seconds": 25, "whisper": False, "after": "sorry"
        },
        "sorry": {"kind": "hang_up", "message": SENTENCES["it"]["missed"]},
    },
}  # fmt: skip
"""What the static answers do: ring the own line, and then say that nobody came."""
AFTER_A_RING = re.compile(r"/(dialed|voicemail|step/[0-9a-f]{32}\.[a-z0-9_-]+\.[rm][0-9]+\..*)$")
"""Addresses at which a plain file ends the call."""


@dataclass(frozen=True)
class Played:
    """One call that was played: by which flow, by whom, and which good answers a plain file gave."""

    script: CallScript
    flow: dict[str, Any]
    settings: dict[str, Any]
    """What the location does without a flow, as a flow."""
    own_line: str
    journal: CallJournal
    by_file: list[bool]


class Asked(NamedTuple):
    """The carrier asked how the call goes on, and this answered."""

    purpose: str
    way: Way
    path: str
    failed_path: str


@dataclass
class Verdict:
    """What is wrong with a call, in words; and what its row must say of its way."""

    problems: list[str]
    walker: Walker
    is_whole: bool
    """Every question was answered by the product, at the first address."""
    talked_with: str = ""
    """Whom the caller talked with first."""


def judge(call: Played) -> Verdict:
    """Walk through the flow beside the journal and tell every difference."""
    met, whispers = _met(call)
    seen = _Bench(call, whispers)
    for one in met:
        seen.take(one)
    return seen.verdict()


class _Bench:
    def __init__(self, call: Played, whispers: list[Way]) -> None:
        self.call = call
        self.problems: list[str] = []
        self.whispers = whispers
        self.rings = 0
        self.talked_with = ""
        self.is_whole = all(way == "product" for way in whispers)
        self.is_over = False
        self._follow(call.flow)
        self.first = self.walker

    def _follow(self, flow: dict[str, Any], by_file: bool = False) -> None:
        self.by_file = by_file
        rang = self.call.journal.rang[self.rings :]
        self.walker = Walker(flow, self.call.script, self.call.own_line, rang, self.whispers)
        self.expected = self.walker.walk()

    def take(self, one: Event | Asked) -> None:
        """Take the next thing that happened."""
        if isinstance(one, Asked):
            self._ask(one)
            return
        self.rings += one[0] == "rings"
        if one[0] == "talks":
            self.talked_with = self.talked_with or one[1]
        due = None if self.is_over else self._next()
        if due != one:
            self.problems.append(f"{one} where the flow says {due}")

    def _ask(self, asked: Asked) -> None:
        if asked.way != "product" or asked.purpose == "fallback":
            self.is_whole = False
        if self.is_over:
            return
        due = next(self.expected, None)
        if self.walker.is_gone:  # Whatever the answer is, nobody hears it.
            return
        if due is None or due[0] != "asks":
            self.problems.append(f"asked ({asked.purpose}) where the flow says {due}")
        elif asked.way == "file":
            self._to_file(asked)
        elif asked.purpose == "fallback":
            self._to_fallback(asked)
        elif due[1] != asked.purpose:
            self.problems.append(f"asked for {asked.purpose} where the flow asks for {due[1]}")

    def _to_file(self, asked: Asked) -> None:
        if AFTER_A_RING.search(asked.path):
            self.is_over = True
            return
        self._follow(STATIC, by_file=True)

    def _to_fallback(self, asked: Asked) -> None:
        """The product's fallback address begins anew, goes on at the own line, or ends what was a talk."""
        rung = re.search(r"/(dialed|step/[0-9a-f]{32}\.[a-z0-9_-]+\.r)", asked.failed_path)
        if rung and self.talked_with:
            self.is_over = True
            return
        begins = "/step/" not in asked.failed_path
        self._follow(self.call.flow if begins else self.call.settings)
        next(self.expected)
        if asked.failed_path.endswith("/dialed"):  # The line just rang: what comes after it is due.
            while next(self.expected, ("asks",))[0] == "rings":
                pass

    def _next(self) -> Event | None:
        due = next(self.expected, None)
        while self.by_file and due is not None and due[0] == "asks":
            due = next(self.expected, None)
        return due

    def verdict(self) -> Verdict:
        """The call is over: whatever the flow still had to say was not met."""
        left = [] if self.is_over else [one for one in self.expected if one[0] != "asks"]
        if left:
            self.problems.append(f"ended where the flow says {left[0]}")
        journal = self.call.journal
        if ERROR_MESSAGE in journal.heard:
            self.problems.append("the caller heard the carrier's error message")
        self.problems += [
            entry.text for entry in journal.entries if entry.kind == "note" and _is_fault(entry.text)
        ]
        return Verdict(self.problems, self.walker, self.is_whole, self.talked_with)


def _is_fault(note: str) -> bool:
    return "Warning 12200" in note or "lead to each other" in note


def _met(call: Played) -> tuple[list[Event | Asked], list[Way]]:
    """Return what happened in the order it happened, and how phones that picked up were answered."""
    met: list[Event | Asked] = []
    whispers: list[Way] = []
    by_file = iter(call.by_file)
    entries = call.journal.entries
    for place, entry in enumerate(entries):
        if entry.kind == "hook":
            way: Way = "failed"
            if entry.is_ok:
                way = "file" if next(by_file) else "product"
            elif _is_tried_again(entries, place):
                continue
            if entry.purpose == "whisper":
                whispers.append(way)
            elif entry.purpose in ASKS and way != "failed":
                failed = urlsplit(entry.sent.get("ErrorUrl", "")).path
                met.append(Asked(entry.purpose, way, urlsplit(entry.url).path, failed))
        else:
            met += _event(entry, entries[place:])
    return met, whispers


def _is_tried_again(entries: list[Entry], place: int) -> bool:
    here = entries[place]
    following = next((one for one in entries[place + 1 :] if one.kind == "hook"), None)
    return following is not None and (following.purpose, following.attempt) == (
        here.purpose, here.attempt + 1,
    )  # fmt: skip


def _event(entry: Entry, onward: list[Entry]) -> Iterator[Event]:
    if entry.kind == "caller-hears":
        yield ("hears", entry.text)
    elif entry.kind == "ring" and (found := re.fullmatch(r"(\S+) rings", entry.text)):
        yield ("rings", found[1])
    elif entry.kind == "connected" and (found := re.fullmatch(r"Caller and (\S+) talk", entry.text)):
        seconds = next(
            int(end[1]) for one in onward if (end := re.search(r" after (\d+) s$", one.text)) is not None
        )
        yield ("talks", found[1], seconds)
    elif entry.kind == "call" and (found := re.search(r"leaves a message of (\d+) s", entry.text)):
        yield ("message", int(found[1]))
    elif entry.kind == "call" and (found := re.fullmatch(r"The call is rejected \((\w+)\)", entry.text)):
        yield ("rejected", found[1])
