"""The daily comparison with each platform's own counters, at twins that are honest or count fewer."""

from datetime import UTC
from uuid import UUID

import pytest
from sqlalchemy import select

from calltrack.delivery import tallies
from calltrack.delivery.notices import open_notices, problems_of, raise_and_resolve
from calltrack.delivery.receipts import MOST_RECEIPTS
from calltrack.delivery.tallies import TallyRow
from calltrack.destinations import DESTINATIONS
from calltrack.destinations.google_ads_client import GoogleAdsTransport
from calltrack.destinations.sending import Courier
from calltrack.infra.outbox import Fact
from tests.delivery.everywhere import connect_all, conversions
from tests.delivery.world import World
from tests.plain import PLAIN

TELLING = ("google_data_manager", "google_ads", "meta", "microsoft")


@pytest.fixture
def open_world(world: World) -> World:
    """The world with a patient google-ads client; its twin has loaded Google's messages already."""
    PLAIN.get(f"{world.origin}/sandbox/google-ads/endpoint", timeout=30).raise_for_status()
    world.courier = Courier(world.door, google_ads=GoogleAdsTransport(world.door, total_seconds=5))
    return world


def next_morning(world: World) -> None:
    """Go to the day after, when the day of the test is over for long enough."""
    world.later(days=1, hours=4 - world.now().astimezone(UTC).hour)


def settle(world: World, to: UUID) -> None:
    world.deliver(to)
    world.later(seconds=1)
    world.poll(to)


def compare(world: World, to: UUID) -> TallyRow:
    tallies.compare(world.services, world.company.id, to, courier=world.courier)
    with world.services.db.tenant(world.company.id) as session:
        return tallies.tallies(session, world.company.id, to)[0]


def told(world: World) -> list[str]:
    """Return what the notices of the company say now."""
    with world.services.db.tenant(world.company.id) as session:
        found = list(problems_of(session, world.company.id, world.now()))
        raise_and_resolve(session, world.company.id, found, world.now())
        return [one.text for one in open_notices(session, world.company.id)]


def test_these_platforms_tell_counts_and_no_others() -> None:
    assert tuple(name for name in DESTINATIONS if tallies.tells_counts(name)) == TELLING


@pytest.mark.parametrize("kind", TELLING)
def test_a_twin_that_counts_fewer_is_found_out(open_world: World, kind: str) -> None:
    world = open_world
    (to,) = connect_all(world, [kind]).values()
    conversions(world, 12)
    settle(world, to)
    assert set(world.states(to)) == {"confirmed"}
    next_morning(world)
    honest = compare(world, to)
    assert (honest.sent, honest.difference) == (12, 0)
    assert told(world) == []
    world.faults(modes={"counts_fewer": 4})
    row = compare(world, to)
    assert (row.sent, row.confirmed, row.difference) == (12, 12, -4)
    assert row.counted == (None if kind == "meta" else 8)
    (words,) = told(world)
    assert "has 4 fewer conversions than were sent" in words
    world.faults(modes={"counts_fewer": 0})
    assert compare(world, to).difference == 0
    assert told(world) == []


def test_each_receipt_is_compared_with_what_left_with_it(world: World) -> None:
    to = world.google()
    world.conversions(4, gclids=["a", "INVALID-b", "c", "d"])
    settle(world, to)
    world.conversions(3)
    settle(world, to)
    next_morning(world)
    row = compare(world, to)
    assert (row.sent, row.confirmed, row.rejected) == (7, 6, 1)
    assert (row.received, row.counted, row.refused, row.difference) == (7, 6, 1, 0)
    assert row.note == "Counted over the day's 2 receipts."


def test_a_conversion_sent_again_is_compared_once_under_its_newest_receipt(world: World) -> None:
    to = world.google()
    world.conversions(3)
    world.faults(modes={"too_recent_click": True})
    settle(world, to)
    assert set(world.states(to)) == {"pending"}
    world.faults(modes={"too_recent_click": False, "report_duplicates": True})
    world.later(hours=6, minutes=1)
    settle(world, to)
    assert set(world.states(to)) == {"confirmed"}
    next_morning(world)
    row = compare(world, to)
    assert (row.sent, row.received, row.counted, row.difference) == (3, 3, 3, 0)
    assert told(world) == []


def test_what_is_still_processed_is_received_and_not_missing(world: World) -> None:
    to = world.google()
    world.faults(modes={"processing_seconds": 86_000})
    world.conversions(5)
    settle(world, to)
    next_morning(world)
    row = compare(world, to)
    assert (row.received, row.counted, row.difference) == (5, 0, 0)
    assert row.note == "Counted over the day's 1 receipt; 5 still being processed."


def test_a_day_without_receipts_asks_nothing(world: World) -> None:
    to = world.google()
    next_morning(world)
    row = compare(world, to)
    assert (row.received, row.difference) == (0, 0)
    assert world.asked("requestStatus:retrieve") == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [("503", "could not be read"), ("drop-connection", "did not answer"), ("garbage", "could not be read")],
)
def test_counters_that_do_not_answer_are_asked_again_later(world: World, fault: str, said: str) -> None:
    to = world.google()
    world.conversions(2)
    settle(world, to)
    next_morning(world)
    world.faults(fault, target="status")
    row = compare(world, to)
    assert (row.received, row.counted, row.difference) == (None, None, None)
    assert said in row.note
    world.later(hours=7)
    tallies.ask_for_tallies(world.services)
    with world.services.db.tenant(world.company.id) as session:
        assert list(session.scalars(select(Fact.subject_id).where(Fact.kind == "tally.due"))) == [to]
    assert compare(world, to).difference == 0


def test_a_receipt_that_google_forgot_is_left_out_on_both_sides(world: World) -> None:
    to = world.google()
    for _ in range(2):
        world.conversions(2)
        settle(world, to)
    next_morning(world)
    world.faults("reason:REQUEST_TOO_OLD", target="status")
    row = compare(world, to)
    assert (row.sent, row.confirmed, row.counted, row.difference) == (2, 2, 2, 0)
    assert row.note == "Counted over 1 of the day's 2 receipts."


def test_the_largest_receipts_are_asked_about_first_and_no_more_than_allowed(world: World) -> None:
    to = world.google()
    world.conversions(2)
    settle(world, to)
    world.conversions(3)
    settle(world, to)
    next_morning(world)
    assert MOST_RECEIPTS == 120
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tallies, "MOST_RECEIPTS", 1)
        row = compare(world, to)
    assert (row.sent, row.counted, row.difference) == (3, 3, 0)
    assert row.note == "Counted over 1 of the day's 2 receipts."


def test_the_refresh_token_that_microsoft_changes_at_the_question_is_kept(world: World) -> None:
    (to,) = connect_all(world, ["microsoft"]).values()
    next_morning(world)

    before = world.account(to).secrets
    compare(world, to)
    assert world.account(to).secrets != before
