"""One company, and words for what tests of attribution do with its visits, calls and verdicts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from calltrack.attribution.facts import Posterior
from calltrack.attribution.model import Attribution
from calltrack.attribution.service import attribute_call
from calltrack.attribution.stored import posterior_of, reasons_of
from calltrack.attribution.telling import hear_form
from calltrack.attribution.words import sentences
from calltrack.calls.model import Call
from calltrack.infra.outbox import Fact
from calltrack.kernel.ids import new_id
from calltrack.visits.model import Visit, VisitorPhone
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_call, make_lease, make_visit

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass
class Desk:
    """Moments are told as how long before noon they were."""

    services: Services
    company: Company

    def shown(self, number: int, before: timedelta, **more: Any) -> Visit:
        visit = make_visit(self.services, self.company, at=NOON - before, **more)
        make_lease(self.services, self.company, visit, self.company.number_ids[number])
        return visit

    def call(self, number: int = 0, before: timedelta = timedelta(0), **more: Any) -> Call:
        number_id = self.company.number_ids[number]
        return make_call(self.services, self.company, number_id=number_id, at=NOON - before, **more)

    def typed(self, visit: Visit, phone: str, told_at: datetime) -> None:
        """The visitor types a phone into a form, and calls hear of it."""
        company_id, vault, typed_id = self.company.id, self.services.vault, new_id(told_at)
        with self.services.db.tenant(company_id) as session:
            session.add(
                VisitorPhone(
                    company_id=company_id,
                    id=typed_id,
                    visitor_id=visit.visitor_id,
                    visit_id=visit.id,
                    phone_hash=vault.look_up(company_id, phone),
                    phone=vault.seal(company_id, "visitor_phone.phone", phone),
                    told_at=told_at,
                )
            )
            session.flush()
            hear_form(session, company_id, typed_id, told_at)

    def judge(self, call: Call) -> Attribution:
        self.attribute(call.id)
        return self.current(call)

    def attribute(self, call_id: UUID) -> None:
        with self.services.db.tenant(self.company.id) as session:
            attribute_call(session, self.company.id, call_id, NOON + HOUR)

    def current(self, call: Call) -> Attribution:
        with self.services.db.tenant(self.company.id) as session:
            return session.scalars(
                select(Attribution).where(Attribution.call_id == call.id, Attribution.is_current)
            ).one()

    def found(self, call: Call) -> Posterior:
        return posterior_of(self.current(call))

    def count(self) -> int:
        with self.services.db.tenant(self.company.id) as session:
            return session.scalar(select(func.count()).select_from(Attribution)) or 0

    def facts(self, kind: str) -> list[UUID]:
        with self.services.db.tenant(self.company.id) as session:
            return list(session.scalars(select(Fact.subject_id).where(Fact.kind == kind).order_by(Fact.id)))


def said(row: Attribution) -> tuple[str, ...]:
    """Return a verdict's reasons in words."""
    return sentences(reasons_of(row.reasons))
