"""Messages that reached the carrier while we were down: found in its list, once, whoever was first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from calltrack.accounts.model import CarrierAccount
from calltrack.calls import polling
from calltrack.calls.keeping_model import CarrierPoll
from calltrack.messages.model import MessageThread
from calltrack.sandbox.carrier_rest.messages import of_inbound
from calltrack.sandbox.carrier_rest.records import Record
from calltrack.wiring import Services
from tests.builders import Company
from tests.messages.test_messages import hook
from tests.people.world import CALLER, World, people_world


@pytest.fixture
def world(services: Services, company: Company, tmp_path: Path) -> Iterator[World]:
    with people_world(services, company, tmp_path) as world:
        yield world


def unheard(world: World, words: str, to: str = "") -> Record:
    """Play a message whose hook does not answer: we are down."""
    number = next(
        row
        for row in world.twin.desk.records.all("number")
        if row["phone_number"] == world.company.numbers[0]
    )
    address = number["sms_url"]
    world.twin.desk.records.change("number", number["sid"], lambda row: row.update(sms_url=""))
    record = world.twin.receive(CALLER, to or world.company.numbers[0], words)
    world.twin.desk.records.change("number", number["sid"], lambda row: row.update(sms_url=address))
    return record


def poll(world: World) -> int:
    company_id = world.company.id
    with world.services.db.tenant(company_id) as session:
        account_id = session.scalars(select(CarrierAccount.id)).one()
        session.execute(update(CarrierPoll).values(due_at=world.services.clock()))
    return polling.poll(world.services, company_id, account_id)


def test_a_message_we_did_not_hear_is_found_once_and_its_late_hook_adds_nothing(world: World) -> None:
    lost = unheard(world, "Mi richiamate?")
    assert world.messages() == []
    assert poll(world) == 1
    world.work()
    (got,) = world.messages()
    assert (got.kind, world.words(got), got.sid) == ("received", "Mi richiamate?", lost["sid"])
    assert abs((got.at - world.services.clock()).total_seconds()) < 60
    assert poll(world) == 0
    assert hook(world, of_inbound(lost, "")) == 200
    world.work()
    assert len(world.messages()) == 1
    (thread,) = world.rows(MessageThread)
    assert thread.unread == 1


def test_what_the_hook_heard_is_not_found_again(world: World) -> None:
    world.twin.receive(CALLER, world.company.numbers[0], "Buongiorno")
    world.until(world.messages)
    assert poll(world) == 0
    world.work()
    assert len(world.messages()) == 1


def test_a_stop_we_did_not_hear_holds(world: World) -> None:
    unheard(world, "STOP")
    poll(world)
    world.work()
    (thread,) = world.rows(MessageThread)
    assert thread.stopped_at is not None


def test_a_carrier_that_does_not_list_messages_is_asked_again_later(world: World) -> None:
    unheard(world, "Ci siete?")
    world.fault("503")
    assert poll(world) == 0
    assert world.messages() == []
    assert poll(world) == 1
    world.work()
    assert len(world.messages()) == 1
