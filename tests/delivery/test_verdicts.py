"""Google's later verdicts: accepted deliveries become confirmed, rejected, or go again."""

from datetime import timedelta

import pytest

from calltrack.delivery.accounts import resume
from tests.delivery.world import World


@pytest.mark.parametrize("counts_only", [False, True])
def test_one_bad_click_among_good_ones_is_rejected_alone(world: World, counts_only: bool) -> None:
    google = world.google()
    world.conversions(9, gclids=["a", "b", "c", "INVALID-d", "e", "f", "g", "h", "i"])
    world.faults(modes={"counts_only": counts_only})
    world.deliver(google)
    for _ in range(6):
        world.later(seconds=30)
        world.poll(google)
    assert world.states() == ["confirmed"] * 3 + ["rejected"] + ["confirmed"] * 5
    bad = world.rows()[3]
    assert bad.explanation
    assert bad.last_class == "ROW"
    assert [one.step for one in world.attempts(bad.id)][-1] == "poll"
    assert len(world.effects()) == 8
    assert world.unaccounted() == 0


def test_a_click_too_recent_goes_again_after_six_hours(world: World) -> None:
    google = world.google()
    world.conversions(2)
    world.faults(modes={"too_recent_click": True})
    world.deliver(google)
    world.later(seconds=1)
    before = world.now()
    world.poll(google)
    assert world.states() == ["pending", "pending"]
    for row in world.rows():
        assert row.due_at is not None
        assert timedelta(hours=6) <= row.due_at - before < timedelta(hours=6, minutes=1)
    world.faults(modes={"too_recent_click": False})
    assert world.deliver(google) == 0
    world.later(hours=6, seconds=30)
    world.deliver(google)
    world.later(seconds=1)
    world.poll(google)
    assert world.states() == ["confirmed", "confirmed"]
    assert len(world.effects()) == 2


def test_a_platform_that_takes_its_time_is_asked_more_and_more_rarely(world: World) -> None:
    google = world.google()
    world.conversions()
    world.faults(modes={"processing_seconds": 3600})
    world.deliver(google)
    waits = []
    for _ in range(14):
        (row,) = world.rows()
        assert row.state == "accepted"
        assert row.due_at is not None
        waits.append((row.due_at - world.now()).total_seconds())
        world.shift += row.due_at - world.now() + timedelta(milliseconds=5)
        assert world.poll(google) == 1
    assert waits[0] <= 0.5
    assert waits[3] < waits[6] < waits[9]
    assert all(595 < wait <= 600 for wait in waits[-2:])
    assert len(world.attempts(row.id)) == 1


@pytest.mark.parametrize(
    ("step", "wait"),
    [("503", 30), ("429:Retry-After=90", 90), ("timeout:3", 30), ("drop-connection", 30), ("garbage", 0)],
)
def test_a_question_without_an_answer_is_asked_again_and_nothing_is_sent(
    world: World, step: str, wait: int
) -> None:
    google = world.google()
    world.conversions(2)
    world.deliver(google)
    world.later(seconds=1)
    world.faults(step, target="status")
    before = world.now()
    world.poll(google)
    assert world.states() == ["accepted", "accepted"]
    due = [row.due_at for row in world.rows()]
    assert all(at is not None and at - before >= timedelta(seconds=wait) for at in due)
    world.later(seconds=wait + 5)
    world.poll(google)
    assert world.states() == ["confirmed", "confirmed"]
    assert len(world.asked("events:ingest")) == 1


def test_a_receipt_google_forgot_leads_to_a_new_one_and_one_effect(world: World) -> None:
    google = world.google()
    world.conversions()
    world.deliver(google)
    world.later(seconds=1)
    world.faults("reason:REQUEST_TOO_OLD", target="status")
    world.poll(google)
    assert world.states() == ["unknown"]
    world.deliver(google)
    world.later(seconds=1)
    world.poll(google)
    assert world.states() == ["confirmed"]
    assert [effect["received"] for effect in world.effects()] == [2]


def test_a_sign_in_lost_before_the_verdict_keeps_what_was_accepted(world: World) -> None:
    google = world.google()
    world.conversions()
    world.deliver(google)
    world.later(hours=2)
    world.faults("invalid_grant", target="oauth")
    world.poll(google)
    assert world.states() == ["accepted"]
    assert world.account(google).status == "paused"
    assert world.poll(google) == 0
    with world.services.db.tenant(world.company.id) as session:
        resume(session, world.company.id, google, world.now())
    assert world.poll(google) == 1
    assert world.states() == ["confirmed"]
    assert len(world.asked("events:ingest")) == 1


def test_a_verdict_about_one_click_parks_it_and_twenty_in_a_row_pause_the_destination(world: World) -> None:
    google = world.google()
    world.conversions(3, gclids=["a", "OTHERACCOUNT-b", "c"])
    world.deliver(google)
    world.later(seconds=1)
    world.poll(google)
    assert world.states() == ["confirmed", "parked", "confirmed"]
    assert world.account(google).status == "active"
    world.conversions(20, gclids=[f"OTHERACCOUNT-{i}" for i in range(20)])
    world.deliver(google)
    world.later(seconds=1)
    world.poll(google)
    assert world.account(google).status == "paused"
    assert world.account(google).status_reason
    assert world.unaccounted() == 0
