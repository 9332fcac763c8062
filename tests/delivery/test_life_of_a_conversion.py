"""Refund, cancellation, value change and the merge of two persons: the twins end in the right state."""

import threading
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from calltrack.accounts.model import Company as CompanyRow
from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call
from calltrack.conversions.model import Conversion, ConversionChange
from calltrack.conversions.rules import Outcome
from calltrack.conversions.service import classify_call, follow_person, set_outcome
from calltrack.delivery.uploads import load_changes
from calltrack.infra import outbox
from calltrack.journeys.model import Person, PersonCaller
from calltrack.journeys.service import link_person
from calltrack.kernel.ids import new_id
from calltrack.sandbox.platforms.accounts import SETTINGS
from tests.builders import make_call, make_visit
from tests.delivery.world import World
from workers.facts import drain
from workers.subscriptions import SUBSCRIPTIONS

ANNA, BRUNO = "+393471111111", "+393472222222"


@pytest.fixture(autouse=True)
def unsure(world: World) -> None:
    """The company sends click ids of visits that are none too sure; persons are joined by surer ones."""
    with world.services.db.shared() as session:
        session.get_one(CompanyRow, world.company.id).settings = {"upload_probability": 0.5}


def ring(world: World, caller: str, hours_ago: float, visitor_id: UUID, **more: Any) -> Call:
    """A call after a click, told of to the workers."""
    at = world.now() - timedelta(hours=hours_ago)
    visit = make_visit(world.services, world.company, at=at - timedelta(minutes=5), visitor_id=visitor_id)
    call = make_call(world.services, world.company, caller=caller, at=at, **more)
    with world.services.db.tenant(world.company.id) as session:
        session.add(
            Attribution(
                company_id=world.company.id, id=new_id(), call_id=call.id, is_current=True, decided_at=at,
                model="test", visit_id=visit.id, probability=0.7, p_nobody=0.3, source="google",
                medium="cpc", campaign="roma", p_campaign=0.7, candidates=[], reasons=[],
            )
        )  # fmt: skip
    with world.services.db.tenant(world.company.id) as session:
        link_person(session, world.services.vault, world.company.id, call.id, at)
        classify_call(session, world.company.id, call.id, at)
    return call


def say(world: World, call: Call, kind: str, value: int | None = None, **more: Any) -> None:
    told: Any = {"kind": kind, "by": "anna", "value_minor": value} | more
    with world.services.db.tenant(world.company.id) as session:
        set_outcome(session, world.company.id, call.id, Outcome(**told), world.now())


def settle(world: World, *destinations: UUID) -> None:
    """Handle the facts as workers do, then deliver until nothing is due."""
    drain(world.services, SUBSCRIPTIONS, world.company.id, threading.Event())
    for _ in range(4):
        for destination in destinations:
            world.deliver(destination)
        world.later(seconds=8)
    assert world.unaccounted() == 0


def values(world: World) -> list[list[float | None]]:
    return sorted((effect["values"] for effect in world.effects()), key=str)


def leads(world: World) -> list[tuple[UUID, str, str]]:
    with world.services.db.tenant(world.company.id) as session:
        rows = session.scalars(
            select(Conversion).where(Conversion.kind == "lead").order_by(Conversion.occurred_at)
        ).all()
        return [(row.call_id, row.status, row.ended_by) for row in rows]


def test_a_value_a_refund_a_cancellation_and_its_end_reach_the_twin_as_one_conversion(world: World) -> None:
    google = world.google()
    call = ring(world, ANNA, 5, new_id(), talk_seconds=5)
    steps: list[tuple[str, int | None]] = [
        ("purchase", 85_000), ("purchase", 90_000), ("refund", 10_000), ("cancelled", None),
        ("purchase", 90_000), ("refund", None),
    ]  # fmt: skip
    for kind, value in steps:
        say(world, call, kind, value)
        settle(world, google)
    assert values(world) == [[850.0, 900.0, 800.0, 0.0, 800.0, 0.0]]


def test_a_repeat_purchase_is_a_conversion_of_its_own_and_not_the_first(world: World) -> None:
    webhook = world.webhook()
    person = new_id()
    for hours, orders in ((9, ("A-1", "A-2")), (5, ("A-3",))):
        call = ring(world, ANNA, hours, person, talk_seconds=5)
        for order in orders * 2:
            say(world, call, "purchase", 10_000, external_id=order, via="crm")
    settle(world, webhook)
    assert len(world.effects("webhook")) == 3
    with world.services.db.tenant(world.company.id) as session:
        assert len(set(session.scalars(select(Conversion.person_id)))) == 1
        ids = session.scalars(select(ConversionChange.id)).all()
        changes = load_changes(session, world.services.vault, world.company.id, ids)
    firsts = [one.upload.first_time for one in sorted(changes.values(), key=lambda one: one.conversion_id)]
    assert firsts == [True, False, False]


