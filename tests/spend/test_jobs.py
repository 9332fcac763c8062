"""The workers' side: what is due is found, done once, and a repaired destination is read again."""

from datetime import timedelta

import pytest

from calltrack.spend.accounts import stop, wake_after_change
from calltrack.spend.asking import ask_all
from calltrack.spend.look import LostLease, claim
from tests.spend.world import World, campaign, spent
from workers.due import due_jobs
from workers.jobs import Parts
from workers.subscriptions import SUBSCRIPTIONS

M = 1_000_000


def due(world: World) -> list[str]:
    with world.services.db.system() as system:
        jobs = due_jobs(system, world.now())
    ours = str(world.company.id)
    return sorted(job[0] for job in jobs if len(job) > 1 and job[1] == ours and job[0].endswith("_spend"))


def test_what_is_due_is_read_then_matched_then_rests(world: World) -> None:
    world.put(campaigns=[campaign(name="traslochi-roma")], days=[spent(world.day(1), M)])
    account = world.connect()
    assert due(world) == ["match_spend", "read_spend"]
    parts = Parts(world.services)
    parts.run(("read_spend", str(world.company.id), str(account)))
    assert world.costs() == {world.day(1): M}
    assert due(world) == ["match_spend"]
    parts.run(("match_spend", str(world.company.id)))
    while "match_spend" in due(world):
        parts.run(("match_spend", str(world.company.id)))
    assert due(world) == []
    world.later(minutes=11)
    assert due(world) == ["match_spend"]
    world.later(minutes=55)
    assert "read_spend" in due(world)
    with world.services.db.tenant(world.company.id) as session:
        stop(session, world.company.id, account, "test", world.now())
    world.later(days=2)
    assert "read_spend" not in due(world)
    assert world.costs() == {world.day(1 + 2): M}, "what was read stays"


def test_a_repaired_destination_is_read_again(world: World) -> None:
    world.put(campaigns=[campaign()], days=[spent(world.day(1), M)])
    account = world.connect()
    world.faults("403")
    assert not world.read(account)
    row = world.account(account)
    assert (row.status, "read_spend" in due(world)) == ("paused", False)
    assert row.destination_id is not None
    assert wake_after_change in SUBSCRIPTIONS["destination.changed"]
    wake_after_change(world.services, world.company.id, row.destination_id)
    assert world.read(account)
    assert world.account(account).trouble == ""


def test_a_worker_that_lost_the_account_stores_nothing_more(world: World) -> None:
    world.put(campaigns=[campaign()], days=[spent(world.day(1), M)])
    account = world.connect()
    look = claim(world.services, world.company.id, account, world.courier)
    assert look is not None
    world.later(minutes=11)
    assert world.read(account), "its lease is over"
    world.put(campaigns=[campaign()], days=[spent(world.day(1), 9 * M)])
    with pytest.raises(LostLease):
        ask_all(look)
    assert world.costs() == {world.day(1): M}
    due_at = world.account(account).due_at
    assert due_at is not None
    assert due_at > world.now() + timedelta(minutes=50)
