"""The same visits through HTTP and through a replay are shown the same numbers (decision 0020), and the calls
to them are judged alike.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from calltrack.attribution.model import Attribution
from calltrack.attribution.replay import Replay, replay
from calltrack.attribution.replay_events import CallComes, Event, Sign, VisitBegins
from calltrack.attribution.stored import reasons_of
from calltrack.attribution.telling import know_caller
from calltrack.kernel.region import region_of_phone
from calltrack.visits.admission import Admission
from calltrack.wiring import Services
from tests.attribution.desk import Desk
from tests.builders import Company, make_call, make_company
from tests.visits.conftest import Edge, edge_app, shown, without_overflow

BEGIN = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
REGIONS = ("US-CA", "US-NY", "IT-25", "")
PHONES = ("+14155550{:03d}", "+12125550{:03d}", "+39021234{:03d}", "+39347123{:03d}")
CAMPAIGNS = (("google", "brand"), ("google", "shoes"), ("bing", "brand"), ("meta", "hats"))
UNLIMITED = {"visit": 10**9, "beat": 10**9}


def world(seed: int, visits: int, pause: float) -> list[Event]:
    """Return visits that come, look around, copy or tap their number, and leave; some come again."""
    chance, at = Random(seed), 0.0
    events: list[Event] = []
    over: dict[str, float] = {}
    for place in range(visits):
        at += round(chance.expovariate(1 / pause) * 4) / 4 + 0.25
        source, campaign = chance.choice(CAMPAIGNS)
        old = str(chance.randrange(place)) if place > 5 and chance.random() < 0.2 else ""
        # A browser is in one visit at a time.
        is_returning = over.get(old, at) < at
        visitor = old if is_returning else str(place)
        name = f"v{place}"
        events.append(
            VisitBegins(
                at=at, visit=name, visitor=visitor, campaign=campaign, source=source, device="desktop",
                region=REGIONS[place % len(REGIONS)], returning=is_returning,
            )
        )  # fmt: skip
        sign, last = Sign(at=at, visit=name, kind="seen"), at
        for _ in range(chance.randrange(5)):
            last += chance.choice([5.0, 20.25, 45.5, 60.0])
            kind = chance.choice(["seen", "page", "contact", "copy", "tap", "form"])
            contact, phone = kind == "contact", f"+3934712{place:05d}" if kind == "form" else ""
            kind = "page" if contact else kind
            events.append(replace(sign, at=last, kind=kind, contact=contact, phone=phone))
        if chance.random() < 0.8:
            last += chance.choice([1.0, 8.0, 33.0])
            events.append(replace(sign, at=last, kind="leave"))
        over[visitor] = last
    return sorted(events, key=lambda event: event.at)


class Live:
    """Plays events as pages do, over HTTP, at the moments they tell."""

    def __init__(self, services: Services, numbers: int) -> None:
        self.now = 0.0
        self.company: Company = make_company(services, numbers=numbers, lease_seconds=75, cooldown_seconds=0)
        without_overflow(services, self.company)
        settings = services.settings.model_copy(update={"region_header": "X-Region"})
        app = edge_app(
            replace(services, settings=settings),
            2,
            Admission(UNLIMITED),
            moment=lambda: BEGIN + timedelta(seconds=self.now),
        )
        self.edge = Edge(app.test_client(), app.extensions["edge.connections"])
        order = sorted(zip(self.company.number_ids, self.company.numbers, strict=True))
        self.places = {e164: place for place, (_, e164) in enumerate(order)}
        self.visits: dict[str, dict[str, Any]] = {}
        self.visitors: dict[str, str] = {}

    def play(self, event: Event) -> int | None:
        """Tell the edge; returns the place of the number a visit was shown."""
        self.now = event.at
        if isinstance(event, VisitBegins):
            words = {"source": event.source, "medium": "cpc", "campaign": event.campaign}
            known = self.visitors.get(event.visitor, "")
            body = {"u": self.company.origin + "/", "v": known, "m": words}
            reply = self.edge.post("/v1/visit", self.company, body, X_Region=event.region)
            assert reply.status_code == 200, reply.text
            answer = dict(reply.get_json())
            self.visits[event.visit], self.visitors[event.visitor] = answer, answer["v"]
            return self.places[shown(answer)]
        assert isinstance(event, Sign)
        known_as = self.visits[event.visit]
        if event.kind in ("copy", "tap"):
            body = {"s": known_as["s"], "n": known_as["n"][0]["n"], "w": event.kind}
            reply = self.edge.post("/v1/tap", self.company, body)
        elif event.kind == "form":
            body = {"v": known_as["v"], "s": known_as["s"], "f": [event.phone]}
            reply = self.edge.post("/v1/form", self.company, body)
        else:
            path = "/kontakt" if event.contact else "/"
            reply = self.edge.beat(self.company, known_as, path, is_left=event.kind == "leave")
        assert reply.status_code == 204, "nobody loses a number who looks at it"
        return None

    def call(self, desk: Desk, place: int, caller: str, at: float) -> Attribution:
        """Ring the number of that place; returns the verdict."""
        number_id = sorted(zip(self.company.number_ids, self.company.numbers, strict=True))[place][0]
        moment = BEGIN + timedelta(seconds=at)
        call = make_call(desk.services, self.company, number_id=number_id, at=moment, caller=caller)
        with desk.services.db.tenant(self.company.id) as session:
            know_caller(session, self.company.id, call.id)
        return desk.judge(call)


@pytest.mark.parametrize(("seed", "numbers", "pause"), [(1, 4, 15.0), (2, 12, 8.0)])
def test_live_shows_what_replay_shows(services: Services, seed: int, numbers: int, pause: float) -> None:
    events = world(seed, 160, pause)
    live = Live(services, numbers)
    numbered = [place for event in events if (place := live.play(event)) is not None]
    replayed = list(replay(iter(events), Replay(numbers)))
    assert numbered == [line["number"] for line in replayed]
    assert {line["shared"] for line in replayed} == {True, False}
    assert len(set(numbered)) == numbers
    live.edge.connections.close()


def test_calls_from_regions_are_judged_live_as_in_replay(services: Services) -> None:
    """The region of a visit comes in by a header of a trusted proxy, that of a caller by its number."""
    chance, numbers = Random(7), 4
    # A worker tells of forms; tests/attribution/test_live_is_replay.py has them.
    events = [
        replace(one, kind="seen", phone="") if isinstance(one, Sign) and one.kind == "form" else one
        for one in world(5, 60, 20.0)
    ]
    live, told = Live(services, numbers), Replay(numbers, learn_until=0.0)
    desk = Desk(services, live.company)
    judged = said_same = 0
    for event in events:
        live.play(event)
        told.play(event)
        if chance.random() > 0.1:
            continue
        place, caller = chance.randrange(numbers), chance.choice(PHONES).format(chance.randrange(3))
        at = event.at + 3.0
        line = told.play(
            CallComes(
                at=at, call=f"c{judged}", caller=caller, region=region_of_phone(caller), dials_visit=None,
                dials_number=place,
            )
        )  # fmt: skip
        row, called = live.call(desk, place, caller, at), line or {}
        assert {UUID(one[0]): one[3] for one in row.candidates} == pytest.approx(
            {UUID(live.visits[one["visit"]]["s"]): one["p"] for one in called["candidates"]}, abs=1e-6
        )
        assert row.p_nobody == pytest.approx(called["p_nobody"], abs=1e-6)
        judged += 1
        said_same += "same_region" in {one.code for one in reasons_of(row.reasons)}
    assert judged > 10
    assert said_same > 1
    live.edge.connections.close()
