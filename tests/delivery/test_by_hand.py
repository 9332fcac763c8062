"""What a person does to deliveries, against running twins: one effect whatever is clicked."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from calltrack.accounts.model import AuditEntry
from calltrack.delivery import accounts, by_hand
from calltrack.delivery.by_hand import Replayed
from calltrack.delivery.model import Delivery
from calltrack.kernel.errors import Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.visits.model import Visit
from tests.delivery.world import World


def replay(world: World, *ids: UUID) -> Replayed:
    with world.services.db.tenant(world.company.id) as session:
        return by_hand.replay(
            session, world.services.vault, world.company.id, ids, world.now(), by="anna@example.test"
        )


def values(world: World) -> list[list[float]]:
    return [effect["values"] for effect in world.effects()]


def test_a_refused_conversion_is_sent_again_and_counts_once(world: World) -> None:
    google = world.google()
    world.conversions()
    world.faults("reason:EVENT_TIME_INVALID")
    world.deliver(google)
    (row,) = world.rows()
    assert (row.state, values(world)) == ("rejected", [])
    assert replay(world, row.id) == Replayed(1, {})
    assert world.states() == ["pending"]
    world.deliver(google)
    world.later(seconds=1)
    world.poll(google)
    assert (world.states(), values(world)) == (["confirmed"], [[850.0]])
    assert replay(world, row.id, new_id()) == Replayed(0, {by_hand.COUNTS_ALREADY: 1})
    assert world.unaccounted() == 0
    with world.services.db.tenant(world.company.id) as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "delivery.replayed")).all()
    assert [(one.actor, one.detail["count"]) for one in noted] == [("anna@example.test", 1)]


def test_changes_that_waited_in_vain_follow_their_original(world: World) -> None:
    google = world.google()
    (first,) = world.conversions()
    world.faults("reason:EVENT_TIME_INVALID")
    world.deliver(google)
    world.change(first, "restate", 90_000)
    world.deliver(google)
    assert sorted(world.states()) == ["rejected", "withheld"]
    rejected = next(row for row in world.rows() if row.state == "rejected")
    replay(world, rejected.id)
    for _ in range(3):
        world.deliver(google)
        world.later(seconds=1)
        world.poll(google)
        world.later(minutes=11)
    assert world.states() == ["confirmed", "confirmed"]
    assert values(world) == [[850.0, 900.0]]


def test_what_was_kept_back_is_judged_again(world: World) -> None:
    google = world.google()
    world.conversions()
    with world.services.db.tenant(world.company.id) as session:
        gone = {"state": "withheld", "due_at": None, "settled_at": world.now(), "payload": b""}
        session.execute(update(Delivery).values(**gone))
        session.execute(update(Visit).values(consent={"ad": False}))
    (row,) = world.rows()
    assert replay(world, row.id) == Replayed(0, {by_hand.NEVER: 1})
    (row,) = world.rows()
    assert (row.state, row.preflight, row.preflight_code) == ("withheld", "never", "CONSENT_DENIED")
    with world.services.db.tenant(world.company.id) as session:
        session.execute(update(Visit).values(consent={"ad": True}))
    assert replay(world, row.id) == Replayed(1, {})
    (row,) = world.rows()
    assert row.preflight != "never"
    assert row.payload
    world.later(hours=24)
    world.deliver(google)
    assert values(world) == [[850.0]]


@pytest.mark.parametrize("arrived", [True, False])
def test_a_person_decides_about_an_unknown_outcome(world: World, arrived: bool) -> None:
    google = world.google()
    world.conversions()
    world.faults("timeout-after-processing:3")
    world.deliver(google)
    (row,) = world.rows()
    with world.services.db.tenant(world.company.id) as session:
        session.execute(update(Delivery).values(due_at=None))
    assert row.state == "unknown"
    if arrived:
        with world.services.db.tenant(world.company.id) as session:
            by_hand.settle(session, world.company.id, row.id, world.now(), by="anna@example.test")
        assert world.states() == ["confirmed"]
        with world.services.db.tenant(world.company.id) as session, pytest.raises(Conflict):
            by_hand.settle(session, world.company.id, row.id, world.now(), by="anna@example.test")
    else:
        assert replay(world, row.id).sent == 1
        world.later(minutes=1)
        world.deliver(google)
        assert world.states() == ["accepted"]
        assert {one.request_hash for one in world.attempts(row.id)} == {
            world.attempts(row.id)[0].request_hash
        }
    assert values(world) == [[850.0]]
    assert world.unaccounted() == 0


def test_a_delivery_nobody_has_is_not_settled(world: World) -> None:
    with world.services.db.tenant(world.company.id) as session, pytest.raises(NotFound):
        by_hand.settle(session, world.company.id, new_id(), world.now(), by="anna@example.test")


def test_what_goes_by_itself_or_waits_for_a_person_is_left(world: World) -> None:
    google = world.google()
    world.conversions(3)
    first, second, third = world.rows()
    with world.services.db.tenant(world.company.id) as session:
        session.execute(update(Delivery).where(Delivery.id == third.id).values(
            state="rejected", due_at=None, settled_at=world.now(), is_demo=True))  # fmt: skip
        accounts.pause(session, world.company.id, google, "Paused by Anna.", world.now())
        session.execute(update(Delivery).where(Delivery.id == first.id).values(
            state="pending", due_at=world.now() + timedelta(hours=1)))  # fmt: skip
    assert replay(world, first.id, second.id, third.id) == Replayed(
        0, {by_hand.ON_ITS_WAY: 1, by_hand.PAUSED: 1, by_hand.DEMO: 1}
    )
    assert world.states() == ["pending", "parked", "rejected"]
