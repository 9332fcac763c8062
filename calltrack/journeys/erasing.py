"""Erasing persons: what bound numbers and browsers to them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select
from sqlalchemy.orm import Session

from calltrack.calls.model import Call
from calltrack.infra.crypto import Vault
from calltrack.infra.turns import take_turn
from calltrack.journeys.joins_model import PersonJoin, PersonKey, Touchpoint
from calltrack.journeys.model import Person, PersonCaller, PersonVisitor
from calltrack.journeys.rule_model import PersonSuggestion
from calltrack.kernel.ids import first_id_of
from calltrack.visits.model import VisitorEmail


@dataclass(frozen=True)
class Known:
    """What is known to be one person: the rows' ids, numbers in E.164, browsers."""

    person_ids: tuple[UUID, ...]
    numbers: tuple[str, ...]
    visitor_ids: tuple[UUID, ...]


def known_by(
    session: Session, vault: Vault, company_id: UUID, numbers: Collection[str], persons: Collection[UUID] = ()
) -> Known:
    """Return these persons and those the numbers belong to, with all their numbers and browsers.

    Nobody is bound to them before the transaction ends.
    """
    take_turn(session, "persons", company_id)
    hashes = [vault.look_up(company_id, number) for number in numbers]
    owners = session.scalars(
        select(PersonCaller.person_id)
        .where(PersonCaller.company_id == company_id, PersonCaller.caller_hash.in_(hashes))
        .distinct()
    )
    ids = sorted({*owners, *persons})
    phones = session.scalars(
        select(PersonCaller.phone).where(
            PersonCaller.company_id == company_id, PersonCaller.person_id.in_(ids)
        )
    )
    opened = {vault.open(company_id, "person_caller.phone", phone) for phone in phones}
    visitors = session.scalars(
        select(PersonVisitor.visitor_id).where(
            PersonVisitor.company_id == company_id, PersonVisitor.person_id.in_(ids)
        )
    ).all()
    return Known(tuple(ids), tuple(sorted(opened | set(numbers))), tuple(visitors))


def erase_persons(session: Session, company_id: UUID, person_ids: Collection[UUID]) -> None:
    """Delete persons with everything that was bound to them."""
    take_turn(session, "persons", company_id)
    ids = list(person_ids)
    session.execute(delete(Person).where(Person.company_id == company_id, Person.id.in_(ids)))
    said = or_(PersonSuggestion.one_id.in_(ids), PersonSuggestion.other_id.in_(ids))
    session.execute(delete(PersonSuggestion).where(PersonSuggestion.company_id == company_id, said))


def erase_touchpoints(session: Session, vault: Vault, company_id: UUID, known: Known) -> int:
    """Delete what other systems told of persons, and who was joined with them; returns how many touchpoints.

    Comes before the persons and what they typed are deleted: both name what to look for.
    """
    hashes = [vault.look_up(company_id, number) for number in known.numbers]
    persons, visitors = list(known.person_ids), list(known.visitor_ids)
    keys = select(PersonKey.key_hash).where(
        PersonKey.company_id == company_id, PersonKey.person_id.in_(persons)
    )
    emails = select(VisitorEmail.email_hash).where(
        VisitorEmail.company_id == company_id, VisitorEmail.visitor_id.in_(visitors)
    )
    of_them = or_(
        Touchpoint.phone_hash.in_(hashes),
        Touchpoint.visitor_id.in_(visitors),
        Touchpoint.key_hash.in_(keys),
        Touchpoint.email_hash.in_(emails),
    )
    gone = delete(Touchpoint).where(Touchpoint.company_id == company_id, of_them)
    count = len(session.scalars(gone.returning(Touchpoint.id)).all())
    of_joins = or_(
        PersonJoin.kept_id.in_(persons),
        PersonJoin.absorbed_id.in_(persons),
        PersonJoin.callers.overlap(hashes),
        PersonJoin.visitors.overlap(visitors),
    )
    session.execute(delete(PersonJoin).where(PersonJoin.company_id == company_id, of_joins))
    return count


def told_of_before(session: Session, company_id: UUID, before: datetime) -> set[UUID]:
    """Return the persons and browsers of touchpoints of before that moment: what they did becomes less."""
    old = (
        select(Touchpoint.phone_hash, Touchpoint.key_hash, Touchpoint.visitor_id)
        .where(Touchpoint.company_id == company_id, _is_before(before))
        .subquery()
    )
    callers = select(PersonCaller.person_id).join(old, old.c.phone_hash == PersonCaller.caller_hash)
    keys = select(PersonKey.person_id).join(old, old.c.key_hash == PersonKey.key_hash)
    found = set(session.scalars(callers.where(PersonCaller.company_id == company_id)))
    found |= set(session.scalars(keys.where(PersonKey.company_id == company_id)))
    return found | set(session.scalars(select(old.c.visitor_id).where(old.c.visitor_id.is_not(None))))


def _is_before(before: datetime) -> ColumnElement[bool]:
    # Ids carry the moment: the primary key finds old ones, however many newer ones there are.
    return and_(Touchpoint.id < first_id_of(before + timedelta(milliseconds=1)), Touchpoint.at < before)


def forget_touchpoints(session: Session, company_id: UUID, before: datetime) -> int:
    """Delete touchpoints and joins of before that moment; returns how many touchpoints.

    A CRM id of which nothing is known any more goes with them.
    """
    old = delete(Touchpoint).where(Touchpoint.company_id == company_id, _is_before(before))
    count = len(session.scalars(old.returning(Touchpoint.id)).all())
    session.execute(
        delete(PersonJoin).where(PersonJoin.company_id == company_id, PersonJoin.joined_at < before)
    )
    told = exists().where(Touchpoint.company_id == company_id, Touchpoint.key_hash == PersonKey.key_hash)
    session.execute(
        delete(PersonKey).where(PersonKey.company_id == company_id, PersonKey.linked_at < before, ~told)
    )
    return count


def forget_numbers_without_calls(session: Session, company_id: UUID) -> None:
    """Delete the numbers no call or touchpoint is known of any more, and persons of whom nothing is left."""
    take_turn(session, "persons", company_id)
    called = exists().where(Call.company_id == company_id, Call.caller_hash == PersonCaller.caller_hash)
    told = exists().where(
        Touchpoint.company_id == company_id, Touchpoint.phone_hash == PersonCaller.caller_hash
    )
    gone = delete(PersonCaller).where(PersonCaller.company_id == company_id, ~called, ~told)
    ids = set(session.scalars(gone.returning(PersonCaller.person_id)))
    left = [
        exists().where(link.company_id == company_id, link.person_id == Person.id)
        for link in (PersonCaller, PersonVisitor, PersonKey)
    ]
    session.execute(
        delete(Person).where(
            Person.company_id == company_id, Person.id.in_(ids), ~left[0], ~left[1], ~left[2]
        )
    )
