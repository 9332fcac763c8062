"""People with a past in the tables, for tests of journeys."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call
from calltrack.conversions.model import Conversion
from calltrack.infra.db import Base
from calltrack.journeys.model import Person, PersonCaller, PersonVisitor
from calltrack.kernel.ids import new_id
from calltrack.stages.keeping import Turn, keep_journeys, make_past_again
from calltrack.stages.making import make_journeys, sums_from_rows
from calltrack.stages.model import JourneyCell, JourneyRow
from calltrack.visits.model import PageView, Visit
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_call, make_visit


class Town:
    """A company whose people visit, call and buy; journeys are made in this thread."""

    def __init__(self, services: Services, company: Company) -> None:
        self.services, self.company = services, company

    def store(self, *rows: Base) -> None:
        with self.services.db.tenant(self.company.id) as session:
            session.add_all(rows)

    def person(self, phone: str = "", browser: UUID | None = None, at: datetime = NOON) -> UUID:
        """Store a person with a number, a browser, or both."""
        id_, company_id, vault = new_id(at), self.company.id, self.services.vault
        self.store(Person(company_id=company_id, id=id_, created_at=at))
        if phone:
            sealed, hash_ = (
                vault.seal(company_id, "person_caller.phone", phone),
                vault.look_up(company_id, phone),
            )
            self.store(PersonCaller(company_id=company_id, caller_hash=hash_, person_id=id_, phone=sealed,
                                    linked_at=at))  # fmt: skip
        if browser:
            self.store(PersonVisitor(company_id=company_id, visitor_id=browser, person_id=id_,
                                     call_id=new_id(at), probability=0.9, linked_at=at))  # fmt: skip
        return id_

    def visit(
        self, at: datetime, browser: UUID | None = None, pages: int = 1, page: str = "/", **more: Any
    ) -> Visit:
        """Store a visit of so many pages, the last of them `page`."""
        visit = make_visit(self.services, self.company, at=at, visitor_id=browser, **{"seconds": 30} | more)
        for number in range(pages):
            seen = at + timedelta(seconds=number)
            last = page if number == pages - 1 else f"/page-{number}"
            self.store(PageView(company_id=self.company.id, id=new_id(seen), visit_id=visit.id, at=seen,
                                page=self.company.origin + last, title="", kind=""))  # fmt: skip
        return visit

    def call(self, phone: str | None, at: datetime, talk: int = 180, **more: Any) -> Call:
        outcome = "answered" if talk else "missed"
        return make_call(
            self.services, self.company, caller=phone, at=at, talk_seconds=talk, outcome=outcome, **more
        )

    def conversion(self, call: Call, kind: str, at: datetime, value_minor: int | None = None) -> UUID:
        id_ = new_id(at)
        self.store(Conversion(
            company_id=self.company.id, id=id_, call_id=call.id, kind=kind, status="counted",
            external_id=id_.hex if value_minor else "", value_minor=value_minor, currency="EUR",
            occurred_at=at, decided_by="test", reason="", created_at=at, changed_at=at,
        ))  # fmt: skip
        return id_

    def credit(self, call: Call, source: str, medium: str, visit: Visit | None = None) -> None:
        """Store what the call is credited to."""
        self.store(Attribution(
            company_id=self.company.id, id=new_id(), call_id=call.id, is_current=True, decided_at=NOON,
            model="test", level="visit" if visit else "source", visit_id=visit.id if visit else None,
            probability=0.95, p_campaign=0.95, p_source=0.95, p_nobody=0.0, source=source, medium=medium,
            campaign="", candidates=[], reasons=[],
        ))  # fmt: skip

    def make(self, *ids: UUID) -> int:
        with self.services.db.tenant(self.company.id) as session:
            return make_journeys(session, self.company.id, ids)

    def keep(self) -> int:
        return self._all_turns(keep_journeys)

    def again(self) -> int:
        return self._all_turns(make_past_again)

    def _all_turns(self, make: Callable[[Services, UUID], Turn]) -> int:
        turn = make(self.services, self.company.id)
        changed = turn.changed
        while turn.is_more:
            turn = make(self.services, self.company.id)
            changed += turn.changed
        return changed

    def journeys(self) -> dict[UUID, JourneyRow]:
        with self.services.db.tenant(self.company.id) as session:
            return {row.id: row for row in session.scalars(select(JourneyRow))}

    def count(self, table: type[Base]) -> int:
        with self.services.db.tenant(self.company.id) as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    def run(self, statement: str, **values: Any) -> Any:
        with self.services.db.tenant(self.company.id) as session:
            return session.execute(text(statement), {"c": self.company.id, **values})

    def assert_sums_hold(self) -> None:
        """Every view's sums are those of the journeys, and nothing else is kept."""
        with self.services.db.tenant(self.company.id) as session:
            held = {
                (cell.view, cell.day, cell.a, cell.b, cell.c): (cell.persons, cell.value_minor)
                for cell in session.scalars(select(JourneyCell))
            }
        assert held == {tuple(cell): sums for cell, sums in sums_from_rows(self.journeys().values()).items()}
