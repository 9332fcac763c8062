from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from calltrack.attribution.service import attribute_call
from calltrack.calls.model import Call
from calltrack.infra.outbox import Fact
from calltrack.journeys.model import Person, PersonCaller, PersonVisitor
from calltrack.journeys.person_rules import DEFAULT, PersonRules
from calltrack.journeys.rules import CROWD, MOST_BROWSERS, TYPED
from calltrack.journeys.service import link_email, link_person, link_typed, persons_of_calls
from calltrack.journeys.typed import typed_by_email
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import new_id
from calltrack.numbers.model import Lease
from calltrack.visits.forms import EMAIL_PLACE, email_hash
from calltrack.visits.model import Visit, VisitorEmail, VisitorPhone
from calltrack.wiring import Services
from tests.builders import NOON, Company, make_call, make_lease, make_visit

ANNA, BRUNO = "+393471234567", "+393489876543"


def seen(services: Services, company: Company, number: int, before: timedelta, **more: object) -> Visit:
    visit = make_visit(services, company, at=NOON - before, **more)  # type: ignore[arg-type]  # builder's own
    make_lease(services, company, visit, company.number_ids[number])
    return visit


def link(services: Services, company: Company, call: Call) -> UUID | None:
    with services.db.tenant(company.id) as session:
        attribute_call(session, company.id, call.id, NOON)
    with services.db.tenant(company.id) as session:
        return link_person(session, services.vault, company.id, call.id, NOON)


def count(services: Services, company: Company, table: type) -> int:
    with services.db.tenant(company.id) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_caller_and_visitor_become_one_person_whose_phone_is_sealed(
    services: Services, company: Company
) -> None:
    visit = seen(services, company, 0, timedelta(minutes=1))
    call = make_call(services, company, caller=ANNA)
    person = link(services, company, call)
    with services.db.tenant(company.id) as session:
        caller = session.scalars(select(PersonCaller)).one()
        visitor = session.scalars(select(PersonVisitor)).one()
        assert persons_of_calls(session, company.id, [call.id]) == {call.id: person}
    assert caller.person_id == visitor.person_id == person
    assert (visitor.visitor_id, visitor.call_id) == (visit.visitor_id, call.id)
    assert services.vault.open(company.id, "person_caller.phone", caller.phone) == ANNA


def test_a_repetition_changes_nothing(services: Services, company: Company) -> None:
    seen(services, company, 0, timedelta(minutes=1))
    call = make_call(services, company)
    assert link(services, company, call) == link(services, company, call)
    assert [count(services, company, table) for table in (Person, PersonCaller, PersonVisitor)] == [1, 1, 1]


def test_an_unsure_verdict_links_the_caller_alone(services: Services, company: Company) -> None:
    for _ in range(3):
        seen(services, company, 0, timedelta(minutes=1))
    assert link(services, company, make_call(services, company)) is not None
    assert count(services, company, PersonVisitor) == 0


def test_a_withheld_caller_is_nobody_but_his_visitor(services: Services, company: Company) -> None:
    hidden = make_call(services, company, caller=None)
    assert link(services, company, hidden) is None
    seen(services, company, 1, timedelta(minutes=1))
    shown = make_call(services, company, caller=None, number_id=company.number_ids[1])
    person = link(services, company, shown)
    assert person is not None
    assert count(services, company, PersonCaller) == 0
    with services.db.tenant(company.id) as session:
        assert persons_of_calls(session, company.id, [hidden.id, shown.id]) == {shown.id: person}


def test_two_persons_who_are_one_are_joined_and_the_older_stays(services: Services, company: Company) -> None:
    first = seen(services, company, 0, timedelta(days=9))
    anna = link(services, company, make_call(services, company, caller=ANNA, at=first.started_at))
    bruno_before = make_call(
        services, company, caller=BRUNO, at=NOON - timedelta(days=5), number_id=company.number_ids[3]
    )
    bruno = link(services, company, bruno_before)
    assert anna != bruno
    seen(services, company, 1, timedelta(minutes=1), visitor_id=first.visitor_id)
    both = make_call(services, company, caller=BRUNO, number_id=company.number_ids[1])
    assert link(services, company, both) == anna
    assert link(services, company, both) == anna
    assert count(services, company, Person) == 1
    with services.db.tenant(company.id) as session:
        assert persons_of_calls(session, company.id, [bruno_before.id]) == {bruno_before.id: anna}
        merged = session.scalars(select(Fact.subject_id).where(Fact.kind == "person.merged")).all()
    assert merged == [anna]


def test_a_changed_verdict_takes_its_old_link_back(services: Services, company: Company) -> None:
    wrong = seen(services, company, 0, timedelta(minutes=30))
    call = make_call(services, company)
    link(services, company, call)
    right = seen(services, company, 0, timedelta(seconds=30))
    link(services, company, call)
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(PersonVisitor.visitor_id)).all() == [right.visitor_id]
        assert session.scalars(select(Lease.visit_id)).all() == [wrong.id, right.id]


def test_an_unknown_call_is_not_found(services: Services, company: Company) -> None:
    with pytest.raises(NotFound), services.db.tenant(company.id) as session:
        link_person(session, services.vault, company.id, new_id(), NOON)


