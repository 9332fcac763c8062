"""A platform that asks for a pause with an answer of 200 or 400 is left alone as one that answers 429."""

from datetime import timedelta

import pytest

from calltrack.delivery.model import DestinationAccount
from calltrack.sandbox.platforms.accounts import SETTINGS
from tests.delivery.world import World


@pytest.mark.parametrize(
    ("kind", "target", "step", "wait"),
    [("tiktok", "tiktok", "reason:40100", timedelta(minutes=1)), ("meta", "meta", "reason:80004", None)],
)
def test_an_account_that_is_throttled_is_asked_nothing_more(
    world: World, kind: str, target: str, step: str, wait: timedelta | None
) -> None:
    throttled, other = world.connect(kind, SETTINGS[kind](world.origin)), world.webhook()
    world.conversions(3)
    world.faults(step, target=target)
    world.deliver(throttled)
    world.conversions(2)
    asked = len(world.door.asked)
    world.deliver(throttled)
    assert len(world.door.asked) == asked
    with world.services.db.tenant(world.company.id) as session:
        account = session.get_one(DestinationAccount, (world.company.id, throttled))
        assert account.held_until is not None
        assert account.status == "active"
        if wait is not None:
            assert account.held_until - world.now() > wait - timedelta(seconds=20)
    world.deliver(other)
    assert len(world.door.asked) > asked
    world.later(minutes=30)
    world.deliver(throttled)
    assert len(world.effects(kind)) == 5
