"""Age limits of platforms: nothing is forgotten, nothing ends in silence."""

from datetime import timedelta

import pytest
from sqlalchemy import text, update

from calltrack.conversions.model import Conversion
from calltrack.delivery import accounts
from calltrack.delivery.model import Delivery
from calltrack.delivery.windows import WindowAtRisk, close_windows, windows_at_risk
from tests.delivery.world import World

AGE = timedelta(days=90)


def at_risk(world: World) -> list[WindowAtRisk]:
    with world.services.db.tenant(world.company.id) as session:
        return windows_at_risk(session, world.company.id, world.now())


def close(world: World) -> int:
    with world.services.db.tenant(world.company.id) as session:
        return close_windows(session, world.company.id, world.now())


def age(world: World, days: float) -> None:
    """Let all conversions have happened so long ago."""
    with world.services.db.tenant(world.company.id) as session:
        session.execute(update(Conversion).values(occurred_at=world.now() - timedelta(days=days)))


def put(world: World, **values: object) -> None:
    with world.services.db.tenant(world.company.id) as session:
        session.execute(update(Delivery).values(**values))


@pytest.mark.parametrize("state", ["pending", "unknown", "parked"])
def test_what_used_half_of_its_time_can_be_asked_for(world: World, state: str) -> None:
    google = world.google()
    world.webhook()
    world.conversions(3)
    put(world, state=state, due_at=None if state == "parked" else world.now())
    age(world, 44.9)
    assert at_risk(world) == []
    age(world, 45.1)
    (found,) = at_risk(world)
    assert (found.destination_id, found.kind, found.count) == (google, "google_data_manager", 3)
    assert timedelta(days=44) < found.first_ends_at - world.now() < timedelta(days=45)


def test_settled_deliveries_and_demo_rows_are_at_no_risk(world: World) -> None:
    google = world.google()
    world.conversions(2)
    age(world, 60)
    put(world, is_demo=True)
    assert at_risk(world) == []
    put(world, is_demo=False)
    world.deliver(google)
    assert world.states() == ["accepted"] * 2
    assert at_risk(world) == []


def test_a_later_change_is_an_event_of_its_own(world: World) -> None:
    google = world.google()
    (first,) = world.conversions()
    world.deliver(google)
    world.change(first, "restate", 90_000)
    age(world, 120)
    assert at_risk(world) == []
    assert close(world) == 0
    world.deliver(google)
    assert world.states() == ["accepted", "accepted"]


def test_too_old_at_an_active_destination_is_refused_in_words_and_never_sent(world: World) -> None:
    google = world.google()
    world.conversions(2)
    age(world, 90.1)
    world.deliver(google)
    assert world.states() == ["rejected"] * 2
    row = world.rows()[0]
    assert "takes nothing older than 90 days" in row.explanation
    assert row.settled_at is not None
    assert row.due_at is None
    assert world.asked("events:ingest") == []
    assert world.unaccounted() == 0


def test_too_old_at_a_paused_destination_is_refused_too(world: World) -> None:
    google = world.google()
    world.conversions(2)
    with world.services.db.tenant(world.company.id) as session:
        accounts.pause(session, world.company.id, google, "Reconnect it.", world.now())
    assert world.states() == ["parked"] * 2
    age(world, 89)
    assert close(world) == 0
    age(world, 90.1)
    assert close(world) == 2
    assert close(world) == 0
    assert world.states() == ["rejected"] * 2
    assert "90 days" in world.rows()[0].explanation
    assert world.unaccounted() == 0


def test_what_may_have_arrived_and_is_too_old_is_left_to_a_person(world: World) -> None:
    google = world.google()
    world.conversions()
    world.faults("drop-after-processing")
    world.deliver(google)
    assert world.states() == ["unknown"]
    age(world, 90.1)
    world.later(minutes=1)
    world.deliver(google)
    (row,) = world.rows()
    assert (row.state, row.due_at) == ("unknown", None)
    assert "may have arrived" in row.explanation
    assert len(world.asked("events:ingest")) == 1
    assert close(world) == 0
    assert world.unaccounted() == 0


def test_the_questions_do_not_read_the_whole_ledger(world: World) -> None:
    google = world.google()
    world.conversions(2)
    with world.services.db.tenant(world.company.id) as session:
        session.execute(
            text(FILL), {"company": world.company.id, "google": google, "now": world.now(), "many": 20_000}
        )
        session.execute(text("UPDATE delivery SET state = 'parked', due_at = NULL WHERE state = 'pending'"))
    with world.services.db.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE delivery"))
    age(world, 60)
    with world.services.db.tenant(world.company.id) as session:
        before = session.scalar(text(READ)) or 0
        found = windows_at_risk(session, world.company.id, world.now())
        assert [one.count for one in found] == [2]
        close_windows(session, world.company.id, world.now())
        assert (session.scalar(text(READ)) or 0) - before < 1_000


READ = "SELECT pg_stat_get_xact_tuples_returned('delivery'::regclass)"
FILL = """
    INSERT INTO delivery (company_id, id, destination_id, conversion_id, change_id, sequence, upload_id,
                          payload, payload_hash, state, planned_at, settled_at)
    SELECT :company, gen_random_uuid(), :google, (SELECT id FROM conversion LIMIT 1), gen_random_uuid(), 0,
           'conv-', '', '', 'confirmed', :now, :now
    FROM generate_series(1, :many)
"""
