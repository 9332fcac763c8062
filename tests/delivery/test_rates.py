"""Request limits of platforms: no request too many, no try burnt, nobody else delayed."""

from datetime import timedelta
from uuid import uuid4

import pytest

from calltrack.destinations import DESTINATIONS
from calltrack.destinations.base import Rate
from calltrack.destinations.google_data_manager import GoogleDataManager
from calltrack.destinations.webhook import WebhookOut
from tests.delivery.world import World


@pytest.fixture
def three_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both platforms take three requests an hour and account, under a key of this test's own."""
    mark = uuid4().hex
    for one in (GoogleDataManager, WebhookOut):
        monkeypatch.setattr(one, "rates", (Rate(3, 3_600),))
        monkeypatch.setattr(one, "account_of", lambda self, settings: mark + str(settings)[:60])


def test_at_the_limit_the_rest_waits_without_a_burnt_try(world: World, three_requests: None) -> None:
    webhook = world.webhook()
    world.conversions(10)
    world.deliver(webhook)
    rows = world.rows()
    assert sorted(row.state for row in rows) == ["confirmed"] * 3 + ["pending"] * 7
    assert [row.attempts for row in rows if row.state == "pending"] == [0] * 7
    assert [len(world.attempts(row.id)) for row in rows if row.state == "pending"] == [0] * 7
    held = world.account(webhook)
    assert held.unwell == 0
    assert held.held_until is not None
    assert timedelta(minutes=55) < held.held_until - world.now() <= timedelta(hours=1)
    assert world.deliver(webhook) == 0
    assert world.unaccounted() == 0


def test_one_account_at_its_limit_delays_no_other(world: World, three_requests: None) -> None:
    first, second = world.webhook(), world.webhook("other")
    world.conversions(3)
    world.deliver(first)
    world.conversions(1)
    assert world.deliver(first) == 0
    world.deliver(second)
    assert world.states(second) == ["confirmed"] * 3 + ["pending"]
    assert world.states(first) == ["confirmed"] * 3 + ["pending"]


def test_two_connections_to_one_account_share_its_limit(world: World, three_requests: None) -> None:
    first, second = world.webhook(), world.webhook()
    world.conversions(2)
    world.deliver(first)
    world.deliver(second)
    assert sorted(world.states()) == ["confirmed"] * 3 + ["pending"]


def test_questions_for_verdicts_count_as_well(world: World, three_requests: None) -> None:
    google = world.google()
    world.conversions()
    world.deliver(google)
    for _ in range(2):
        world.conversions()
        world.deliver(google)
    world.later(seconds=1)
    assert world.poll(google) == 0
    assert world.states() == ["accepted"] * 3
    assert all(row.due_at and row.due_at > world.now() + timedelta(minutes=50) for row in world.rows())
    assert world.asked("requestStatus:retrieve") == []


@pytest.mark.parametrize("name", list(DESTINATIONS))
def test_every_documented_limit_can_be_counted(name: str) -> None:
    for rate in DESTINATIONS[name].rates:
        assert rate.requests >= 1
        assert rate.seconds >= 1
        assert rate.scope in ("account", "platform")
