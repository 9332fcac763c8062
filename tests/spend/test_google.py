"""Google's own client against the twin: pages of a stream, quota, expired access, restated cost."""

from datetime import timedelta

from calltrack.spend.accounts import read_now
from tests.spend.world import World, campaign, spent

M = 1_000_000


def test_a_stream_of_many_pages_is_read_whole_and_again_changes_nothing(world: World) -> None:
    days = [world.day(back) for back in range(30)]
    groups = [
        spent(day, 2 * M, ad_group_id="7", ad_group="Annunci", criterion=str(c), keyword=f"word {c}")
        for day in days
        for c in (1, 2)
    ]
    world.put(
        campaigns=[campaign("100", "Roma"), campaign("200", "Milano", budget_micros=5 * M, is_shared=True)],
        days=[spent(day, 4 * M, id_) for day in days for id_ in ("100", "200")],
        parts=groups,
    )
    world.faults(modes={"rows_per_batch": 7})
    account = world.connect()
    assert world.read(account)
    assert (len(world.costs()), set(world.costs().values())) == (30, {8 * M})
    named = world.rows("SELECT name, budget_micros, is_budget_shared FROM spend_campaign ORDER BY name")
    assert named == [("Milano", 5 * M, True), ("Roma", 25 * M, False)]
    assert world.rows("SELECT keyword, count(*) FROM spend_part JOIN spend_part_day d ON d.part_id = id "
                      "GROUP BY 1 ORDER BY 1") == [("word 1", 30), ("word 2", 30)]  # fmt: skip
    row = world.account(account)
    assert (row.currency, row.timezone, row.trouble) == ("EUR", "Europe/Rome", "")
    assert row.due_at is not None
    assert timedelta(minutes=59) < row.due_at - world.now() < timedelta(minutes=66)
    assert world.read(account) is False, "it is not due"
    before = world.rows("SELECT * FROM spend_day ORDER BY campaign_id, day")
    world.later(hours=2)
    assert world.read(account)
    assert world.rows("SELECT * FROM spend_day ORDER BY campaign_id, day") == before
    assert world.changes() == []


def test_restated_cost_keeps_what_was_told_before(world: World) -> None:
    old, gone, today = world.day(5), world.day(6), world.day(0)
    world.put(campaigns=[campaign()], days=[spent(old, 9 * M), spent(gone, 3 * M), spent(today, 1 * M)])
    account = world.connect()
    assert world.read(account)
    world.put(campaigns=[campaign(name="Roma nuova")], days=[spent(old, 7 * M), spent(today, 2 * M)])
    world.later(hours=1, minutes=10)
    assert world.read(account)
    assert world.costs() == {gone: 0, old: 7 * M, today: 2 * M}
    # The day of now has only grown; the others were over, so they were told otherwise before.
    assert sorted(world.changes()) == sorted([(old, 9 * M, 7 * M), (gone, 3 * M, 0)])
    assert world.rows("SELECT name FROM spend_campaign") == [("Roma nuova",)]


def test_a_stream_that_breaks_off_and_a_used_up_quota_change_nothing_and_are_asked_again(
    world: World,
) -> None:
    world.put(campaigns=[campaign()], days=[spent(world.day(back), M) for back in range(9)])
    world.faults(modes={"rows_per_batch": 2})
    account = world.connect()
    # The question for the account passes; the stream of costs breaks after its first page.
    world.faults("ok", "drop-after-processing")
    assert not world.read(account)
    row = world.account(account)
    assert (row.status, row.unwell, world.costs()) == ("active", 1, {})
    assert "asked again by itself" in row.trouble
    world.later(minutes=6)
    world.faults("ok", "reason:RESOURCE_EXHAUSTED")
    assert not world.read(account)
    assert "takes no more requests" in world.account(account).trouble
    world.later(minutes=16)
    world.faults("ok", "429:Retry-After=5400")
    assert not world.read(account)
    row = world.account(account)
    assert row.due_at is not None
    assert timedelta(minutes=85) < row.due_at - world.now() < timedelta(minutes=91)
    world.later(hours=2)
    world.faults("500")
    assert not world.read(account)
    world.later(hours=4)
    assert world.read(account)
    row = world.account(account)
    assert (row.trouble, row.unwell, len(world.costs())) == ("", 0, 9)


def test_the_twin_ends_its_quota_as_google_does(world: World) -> None:
    world.put(campaigns=[campaign()], days=[spent(world.day(1), M)])
    account = world.connect(back_days=1)
    world.faults(modes={"daily_operations": 1})
    assert not world.read(account)
    assert "takes no more requests" in world.account(account).trouble


def test_expired_access_gets_a_fresh_token_once_and_a_withdrawn_one_asks_for_a_person(
    world: World,
) -> None:
    world.put(campaigns=[campaign()], days=[spent(world.day(1), M)])
    account = world.connect()
    world.faults("401")
    assert world.read(account), "a token that ran out is fetched anew"
    world.later(hours=2)
    world.faults("401", "401")
    assert not world.read(account)
    row = world.account(account)
    assert (row.status, row.due_at) == ("paused", None)
    assert "Repair the access under Destinations" in row.trouble
    (notice,) = world.rows("SELECT kind, text FROM notice WHERE resolved_at IS NULL")
    assert notice[0] == "spend.paused"
    with world.services.db.tenant(world.company.id) as session:
        read_now(session, world.company.id, account, "test", world.now())
    assert world.read(account)
    assert world.rows("SELECT 1 FROM notice WHERE resolved_at IS NULL") == []
    world.later(hours=2)
    world.begin_anew()
    world.faults("invalid_grant", target="oauth")
    assert not world.read(account)
    assert "withdrawn" in world.account(account).trouble


def test_a_managers_account_and_a_closed_one_say_what_to_do(world: World) -> None:
    world.put(campaigns=[campaign()], days=[])
    manager = world.connect(number="999-000-0000")
    assert not world.read(manager)
    assert "manager account" in world.account(manager).trouble
    closed = world.connect(number="403-000-0000")
    assert not world.read(closed)
    assert "may not read this account" in world.account(closed).trouble


def test_a_data_manager_connection_reads_as_well_and_a_strange_account_is_told(world: World) -> None:
    world.put(campaigns=[campaign()], days=[spent(world.day(1), M)], timezone="Mars/Olympus")
    account = world.connect("google_data_manager")
    assert not world.read(account)
    assert "(EUR, Mars/Olympus) is not known" in world.account(account).trouble
    world.put(campaigns=[campaign()], days=[spent(world.day(1), M)])
    world.later(days=1, minutes=1)
    assert world.read(account)
    assert list(world.costs().values()) == [M]


def test_a_worker_that_dies_leaves_the_account_to_the_next_one(world: World) -> None:
    world.put(campaigns=[campaign()], days=[spent(world.day(1), M)])
    account = world.connect()
    world.run(
        "UPDATE spend_account SET lease_token = gen_random_uuid(), lease_until = :until, due_at = :until",
        until=world.now() + timedelta(minutes=10),
    )
    assert not world.read(account), "somebody has it"
    world.later(minutes=11)
    assert world.read(account)
    assert world.costs() == {world.day(1): M}
