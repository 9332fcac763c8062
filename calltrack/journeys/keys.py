"""CRM ids of persons: an id belongs to one person, and two persons with one id are joined."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.infra.crypto import Vault
from calltrack.infra.turns import take_turn
from calltrack.journeys.joins_model import PersonKey
from calltrack.journeys.model import Person, PersonCaller
from calltrack.journeys.person_rules import Sign
from calltrack.journeys.rule_joining import consider
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.ids import new_id

PLACE: Final = "person_key.key"
_SYSTEM: Final = re.compile(r"[a-z0-9_.-]{1,40}")
LONGEST_KEY: Final = 200


@dataclass(frozen=True)
class Key:
    """A person's id in another system, such as `hubspot` and `1042`."""

    system: str
    id: str

    def checked(self) -> "Key":
        """Return it; raises BadInput with what to change."""
        if not _SYSTEM.fullmatch(self.system):
            raise BadInput("Name the system with small letters, digits, dots and dashes, such as hubspot.")
        id_ = self.id.strip()
        if not id_ or len(id_) > LONGEST_KEY or not id_.isprintable():
            raise BadInput(f"Send the person's id in {self.system}: 1 to {LONGEST_KEY} visible characters.")
        return Key(self.system, id_)


@dataclass(frozen=True)
class KeyRow:
    """A CRM id as pages and the API show it."""

    system: str
    id: str
    linked_at: datetime
    linked_by: str


def key_hash(vault: Vault, company_id: UUID, key: Key) -> bytes:
    """Return the keyed hash an id is found by."""
    return vault.look_up(company_id, f"key:{key.system}:{key.id}")


def keys_of(session: Session, vault: Vault, company_id: UUID, person_id: UUID) -> tuple[KeyRow, ...]:
    """Return the person's CRM ids."""
    rows = session.scalars(
        select(PersonKey)
        .where(PersonKey.company_id == company_id, PersonKey.person_id == person_id)
        .order_by(PersonKey.linked_at, PersonKey.key_hash)
        .limit(50)
    )
    return tuple(
        KeyRow(row.system, vault.open(company_id, PLACE, row.key), row.linked_at, row.linked_by)
        for row in rows
    )


def link_key(
    session: Session, vault: Vault, company_id: UUID, person_id: UUID, key: Key, now: datetime, *, by: str
) -> UUID:
    """Say that a person has this id in a CRM; returns the person who has it now.

    Is it another person's already, the rules say what follows: both are one (the older stays, which can be
    undone), or somebody is asked. Two whom somebody took apart stay apart, and the id stays where it is.

    Raises:
        BadInput: the id cannot be one.
        NotFound: the company has no such person.
    """
    key = key.checked()
    take_turn(session, "persons", company_id)
    person = session.get(Person, (company_id, person_id))
    if person is None:
        raise NotFound("There is no such person; it may be part of another one by now.")
    hash_ = key_hash(vault, company_id, key)
    held = session.get(PersonKey, (company_id, hash_))
    if held is None:
        sealed = vault.seal(company_id, PLACE, key.id)
        session.add(
            PersonKey(
                company_id=company_id, key_hash=hash_, person_id=person_id, system=key.system, key=sealed,
                linked_at=now, linked_by=by,
            )
        )  # fmt: skip
        session.flush()
        return person_id
    if held.person_id == person_id:
        return person_id
    sign = Sign(person_id, held.person_id, "key", 1)
    return consider(session, company_id, sign, now, by=by) or held.person_id


def person_of_key(
    session: Session, vault: Vault, company_id: UUID, key: Key, now: datetime, *, by: str
) -> UUID:
    """Return the person with this id; a new one where nobody has it yet."""
    held = session.get(PersonKey, (company_id, key_hash(vault, company_id, key.checked())))
    if held is not None:
        return held.person_id
    person_id = _new_person(session, company_id, now)
    return link_key(session, vault, company_id, person_id, key, now, by=by)


def person_of_phone(session: Session, vault: Vault, company_id: UUID, phone: str, now: datetime) -> UUID:
    """Return the person with this number (E.164); a new one where nobody has it yet."""
    hash_ = vault.look_up(company_id, phone)
    held = session.get(PersonCaller, (company_id, hash_))
    if held is not None:
        return held.person_id
    person_id = _new_person(session, company_id, now)
    session.add(
        PersonCaller(
            company_id=company_id, caller_hash=hash_, person_id=person_id,
            phone=vault.seal(company_id, "person_caller.phone", phone), linked_at=now,
        )
    )  # fmt: skip
    session.flush()
    return person_id


def _new_person(session: Session, company_id: UUID, now: datetime) -> UUID:
    person = Person(company_id=company_id, id=new_id(now), created_at=now)
    session.add(person)
    session.flush()
    return person.id
