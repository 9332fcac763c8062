"""Meta's insights and Microsoft's reports against their twins."""

import time
from datetime import timedelta

from tests.spend.world import World, campaign, spent

M = 1_000_000


def test_meta_is_read_page_by_page_and_half_an_answer_counts_for_nothing(world: World) -> None:
    days = [world.day(back) for back in range(30)]
    ids = [str(10_000 + n) for n in range(20)]
    world.put(
        "meta", currency="USD", timezone="America/New_York",
        campaigns=[campaign(id_, f"Campagna {id_}") for id_ in ids],
        days=[spent(day, 1_230_000, id_) for day in days for id_ in ids],
    )  # fmt: skip
    account = world.connect("meta")
    # The account, the first page of 500, then the second one fails.
    world.faults("ok", "ok", "500", target="meta_insights")
    assert not world.read(account)
    row = world.account(account)
    assert (row.status, world.costs()) == ("active", {})
    assert (row.currency, row.timezone) == ("USD", "America/New_York")
    world.later(minutes=6)
    assert world.read(account)
    costs = world.costs()
    assert (len(costs), set(costs.values())) in ((30, {20 * 1_230_000}), (29, {20 * 1_230_000}))
    assert world.rows("SELECT count(*) FROM spend_day WHERE cost_minor IS NOT NULL") == [(0,)], "no rate"
    world.later(hours=2)
    world.faults("reason:100/1487534", target="meta_insights")
    assert world.read(account), "fewer days are asked for at once"
    world.later(hours=2)
    world.faults("reason:4", target="meta_insights")
    assert not world.read(account)
    assert "takes no more requests" in world.account(account).trouble
    world.later(hours=2)
    world.faults("reason:190/463", target="meta_insights")
    assert not world.read(account)
    row = world.account(account)
    assert row.status == "paused"
    assert row.trouble.startswith("The access token has expired.")


def test_a_long_past_is_read_report_by_report(world: World) -> None:
    days = [world.day(back) for back in (1, 100, 170)]
    world.put("microsoft", campaigns=[campaign("512", "Bing")], days=[spent(day, M, "512") for day in days])
    # The twin makes each report in this time, by its own clock.
    world.faults(modes={"processing_seconds": 0.3})
    account = world.connect("microsoft", back_days=180)
    looks = 0
    while not world.read(account):
        time.sleep(0.35)
        world.later(seconds=31)
        looks += 1
        assert looks < 4, "each of the two reports is made once"
    assert world.costs() == dict.fromkeys(sorted(days), M)


def test_microsoft_makes_a_report_that_is_ordered_once(world: World) -> None:
    world.put("microsoft", campaigns=[campaign("512", "Bing")], days=[spent(world.day(1), 4_560_000, "512")])
    account = world.connect("microsoft")
    world.faults(modes={"processing_seconds": 60})
    assert not world.read(account), "it is being made"
    first = world.account(account).waiting["asked"]["report"]
    world.later(seconds=31)
    world.read(account)
    assert world.account(account).waiting["asked"]["report"] == first, "it is not ordered twice"
    world.faults(modes={"processing_seconds": 0})
    world.later(seconds=31)
    assert world.read(account)
    row = world.account(account)
    assert (row.waiting, row.currency, row.timezone) == ({}, "EUR", "Europe/Berlin")
    assert world.costs() == {world.day(1): 4_560_000}
    world.later(hours=2)
    world.faults(modes={"processing_seconds": 60})
    assert not world.read(account)
    world.run("""UPDATE spend_account SET waiting = waiting || '{"asked": {"report": "gone"}}'""")
    world.later(minutes=2)
    assert not world.read(account)
    assert "ordered again" in world.account(account).trouble
    world.faults(modes={"processing_seconds": 0})
    world.later(minutes=2)
    assert world.read(account)
    world.later(hours=2)
    # The order and its state are answered, the file is cut off.
    world.faults("ok", "ok", "garbage", target="microsoft_reporting")
    assert not world.read(account)
    assert "cannot be read" in world.account(account).trouble
    world.later(minutes=6)
    world.faults("reason:117", target="microsoft_reporting")
    assert not world.read(account)
    row = world.account(account)
    assert row.due_at is not None
    assert row.due_at - world.now() < timedelta(minutes=2), "Microsoft asks for a minute"
    world.later(minutes=3)
    world.faults("reason:106", target="microsoft_reporting")
    assert not world.read(account)
    assert world.account(account).status == "paused"
    assert world.costs() == {world.day(1): 4_560_000}
