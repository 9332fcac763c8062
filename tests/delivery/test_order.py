"""An adjustment never arrives before its original (I5), and the newest value stands last."""

import random

import pytest

from tests.delivery.world import World

STEPS = ["ok", "503", "timeout-after-processing:2", "drop-connection", "drop-after-processing", "garbage"]


def test_a_change_waits_until_its_original_is_taken(world: World) -> None:
    google = world.google()
    (first,) = world.conversions()
    world.change(first, "restate", 90_000)
    world.faults("503")
    world.deliver(google)
    assert world.states() == ["pending", "pending"]
    assert [row.attempts for row in world.rows()] == [1, 0]
    for _ in range(3):
        world.later(seconds=20)
        world.deliver(google)
    assert world.states() == ["accepted", "accepted"]
    assert [effect["values"] for effect in world.effects()] == [[850.0, 900.0]]


def test_a_change_to_a_rejected_original_is_withheld_and_says_why(world: World) -> None:
    google = world.google()
    (first,) = world.conversions()
    world.faults("reason:EVENT_TIME_INVALID")
    world.deliver(google)
    world.change(first, "restate", 90_000)
    world.deliver(google)
    assert world.states() == ["rejected", "withheld"]
    assert "was not sent" in world.rows()[1].explanation
    assert world.unaccounted() == 0


def test_a_change_is_planned_together_with_an_original_that_was_not_yet(world: World) -> None:
    google = world.google()
    (first,) = world.conversions(planned=False)
    world.change(first, "restate", 90_000)
    world.plan([first])
    assert sorted(row.sequence for row in world.rows()) == [0, 1]
    world.deliver(google)
    assert [effect["values"] for effect in world.effects()] == [[850.0, 900.0]]


def test_a_retraction_brings_the_value_to_zero_in_the_conversions_own_currency(world: World) -> None:
    google, webhook = world.google(), world.webhook()
    (first,) = world.conversions(currency="USD")
    world.change(first, "retract", None)
    for destination in (google, webhook):
        world.deliver(destination)
    (effect,) = world.effects()
    assert (effect["values"], effect["currency"]) == ([850.0, 0.0], "USD")
    assert [one["target"] for one in world.effects("webhook")] == [
        "receiver/purchase.created", "receiver/purchase.retracted",
    ]  # fmt: skip


def test_an_original_sent_again_is_followed_once_more_by_its_newer_value(world: World) -> None:
    google = world.google()
    (first,) = world.conversions()
    world.deliver(google)
    world.change(first, "restate", 90_000)
    world.deliver(google)
    world.later(seconds=1)
    world.faults("reason:REQUEST_TOO_OLD", target="status")
    world.poll(google)
    for _ in range(4):
        world.later(seconds=20)
        world.deliver(google)
        world.poll(google)
    assert world.states() == ["confirmed", "confirmed"]
    (effect,) = world.effects()
    assert effect["values"][-1] == 900.0


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_on_the_way_values_arrive_in_their_order(world: World, seed: int) -> None:
    """Random changes, faults and drains: each effect's values are the changes' values, in order."""
    dice = random.Random(seed)
    google = world.google()
    told: dict[str, list[float]] = {}
    firsts = world.conversions(5)
    for row in world.rows():
        told[row.upload_id] = [850.0]
    world.faults(*dice.choices(STEPS, weights=[8, 1, 1, 1, 1, 1], k=12))
    ids = {row.change_id: row.upload_id for row in world.rows()}
    for step in range(20):
        if step < 10:
            first = dice.choice(firsts)
            value = 1_000 * (step + 1)
            world.change(first, "restate", value)
            told[ids[first]].append(value / 100)
        world.later(seconds=dice.choice([1, 40, 400]))
        world.deliver(google)
    for _ in range(40):
        if set(world.states()) == {"accepted"}:
            break
        world.later(seconds=301)
        world.deliver(google)
    assert set(world.states()) == {"accepted"}
    found = {effect["id"]: effect["values"] for effect in world.effects()}
    assert {id_: _without_repeats(values) for id_, values in found.items()} == told
    assert world.unaccounted() == 0


def _without_repeats(values: list[float]) -> list[float]:
    return [value for place, value in enumerate(values) if place == 0 or values[place - 1] != value]
