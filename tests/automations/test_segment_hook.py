"""A webhook is told of each person who enters a segment: signed, once in effect, never lost."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from calltrack.api.webhooks import EnteredShape, SegmentEntered
from calltrack.automations import segment_hook
from calltrack.automations.segment_hook import companies_to_tell, send_entered
from calltrack.delivery import accounts
from calltrack.kernel.errors import BadInput
from calltrack.stages.entering import watch_entering
from calltrack.stages.event_model import SegmentEvent
from calltrack.stages.segment_events import send_failed_again, told_of
from calltrack.stages.segments import Given, change_segment, make_segment
from calltrack.wiring import Services
from tests.builders import NOON, Company, fresh_e164
from tests.delivery.world import World
from tests.plain import PLAIN
from tests.sandbox.platforms.serving import serving
from tests.stages.people import Town
from workers import jobs
from workers.due import due_jobs
from workers.housekeeping import prune_company
from workers.jobs import Parts
from workers.subscriptions import SUBSCRIPTIONS

WAITS = {"fact": "waits"}


class Told:
    """A segment of people nobody rang back, one of whom is in it already, and a webhook at its twin."""

    def __init__(self, world: World) -> None:
        self.world, self.company = world, world.company
        self.town = Town(world.services, world.company)
        self.webhook = world.webhook("crm")
        self.missed(fresh_e164())
        with world.services.db.tenant(self.company.id) as session:
            given = Given("Ring back", "red", WAITS, webhook_id=self.webhook)
            self.segment = make_segment(session, self.company.id, given, NOON, by="Ada")
        watch_entering(world.services)

    def missed(self, phone: str) -> UUID:
        id_ = self.town.person(phone)
        self.town.call(phone, NOON, talk=0)
        self.town.make(id_)
        return id_

    def enter(self, phone: str = "") -> UUID:
        person = self.missed(phone or fresh_e164())
        watch_entering(self.world.services)
        return person

    def send(self) -> int:
        return send_entered(self.world.services, self.company.id, courier=self.world.courier)

    def events(self) -> list[SegmentEvent]:
        with self.world.services.db.tenant(self.company.id) as session:
            return list(session.scalars(select(SegmentEvent).order_by(SegmentEvent.id)))

    def states(self) -> list[str]:
        return [one.state for one in self.events()]

    def hasten(self) -> None:
        """Let waits end now; signatures are of this hour, so the clock cannot be set forward by hours."""
        self.town.run("UPDATE segment_event SET due_at = now() - interval '1 s' WHERE state = 'waiting'")
        self.town.run("UPDATE destination SET held_until = NULL")

    def received(self) -> list[dict[str, Any]]:
        asked = PLAIN.get(f"{self.world.origin}/sandbox/platforms/effects", params={"platform": "webhook"})
        return list(asked.json()["effects"])

    def is_due(self) -> bool:
        now = self.world.now()
        with self.world.services.db.system() as system:
            jobs = due_jobs(system, now)
            assert (("tell_webhooks", str(self.company.id)) in jobs) == (
                self.company.id in companies_to_tell(system, now)
            )
        return ("tell_webhooks", str(self.company.id)) in jobs


@pytest.fixture
def told(services: Services, company: Company) -> Iterator[Told]:
    with serving() as origin:
        world = World(services, company, origin)
        yield Told(world)
        world.door.close()


def test_each_who_enters_is_told_once_signed_and_without_a_number(told: Told) -> None:
    assert told.events() == []  # who was in it at the first look did not enter
    phone = fresh_e164()
    anna = told.enter(phone)
    watch_entering(told.world.services)
    assert segment_hook.wake_sender in SUBSCRIPTIONS["segment.entered"]
    assert told.is_due()
    assert (told.send(), told.send(), told.states(), told.is_due()) == (1, 0, ["sent"], False)
    (event,) = told.events()
    (effect,) = told.received()  # the twin takes nothing whose signature is wrong
    assert (effect["target"], effect["id"]) == ("crm/segment.entered", f"seg-{event.id.hex}-0")
    body = json.loads(event.body)
    SegmentEntered.model_validate(body)
    assert set(body["data"]) == set(EnteredShape.model_fields)
    assert body["data"]["person_id"] == str(anna)
    assert body["data"]["segment"] == {"id": str(told.segment), "name": "Ring back"}
    assert (body["data"]["stage"], body["data"]["missed"]) == ("consideration", 1)
    assert phone.lstrip("+")[2:] not in event.body.decode()
    told.town.call(phone, NOON + timedelta(hours=1))
    told.town.make(anna)
    watch_entering(told.world.services)
    told.town.call(phone, NOON + timedelta(hours=2), talk=0)
    told.town.make(anna)
    watch_entering(told.world.services)
    assert (told.send(), len(told.received())) == (1, 2)


def test_a_receiver_that_is_away_is_held_and_told_later_under_the_same_id(told: Told) -> None:
    told.enter()
    told.world.faults("500", "500", target="webhook")
    assert (told.send(), told.states(), told.is_due()) == (1, ["waiting"], False)
    assert told.world.account(told.webhook).unwell == 1
    assert "HTTP 500" in told.events()[0].said
    told.enter()
    assert told.send() == 0  # held: nobody else knocks meanwhile
    told.hasten()
    assert (told.send(), sorted(told.states())) == (1, ["waiting", "waiting"])
    assert told.world.account(told.webhook).unwell == 2
    told.hasten()
    told.send()
    assert told.states() == ["sent", "sent"]
    assert len({one["id"] for one in told.received()}) == 2
    assert told.world.account(told.webhook).unwell == 0


def test_a_worker_that_dies_while_sending_loses_nothing(told: Told) -> None:
    told.enter()
    claimed = segment_hook._claim(told.world.services, told.world.courier, told.company.id)
    assert claimed is not None
    trip, event = claimed
    attempt = trip.courier.deliver(trip.destination, trip.settings, [event.body], trip.now())
    assert (told.states(), told.send(), told.is_due()) == (["sending"], 0, False)
    told.world.later(seconds=46)
    assert told.is_due()
    assert (told.send(), told.states(), told.events()[0].attempts) == (1, ["sent"], 2)
    assert len(told.received()) == 1  # it was sent twice under one id
    settled = told.events()[0].settled_at
    segment_hook._settle(trip, event, attempt)  # the one that was thought dead comes late
    assert (told.states(), told.events()[0].settled_at) == (["sent"], settled)


def test_what_is_given_up_is_sent_again_by_hand(told: Told) -> None:
    told.enter()
    told.world.faults(*["404"] * 8, target="webhook")
    for _ in range(8):
        assert told.states() == ["waiting"]
        told.send()
        told.hasten()
    assert told.states() == ["failed"]
    with told.world.services.db.tenant(told.company.id) as session:
        found = told_of(session, told.company.id, told.segment)
        assert (found.sent, found.waiting, found.failed) == (0, 0, 1)
        assert "Given up after 8 tries" in found.said
        assert send_failed_again(session, told.company.id, told.segment, told.world.now()) == 1
    assert (told.send(), told.states()) == (1, ["sent"])


def test_gone_pauses_the_webhook_and_resuming_sends_what_waited(told: Told) -> None:
    told.enter()
    told.world.faults("410", target="webhook")
    told.send()
    assert (told.world.account(told.webhook).status, told.states()) == ("paused", ["waiting"])
    told.enter()
    assert (told.send(), told.is_due()) == (0, False)
    with told.world.services.db.tenant(told.company.id) as session:
        accounts.resume(session, told.company.id, told.webhook, told.world.now())
    assert told.is_due()
    assert (told.send(), told.states()) == (2, ["sent", "sent"])


def test_what_waits_for_a_webhook_that_was_removed_ends_in_words(told: Told) -> None:
    told.enter()
    services, company_id = told.world.services, told.company.id
    with services.db.tenant(company_id) as session:
        accounts.remove(session, services.vault, company_id, told.webhook, told.world.now())
    assert (told.is_due(), told.send()) == (False, 0)
    told.enter()
    assert told.states() == ["withheld"]
    with services.db.tenant(company_id) as session:
        assert "was removed" in told_of(session, company_id, told.segment).said


def test_a_worker_does_it_when_it_is_nudged(told: Told) -> None:
    told.enter()
    Parts(told.world.services).run(("tell_webhooks", str(told.company.id)))
    assert (told.states(), len(told.received())) == (["sent"], 1)
    assert callable(jobs.tell_webhooks)


def test_what_was_sent_is_forgotten_after_a_season(told: Told) -> None:
    told.enter()
    told.send()
    told.enter()
    for days, left in ((89, ["sent", "waiting"]), (92, ["waiting"])):
        prune_company(told.world.services, told.company.id, told.world.now() + timedelta(days=days))
        assert told.states() == left


def test_only_a_webhook_of_ones_own_can_be_told(told: Told) -> None:
    google, services, company_id = told.world.google(), told.world.services, told.company.id
    for wrong in (google, uuid4()):
        given = Given("Ring back", "red", WAITS, webhook_id=wrong)
        with services.db.tenant(company_id) as session, pytest.raises(BadInput, match="no such webhook"):
            change_segment(session, company_id, told.segment, given, NOON, by="Ada")


def test_another_webhook_or_a_mail_beside_it_does_not_begin_anew(told: Told) -> None:
    services, company_id = told.world.services, told.company.id
    other = told.world.webhook("other")
    with services.db.tenant(company_id) as session:
        given = Given("Ring back", "red", WAITS, webhook_id=other)
        change_segment(session, company_id, told.segment, given, NOON, by="Ada")
    told.enter()
    assert (told.send(), [one["target"] for one in told.received()]) == (1, ["other/segment.entered"])
    with services.db.tenant(company_id) as session:
        change_segment(session, company_id, told.segment, Given("Ring back", "red", WAITS), NOON, by="Ada")
    told.enter()
    assert told.states() == ["sent"]
