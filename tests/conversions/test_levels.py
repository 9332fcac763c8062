"""How far calls could be attributed, for any period and filter."""

import pytest
from sqlalchemy import update

from calltrack.attribution.model import Attribution
from calltrack.conversions.call_log import CallFilter
from calltrack.conversions.levels import Levels, levels
from calltrack.wiring import Services
from tests.attribution.desk import DAY, MINUTE, Desk
from tests.builders import NOON, Company

LEVELS = ("visit", "visit", "campaign", "source", "unknown", "unknown")


@pytest.fixture
def desk(services: Services, company: Company) -> Desk:
    desk = Desk(services, company)
    calls = []
    for place in range(len(LEVELS)):
        desk.shown(place % 2, place * DAY + MINUTE)
        calls.append(desk.call(place % 2, place * DAY, outcome="answered" if place else "missed"))
    for call in calls:
        desk.judge(call)
    with services.db.tenant(company.id) as session:
        for place, level in enumerate(LEVELS):
            of = update(Attribution).where(Attribution.call_id == calls[place].id)
            session.execute(of.values(level=level, source="bing" if place == 2 else "google"))
    return desk


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (CallFilter(), (2, 1, 1, 2)),
        (CallFilter(since=NOON - 3 * DAY - MINUTE), (2, 1, 1, 0)),
        (CallFilter(since=NOON - 9 * DAY, until=NOON - DAY), (0, 1, 1, 2)),
        (CallFilter(outcome="missed"), (1, 0, 0, 0)),
        (CallFilter(outcome="waiting"), (0, 0, 0, 0)),
        (CallFilter(source="bing"), (0, 1, 0, 0)),
        (CallFilter(brought="none", since=NOON - 9 * DAY), (2, 1, 1, 2)),
    ],
)
def test_each_call_counts_once_at_its_finest_level(
    desk: Desk, wanted: CallFilter, expected: tuple[int, int, int, int]
) -> None:
    with desk.services.db.tenant(desk.company.id) as session:
        found = levels(session, desk.services.vault, desk.company.id, wanted)
    assert (found.visit, found.campaign, found.source, found.unknown) == expected
    assert not found.is_cut


def test_shares_are_of_all_calls_and_none_of_none() -> None:
    assert Levels(visit=3, unknown=1).shares() == {"visit": 0.75, "campaign": 0, "source": 0, "unknown": 0.25}
    assert Levels().share("visit") is None
    assert Levels(campaign=2).calls == 2
