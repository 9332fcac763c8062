"""The same visits and calls, told to a replay and stored as rows, are judged the same to the last digits."""

from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from calltrack.attribution import holdings, replay_book, shown
from calltrack.attribution.facts import MOST_HOLDINGS
from calltrack.attribution.replay import Replay
from calltrack.attribution.replay_events import CallComes, Sign, VisitBegins
from calltrack.attribution.telling import know_caller
from calltrack.kernel.ids import new_id
from calltrack.kernel.origin import campaign_key, source_key
from calltrack.kernel.region import region_of_phone
from calltrack.numbers.model import Lease
from calltrack.visits.model import Visit
from calltrack.wiring import Services
from tests.attribution.desk import MINUTE, Desk
from tests.builders import NOON, make_company

SEED, CALLS = 17, 24
CALLERS = (None, "+393470000001", "+390212345678", "+390612345678", "+14155550123")
REGIONS = ("", "IT-25", "IT-62", "US-CA")


@pytest.mark.parametrize("most", [MOST_HOLDINGS, 4])
def test_live_and_replay_judge_alike(services: Services, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Also where a number has had more holders than a call is compared with: both take the newest."""
    for module in (holdings, replay_book, shown):
        monkeypatch.setattr(module, "MOST_HOLDINGS", most)
    desk, chance = Desk(services, make_company(services, numbers=3)), Random(SEED)  # a fixed story
    world = Replay(3, learn_until=0.0)
    visits: dict[str, Visit] = {}
    people: dict[str, UUID] = {}
    minute, judged = 3000, 0
    while judged < CALLS:
        minute -= chance.randint(1, 40)
        at = NOON - minute * MINUTE
        if chance.random() < 0.55 or not visits:
            _visit(desk, world, chance, at.timestamp(), minute, visits, people)
            continue
        told = _call(desk, world, chance, at, minute, list(visits.values())[-8:], list(visits)[-8:])
        _compare(desk, told, visits)
        judged += 1


def _visit(
    desk: Desk, world: Replay, chance: Random, at: float, minute: int, visits: dict[str, Visit],
    people: dict[str, UUID],
) -> None:  # fmt: skip
    name, who, campaign = f"v{len(visits)}", f"p{chance.randint(0, 9)}", f"c{chance.randint(0, 2)}"
    region = REGIONS[len(visits) % len(REGIONS)]
    begun = VisitBegins(
        at=at, visit=name, visitor=who, campaign=campaign_key("google", "cpc", campaign),
        source=source_key("google", "cpc"), device="", region=region, returning=False,
    )  # fmt: skip
    number = (world.play(begun) or {})["number"]
    stayed = chance.choice([5, 40, 200])
    world.play(Sign(at=at + stayed, visit=name, kind="leave"))
    visitor = people.setdefault(who, new_id())
    visit = desk.shown(number, minute * MINUTE, seconds=stayed, campaign=campaign, visitor_id=visitor,
                       region=region or None)  # fmt: skip
    visits[name] = visit
    _seen(desk, visit, left_at=visit.last_seen_at)


def _call(
    desk: Desk, world: Replay, chance: Random, at: datetime, minute: int, visits: list[Visit],
    names: list[str],
) -> dict[str, Any]:  # fmt: skip
    caller, place = chance.choice(CALLERS), chance.randrange(len(names))
    if chance.random() < 0.3:
        phone, told_at = chance.choice(CALLERS[1:]) or "", at - MINUTE / 60
        world.play(Sign(at=told_at.timestamp(), visit=names[place], kind="form", phone=phone))
        desk.typed(visits[place], phone, told_at)
        _seen(desk, visits[place], last_seen_at=told_at, left_at=None)  # A form is a sign of life.
    told = world.play(
        CallComes(
            at=at.timestamp(), call=str(minute), caller=caller, region=region_of_phone(caller),
            dials_visit=names[place], dials_number=None,
        )
    )  # fmt: skip
    assert told is not None
    call = desk.call(told["number"], minute * MINUTE, caller=caller)
    with desk.services.db.tenant(desk.company.id) as session:
        know_caller(session, desk.company.id, call.id)
    return told | {"row": desk.judge(call)}


def _seen(desk: Desk, visit: Visit, **moments: datetime | None) -> None:
    with desk.services.db.tenant(desk.company.id) as session:
        session.execute(update(Lease).where(Lease.visit_id == visit.id).values(**moments))


def _compare(desk: Desk, told: dict[str, Any], visits: dict[str, Visit]) -> None:
    row = told["row"]
    stored = {UUID(one[0]): one[3] for one in row.candidates}
    assert stored == pytest.approx(
        {visits[one["visit"]].id: one["p"] for one in told["candidates"]}, abs=1e-6
    )
    assert row.p_nobody == pytest.approx(told["p_nobody"], abs=1e-6)
    assert row.by_campaign == pytest.approx(told["by_campaign"], abs=1e-6)
