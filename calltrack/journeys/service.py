"""Links callers and visitors to persons."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, delete, select, update
from sqlalchemy.orm import Session

from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call
from calltrack.infra import outbox
from calltrack.infra.crypto import Vault
from calltrack.infra.turns import take_turn
from calltrack.journeys.model import Person, PersonCaller, PersonVisitor
from calltrack.journeys.rules import Known, bind, is_sure
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import new_id
from calltrack.visits.model import Visit


def link_person(
    session: Session, vault: Vault, company_id: UUID, call_id: UUID, now: datetime
) -> UUID | None:
    """Bind the call's caller, and its visitor where the verdict is sure enough, to one person.

    Two persons who turn out to be one are joined: the older stays and `person.merged` is recorded for it.
    A withheld caller is nobody: such a call has a person through its visitor only, or none (None).
    Repetitions change nothing.

    Raises:
        NotFound: the company has no such call.
    """
    take_turn(session, "persons", company_id)
    call = session.get(Call, (company_id, call_id))
    if call is None:
        raise NotFound("There is no such call.")
    visitor = _sure_visitor(session, call)
    _forget_links_but(session, call, visitor[0] if visitor else None)
    if call.caller_hash is None and visitor is None:
        return None
    binding = bind(_person_of_caller(session, call), _person_of_visitor(session, call, visitor))
    person_id = binding.keep.id if binding.keep else _new_person(session, call)
    if binding.absorb:
        _absorb(session, company_id, person_id, binding.absorb.id, now)
    _link_caller(session, vault, call, person_id, now)
    if visitor:
        _link_visitor(session, call, visitor, person_id, now)
    session.flush()
    return person_id


def persons_of_calls(session: Session, company_id: UUID, call_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return the person of each call that has one: through the caller, else through a sure visitor."""
    visitors = and_(
        PersonVisitor.company_id == Visit.company_id, PersonVisitor.visitor_id == Visit.visitor_id
    )
    ids = list(call_ids)
    through_visits = (
        select(Attribution.call_id, PersonVisitor.person_id, Attribution.probability)
        .join(Visit, and_(Visit.company_id == Attribution.company_id, Visit.id == Attribution.visit_id))
        .join(PersonVisitor, visitors)
        .where(Attribution.company_id == company_id, Attribution.call_id.in_(ids), Attribution.is_current)
    )
    found = {
        row.call_id: row.person_id for row in session.execute(through_visits) if is_sure(row.probability)
    }
    through_callers = (
        select(Call.id, PersonCaller.person_id)
        .join(
            PersonCaller,
            and_(PersonCaller.company_id == Call.company_id, PersonCaller.caller_hash == Call.caller_hash),
        )
        .where(Call.company_id == company_id, Call.id.in_(ids))
    )
    return found | {row.id: row.person_id for row in session.execute(through_callers)}


def _sure_visitor(session: Session, call: Call) -> tuple[UUID, float] | None:
    row = session.execute(
        select(Visit.visitor_id, Attribution.probability)
        .join(Visit, and_(Visit.company_id == Attribution.company_id, Visit.id == Attribution.visit_id))
        .where(
            Attribution.company_id == call.company_id, Attribution.call_id == call.id, Attribution.is_current
        )
    ).one_or_none()
    return (row.visitor_id, row.probability) if row and is_sure(row.probability) else None


def _forget_links_but(session: Session, call: Call, visitor_id: UUID | None) -> None:
    """Take back what an earlier verdict on this call said about another visitor."""
    stale = delete(PersonVisitor).where(
        PersonVisitor.company_id == call.company_id, PersonVisitor.call_id == call.id
    )
    session.execute(stale.where(PersonVisitor.visitor_id != visitor_id) if visitor_id else stale)


def _person_of_caller(session: Session, call: Call) -> Known | None:
    if call.caller_hash is None:
        return None
    query = select(Person.id, Person.created_at).join(
        PersonCaller, and_(PersonCaller.company_id == Person.company_id, PersonCaller.person_id == Person.id)
    )
    row = session.execute(
        query.where(Person.company_id == call.company_id, PersonCaller.caller_hash == call.caller_hash)
    ).one_or_none()
    return Known(row.id, row.created_at) if row else None


def _person_of_visitor(session: Session, call: Call, visitor: tuple[UUID, float] | None) -> Known | None:
    if visitor is None:
        return None
    query = select(Person.id, Person.created_at).join(
        PersonVisitor,
        and_(PersonVisitor.company_id == Person.company_id, PersonVisitor.person_id == Person.id),
    )
    row = session.execute(
        query.where(Person.company_id == call.company_id, PersonVisitor.visitor_id == visitor[0])
    ).one_or_none()
    return Known(row.id, row.created_at) if row else None


def _new_person(session: Session, call: Call) -> UUID:
    person = Person(
        company_id=call.company_id,
        id=new_id(call.started_at),
        created_at=call.started_at,
        is_demo=call.is_demo,
    )
    session.add(person)
    session.flush()
    return person.id


def _absorb(session: Session, company_id: UUID, kept: UUID, absorbed: UUID, now: datetime) -> None:
    for link in (PersonCaller, PersonVisitor):
        session.execute(
            update(link)
            .where(link.company_id == company_id, link.person_id == absorbed)
            .values(person_id=kept)
        )
    session.execute(delete(Person).where(Person.company_id == company_id, Person.id == absorbed))
    outbox.record(session, company_id, "person.merged", kept, now)


def _link_caller(session: Session, vault: Vault, call: Call, person_id: UUID, now: datetime) -> None:
    if call.caller_hash is None or call.caller is None:
        return
    if session.get(PersonCaller, (call.company_id, call.caller_hash)):
        return
    phone = vault.open(call.company_id, "call.caller", call.caller)
    session.add(
        PersonCaller(
            company_id=call.company_id,
            caller_hash=call.caller_hash,
            person_id=person_id,
            phone=vault.seal(call.company_id, "person_caller.phone", phone),
            linked_at=now,
        )
    )


def _link_visitor(
    session: Session, call: Call, visitor: tuple[UUID, float], person_id: UUID, now: datetime
) -> None:
    visitor_id, probability = visitor
    link = session.get(PersonVisitor, (call.company_id, visitor_id))
    if link is None:
        session.add(
            PersonVisitor(
                company_id=call.company_id,
                visitor_id=visitor_id,
                person_id=person_id,
                call_id=call.id,
                probability=probability,
                linked_at=now,
            )
        )
    elif link.call_id == call.id or probability > link.probability:
        link.call_id, link.probability = call.id, probability
