"""What answers do to deliveries: real ledger, real door, twins over sockets."""

from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest
from sqlalchemy import update

from calltrack.delivery.accounts import resume
from calltrack.delivery.model import Delivery
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


@pytest.mark.parametrize(
    ("step", "state", "class_", "attempts", "wait"),
    [
        ("ok", "accepted", "ACCEPTED", 1, 0.5),
        ("503", "pending", "LATER", 1, 5),
        ("500", "pending", "LATER", 1, 5),
        ("429:Retry-After=120", "pending", "LATER", 1, 120),
        ("drop-connection", "unknown", "UNKNOWN", 1, 5),
        ("drop-after-processing", "unknown", "UNKNOWN", 1, 5),
        ("timeout:3", "unknown", "UNKNOWN", 1, 5),
        ("timeout-after-processing:3", "unknown", "UNKNOWN", 1, 5),
        ("garbage", "unknown", "UNKNOWN", 1, 5),
        ("403", "parked", "CONFIG", 0, None),
        ("reason:NOT_ALLOWLISTED", "parked", "CONFIG", 0, None),
        ("reason:CONVERSION_ACTION_TOO_RECENTLY_CREATED", "pending", "LATER", 1, 21_600),
        ("reason:EVENT_TIME_INVALID", "rejected", "ROW", 1, None),
        ("reason:REQUIRED_FIELD_MISSING", "rejected", "BUG", 1, None),
    ],
)
def test_each_answer_leads_to_its_state(
    world: World, step: str, state: str, class_: str, attempts: int, wait: float | None
) -> None:
    google = world.google()
    world.conversions()
    world.faults(step)
    before = world.now()
    world.deliver(google)
    (row,) = world.rows()
    assert (row.state, row.last_class, row.attempts) == (state, class_, attempts)
    assert row.explanation
    if wait is None:
        assert row.due_at is None
    else:
        assert row.due_at is not None
        assert timedelta(seconds=wait) <= row.due_at - before < timedelta(seconds=wait + 60)
    (attempt,) = world.attempts(row.id)
    assert (attempt.step, attempt.class_, attempt.finished_at is not None) == ("send", class_, True)
    assert len(attempt.request_hash) == 32
    assert world.unaccounted() == 0
    if state in ("pending", "unknown"):
        world.later(seconds=wait or 0)
        world.later(seconds=1)
        world.deliver(google)
        assert world.states() == ["accepted"]
        assert [effect["values"] for effect in world.effects()] == [[850.0]]


def test_identical_bytes_go_out_at_every_attempt(world: World) -> None:
    google = world.google()
    world.conversions()
    world.faults("503", "timeout-after-processing:3")
    for _ in range(3):
        world.deliver(google)
        world.later(minutes=1)
    (row,) = world.rows()
    tries = world.attempts(row.id)
    assert [one.class_ for one in tries] == ["LATER", "UNKNOWN", "ACCEPTED"]
    assert len({one.request_hash for one in tries}) == 1
    assert [effect["received"] for effect in world.effects()] == [2]


def test_nothing_is_asked_of_a_platform_before_its_retry_after_is_over(world: World) -> None:
    google = world.google()
    world.conversions()
    world.faults("429:Retry-After=2")
    world.deliver(google)
    refused_at = datetime.now(UTC)
    # Another conversion of the same account must not knock either.
    world.conversions()
    end = monotonic() + 10
    while world.states() != ["accepted", "accepted"] and monotonic() < end:
        world.deliver(google)
    assert world.states() == ["accepted", "accepted"]
    first, *later = world.asked("events:ingest")
    assert first < refused_at
    assert min(later) - first >= timedelta(seconds=2)