def typed(services: Services, company: Company, visitor_id: UUID, visit_id: UUID, phone: str) -> UUID:
    """Store a phone number that this visitor typed into a form."""
    id_ = new_id(NOON)
    with services.db.tenant(company.id) as session:
        session.add(
            VisitorPhone(
                company_id=company.id, id=id_, visitor_id=visitor_id, visit_id=visit_id, told_at=NOON,
                phone_hash=services.vault.look_up(company.id, phone),
                phone=services.vault.seal(company.id, "visitor_phone.phone", phone),
            )
        )  # fmt: skip
    return id_


def test_who_typed_the_number_is_its_caller_whichever_comes_first(
    services: Services, company: Company
) -> None:
    early = make_visit(services, company, at=NOON - timedelta(days=2))
    late = make_visit(services, company, at=NOON + timedelta(days=2))
    typed(services, company, early.visitor_id, early.id, ANNA)
    call = make_call(services, company, caller=ANNA)
    person = link(services, company, call)
    id_ = typed(services, company, late.visitor_id, late.id, ANNA)
    unheard = typed(services, company, late.visitor_id, late.id, BRUNO)
    for _ in range(2):
        with services.db.tenant(company.id) as session:
            assert link_typed(session, services.vault, company.id, id_, NOON) == person
            assert link_typed(session, services.vault, company.id, unheard, NOON) is None
    with services.db.tenant(company.id) as session:
        links = session.scalars(select(PersonVisitor)).all()
    assert {each.visitor_id for each in links} == {early.visitor_id, late.visitor_id}
    assert {(each.person_id, each.call_id, each.probability) for each in links} == {(person, call.id, TYPED)}


def typed_address(services: Services, company: Company, visitor_id: UUID, email: str) -> UUID:
    """Store an e-mail address that this visitor typed into a form."""
    id_ = new_id(NOON)
    with services.db.tenant(company.id) as session:
        session.add(
            VisitorEmail(
                company_id=company.id, id=id_, visitor_id=visitor_id, visit_id=new_id(NOON), told_at=NOON,
                email_hash=email_hash(services.vault, company.id, email),
                email=services.vault.seal(company.id, EMAIL_PLACE, email),
            )
        )  # fmt: skip
    return id_


def test_browsers_in_which_one_address_was_typed_are_one_person(services: Services, company: Company) -> None:
    phone, laptop, other = (make_visit(services, company, at=NOON - timedelta(days=2)) for _ in range(3))
    typed(services, company, phone.visitor_id, phone.id, ANNA)
    typed_address(services, company, phone.visitor_id, "anna@posta.test")
    person = link(services, company, make_call(services, company, caller=ANNA))
    typed_address(services, company, other.visitor_id, "bruno@posta.test")
    id_ = typed_address(services, company, laptop.visitor_id, "anna@posta.test")
    for _ in range(2):
        with services.db.tenant(company.id) as session:
            link_email(session, services.vault, company.id, id_, NOON)
            links = session.scalars(select(PersonVisitor)).all()
        assert {each.visitor_id for each in links} == {phone.visitor_id, laptop.visitor_id}
        assert {each.person_id for each in links} == {person}


def test_an_address_typed_in_very_many_browsers_is_nobodys(services: Services, company: Company) -> None:
    visit = make_visit(services, company, at=NOON)
    typed(services, company, visit.visitor_id, visit.id, ANNA)
    for visitor_id in (visit.visitor_id, *(new_id(NOON) for _ in range(MOST_BROWSERS))):
        last = typed_address(services, company, visitor_id, "info@posta.test")
    link(services, company, make_call(services, company, caller=ANNA))
    with services.db.tenant(company.id) as session:
        link_email(session, services.vault, company.id, last, NOON)
        assert session.scalars(select(PersonVisitor.visitor_id)).all() == [visit.visitor_id]


def test_what_a_crowd_of_browsers_typed_is_not_even_looked_at(services: Services, company: Company) -> None:
    browsers = [new_id(NOON) for _ in range(CROWD + 1)]
    for browser in browsers:
        typed(services, company, browser, new_id(NOON), ANNA)
        typed_address(services, company, browser, "none@none.test")
    link(services, company, make_call(services, company, caller=ANNA))
    assert count(services, company, PersonVisitor) == 0
    with services.db.tenant(company.id) as session:
        assert typed_by_email(session, company.id, browsers[:1], DEFAULT) == []
        assert (
            len(typed_by_email(session, company.id, browsers[:1], PersonRules(most_by_email=None))) == CROWD
        )


def test_whoever_is_somebody_already_does_not_become_another_by_typing(
    services: Services, company: Company
) -> None:
    visit = seen(services, company, 0, timedelta(minutes=1))
    anna = link(services, company, make_call(services, company, caller=ANNA))
    typed(services, company, visit.visitor_id, visit.id, BRUNO)
    elsewhere = make_call(services, company, caller=BRUNO, number_id=company.number_ids[1])
    assert link(services, company, elsewhere) != anna
    with services.db.tenant(company.id) as session:
        assert session.scalars(select(PersonVisitor)).one().person_id == anna