def test_a_late_import_finds_its_call_and_counts_once(world: World) -> None:
    google = world.google()
    call = ring(world, ANNA, 70, new_id(), talk_seconds=5)
    for _ in range(3):
        say(world, call, "purchase", 40_000, external_id="INV-7", via="import")
        settle(world, google)
    assert values(world) == [[400.0]]


def test_the_merge_of_two_persons_takes_the_second_lead_back_and_leaves_the_purchase(world: World) -> None:
    google, webhook = world.google(), world.webhook()
    visitor = new_id()
    first = ring(world, ANNA, 20, visitor)
    second = ring(world, BRUNO, 10, visitor)
    say(world, second, "purchase", 85_000)
    settle(world, google, webhook)
    assert [row[1] for row in leads(world)] == ["counted", "counted"]
    merge(world, first, second)
    settle(world, google, webhook)
    assert leads(world) == [(first.id, "counted", ""), (second.id, "retracted", "merge")]
    told = [one["target"].rpartition("/")[2] for one in world.effects("webhook")]
    assert sorted(told) == ["lead.created", "lead.created", "lead.retracted", "purchase.created"]
    assert [850.0] in values(world)
    with world.services.db.tenant(world.company.id) as session:
        assert len(set(session.scalars(select(Conversion.person_id)))) == 1
    # The same news again changes nothing.
    with world.services.db.tenant(world.company.id) as session:
        kept = session.scalars(select(Person.id)).one()
        outbox.record(session, world.company.id, "person.merged", kept, world.now())
    settle(world, google, webhook)
    assert len(world.effects("webhook")) == 4
    part(world, second, world.now())
    settle(world, google, webhook)
    assert [row[1:] for row in leads(world)] == [("counted", ""), ("counted", "")]
    assert [one["target"].rpartition("/")[2] for one in world.effects("webhook")].count("lead.restated") == 1


def merge(world: World, *calls: Call) -> None:
    """A better verdict: both calls were surely made by the same visitor."""
    for call in calls:
        with world.services.db.tenant(world.company.id) as session:
            session.execute(
                update(Attribution).where(Attribution.call_id == call.id).values(probability=0.95)
            )
        with world.services.db.tenant(world.company.id) as session:
            link_person(session, world.services.vault, world.company.id, call.id, world.now())


def part(world: World, call: Call, now: datetime) -> None:
    """The caller of this call turns out to be somebody else."""
    company_id, other = world.company.id, new_id()
    with world.services.db.tenant(company_id) as session:
        joined = session.scalars(select(Person.id)).one()
        session.add(Person(company_id=company_id, id=other, created_at=now))
        session.flush()
        session.execute(
            update(PersonCaller).where(PersonCaller.caller_hash == call.caller_hash).values(person_id=other)
        )
    for person_id in (joined, other):
        with world.services.db.tenant(company_id) as session:
            follow_person(session, company_id, person_id, now)


def test_what_a_call_back_won_belongs_to_the_missed_call(world: World) -> None:
    google = world.google()
    missed = ring(world, ANNA, 9, new_id(), outcome="missed")
    own = ring(world, ANNA, 2, new_id())
    assert leads(world) == [(own.id, "counted", "")]
    rang = world.now() - timedelta(hours=8)
    for _ in range(2):
        say(world, missed, "purchase", 85_000, called_back_at=rang)
        settle(world, google)
    # The same person's own later call is no second chance that was won: its lead is taken back.
    assert leads(world) == [(own.id, "retracted", "rule")]
    with world.services.db.tenant(world.company.id) as session:
        bought = session.scalars(select(Conversion).where(Conversion.kind == "purchase")).one()
    assert (bought.call_id, bought.via) == (missed.id, "call_back")
    assert abs((bought.occurred_at - rang).total_seconds()) < 1
    assert "call-back" in bought.reason
    assert [850.0] in values(world)


def test_two_orders_of_one_call_both_count_where_a_conversion_is_known_by_its_time(world: World) -> None:
    microsoft = world.connect("microsoft", SETTINGS["microsoft"](world.origin))
    call = ring(world, ANNA, 5, new_id(), talk_seconds=5)
    for order, value in (("A-1", 85_000), ("A-2", 7_700), ("A-3", 500), ("A-2", 8_000)):
        say(world, call, "purchase", value, external_id=order, via="crm")
    say(world, call, "cancelled", external_id="A-3", via="crm")
    settle(world, microsoft)
    found = [(effect["value"], effect["retracted"]) for effect in world.effects("microsoft")]
    assert sorted(found) == [(5.0, True), (80.0, False), (850.0, False)]


def test_two_orders_told_for_one_moment_of_one_person_both_count(world: World) -> None:
    microsoft = world.connect("microsoft", SETTINGS["microsoft"](world.origin))
    person, noon = new_id(), world.now() - timedelta(hours=1)
    for hours, order in ((9, "B-1"), (5, "B-2")):
        call = ring(world, ANNA, hours, person, talk_seconds=5)
        say(world, call, "purchase", 10_000, external_id=order, via="import", occurred_at=noon)
    settle(world, microsoft)
    assert len(world.effects("microsoft")) == 2