def test_an_unwell_platform_is_probed_by_one_delivery_and_all_follow_when_it_is_back(world: World) -> None:
    google = world.google()
    world.conversions(20)
    world.faults(*["503"] * 9)
    for _ in range(9):
        world.deliver(google)
        world.later(seconds=301)
    assert [row.attempts for row in world.rows()].count(1) >= 11
    assert world.account(google).unwell == 9
    world.deliver(google)
    assert set(world.states()) == {"accepted"}
    assert world.account(google).unwell == 0
    assert len(world.asked("events:ingest")) == 9 + 2
    assert len(world.effects()) == 20


def spoil(world: World, places: list[int]) -> None:
    """Give these frozen events an id that Google refuses, as a bug of ours would."""
    rows = world.rows()
    with world.services.db.tenant(world.company.id) as session:
        for place in places:
            row = rows[place]
            broken = row.payload.replace(row.upload_id.encode(), b"12345")
            session.execute(update(Delivery).where(Delivery.id == row.id).values(payload=broken))


def test_named_rows_of_a_refused_request_are_taken_out_and_the_rest_goes_at_once(world: World) -> None:
    google = world.google()
    world.conversions(500)
    bad = [17, 230, 499]
    spoil(world, bad)
    world.deliver(google)
    states = world.states()
    assert [index for index, state in enumerate(states) if state == "rejected"] == bad
    assert states.count("accepted") == 497
    assert len(world.asked("events:ingest")) <= len(bad) + 2
    assert len(world.effects()) == 497
    good = world.rows()[0]
    assert good.attempts == 1
    assert [one.class_ for one in world.attempts(good.id)] == ["AGAIN", "ACCEPTED"]
    assert all(world.rows()[place].explanation for place in bad)
    assert world.unaccounted() == 0


def test_rows_that_nobody_names_are_found_by_halves(world: World) -> None:
    google = world.google()
    world.conversions(64)
    world.faults("413", "413", "413")
    world.deliver(google)
    assert set(world.states()) == {"accepted"}
    assert len(world.effects()) == 64
    assert {row.attempts for row in world.rows()} == {1}


def test_a_withdrawn_sign_in_pauses_the_destination_burns_nothing_and_resume_drains_in_order(
    world: World,
) -> None:
    google = world.google()
    world.conversions(3)
    world.faults("invalid_grant", target="oauth")
    world.deliver(google)
    assert [(row.state, row.attempts) for row in world.rows()] == [("parked", 0)] * 3
    account = world.account(google)
    assert account.status == "paused"
    assert "Connect the Google account again" in account.status_reason
    assert world.asked("events:ingest") == []
    world.conversions(2)
    assert world.deliver(google) == 0
    assert world.states() == ["parked"] * 5
    assert world.unaccounted() == 0
    with world.services.db.tenant(world.company.id) as session:
        resume(session, world.company.id, google, world.now())
    world.deliver(google)
    assert [(row.state, row.attempts) for row in world.rows()] == [("accepted", 1)] * 5
    assert [effect["id"] for effect in world.effects()] == [row.upload_id for row in world.rows()]


def test_a_broken_destination_does_not_delay_another(world: World) -> None:
    google, webhook = world.google(), world.webhook()
    world.conversions(30)
    world.faults(*["timeout:5"] * 50)
    begun = monotonic()
    world.deliver(google)
    world.deliver(google)
    world.deliver(webhook)
    assert monotonic() - begun < 10
    assert set(world.states(webhook)) == {"confirmed"}
    assert set(world.states(google)) == {"unknown"}


@pytest.mark.parametrize(
    ("value", "currency", "expected"),
    [(1, "EUR", 0.01), (85_000, "JPY", 85_000.0), (1_234_567, "BHD", 1234.567),
     (99_999_999_999, "EUR", 999_999_999.99)],
)  # fmt: skip
def test_money_arrives_exact(world: World, value: int, currency: str, expected: float) -> None:
    google, webhook = world.google(), world.webhook()
    world.conversions(value=value, currency=currency)
    world.deliver(google)
    world.deliver(webhook)
    for platform in ("google_data_manager", "webhook"):
        (effect,) = world.effects(platform)
        assert (effect["values"], effect["currency"]) == ([expected], currency)
