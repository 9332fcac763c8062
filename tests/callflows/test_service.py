"""Flows are saved as versions, assigned to the narrowest place, kept while they are used, and audited."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from calltrack.accounts.model import AuditEntry
from calltrack.callflows import queries, service
from calltrack.callflows.model import CallFlowVersion
from calltrack.kernel.errors import BadFields, BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_company
from tests.callflows.flows import EXAMPLE

ACTOR = "anna@rossi.test"
LATER = NOON + timedelta(minutes=5)


def simple(text: str = "Benvenuti", **ring: Any) -> dict[str, Any]:
    """Return a flow that greets and rings the location's line."""
    phone = {"kind": "ring", "targets": [{"own_line": True}]} | ring
    return {
        "start": "welcome",
        "steps": {"welcome": {"kind": "announce", "message": text, "then": "phone"}, "phone": phone},
    }


def make(services: Services, company: Company, name: str = "Negozio", plain: Any = None) -> UUID:
    with services.db.tenant(company.id) as session:
        return service.create(session, company.id, name, plain or simple(), ACTOR, NOON)


def test_a_flow_is_saved_in_versions_that_never_change(services: Services, company: Company) -> None:
    flow_id = make(services, company)
    with services.db.tenant(company.id) as session:
        assert service.save(session, company.id, flow_id, simple("Buongiorno"), ACTOR, LATER, based_on=1) == 2
        assert service.save(session, company.id, flow_id, simple("Buongiorno"), ACTOR, LATER) == 2
        with pytest.raises(Conflict, match="saved version 2 meanwhile"):
            service.save(session, company.id, flow_id, simple("Salve"), ACTOR, LATER, based_on=1)
        assert service.restore(session, company.id, flow_id, 1, ACTOR, LATER) == 3
        with pytest.raises(NotFound, match="version 9"):
            service.restore(session, company.id, flow_id, 9, ACTOR, LATER)
    with services.db.tenant(company.id) as session:
        three, two, one = queries.versions(session, company.id, flow_id)
        assert (three.definition, three.replaced_at) == (one.definition, None)
        assert (one.number, one.replaced_at, two.replaced_at) == (1, LATER, LATER)
        assert two.definition["steps"]["welcome"]["message"] == {"text": "Buongiorno"}
        [row] = queries.flows(session, company.id)
        assert (row.name, row.version, row.saved_by, row.assignments) == ("Negozio", 3, ACTOR, 0)


def test_the_narrowest_assignment_answers(services: Services, company: Company) -> None:
    number = company.number_ids[0]
    scopes = {
        "company": company.id, "location": company.location_id, "pool": company.pool_id, "number": number
    }  # fmt: skip

    def answer() -> tuple[str, str]:
        with services.db.tenant(company.id) as session:
            found = queries.answering(session, company.id, number)
        return found.scope, found.name

    assert answer() == ("settings", "Roma")
    for scope, subject in scopes.items():
        flow_id = make(services, company, f"Flow of the {scope}")
        with services.db.tenant(company.id) as session:
            service.assign(session, company.id, flow_id, scope, subject, ACTOR, NOON)
        assert answer() == (scope, f"Flow of the {scope}")
    with services.db.tenant(company.id) as session:
        shown = [(row.scope, row.name) for row in queries.assignments(session, company.id)]
    assert shown == [
        ("company", "Traslochi Prova"), ("location", "Roma"), ("pool", "Sito Roma"),
        ("number", company.numbers[0]),
    ]  # fmt: skip
    for scope, next_ in (
        ("number", "pool"),
        ("pool", "location"),
        ("location", "company"),
        ("company", "settings"),
    ):
        with services.db.tenant(company.id) as session:
            service.unassign(session, company.id, scope, scopes[scope], ACTOR, NOON)
        assert answer()[0] == next_
    with services.db.tenant(company.id) as session, pytest.raises(NotFound, match="assigned there"):
        service.unassign(session, company.id, "company", company.id, ACTOR, NOON)


