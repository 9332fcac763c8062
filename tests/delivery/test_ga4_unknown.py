"""An unknown outcome at GA4: a purchase is sent again and counts once, a lead waits for a person."""

from sqlalchemy import update

from calltrack.sandbox.platforms.accounts import ga4_settings
from calltrack.visits.model import Visit
from tests.delivery.world import World


def test_a_purchase_is_sent_again_and_a_lead_is_left_to_a_person(world: World) -> None:
    ga4 = world.connect("ga4", ga4_settings(world.origin))
    changes = [
        *world.conversions(kind="purchase", planned=False),
        *world.conversions(kind="lead", planned=False),
    ]
    with world.services.db.tenant(world.company.id) as session:
        session.execute(update(Visit).values(ad_cookies={"_ga": "GA1.1.123.456"}))
    world.plan(changes)
    world.faults("drop-after-processing", "drop-after-processing", target="ga4")
    for _ in range(3):
        world.deliver(ga4)
        world.later(minutes=2)
    purchase, lead = world.rows(ga4)
    assert (purchase.state, lead.state, lead.due_at) == ("confirmed", "unknown", None)
    assert "count it twice" in lead.explanation
    assert {one["target"]: one["received"] for one in world.effects("ga4")} == {
        "G-SANDBOX001/purchase": 2,
        "G-SANDBOX001/generate_lead": 1,
    }
    assert world.unaccounted() == 0
