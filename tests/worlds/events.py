"""A world as the events `calltrack replay` reads, and the truth beside them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.worlds.assumptions import Assumptions
from tests.worlds.calls import KINDS, NOBODY, Calls, Marks, make_calls, make_spam
from tests.worlds.visits import Ints, Visits, make_visits

Event = dict[str, Any]
BEAT = 60.0


@dataclass(frozen=True)
class Told:
    """The truth about one call, and what a table sorts by."""

    at: float
    visit: str | None
    campaign: str | None
    source: str | None
    kind: str


@dataclass(frozen=True)
class World:
    """Events in time order, without any truth, and the truth by call id."""

    assumptions: Assumptions
    numbers: int
    events: list[Event] = field(repr=False)
    truth: dict[str, Told] = field(repr=False)
    visits: Visits = field(repr=False)


@dataclass(frozen=True)
class Life:
    """What a world is before a pool stands in it: the same for every size of pool."""

    assumptions: Assumptions
    visits: Visits
    calls: Calls
    marks: Marks
    forms: Ints


def live(world: Assumptions) -> Life:
    """Draw the visits and real calls of a world."""
    rng = np.random.default_rng(world.seed)
    visits = make_visits(world, rng)
    calls, marks = make_calls(world, visits, rng)
    typists = rng.random(int(visits.person.max()) + 1) < world.linkable
    _, firsts = np.unique(visits.person, return_index=True)
    return Life(world, visits, calls, marks, firsts[typists])


def with_pool(life: Life, numbers: int) -> World:
    """Return the world with so many numbers: each of them attracts unwanted calls of its own."""
    spam, rung = make_spam(life.assumptions, numbers, np.random.default_rng((life.assumptions.seed, numbers)))
    rows = [*visit_events(life), *_call_events(life.calls, "c"), *_spam_events(spam, rung)]
    rows.sort(key=lambda row: row[0])
    truth = _truth(life, life.calls, "c") | _truth(life, spam, "s")
    return World(life.assumptions, numbers, [row[1] for row in rows], truth, life.visits)


def name_of_campaign(campaign: int) -> str:
    """Return the campaign's name in the events."""
    return f"campaign-{campaign}"


def source_of(world: Assumptions, campaign: int) -> str:
    """Return the source a campaign belongs to."""
    return f"source-{campaign % world.sources}"


def leaves_told(life: Life) -> NDArray[np.bool_]:
    """Return whose page tells that it is left; the others only fall silent."""
    world = life.assumptions
    told: NDArray[np.bool_] = (
        np.random.default_rng((world.seed, 1)).random(len(life.visits)) < world.beacons_arrive
    )
    return told


def visit_events(life: Life) -> Iterator[tuple[float, Event]]:
    """Yield what visits do, each with its time, visit by visit."""
    visits, marks, arrive = life.visits, life.marks, leaves_told(life)
    forms = set(life.forms.tolist())
    for index in range(len(visits)):
        start, end = float(visits.start[index]), float(visits.end[index])
        yield _event(start, type="visit", **_description(life, index))
        id_ = f"v{index}"
        yield from ((at, e) for at, e in _beats(id_, start, end))
        for at, type_, more in (
            (visits.contact_at[index], "page", {"kind": "contact"}),
            (marks.copy_at[index], "copy", {}),
            (marks.tap_at[index], "tap", {}),
        ):
            if not np.isnan(at):
                yield _event(float(at), type=type_, visit=id_, **more)
        if index in forms:
            at = start + 0.8 * (end - start)
            yield _event(at, type="form", visit=id_, phone=_phone(int(visits.person[index])))
        if arrive[index]:
            yield _event(end, type="leave", visit=id_)


def _description(life: Life, index: int) -> Event:
    visits = life.visits
    campaign = int(visits.campaign[index])
    return {
        "visit": f"v{index}",
        "visitor": f"b{visits.visitor[index]}",
        "campaign": name_of_campaign(campaign),
        "source": source_of(life.assumptions, campaign),
        "device": "mobile" if visits.mobile[index] else "desktop",
        "region": f"r{visits.region[index]}",
        "returning": bool(visits.returning[index]),
        "landing": "https://example.com/",
    }


def _beats(id_: str, start: float, end: float) -> Iterator[tuple[float, Event]]:
    at = start + BEAT
    while at < end:
        yield _event(at, type="seen", visit=id_)
        at += BEAT


def _call_events(calls: Calls, prefix: str) -> Iterator[tuple[float, Event]]:
    for index in range(len(calls.at)):
        caller = int(calls.caller[index])
        yield _event(
            float(calls.at[index]),
            type="call",
            call=f"{prefix}{index}",
            caller=None if caller < 0 else _phone(caller),
            region=f"r{calls.region[index]}",
            dials_visit=f"v{calls.visit[index]}",
        )


def _spam_events(calls: Calls, rung: Ints) -> Iterator[tuple[float, Event]]:
    for (at, event), number in zip(_call_events(calls, "s"), rung.tolist(), strict=True):
        del event["dials_visit"]
        yield at, event | {"dials_number": number}


def _truth(life: Life, calls: Calls, prefix: str) -> dict[str, Told]:
    world, told = life.assumptions, {}
    for index in range(len(calls.at)):
        visit, kind = int(calls.visit[index]), KINDS[calls.kind[index]]
        at = float(calls.at[index])
        if visit == NOBODY:
            told[f"{prefix}{index}"] = Told(at, None, None, None, kind)
            continue
        campaign = int(life.visits.campaign[visit])
        told[f"{prefix}{index}"] = Told(
            at, f"v{visit}", name_of_campaign(campaign), source_of(world, campaign), kind
        )
    return told


def _event(at: float, **values: Any) -> tuple[float, Event]:
    at = round(at, 3)
    return at, {"t": at, **values}


def _phone(phone: int) -> str:
    return f"+3902{phone:08d}"


def lines(events: Iterable[Event]) -> Iterator[str]:
    """Return the events as lines of JSON."""
    import json

    return (json.dumps(event) for event in events)
