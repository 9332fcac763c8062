"""Leases keep workers apart, bring back what a dead one held, and make the late one harmless."""

import threading
from datetime import timedelta
from uuid import UUID

from sqlalchemy import update

from calltrack.delivery import accounts, ledger
from calltrack.delivery.model import Attempt, Delivery
from calltrack.delivery.rules import LEASE, Step
from calltrack.delivery.service import due_destinations
from calltrack.kernel.ids import new_id
from tests.delivery.world import World

DONE = Step("confirmed", None, "DONE", "It counts.")


def claim(world: World, destination: UUID, token: UUID, most: int = 10) -> list[ledger.Claimed]:
    with world.services.db.tenant(world.company.id) as session:
        ledger.expire(session, world.company.id, destination, world.now())
        rows = ledger.claim(session, world.company.id, destination, token, world.now(), most)
        return ledger.note(session, world.company.id, rows, [b"hash"] * len(rows), world.now())


def settle(world: World, rows: list[ledger.Claimed], token: UUID, step: Step = DONE) -> int:
    with world.services.db.tenant(world.company.id) as session:
        steps = {row.id: step for row in rows}
        return ledger.settle(session, world.company.id, token, steps, {}, len(rows), world.now())


def test_a_claimed_row_is_nobody_elses_until_its_lease_ends(world: World) -> None:
    google, first, second = world.google(), new_id(), new_id()
    world.conversions(3)
    mine = claim(world, google, first)
    assert len(mine) == 3
    assert claim(world, google, second) == []
    world.shift += LEASE - timedelta(seconds=5)
    assert claim(world, google, second) == []
    world.later(seconds=10)
    theirs = claim(world, google, second)
    assert {row.id for row in theirs} == {row.id for row in mine}
    assert [row.number for row in theirs] == [2, 2, 2]
    lost, taken = world.attempts(mine[0].id)
    assert (lost.class_, taken.class_) == ("UNKNOWN", None)


def test_a_late_worker_changes_nothing(world: World) -> None:
    google, first, second = world.google(), new_id(), new_id()
    world.conversions()
    mine = claim(world, google, first)
    world.shift += LEASE + timedelta(seconds=1)
    theirs = claim(world, google, second)
    rejected = Step("rejected", None, "ROW", "No.")
    assert settle(world, mine, first, rejected) == 0
    with world.services.db.tenant(world.company.id) as session:
        assert ledger.keep(session, world.company.id, mine, first, world.now()) == []
        ledger.give_back(session, world.company.id, mine, first, world.now())
    assert world.states() == ["sending"]
    assert settle(world, theirs, second) == 1
    assert world.states() == ["confirmed"]


def test_workers_at_once_send_each_conversion_once(world: World) -> None:
    webhook = world.webhook()
    world.conversions(60)
    workers = [threading.Thread(target=world.deliver, args=(webhook,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert world.states() == ["confirmed"] * 60
    assert [effect["received"] for effect in world.effects("webhook")] == [1] * 60


def test_what_was_claimed_and_not_sent_is_given_back_as_if_it_never_was(world: World) -> None:
    webhook = world.webhook()
    world.conversions(30)
    world.faults("503", target="webhook")
    world.deliver(webhook)
    rows = world.rows()
    # Eight requests leave at once; one of them finds the platform unwell, so none follows it. Some of the
    # other seven may already have been followed by their next.
    tried = sum(row.attempts for row in rows)
    assert 1 <= tried < 30
    assert [row.attempts for row in rows] == [1] * tried + [0] * (30 - tried)
    assert [len(world.attempts(row.id)) for row in rows] == [row.attempts for row in rows]
    assert [row.last_class for row in rows].count("LATER") == 1
    assert sorted(row.state for row in rows) == ["confirmed"] * (tried - 1) + ["pending"] * (31 - tried)
    assert world.unaccounted() == 0


def test_an_unknown_outcome_past_the_platforms_memory_is_left_to_a_person(world: World) -> None:
    google = world.google()
    world.conversions(2)
    old, young = world.rows()
    tried = {old.id: world.now() - timedelta(hours=49), young.id: world.now() - timedelta(hours=1)}
    with world.services.db.tenant(world.company.id) as session:
        session.execute(update(Delivery).values(state="unknown"))
        for id_, at in tried.items():
            session.add(
                Attempt(
                    company_id=world.company.id, delivery_id=id_, number=1, step="send", started_at=at,
                    request_hash=b"",
                )
            )  # fmt: skip
        session.flush()
        window = timedelta(hours=48)
        place = (session, world.company.id, google, window, world.now())
        assert ledger.strand(*place, lambda payload: True) == 0
        assert ledger.strand(*place, lambda payload: payload != old.payload) == 1
    stranded, kept = world.rows()
    assert (stranded.state, stranded.due_at) == ("unknown", None)
    assert "count it twice" in stranded.explanation
    assert kept.due_at is not None


def test_the_sweep_names_what_is_due_and_leaves_out_paused_and_held(world: World) -> None:
    google, webhook = world.google(), world.webhook()

    def due() -> set[tuple[UUID, bool]]:
        with world.services.db.system() as system:
            found = due_destinations(system, world.now())
        return {(place, is_poll) for company, place, is_poll in found if company == world.company.id}

    assert due() == set()
    world.conversions()
    assert due() == {(google, False), (webhook, False)}
    world.deliver(google)
    world.later(seconds=1)
    assert due() == {(google, True), (webhook, False)}
    world.faults("503", target="webhook")
    world.deliver(webhook)
    assert due() == {(google, True)}
    world.later(seconds=6)
    assert due() == {(google, True), (webhook, False)}
    with world.services.db.tenant(world.company.id) as session:
        for destination in (google, webhook):
            accounts.pause(session, world.company.id, destination, "Stop.", world.now())
    assert due() == set()
