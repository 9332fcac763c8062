"""Erasing persons: what bound numbers and browsers to them."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from calltrack.calls.model import Call
from calltrack.infra.crypto import Vault
from calltrack.infra.turns import take_turn
from calltrack.journeys.model import Person, PersonCaller, PersonVisitor


@dataclass(frozen=True)
class Known:
    """What is known to be one person: the rows' ids, numbers in E.164, browsers."""

    person_ids: tuple[UUID, ...]
    numbers: tuple[str, ...]
    visitor_ids: tuple[UUID, ...]


def known_by(session: Session, vault: Vault, company_id: UUID, numbers: Collection[str]) -> Known:
    """Return the persons these numbers belong to, with all their numbers and browsers."""
    hashes = [vault.look_up(company_id, number) for number in numbers]
    ids = session.scalars(
        select(PersonCaller.person_id)
        .where(PersonCaller.company_id == company_id, PersonCaller.caller_hash.in_(hashes))
        .distinct()
    ).all()
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
    session.execute(delete(Person).where(Person.company_id == company_id, Person.id.in_(list(person_ids))))


def forget_numbers_without_calls(session: Session, company_id: UUID) -> None:
    """Delete the numbers no call is known of any more, and persons of whom nothing is left."""
    take_turn(session, "persons", company_id)
    called = exists().where(Call.company_id == company_id, Call.caller_hash == PersonCaller.caller_hash)
    gone = delete(PersonCaller).where(PersonCaller.company_id == company_id, ~called)
    ids = set(session.scalars(gone.returning(PersonCaller.person_id)))
    left = [
        exists().where(link.company_id == company_id, link.person_id == Person.id)
        for link in (PersonCaller, PersonVisitor)
    ]
    session.execute(
        delete(Person).where(Person.company_id == company_id, Person.id.in_(ids), ~left[0], ~left[1])
    )
