"""A purchase without a value waits for its value where the platform demands one, and then goes once."""

import pytest

from calltrack.delivery.by_hand import replay
from calltrack.delivery.model import DestinationAccount
from tests.delivery.everywhere import carried, connect_all
from tests.delivery.world import World


def test_a_value_that_comes_later_sends_the_purchase_with_it_once(world: World) -> None:
    (meta,) = connect_all(world, ["meta"]).values()
    (first,) = world.conversions(value=None, gclids=["Cj0-1"], carrying=carried)
    (row,) = world.rows(meta)
    assert (row.state, row.preflight_code) == ("withheld", "NO_VALUE")
    world.change(first, "restate", 85_000)
    world.deliver(meta)
    assert world.states(meta) == ["confirmed", "withheld"]
    (effect,) = world.effects("meta")
    assert effect["values"] == [850.0]
    world.change(first, "restate", 90_000)
    world.deliver(meta)
    assert world.states(meta) == ["confirmed", "withheld", "withheld"]
    assert len(world.effects("meta")) == 1
    assert world.unaccounted() == 0


def test_a_purchase_that_was_taken_back_is_not_sent_after_all(world: World) -> None:
    (meta,) = connect_all(world, ["meta"]).values()
    (first,) = world.conversions(value=None, gclids=["Cj0-1"], carrying=carried)
    world.change(first, "restate", 85_000, planned=False)
    last = world.change(first, "retract", None, planned=False)
    world.plan([last])
    world.deliver(meta)
    assert set(world.states(meta)) == {"withheld"}
    assert world.effects("meta") == []


def test_a_paused_destination_gets_it_when_it_runs(world: World) -> None:
    (meta,) = connect_all(world, ["meta"]).values()
    (first,) = world.conversions(value=None, gclids=["Cj0-1"], carrying=carried)
    with world.services.db.tenant(world.company.id) as session:
        account = session.get_one(DestinationAccount, (world.company.id, meta))
        account.status, account.status_reason = "paused", "The token is gone."
    world.change(first, "restate", 85_000)
    assert world.states(meta) == ["parked", "withheld"]
    assert world.unaccounted() == 0


def test_what_is_too_old_by_then_stays_kept_back(world: World) -> None:
    (meta,) = connect_all(world, ["meta"]).values()
    (first,) = world.conversions(value=None, gclids=["Cj0-1"], carrying=carried)
    world.later(days=8)
    world.change(first, "restate", 85_000)
    assert world.states(meta) == ["withheld", "withheld"]


def test_a_person_has_it_judged_again_with_the_value_it_has_now(world: World) -> None:
    (meta,) = connect_all(world, ["meta"]).values()
    (first,) = world.conversions(value=None, gclids=["Cj0-1"], carrying=carried)
    world.change(first, "restate", 85_000, planned=False)
    (row,) = world.rows(meta)
    with world.services.db.tenant(world.company.id) as session:
        done = replay(
            session, world.services.vault, world.company.id, [row.id], world.now(), by="anna@prova.test"
        )
    assert done.sent == 1
    world.deliver(meta)
    assert world.effects("meta")[0]["values"] == [850.0]


@pytest.mark.parametrize("kind", ["google_data_manager", "ga4"])
def test_platforms_that_take_it_without_a_value_have_it_at_once(world: World, kind: str) -> None:
    (to,) = connect_all(world, [kind]).values()
    world.conversions(value=None, gclids=["Cj0-1"], carrying=carried)
    world.deliver(to)
    assert world.states(to)[0] in ("confirmed", "accepted")
