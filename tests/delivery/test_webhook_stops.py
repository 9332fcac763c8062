"""A webhook that fails for five days is switched off and says so; one success starts the count anew."""

from uuid import UUID

from calltrack.delivery import accounts
from calltrack.delivery.accounts import open_settings
from tests.delivery.world import World


def fail(world: World, webhook: UUID, *steps: str) -> None:
    world.conversions()
    world.faults(*steps, target="webhook")
    world.deliver(webhook)


def test_five_days_without_a_success_pause_it_with_words(world: World) -> None:
    webhook = world.webhook()
    fail(world, webhook, "404")
    began = world.account(webhook).failing_since
    assert began is not None
    for _ in range(4):
        world.later(days=1)
        fail(world, webhook, *["404"] * 9)
        assert world.account(webhook).status == "active"
        assert world.account(webhook).failing_since == began
    world.later(days=1)
    fail(world, webhook, *["404"] * 9)
    account = world.account(webhook)
    assert account.status == "paused"
    assert "for 5 days" in account.status_reason
    assert "resume" in account.status_reason
    assert world.unaccounted() == 0


def test_one_success_starts_the_count_anew(world: World) -> None:
    webhook = world.webhook()
    fail(world, webhook, "404")
    world.later(seconds=10)
    world.deliver(webhook)
    assert world.account(webhook).failing_since is None
    world.later(days=4)
    fail(world, webhook, "404")
    world.later(days=4)
    fail(world, webhook, "404", "404", "404")
    assert world.account(webhook).status == "active"


def test_resuming_starts_the_count_anew(world: World) -> None:
    webhook = world.webhook()
    fail(world, webhook, "500")
    world.later(days=6)
    fail(world, webhook, *["500"] * 9)
    assert world.account(webhook).status == "paused"
    with world.services.db.tenant(world.company.id) as session:
        accounts.resume(session, world.company.id, webhook, world.now())
    assert world.account(webhook).failing_since is None
    world.faults("500", target="webhook")
    world.deliver(webhook)
    assert world.account(webhook).status == "active"


def test_gone_stops_at_once(world: World) -> None:
    webhook = world.webhook()
    fail(world, webhook, "410")
    assert (world.account(webhook).status, world.states(webhook)) == ("paused", ["parked"])


def test_a_platform_is_never_switched_off_for_being_away(world: World) -> None:
    google = world.google()
    world.conversions()
    for _ in range(3):
        world.faults("503")
        world.deliver(google)
        world.later(days=3)
    assert world.account(google).status == "active"


def test_a_rotated_secret_is_stored_sealed_and_the_old_one_goes_on_signing(world: World) -> None:
    webhook, vault = world.webhook(), world.services.vault
    before = open_settings(vault, world.account(webhook)).secrets()["secret"]
    with world.services.db.tenant(world.company.id) as session:
        secret = accounts.rotate_secret(session, vault, world.company.id, webhook, world.now(), sandbox=True)
    account = world.account(webhook)
    assert open_settings(vault, account).secrets() == {"secret": secret, "previous_secret": before}
    assert secret not in str(account.settings)
    world.conversions()
    world.deliver(webhook)
    # The twin knows the old secret only.
    assert world.states(webhook) == ["confirmed"]


def test_when_the_receiver_is_back_nothing_waits_for_its_schedule(world: World) -> None:
    webhook = world.webhook()
    for _ in range(5):
        fail(world, webhook, "500")
        held = world.account(webhook).held_until
        assert held is not None
        world.later(seconds=(held - world.now()).total_seconds() + 0.1)
    waits = [row.due_at for row in world.rows(webhook) if row.due_at is not None]
    assert max(waits) > world.now()
    world.conversions()
    world.deliver(webhook)
    assert world.states(webhook) == ["confirmed"] * 6
    assert len(world.effects("webhook")) == 6
