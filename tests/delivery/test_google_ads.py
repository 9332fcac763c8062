"""The ledger over Google's own client: one effect each, row by row, changes after their original."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from calltrack.destinations.google_ads_client import GoogleAdsTransport
from calltrack.destinations.sending import Courier
from calltrack.sandbox.platforms.accounts import google_ads_settings
from tests.delivery.world import World
from tests.plain import PLAIN

HOUR = timedelta(hours=1)


@pytest.fixture
def ads(world: World) -> World:
    """The world with a short patience for the client; the twin has loaded Google's messages already."""
    PLAIN.get(f"{world.origin}/sandbox/google-ads/endpoint", timeout=30).raise_for_status()
    world.courier = Courier(world.door, google_ads=GoogleAdsTransport(world.door, total_seconds=2))
    return world


def told(world: World) -> list[tuple[str, list[float], bool]]:
    return [(one["id"], one["values"], one["retracted"]) for one in world.effects("google_ads")]


def test_five_hundred_rows_with_three_bad_ones_are_one_request(ads: World) -> None:
    to = ads.connect("google_ads", google_ads_settings(ads.origin))
    gclids = [f"g{n}" for n in range(500)]
    for bad in (7, 100, 499):
        gclids[bad] = f"INVALID{bad}"
    ads.conversions(500, gclids=gclids)
    assert ads.deliver(to) == 500
    states = ads.states(to)
    assert (states.count("confirmed"), states.count("rejected")) == (497, 3)
    refused = [row.explanation for row in ads.rows(to) if row.state == "rejected"]
    assert all("Google cannot read the click id." in words for words in refused)
    counts = PLAIN.get(f"{ads.origin}/sandbox/platforms/effects").json()["counts"]
    assert (counts["google_ads.requests"], counts["google_ads.counted"]) == (1, 497)
    assert ads.unaccounted() == 0


def test_a_time_out_after_processing_leads_to_one_effect(ads: World) -> None:
    to = ads.connect("google_ads", google_ads_settings(ads.origin))
    ads.conversions(3)
    ads.faults("timeout-after-processing:4", target="google_ads")
    ads.deliver(to)
    assert set(ads.states(to)) == {"unknown"}
    assert len(told(ads)) == 3
    ads.later(minutes=5)
    ads.deliver(to)
    ads.deliver(to)
    assert set(ads.states(to)) == {"confirmed"}
    assert len(told(ads)) == 3


def test_a_new_value_and_a_refund_arrive_after_the_purchase_in_order(ads: World) -> None:
    to = ads.connect("google_ads", google_ads_settings(ads.origin))
    (first,) = ads.conversions(1)
    ads.change(first, "restate", 90_000)
    ads.later(seconds=1)
    ads.change(first, "retract", None)
    for _ in range(3):
        ads.deliver(to)
        ads.later(seconds=5)
    assert ads.states(to) == ["confirmed"] * 3
    ((_, values, retracted),) = told(ads)
    assert (values, retracted) == ([850.0, 900.0], True)


def test_an_account_google_does_not_allow_pauses_and_says_what_to_do(ads: World) -> None:
    to = ads.connect("google_ads", google_ads_settings(ads.origin))
    ads.conversions(2)
    ads.faults("reason:CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE", target="google_ads")
    ads.deliver(to)
    account = ads.account(to)
    assert account.status == "paused"
    assert 'Connect this account under "Google Ads" (the Data Manager API) instead' in account.status_reason
    assert set(ads.states(to)) == {"parked"}


def test_a_recent_click_waits_six_hours_and_then_counts(ads: World) -> None:
    to = ads.connect("google_ads", google_ads_settings(ads.origin))
    ads.conversions(1)
    ads.faults(modes={"too_recent_click": True})
    ads.deliver(to)
    ads.faults(modes={"too_recent_click": False})
    (row,) = ads.rows(to)
    assert row.state == "pending"
    assert row.due_at is not None
    assert timedelta(hours=5, minutes=59) < row.due_at - ads.now() <= 6 * HOUR
    ads.later(hours=6, seconds=1)
    ads.deliver(to)
    assert ads.states(to) == ["confirmed"]


def test_a_change_google_never_heard_of_is_given_up_after_a_day(ads: World) -> None:
    to = ads.connect("google_ads", google_ads_settings(ads.origin))
    (first,) = ads.conversions(1)
    ads.deliver(to)
    PLAIN.delete(f"{ads.origin}/sandbox/platforms/effects").raise_for_status()
    ads.change(first, "retract", None)
    tries = 0
    while ads.states(to)[-1] == "pending" and tries < 9:
        ads.deliver(to)
        ads.later(hours=6, seconds=1)
        tries += 1
    assert (ads.states(to)[-1], tries) == ("rejected", 5)
    with ads.services.db.tenant(ads.company.id) as session:
        said = session.scalar(
            text("SELECT explanation FROM delivery ORDER BY planned_at DESC, id DESC LIMIT 1")
        )
    assert "Given up after 5 tries." in (said or "")
