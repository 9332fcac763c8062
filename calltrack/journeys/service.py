"""Links callers and visitors to persons."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, delete, select
from sqlalchemy.orm import Session

from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call
from calltrack.infra.crypto import Vault
from calltrack.infra.rows import hidden
from calltrack.infra.turns import take_turn
from calltrack.journeys.joining import Pair, are_apart, join
from calltrack.journeys.model import Person, PersonCaller, PersonVisitor
from calltrack.journeys.rules import MOST_BROWSERS, TYPED, Known, bind, is_sure
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import new_id
from calltrack.visits.model import Visit, VisitorEmail, VisitorPhone


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
    typed = _typed_by(session, call)
    typed += _of_same_email(session, company_id, {*typed, *([visitor[0]] if visitor else [])})
    _forget_links_but(session, call, {*typed, *([visitor[0]] if visitor else [])})
    if call.caller_hash is None and visitor is None:
        return None
    caller, browser = _person_of_caller(session, call), _person_of_visitor(session, call, visitor)
    if caller and browser and are_apart(session, company_id, Pair(caller.id, browser.id)):
        # Somebody said that they are two: the call is its caller's.
        visitor = browser = None
    binding = bind(caller, browser)
    person_id = binding.keep.id if binding.keep else _new_person(session, call)
    if binding.absorb:
        join(session, company_id, Pair(person_id, binding.absorb.id), "call", now)
    _link_caller(session, vault, call, person_id, now)
    if visitor:
        _link_visitor(session, call, visitor, person_id, now)
    for visitor_id in typed:
        # Whoever is somebody already stays it: anybody can type anybody's number.
        if session.get(PersonVisitor, (company_id, visitor_id)) is None:
            _link_visitor(session, call, (visitor_id, TYPED), person_id, now)
    session.flush()
    return person_id


def link_again(session: Session, vault: Vault, company_id: UUID, call_id: UUID, now: datetime) -> None:
    """Bind an ended call anew: its verdict is another one than before. Before its end, its end will."""
    ended = select(Call.ended_at).where(Call.company_id == company_id, Call.id == call_id)
    if session.scalar(ended) is not None:
        link_person(session, vault, company_id, call_id, now)


def link_typed(
    session: Session, vault: Vault, company_id: UUID, typed_id: UUID, now: datetime
) -> UUID | None:
    """Bind the visitor who typed a phone number to the person who called from it; None: nobody has yet.

    Then the number's first call binds them. Repetitions change nothing.
    """
    hash_ = session.scalar(
        select(VisitorPhone.phone_hash).where(
            VisitorPhone.company_id == company_id, VisitorPhone.id == typed_id
        )
    )
    if hash_ is None:
        return None  # erased since
    latest = (
        select(Call.id)
        .where(Call.company_id == company_id, Call.caller_hash == hash_)
        .order_by(Call.started_at.desc())
        .limit(1)
    )
    call_id = session.scalar(latest)
    return link_person(session, vault, company_id, call_id, now) if call_id else None


def link_email(session: Session, vault: Vault, company_id: UUID, typed_id: UUID, now: datetime) -> None:
    """Bind the visitors who typed one e-mail address to the person one of them is known to be.

    Repetitions change nothing; nobody is bound as long as none of them is known.
    """
    mine = session.scalar(
        select(VisitorEmail.visitor_id).where(
            VisitorEmail.company_id == company_id, VisitorEmail.id == typed_id
        )
    )
    if mine is None:
        return  # erased since
    visitors = [mine, *_of_same_email(session, company_id, {mine})]
    linked = select(PersonVisitor.call_id).where(
        PersonVisitor.company_id == company_id, PersonVisitor.visitor_id.in_(visitors)
    )
    phones = select(VisitorPhone.phone_hash).where(
        VisitorPhone.company_id == company_id, VisitorPhone.visitor_id.in_(visitors)
    )
    called = (
        select(Call.id)
        .where(Call.company_id == company_id, Call.caller_hash.in_(phones))
        .order_by(Call.started_at.desc())
        .limit(1)
    )
    for call_id in dict.fromkeys([*session.scalars(linked), *session.scalars(called)]):
        link_person(session, vault, company_id, call_id, now)


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


def _typed_by(session: Session, call: Call) -> list[UUID]:
    """Return the visitors who typed the caller's number into a form."""
    if call.caller_hash is None:
        return []
    return list(
        session.scalars(
            select(VisitorPhone.visitor_id).where(
                VisitorPhone.company_id == call.company_id, VisitorPhone.phone_hash == call.caller_hash
            )
        )
    )


def _of_same_email(session: Session, company_id: UUID, visitor_ids: Collection[UUID]) -> list[UUID]:
    """Return the other visitors who typed an e-mail address of these; what very many type is no person's."""
    if not visitor_ids:
        return []
    mine = select(VisitorEmail.email_hash).where(
        VisitorEmail.company_id == company_id, VisitorEmail.visitor_id.in_(list(visitor_ids))
    )
    rows = session.execute(
        select(VisitorEmail.email_hash, VisitorEmail.visitor_id)
        .where(VisitorEmail.company_id == company_id, VisitorEmail.email_hash.in_(mine))
        .order_by(VisitorEmail.id)
    )
    by_address: dict[bytes, list[UUID]] = {}
    for row in rows:
        by_address.setdefault(row.email_hash, []).append(row.visitor_id)
    found = [one for many in by_address.values() if len(many) <= MOST_BROWSERS for one in many]
    return [one for one in dict.fromkeys(found) if one not in visitor_ids]


def _forget_links_but(session: Session, call: Call, visitor_ids: Collection[UUID]) -> None:
    """Take back what an earlier verdict on this call said about other visitors."""
    stale = delete(PersonVisitor).where(
        PersonVisitor.company_id == hidden(call.company_id), PersonVisitor.call_id == call.id
    )
    session.execute(stale.where(PersonVisitor.visitor_id.not_in(list(visitor_ids))))


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