def test_a_flow_in_use_cannot_be_deleted(services: Services, company: Company) -> None:
    flow_id = make(services, company)
    with services.db.tenant(company.id) as session:
        service.assign(session, company.id, flow_id, "pool", company.pool_id, ACTOR, NOON)
        with pytest.raises(Conflict, match=r"still answers calls .1 pool."):
            service.remove(session, company.id, flow_id, ACTOR, NOON)
        service.unassign(session, company.id, "pool", company.pool_id, ACTOR, NOON)
        service.remove(session, company.id, flow_id, ACTOR, NOON)
    with services.db.tenant(company.id) as session:
        assert queries.flows(session, company.id) == ()
        assert session.scalars(select(CallFlowVersion)).all(), "what it did stays known"
        with pytest.raises(NotFound):
            service.assign(session, company.id, flow_id, "company", company.id, ACTOR, NOON)
    make(services, company)  # Its name is free again.


def test_mistakes_are_named_with_their_step(services: Services, company: Company) -> None:
    with services.db.tenant(company.id) as session:
        with pytest.raises(BadFields, match=r"step “phone”, caller_id: .* not a tracking number of yours"):
            service.create(session, company.id, "X", simple(caller_id="+390612345678"), ACTOR, NOON)
        service.check(session, company.id, simple(caller_id=company.numbers[1]))
        with pytest.raises(BadInput, match="name"):
            service.create(session, company.id, " ", simple(), ACTOR, NOON)
        flow_id = service.create(session, company.id, "Uno", simple(), ACTOR, NOON)
        service.create(session, company.id, "Due", EXAMPLE, ACTOR, NOON)
        with pytest.raises(Conflict, match="named “uno” already"):
            service.create(session, company.id, "uno", simple(), ACTOR, NOON)
        with pytest.raises(Conflict, match="named “due” already"):
            service.rename(session, company.id, flow_id, "due", ACTOR, NOON)
        service.rename(session, company.id, flow_id, "UNO", ACTOR, NOON)
        with pytest.raises(BadInput, match="a number, a pool"):
            service.assign(session, company.id, flow_id, "planet", company.id, ACTOR, NOON)


def test_another_company_can_neither_see_nor_take(services: Services, company: Company) -> None:
    stranger = make_company(services)
    flow_id = make(services, company)
    own = make(services, stranger)
    with services.db.tenant(stranger.id) as session:
        assert [row.id for row in queries.flows(session, stranger.id)] == [own]
        for act in (
            lambda: queries.flow(session, stranger.id, flow_id),
            lambda: queries.answering(session, stranger.id, company.number_ids[0]),
            lambda: service.save(session, stranger.id, flow_id, simple("x"), ACTOR, NOON),
            lambda: service.remove(session, stranger.id, flow_id, ACTOR, NOON),
            lambda: service.assign(session, stranger.id, flow_id, "company", stranger.id, ACTOR, NOON),
            lambda: service.assign(session, stranger.id, own, "company", company.id, ACTOR, NOON),
            lambda: service.assign(session, stranger.id, own, "number", company.number_ids[0], ACTOR, NOON),
            lambda: service.assign(session, stranger.id, own, "pool", new_id(), ACTOR, NOON),
        ):
            with pytest.raises(NotFound):
                act()


def test_every_change_is_written_down(services: Services, company: Company) -> None:
    flow_id = make(services, company)
    with services.db.tenant(company.id) as session:
        service.save(session, company.id, flow_id, simple("Salve"), ACTOR, NOON)
        service.rename(session, company.id, flow_id, "Bottega", ACTOR, NOON)
        service.assign(session, company.id, flow_id, "company", company.id, ACTOR, NOON)
        service.unassign(session, company.id, "company", company.id, ACTOR, NOON)
        service.remove(session, company.id, flow_id, ACTOR, NOON)
    with services.db.tenant(company.id) as session:
        rows = session.scalars(select(AuditEntry).where(AuditEntry.subject == str(flow_id))).all()
    assert {row.action.removeprefix("call_flow.") for row in rows} == {
        "created", "saved", "renamed", "assigned", "unassigned", "deleted"
    }  # fmt: skip
    assert {row.actor for row in rows} == {ACTOR}
