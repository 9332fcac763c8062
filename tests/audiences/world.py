"""A company with people, audiences, a running twin and a clock that can be set."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from calltrack.audiences import marks, service
from calltrack.audiences.conditions import READY
from calltrack.audiences.keeping import keep
from calltrack.audiences.model import Audience, Entry, Event, Member, Place, Request
from calltrack.audiences.telling import tell_due
from calltrack.delivery.accounts import connect_destination
from calltrack.destinations.hashing import phone_digits, phone_with_plus
from calltrack.destinations.sending import Courier
from calltrack.infra.http import HttpDoor
from calltrack.sandbox.platforms.accounts import google_settings
from calltrack.wiring import Services
from tests.audiences.people import Crowd
from tests.builders import Company
from tests.plain import PLAIN

NAMED = {"google_data_manager": phone_with_plus, "meta": phone_digits, "microsoft": phone_with_plus}


class World:
    """One company whose audiences are kept at twins; everything runs in this thread."""

    def __init__(self, services: Services, company: Company, origin: str) -> None:
        self.company, self.origin, self.shift = company, origin, timedelta(0)
        self.services = replace(services, clock=self.now)
        self.door = HttpDoor(allow_private=True, total_seconds=1.5)
        self.courier = Courier(self.door)
        self.crowd = Crowd(self.services, company)
        self._clock = services.clock
        self.faults(modes={"processing_seconds": 0})

    def now(self) -> datetime:
        return self._clock() + self.shift

    def later(self, **time: float) -> None:
        self.shift += timedelta(**time)

    def google(self) -> UUID:
        return self.connect("google_data_manager", google_settings(self.origin))

    def connect(self, kind: str, settings: dict[str, Any]) -> UUID:
        with self.services.db.tenant(self.company.id) as session:
            return connect_destination(
                session, self.services.vault, self.company.id, kind, kind, settings, self.now(), sandbox=True
            )

    def audience(self, condition: str | dict[str, Any] = "called_not_bought", name: str = "List") -> UUID:
        given = READY[condition][1] if isinstance(condition, str) else condition
        with self.services.db.tenant(self.company.id) as session:
            return service.create_audience(session, self.company.id, name, given, self.now())

    def place(self, audience_id: UUID, destination_id: UUID, list_id: str = "777001") -> UUID:
        with self.services.db.tenant(self.company.id) as session:
            return service.connect_list(
                session, self.company.id, audience_id, destination_id, list_id, self.now()
            )

    def keep(self) -> int:
        return keep(self.services, self.company.id)

    def tell(self, place_id: UUID) -> int:
        return tell_due(self.services, self.company.id, place_id, courier=self.courier)

    def settle(self, *places: UUID) -> None:
        """Let everything that is due happen, verdicts included."""
        self.keep()
        for place_id in places:
            self.tell(place_id)
        self.later(seconds=2)
        for place_id in places:
            self.tell(place_id)

    def changed(self, *change_ids: UUID) -> None:
        marks.mark_changes(self.services, self.company.id, change_ids)

    def called(self, *call_ids: UUID) -> None:
        marks.mark_calls(self.services, self.company.id, call_ids)

    def run(self, statement: str, **values: Any) -> Any:
        """Change rows as other rooms do."""
        with self.services.db.tenant(self.company.id) as session:
            return session.execute(text(statement), {"c": self.company.id, **values})

    def erase(self, person_id: UUID) -> int:
        """Do what an erasure does: tell the audiences, delete the person; its numbers go with it."""
        with self.services.db.tenant(self.company.id) as session:
            left = service.erase_person(session, self.company.id, person_id, self.now())
            session.execute(text("DELETE FROM person WHERE company_id = :c AND id = :id"),
                            {"c": self.company.id, "id": person_id})  # fmt: skip
            return left

    def members(self, audience_id: UUID) -> dict[UUID, str]:
        """Return persons the condition holds for: "in", or why they are withheld."""
        rows = self.all(select(Member).where(Member.audience_id == audience_id))
        return {row.person_id: row.withheld or row.status for row in rows}

    def entries(self, place_id: UUID) -> list[Entry]:
        return self.all(select(Entry).where(Entry.place_id == place_id))

    def requests(self, place_id: UUID) -> list[Request]:
        return self.all(select(Request).where(Request.place_id == place_id).order_by(Request.started_at))

    def events(self, audience_id: UUID) -> list[Event]:
        return self.all(select(Event).where(Event.audience_id == audience_id).order_by(Event.at, Event.what))

    def row(self, audience_id: UUID) -> Audience:
        with self.services.db.tenant(self.company.id) as session:
            return session.get_one(Audience, (self.company.id, audience_id))

    def list_row(self, place_id: UUID) -> Place:
        with self.services.db.tenant(self.company.id) as session:
            return session.get_one(Place, (self.company.id, place_id))

    def all(self, query: Any) -> list[Any]:
        with self.services.db.tenant(self.company.id) as session:
            return list(session.scalars(query))

    def faults(self, *steps: str, target: str = "google_audiences", **more: Any) -> None:
        wish = {"target": target, "next": list(steps), **more}
        PLAIN.post(f"{self.origin}/sandbox/platforms/faults", json=wish).raise_for_status()

    def at_twin(self, platform: str = "google_data_manager", list_id: str = "777001") -> set[str]:
        """Return who is in a list at its twin."""
        lists = PLAIN.get(f"{self.origin}/sandbox/platforms/audiences").json()["lists"]
        for one in lists:
            if (one["platform"], one["list_id"]) == (platform, list_id):
                return set(one["members"])
        return set()


def named(phone: str, platform: str = "google_data_manager") -> str:
    """Return how a platform's twin names a phone number."""
    return f"phone:{NAMED[platform](phone)}"
