"""Persons with a past, stored as the product stores it and kept beside as plain facts."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from calltrack.attribution.model import Attribution
from calltrack.audiences.rules import Called, PersonFacts, Purchase, Touched
from calltrack.calls.model import Call
from calltrack.conversions.model import Conversion, ConversionChange
from calltrack.infra.db import Base
from calltrack.journeys.model import Person, PersonCaller, PersonVisitor
from calltrack.kernel.ids import new_id
from calltrack.visits.model import Visit
from calltrack.wiring import Services
from tests.builders import NOON, Company, fresh_e164


@dataclass
class Somebody:
    """A person of a test, and what is known of him."""

    id: UUID
    phone: str
    visitor_id: UUID
    leads: list[datetime] = field(default_factory=list)
    purchases: list[Purchase] = field(default_factory=list)
    calls: list[Called] = field(default_factory=list)
    called_back: list[datetime] = field(default_factory=list)
    touches: list[Touched] = field(default_factory=list)

    def facts(self) -> PersonFacts:
        return PersonFacts(
            tuple(self.leads), tuple(self.purchases), tuple(self.calls), tuple(self.called_back),
            tuple(self.touches),
        )  # fmt: skip


class Crowd:
    """Makes persons of one company; `store` writes what was made since."""

    def __init__(self, services: Services, company: Company) -> None:
        self.services, self.company = services, company
        self.rows: dict[type[Base], list[dict[str, Any]]] = {}

    def person(self, *, phone: bool = True, consent: dict[str, Any] | str | None = "granted") -> Somebody:
        """Make a person; `consent` is what the one visit says ("granted", "denied", None, or as stored)."""
        one = Somebody(new_id(NOON), fresh_e164(), new_id(NOON))
        company_id, vault = self.company.id, self.services.vault
        self.add(Person, id=one.id, created_at=NOON, is_demo=False)
        if phone:
            sealed = vault.seal(company_id, "person_caller.phone", one.phone)
            hash_ = vault.look_up(company_id, one.phone)
            self.add(PersonCaller, caller_hash=hash_, person_id=one.id, phone=sealed, linked_at=NOON)
        self.add(
            PersonVisitor, visitor_id=one.visitor_id, person_id=one.id, call_id=new_id(NOON),
            probability=0.9, linked_at=NOON,
        )  # fmt: skip
        if consent != "no visit":
            self.visit(one, NOON - timedelta(days=200), consent=consent)
        return one

    def visit(
        self, one: Somebody, at: datetime, *, consent: dict[str, Any] | str | None = "granted",
        source: str = "google", medium: str = "cpc", campaign: str = "roma",
    ) -> UUID:  # fmt: skip
        """Let the person visit; the newest visit's consent decides."""
        said = {"granted": {"ad": True, "measure": True}, "denied": {"ad": False, "measure": True}}
        id_ = new_id(at)
        self.add(
            Visit, id=id_, visitor_id=one.visitor_id, site_id=self.company.site_id, started_at=at,
            last_seen_at=at, source=source, medium=medium, campaign=campaign, term="", content="",
            click_ids={}, ad_cookies={}, referrer="", landing_url="",
            consent=said[consent] if isinstance(consent, str) else consent, user_agent="", is_demo=False,
        )  # fmt: skip
        one.touches.append(Touched(at, source, medium, campaign))
        return id_

    def call(
        self, one: Somebody, at: datetime, *, talked: bool = True, ended: bool = True,
        location_id: UUID | None = None, source: str = "", campaign: str = "",
    ) -> UUID:  # fmt: skip
        """Let the person call; `source` is what the call is credited to."""
        id_, place = new_id(at), location_id or self.company.location_id
        self.add(
            Call, id=id_, call_sid="CA" + id_.hex, number_id=self.company.number_ids[0], location_id=place,
            caller=self.services.vault.seal(self.company.id, "call.caller", one.phone),
            caller_hash=self.services.vault.look_up(self.company.id, one.phone),
            status="completed" if ended else "ringing",
            outcome=("answered" if talked else "missed") if ended else None,
            started_at=at, talk_seconds=180 if talked else 0, is_bridged=talked, changed_at=at,
        )  # fmt: skip
        one.calls.append(Called(at, place, missed=ended and not talked, reached=talked))
        if source:
            self.add(
                Attribution, id=new_id(at), call_id=id_, is_current=True, decided_at=at, model="test",
                visit_id=None, probability=0.0, p_nobody=1.0, source=source, medium="offline",
                campaign=campaign, p_campaign=1.0, candidates=[], reasons=[],
            )  # fmt: skip
            one.touches.append(Touched(at, source, "offline", campaign))
        return id_

    def convert(
        self, one: Somebody, call_id: UUID, kind: str, at: datetime, *, value: int | None = None,
        currency: str = "EUR", status: str = "counted", via: str = "rule", person_id: UUID | None = None,
    ) -> UUID:  # fmt: skip
        """Store a conversion of a call; returns the change that destinations hear of."""
        id_, change_id = new_id(at), new_id(at)
        self.add(
            Conversion, id=id_, call_id=call_id, person_id=person_id or one.id, kind=kind, status=status,
            external_id=id_.hex, value_minor=value, currency=currency, occurred_at=at, decided_by="test",
            via=via, reason="", created_at=at, changed_at=at,
        )  # fmt: skip
        self.add(
            ConversionChange, id=change_id, conversion_id=id_, sequence=0, action="create",
            value_minor=value, currency=currency, changed_at=at, changed_by="test", reason="",
        )  # fmt: skip
        if status == "counted":
            if kind == "lead":
                one.leads.append(at)
            else:
                one.purchases.append(Purchase(at, value, currency))
            if via == "call_back":
                one.called_back.append(at)
        return change_id

    def add(self, table: type[Base], **values: Any) -> None:
        self.rows.setdefault(table, []).append({"company_id": self.company.id, **values})

    def store(self) -> None:
        """Write everything that was made since the last time."""
        order = (Person, PersonCaller, PersonVisitor, Visit, Call, Attribution, Conversion, ConversionChange)
        with self.services.db.tenant(self.company.id) as session:
            for table in order:
                if rows := self.rows.get(table):
                    session.execute(insert(table), rows)
        self.rows.clear()
