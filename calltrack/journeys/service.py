"""Links callers and visitors to persons."""

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import islice
from uuid import UUID

from sqlalchemy import and_, delete, select
from sqlalchemy.orm import Session

from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call
from calltrack.infra.crypto import Vault
from calltrack.infra.rows import hidden, one_of
from calltrack.infra.turns import take_turn
from calltrack.journeys.model import Person, PersonCaller, PersonVisitor
from calltrack.journeys.person_rules import Sign
from calltrack.journeys.rule_joining import HUBS, Held, current_rules, follow
from calltrack.journeys.rules import TYPED, Known, is_sure
from calltrack.journeys.typed import (
    Typed,
    browsers_of_number,
    calls_behind_address,
    may_act,
    may_bind,
    typed_by_email,
    typed_by_number,
)
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import new_id
from calltrack.visits.model import Visit, VisitorEmail, VisitorPhone


def link_person(
    session: Session, vault: Vault, company_id: UUID, call_id: UUID, now: datetime
) -> UUID | None:
    """Bind the call's caller, and its visitor where the verdict is sure enough, to one person.

    Two persons who turn out to be one are joined as the company's rules say: the older stays and
    `person.merged` is recorded for it. A withheld caller is nobody: such a call has a person through its
    visitor only, or none (None).
    Repetitions change nothing.

    Raises:
        NotFound: the company has no such call.
    """
    take_turn(session, "persons", company_id)
    call = session.get(Call, (company_id, call_id))
    if call is None:
        raise NotFound("There is no such call.")
    held = current_rules(session, company_id)
    visitor = _sure_visitor(session, call)
    typed = typed_by_number(session, call, held.rules.most("phone")) if call.caller_hash else []
    sure = {visitor[0]} if visitor else set[UUID]()
    typed += typed_by_email(session, company_id, {*(one.visitor_id for one in typed), *sure}, held.rules)
    _forget_links_but(session, call, {*(one.visitor_id for one in typed if may_bind(held.rules, one)), *sure})
    if call.caller_hash is None and visitor is None:
        return None
    person_id, visitor = _person_of_call(session, call, visitor, held, now)
    _link_caller(session, vault, call, person_id, now)
    if visitor:
        _link_visitor(session, call, visitor, person_id, now)
    person_id = _follow_typed(session, call, typed, person_id, held, now)
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
    rules = current_rules(session, company_id).rules
    visitors = [mine, *(one.visitor_id for one in typed_by_email(session, company_id, {mine}, rules))]
    phones = select(VisitorPhone.phone_hash).where(
        VisitorPhone.company_id == company_id, one_of(VisitorPhone.visitor_id, visitors)
    )
    called = (
        select(Call.id)
        .where(Call.company_id == company_id, Call.caller_hash.in_(phones))
        .order_by(Call.started_at.desc())
        .limit(1)
    )
    behind = calls_behind_address(session, company_id, mine, rules, HUBS)
    for call_id in dict.fromkeys([*behind, *session.scalars(called)]):
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
        .where(Attribution.company_id == company_id, one_of(Attribution.call_id, ids), Attribution.is_current)
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
        .where(Call.company_id == company_id, one_of(Call.id, ids))
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


def _person_of_call(
    session: Session, call: Call, visitor: tuple[UUID, float] | None, held: Held, now: datetime
) -> tuple[UUID, tuple[UUID, float] | None]:
    """Return whose the call is, and its browser, unless that one stays another person's."""
    caller, browser = _person_of_caller(session, call), _person_of_visitor(session, call, visitor)
    if caller and browser and caller.id != browser.id:
        sign = Sign(caller.id, browser.id, "call", browsers_of_number(session, call))
        both = follow(session, call.company_id, sign, held, now)
        # Where they stay two, the call is its caller's.
        return (both, visitor) if both else (caller.id, None)
    known = caller or browser
    return (known.id if known else _new_person(session, call)), visitor


def _follow_typed(
    session: Session, call: Call, typed: Collection[Typed], person_id: UUID, held: Held, now: datetime
) -> UUID:
    """Bind browsers in which the person's number or address was typed; returns who the person is now.

    Whoever is somebody already stays it, unless a rule joins both: anybody can type anybody's number. Of
    thousands who share an address some are asked at a time, the first ones: they become one and leave room.
    """
    acting = [one for one in typed if may_act(held.rules, one)]
    links = {
        row.visitor_id: row.person_id
        for row in session.execute(
            select(PersonVisitor.visitor_id, PersonVisitor.person_id).where(
                PersonVisitor.company_id == hidden(call.company_id),
                one_of(PersonVisitor.visitor_id, [one.visitor_id for one in acting]),
            )
        )
    }
    signs: dict[tuple[UUID, str], Typed] = {}
    for one in acting:
        theirs = links.get(one.visitor_id)
        if theirs not in (None, person_id) and getattr(held.rules, one.via) != "off":
            signs.setdefault((theirs, one.via), one)
    for (theirs, _), one in islice(signs.items(), HUBS):
        sign = Sign(person_id, theirs, one.via, one.shared_by)
        person_id = follow(session, call.company_id, sign, held, now) or person_id
    session.add_all(
        _link(call, (one.visitor_id, TYPED), person_id, now)
        for one in acting
        if one.visitor_id not in links and may_bind(held.rules, one)
    )
    return person_id


def _forget_links_but(session: Session, call: Call, visitor_ids: Collection[UUID]) -> None:
    """Take back what an earlier verdict on this call said about other visitors."""
    stale = delete(PersonVisitor).where(
        PersonVisitor.company_id == hidden(call.company_id), PersonVisitor.call_id == call.id
    )
    session.execute(stale.where(~one_of(PersonVisitor.visitor_id, visitor_ids)))


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
        session.add(_link(call, visitor, person_id, now))
    elif link.call_id == call.id or probability > link.probability:
        link.call_id, link.probability = call.id, probability


def _link(call: Call, visitor: tuple[UUID, float], person_id: UUID, now: datetime) -> PersonVisitor:
    visitor_id, probability = visitor
    return PersonVisitor(
        company_id=call.company_id,
        visitor_id=visitor_id,
        person_id=person_id,
        call_id=call.id,
        probability=probability,
        linked_at=now,
    )
