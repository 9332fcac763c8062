"""What answers do to deliveries: real ledger, real door, twins over sockets."""

from tests.delivery.world import World


def test_a_conversion_reaches_both_destinations_and_counts_once(world: World) -> None:
    google, webhook = world.google(), world.webhook()
    world.conversions()
    assert world.states() == ["pending", "pending"]
    assert world.deliver(google) == 1
    assert world.deliver(webhook) == 1
    assert sorted(world.states()) == ["accepted", "confirmed"]
    world.later(seconds=1)
    assert world.poll(google) == 1
    assert world.states() == ["confirmed", "confirmed"]
    assert [effect["values"] for effect in world.effects()] == [[850.0]]
    assert [effect["values"] for effect in world.effects("webhook")] == [[850.0]]
    assert (world.deliver(google), world.deliver(webhook), world.poll(google)) == (0, 0, 0)
    assert world.unaccounted() == 0
