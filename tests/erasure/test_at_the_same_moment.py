"""Whatever is being written of a person while an erasure goes on: nothing of them is left."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic, sleep
from uuid import UUID

import pytest
from sqlalchemy import select, text

from calltrack.attribution.service import attribute_anew, attribute_call
from calltrack.attribution.telling import hear_form, know_caller
from calltrack.erasure.service import Wanted, ask_to_erase, erase_due
from calltrack.infra.outbox import Fact
from calltrack.journeys.service import link_person
from calltrack.models import Base
from calltrack.stages.keeping import keep_journeys
from calltrack.visits.forms import keep_typed
from calltrack.visits.model import VisitorPhone
from calltrack.wiring import Services
from tests.attribution.desk import MINUTE, Desk
from tests.builders import NOON, Company, make_company

CALLER, OTHER = "+393471234567", "+393479876543"
_WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


@dataclass
class Both:
    """An erasure and something else at the same moment; each waits for what the other holds, if at all."""

    services: Services
    errors: list[BaseException] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def begin(self, step: Callable[[], object]) -> None:
        """Begin in a thread with a connection of its own; returns when it waits for a lock or is done."""
        waiting = self._waiting()

        def run() -> None:
            try:
                step()
            except BaseException as problem:  # noqa: BLE001 - shown at the end
                self.errors.append(problem)

        thread = threading.Thread(target=run)
        self.threads.append(thread)
        thread.start()
        until = monotonic() + 30
        while thread.is_alive() and self._waiting() <= waiting:
            assert monotonic() < until, "neither done nor waiting"
            sleep(0.01)

    def _waiting(self) -> int:
        with self.services.db.shared() as session:
            return session.scalar(_WAITING) or 0

    @contextmanager
    def held(self, table: str) -> Iterator[None]:
        """Let nobody write to a table inside of the block; then wait for all that was begun."""
        with self.services.db.shared() as session:
            session.execute(text(f"LOCK TABLE {table} IN SHARE MODE"))
            yield
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive()
        assert self.errors == []


@dataclass
class Erased:
    """A person who called and typed, whose number others were shown as well; and how to erase them."""

    services: Services
    company: Company
    visitor_id: UUID
    visit_id: UUID
    calls: dict[str, UUID]
    typed_id: UUID

    def erase(self) -> None:
        assert erase_due(self.services, self.company.id) == 1

    def judge(self) -> None:
        with self.services.db.tenant(self.company.id) as session:
            attribute_call(session, self.company.id, self.calls["other"], NOON)

    def judge_anew(self) -> None:
        with self.services.db.tenant(self.company.id) as session:
            attribute_anew(session, self.company.id, self.calls["own"], NOON)

    def know(self) -> None:
        with self.services.db.tenant(self.company.id) as session:
            know_caller(session, self.company.id, self.calls["own"])

    def hear(self) -> None:
        with self.services.db.tenant(self.company.id) as session:
            hear_form(session, self.company.id, self.typed_id, NOON)

    def keep(self) -> None:
        with self.services.db.tenant(self.company.id) as session:
            visit = (self.company.site_id, self.visitor_id, self.visit_id)
            keep_typed(session, self.services.vault, self.company.id, visit, ["+393470000009"], NOON)

    def traces(self) -> set[str]:
        """Return the tables that still name the browser or the phone."""
        phone = self.services.vault.look_up(self.company.id, CALLER)
        needles = (self.visitor_id.hex, str(self.visitor_id), phone.hex())
        keep_journeys(self.services, self.company.id)  # journeys marked meanwhile are made, and the marks go
        found = set()
        with self.services.db.tenant(self.company.id) as session:
            for table in Base.metadata.sorted_tables:
                if "company_id" in table.c:
                    rows = session.scalars(text(f"SELECT CAST(t AS text) FROM {table.name} t"))
                    found |= {table.name for row in rows if any(needle in row for needle in needles)}
        return found


@pytest.fixture
def person(services: Services) -> Erased:
    company = make_company(services)
    desk = Desk(services, company)
    visit = desk.shown(0, 30 * MINUTE)
    own = desk.call(0, 29 * MINUTE, caller=CALLER)
    desk.attribute(own.id)
    with services.db.tenant(company.id) as session:
        link_person(session, services.vault, company.id, own.id, NOON)
    desk.typed(visit, CALLER, NOON - 25 * MINUTE)
    other = desk.call(0, 10 * MINUTE, caller=OTHER)
    with services.db.tenant(company.id) as session:
        (typed_id,) = session.scalars(select(VisitorPhone.id))
        ask_to_erase(session, services.vault, company.id, Wanted(number=CALLER), services.clock(), by="Anna")
    calls = {"own": own.id, "other": other.id}
    found = Erased(services, company, visit.visitor_id, visit.id, calls, typed_id)
    assert {"attribution", "phone_link", "visit", "lease"} <= found.traces()
    return found


@pytest.mark.parametrize("step", [Erased.judge, Erased.judge_anew, Erased.know, Erased.hear])
def test_what_begins_while_a_person_is_being_erased_reads_nothing_of_before(
    person: Erased, step: Callable[[Erased], None]
) -> None:
    both = Both(person.services)
    with both.held("page_view"):  # verdicts, phones and calls are done, visits are not
        both.begin(person.erase)
        both.begin(lambda: step(person))
    assert person.traces() == set()


@pytest.mark.parametrize(
    ("step", "table"), [(Erased.judge, "attribution"), (Erased.keep, Fact.__tablename__)]
)
def test_an_erasure_waits_for_what_is_being_written(
    person: Erased, step: Callable[[Erased], None], table: str
) -> None:
    both = Both(person.services)
    with both.held(table):  # everything is read, nothing is written
        both.begin(lambda: step(person))
        both.begin(person.erase)
    assert person.traces() == set()
