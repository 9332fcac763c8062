"""500 conversions with 3 bad ones: 497 count and 3 are explained, whatever a platform's way to say no.

Four ways: row by row · the whole request, naming the row · the whole request, naming none · silence.
"""

import math
from uuid import UUID

import pytest
from sqlalchemy import text

from calltrack.delivery.model import Attempt
from calltrack.destinations import DESTINATIONS
from calltrack.destinations.sending import Courier
from tests.delivery.everywhere import TAKEN, connect_all, conversions
from tests.delivery.test_deliver import spoil
from tests.delivery.world import Door, World

BAD = [17, 230, 499]
COUNT = 500
# The bound of the search by halves: each bad row costs at most two requests a level, and one begins.
BY_HALVES = 2 * len(BAD) * math.ceil(math.log2(COUNT)) + 1
# How many requests each platform's way allows. Asynchronous ones take the request first and judge later.
MOST_REQUESTS = {
    "google_data_manager": 1, "google_ads": 1, "microsoft": 1, "tiktok": 1, "linkedin": len(BAD) + 1,
    "meta": BY_HALVES,
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in DESTINATIONS if DESTINATIONS[name].max_batch > 1])
def test_the_bad_rows_are_explained_and_all_others_count(world: World, name: str) -> None:
    destination = connect_all(world, [name])[name]
    # The Google Ads twin loads its client library at the first request.
    world.courier = Courier(Door(30))
    conversions(world, COUNT, bad=BAD)
    for _ in range(4):
        world.deliver(destination)
        world.later(seconds=40)
        world.poll(destination)
    rows = world.rows(destination)
    assert [place for place, row in enumerate(rows) if row.state == "rejected"] == BAD
    assert all(row.state in TAKEN for place, row in enumerate(rows) if place not in BAD)
    assert all(rows[place].explanation and rows[place].last_class == "ROW" for place in BAD)
    assert len(world.effects(name)) == COUNT - len(BAD)
    assert {one["received"] for one in world.effects(name)} == {1}
    assert requests(world, [row.id for row in rows]) <= MOST_REQUESTS[name]
    assert {row.attempts for row in rows} == {1}
    assert world.unaccounted() == 0


def requests(world: World, ids: list[UUID]) -> int:
    """Count the requests that carried these rows: those of one request share start and body."""
    with world.services.db.tenant(world.company.id) as session:
        found = session.query(Attempt.started_at, Attempt.request_hash).filter(
            Attempt.step == "send", Attempt.delivery_id.in_(ids)
        )
        return len(set(found))


def test_a_request_refused_for_named_rows_costs_one_more(world: World) -> None:
    google = world.google()
    conversions(world, COUNT)
    spoil(world, BAD)
    world.deliver(google)
    assert [place for place, state in enumerate(world.states()) if state == "rejected"] == BAD
    assert len(world.asked("events:ingest")) <= len(BAD) + 1
    assert len(world.effects()) == COUNT - len(BAD)


def test_where_a_platform_is_silent_the_bad_ones_never_leave(world: World) -> None:
    ga4 = connect_all(world, ["ga4"])["ga4"]
    changes = conversions(world, COUNT, planned=False)
    with world.services.db.tenant(world.company.id) as session:
        without = text("""UPDATE visit SET ad_cookies = '{}' WHERE click_ids->>'gclid' LIKE ANY(:marks)""")
        session.execute(without, {"marks": [f"Cj0-{place}-%" for place in BAD]})
    world.plan(changes)
    while world.deliver(ga4):
        pass
    rows = world.rows(ga4)
    assert [place for place, row in enumerate(rows) if row.state == "withheld"] == BAD
    assert all(rows[place].explanation for place in BAD)
    assert [row.state for row in rows].count("confirmed") == COUNT - len(BAD)
    assert len(world.effects("ga4")) == COUNT - len(BAD)
    assert world.unaccounted() == 0
