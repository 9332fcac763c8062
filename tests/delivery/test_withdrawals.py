"""Consent to ads is withdrawn before a conversion leaves: ad platforms never hear of it."""

import threading
from uuid import UUID

import pytest
from sqlalchemy import select, update

from calltrack.delivery.model import Delivery
from calltrack.delivery.withdrawals import hold_back_refused
from calltrack.infra.outbox import Fact
from calltrack.kernel.errors import Conflict
from calltrack.visits.model import Visit
from calltrack.visits.withdrawals import withdraw_consent
from tests.delivery.world import World
from workers.facts import drain
from workers.subscriptions import SUBSCRIPTIONS


def withdraw(world: World, gclid: str) -> UUID:
    """Withdraw consent to ads on a page of the visit with this click; returns the visitor."""
    with world.services.db.tenant(world.company.id) as session:
        visit = session.scalars(select(Visit).where(Visit.click_ids["gclid"].astext == gclid)).one()
        known = (visit.site_id, visit.visitor_id, visit.id)
        assert withdraw_consent(session, world.company.id, known, {"ad": False}, world.now()) == 1
    return visit.visitor_id


def test_what_was_not_sent_yet_goes_to_no_ad_platform_and_without_click_ids_to_ones_own(world: World) -> None:
    google, own = world.google(), world.webhook()
    withdrawn, stays = world.conversions(2, gclids=["Click-withdrawn", "Click-stays"])
    withdraw(world, "Click-withdrawn")
    drain(world.services, SUBSCRIPTIONS, world.company.id, threading.Event())
    rows = {row.change_id: row for row in world.rows(google)}
    assert (rows[withdrawn].state, rows[withdrawn].preflight_code) == ("withheld", "CONSENT_DENIED")
    assert rows[withdrawn].payload == b""
    assert world.deliver(google) == 1
    assert world.deliver(own) == 2
    assert b"Click-stays" in {row.change_id: row for row in world.rows(google)}[stays].payload
    told = {row.change_id: row.payload for row in world.rows(own)}
    assert b"Click-withdrawn" not in told[withdrawn]
    assert b'"denied"' in told[withdrawn]
    assert b"Click-stays" in told[stays]
    assert "Click-withdrawn" not in str(world.effects()) + str(world.effects("webhook"))
    assert world.unaccounted() == 0
    with world.services.db.tenant(world.company.id) as session:
        facts = session.scalars(select(Fact).where(Fact.kind == "consent.withdrawn")).all()
    assert [fact.done_at is None for fact in facts] == [False]


@pytest.mark.parametrize("state", ["parked", "unknown"])
def test_what_waits_for_a_person_or_an_answer_is_not_sent_again(world: World, state: str) -> None:
    google = world.google()
    world.conversions(gclids=["Click-1"])
    with world.services.db.tenant(world.company.id) as session:
        session.execute(update(Delivery).values(state=state, due_at=None))
    hold_back_refused(world.services, world.company.id, withdraw(world, "Click-1"))
    assert world.states(google) == ["withheld"]


def test_what_is_on_its_way_is_looked_at_again(world: World) -> None:
    google = world.google()
    world.conversions(gclids=["Click-1"])
    with world.services.db.tenant(world.company.id) as session:
        session.execute(update(Delivery).values(state="sending"))
    visitor = withdraw(world, "Click-1")
    with pytest.raises(Conflict):
        hold_back_refused(world.services, world.company.id, visitor)
    with world.services.db.tenant(world.company.id) as session:
        session.execute(update(Delivery).values(state="pending"))
    hold_back_refused(world.services, world.company.id, visitor)
    assert world.states(google) == ["withheld"]
