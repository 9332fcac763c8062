"""However many browsers share an address, and however many persons became one, a call is a few statements."""

import threading
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from calltrack.attribution.model import Attribution
from calltrack.infra import outbox
from calltrack.journeys import service
from calltrack.journeys.joining import Pair, are_apart, join, part
from calltrack.journeys.joins_model import PersonJoin
from calltrack.journeys.model import Person, PersonVisitor
from calltrack.journeys.person_rules import PersonRules
from calltrack.journeys.rule_joining import MOST_SIGNS, keys_by_person, save_person_rules, try_rules
from calltrack.journeys.rules import MOST_BROWSERS, TYPED
from calltrack.journeys.service import link_email, link_person
from calltrack.kernel.ids import new_id
from calltrack.visits.forms import EMAIL_PLACE, email_hash
from calltrack.visits.model import VisitorEmail
from calltrack.wiring import Services
from tests.builders import NOON, Company, fresh_e164, make_call
from tests.copies import copy_row
from tests.explained import explained, statements
from tests.stages.people import Town
from workers.facts import drain
from workers.subscriptions import SUBSCRIPTIONS

MANY = 60
FEW_STATEMENTS = 60
ADDRESS = "no@example.com"


def browser_of_somebody(services: Services, company: Company) -> UUID:
    """Store a browser that somebody surely called from and that typed the address; returns what it typed."""
    town, typed_id = Town(services, company), new_id()
    visit, call = town.visit(NOON), town.call(fresh_e164(), NOON)
    town.credit(call, "google", "cpc", visit)
    with services.db.tenant(company.id) as session:
        session.execute(update(Attribution).values(probability=0.9))
        link_person(session, services.vault, company.id, call.id, NOON)
    type_address(services, company, visit.visitor_id, typed_id)
    return typed_id


def type_address(services: Services, company: Company, visitor_id: UUID, typed_id: UUID) -> None:
    with services.db.tenant(company.id) as session:
        session.add(
            VisitorEmail(
                company_id=company.id, id=typed_id, visitor_id=visitor_id, visit_id=new_id(), told_at=NOON,
                email_hash=email_hash(services.vault, company.id, ADDRESS),
                email=services.vault.seal(company.id, EMAIL_PLACE, ADDRESS),
            )
        )  # fmt: skip


def persons(services: Services, company: Company) -> set[UUID]:
    with services.db.tenant(company.id) as session:
        return set(session.scalars(select(PersonVisitor.person_id)))


def link_typed_address(services: Services, company: Company, typed_id: UUID) -> int:
    """Handle the fact that an address was typed; returns in how many statements."""
    with statements(services.db.engine) as sent, services.db.tenant(company.id) as session:
        link_email(session, services.vault, company.id, typed_id, NOON)
    return len(sent)


@pytest.mark.parametrize("limit", [MOST_BROWSERS, None])
def test_an_address_of_many_persons_costs_a_few_statements(
    services: Services, company: Company, limit: int | None
) -> None:
    with services.db.tenant(company.id) as session:
        save_person_rules(session, company.id, {"most_by_email": limit}, NOON, by="anna")
    typed = [browser_of_somebody(services, company) for _ in range(MANY)]
    before = persons(services, company)
    assert link_typed_address(services, company, typed[-1]) < FEW_STATEMENTS
    with services.db.tenant(company.id) as session:
        call_id = session.scalars(select(PersonVisitor.call_id).limit(1)).one()
        with statements(services.db.engine) as sent:
            link_person(session, services.vault, company.id, call_id, NOON)
    assert len(sent) < FEW_STATEMENTS
    assert persons(services, company) == before


def test_all_who_share_an_address_become_one_though_some_are_asked_at_a_time(
    services: Services, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "HUBS", 2)
    rules = {"email": "join", "most_by_email": None}
    with services.db.tenant(company.id) as session:
        save_person_rules(session, company.id, rules, NOON, by="anna")
    for _ in range(9):
        link_typed_address(services, company, browser_of_somebody(services, company))
    assert len(persons(services, company)) == 1


def test_an_address_that_became_an_offices_lets_go_of_its_browsers_though_several_typed_it_at_once(
    services: Services, company: Company
) -> None:
    call = make_call(services, company, caller=fresh_e164())
    with services.db.tenant(company.id) as session:
        person_id = link_person(session, services.vault, company.id, call.id, NOON)
    assert person_id is not None
    first = new_id()
    with services.db.tenant(company.id) as session:
        session.add(
            PersonVisitor(
                company_id=company.id, visitor_id=first, person_id=person_id, call_id=call.id,
                probability=TYPED, linked_at=NOON,
            )
        )  # fmt: skip
    type_address(services, company, first, new_id())
    late = [new_id() for _ in range(MOST_BROWSERS + 5)]
    for typed_id in late:
        type_address(services, company, new_id(), typed_id)
    link_typed_address(services, company, late[-1])
    assert persons(services, company) == set()


def test_somebody_of_whom_many_are_part_is_asked_about_by_whoever_has_fewer_parts(
    services: Services, company: Company
) -> None:
    ids = [new_id(NOON + timedelta(seconds=place)) for place in range(5)]
    with services.db.tenant(company.id) as session:
        session.add_all(Person(company_id=company.id, id=id_, created_at=NOON) for id_ in ids)
        session.flush()
        hub, one, two, apart, stranger = ids
        join(session, company.id, Pair(hub, one), "email", NOON)
        # `apart` was joined with `two`, taken apart again, and `two` is part of the hub now, through `one`.
        undone = join(session, company.id, Pair(two, apart), "email", NOON)
        part(session, company.id, undone, NOON, by="anna")
        session.flush()
        row = session.get_one(
            PersonJoin, (company.id, join(session, company.id, Pair(hub, two), "email", NOON))
        )
        row.kept_id = one
        session.flush()
        copy_row(session, "person_join", 1_000, "id", "absorbed_id", where="undone_at IS NULL")
        with explained(services.db.engine) as found:
            assert are_apart(session, company.id, Pair(hub, apart))
            assert are_apart(session, company.id, Pair(apart, hub))
            assert not are_apart(session, company.id, Pair(hub, stranger))
    assert sum(plan["Actual Rows"] for plan in found.plans.values()) < 200


def test_a_person_joined_with_many_is_followed_once(services: Services, company: Company) -> None:
    person_id = new_id()
    with services.db.tenant(company.id) as session:
        session.add(Person(company_id=company.id, id=person_id, created_at=NOON))
        for _ in range(20):
            outbox.record(session, company.id, "person.merged", person_id, NOON)
    with statements(services.db.engine) as sent:
        assert drain(services, SUBSCRIPTIONS, company.id, threading.Event()) == 20
    assert len([one for one in sent if one.startswith("UPDATE conversion ")]) <= 1
    assert len(sent) < FEW_STATEMENTS


def test_rules_are_tried_on_more_persons_than_a_statement_takes_parameters(
    services: Services, company: Company
) -> None:
    with services.db.tenant(company.id) as session:
        assert keys_by_person(session, company.id, [new_id() for _ in range(65_536)]) == {}
        assert try_rules(session, company.id, PersonRules(email="join")).outlook.joined == ()
    assert MOST_SIGNS > 65_535
