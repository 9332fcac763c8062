"""An independent caller: reads only documents, presses keys, answers phones, remembers what was heard."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from uuid import UUID

from calltrack.callflows import rules
from calltrack.callflows.place import Place, Token, read_token
from calltrack.callflows.steps import Flow
from calltrack.callflows.walk import Call, Heard, Reply
from calltrack.sandbox.carrier.twiml_rules import problems
from calltrack.telephony.twilio import render

VERSION = UUID(int=7)
BASE = "https://calls.example/voice/0f3a"
NOTICES = (
    "registrata", "Registriamo", "rec.mp3", "may be recorded", "aufgezeichnet werden kann",
    "peut être enregistré", "puede ser grabada"
)  # fmt: skip


@dataclass(frozen=True)
class Hooks:
    """Addresses as the voice process makes them."""

    began: datetime

    def step(self, place: Place) -> str:
        return f"{BASE}/step/{Token(VERSION, place, self.began)}"

    def sound(self, audio: str) -> str:
        return f"https://calls.example{audio}" if audio.startswith("/") else audio

    @property
    def leg(self) -> str:
        return f"{BASE}/leg"

    @property
    def recording(self) -> str:
        return f"{BASE}/recording"

    @property
    def transcription(self) -> str:
        return f"{BASE}/transcription"


@dataclass(frozen=True)
class Ended:
    """A walk that came to its end: what was heard, which phones rang, whether it was recorded after talk."""

    heard: tuple[str, ...]
    rang: tuple[str, ...]
    documents: int
    recorded: bool
    opted_out: bool


@dataclass(frozen=True)
class _So:
    heard: tuple[str, ...] = ()
    rang: tuple[str, ...] = ()
    documents: int = 0
    recorded: bool = False
    opted_out: bool = False
    written_down: bool = False


def walks(flow: Flow, call: Call, keys: str = "19#", most: int = 400) -> Iterator[Ended]:
    """Yield every way a call may take: each key, each outcome of each ring; checks each document on the way.

    Stops after `most` walks: a flow of many menus has very many.
    """
    hooks = Hooks(call.began)
    stack: list[tuple[Reply, _So]] = [(rules.begin(flow, call, hooks), _So())]
    done = 0
    while stack and done < most:
        reply, so = stack.pop()
        following = list(_follow(flow, call, hooks, reply, so, keys))
        for step in following:
            if isinstance(step, Ended):
                done += 1
                yield step
            else:
                stack.append(step)


def _follow(
    flow: Flow, call: Call, hooks: Hooks, reply: Reply, so: _So, keys: str
) -> Iterator[tuple[Reply, _So] | Ended]:
    text = render(reply.plan)
    assert problems(text) == [], text
    assert so.documents < 200, "a walk ends"
    so = replace(so, documents=so.documents + 1)
    for verb in ET.fromstring(text):
        match verb.tag:
            case "Say" | "Play":
                so = replace(so, heard=(*so.heard, verb.text or ""))
            case "Gather":
                for key in keys:
                    token = _token(verb.get("action"))
                    pressed = replace(so, opted_out=so.opted_out or _opts_out(flow, token.place, key))
                    yield _next(flow, call, hooks, token, Heard(digits=key)), pressed
                so = replace(so, heard=(*so.heard, *(prompt.text or "" for prompt in verb)))
                if verb.get("actionOnEmptyResult") == "true":
                    yield _next(flow, call, hooks, _token(verb.get("action")), Heard()), so
                    return
            case "Start":
                so = replace(so, written_down=True)
            case "Dial":
                yield from _dial(flow, call, hooks, verb, so)
                return
            case "Record":
                token = _token(verb.get("action"))
                yield _next(flow, call, hooks, token, Heard()), so
            case "Hangup" | "Reject":
                yield Ended(so.heard, so.rang, so.documents, so.recorded, so.opted_out)
                return
            case _:
                raise AssertionError(f"unexpected {verb.tag}")
    raise AssertionError("the document has no end")


def _dial(
    flow: Flow, call: Call, hooks: Hooks, dial: ET.Element, so: _So
) -> Iterator[tuple[Reply, _So] | Ended]:
    records = dial.get("record") is not None
    if records:
        assert any(notice in text for text in so.heard for notice in NOTICES), "recorded, but not told"
        assert not so.opted_out, "recorded against the caller's will"
    if so.written_down:
        assert any(notice in text for text in so.heard for notice in NOTICES), "written down, but not told"
        assert not so.opted_out, "written down against the caller's will"
    phones = [noun.text or "" for noun in dial]
    token = _token(dial.get("action"))
    for noun in dial:
        _check_whisper(flow, hooks, noun, records)
    so = replace(so, rang=(*so.rang, *phones))
    joined = replace(so, recorded=so.recorded or records)
    yield _next(flow, call, hooks, token, Heard(joined=True, picked_up=True)), joined
    yield _next(flow, call, hooks, token, Heard()), so
    # A mailbox answered: its place is told by the whisper, or not known at all.
    places = [_token(noun.get("url")).place.turn for noun in dial if noun.get("url")]
    for leg in [None, *places[:1]]:
        yield _next(flow, call, hooks, token, Heard(picked_up=True, leg=leg)), so
    gone = rules.go_on(flow, call, hooks, token.place, Heard(is_gone=True))
    assert [verb.tag for verb in ET.fromstring(render(gone.plan))] == ["Hangup"]


def _check_whisper(flow: Flow, hooks: Hooks, noun: ET.Element, records: bool) -> None:
    if noun.get("url") is None:
        assert not records, "the business is told of the recording, too"
        return
    token = _token(noun.get("url"))
    said = rules.whisper(flow, hooks, token.place, "Call from Google Ads.")
    text = render(said)
    assert problems(text, whisper=True) == [], text
    for key, _ in product(("1", "2"), (0,)):
        assert problems(render(rules.accept(flow, token.place, key)), whisper=True) == []


def _next(flow: Flow, call: Call, hooks: Hooks, token: Token, heard: Heard) -> Reply:
    again = rules.go_on(flow, call, hooks, token.place, heard)
    assert again == rules.go_on(flow, call, hooks, token.place, heard), "asked again, answered alike"
    return again


def _opts_out(flow: Flow, place: Place, key: str) -> bool:
    return place.phase == "notice" and getattr(flow.steps[place.step], "opt_out_key", None) == key


def _token(url: str | None) -> Token:
    assert url is not None
    token = read_token(url.partition("#")[0].rpartition("/step/")[2])
    assert f"/step/{token}" in url
    return token
