"""Touchpoints that other systems tell: a shop visit, an e-mail opened, a chat, a CRM's event."""

import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company
from calltrack.infra.crypto import Vault
from calltrack.infra.turns import take_turn
from calltrack.journeys.joins_model import Touchpoint
from calltrack.journeys.keys import Key, key_hash, link_key, person_of_key, person_of_phone
from calltrack.kernel.errors import BadInput, Conflict
from calltrack.kernel.ids import new_id
from calltrack.kernel.phone import to_e164
from calltrack.stages.marks import mark
from calltrack.visits.forms import LONGEST_EMAIL, email_hash
from calltrack.visits.model import VisitorEmail

PLACE: Final = "touchpoint.text"
LONGEST_TEXT: Final = 1000
LONGEST_NAME: Final = 200
EARLIEST: Final = timedelta(days=3650)
# A clock that is ahead of ours.
AHEAD: Final = timedelta(hours=1)
_KIND: Final = re.compile(r"[a-z0-9][a-z0-9_ -]{0,39}")
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]{2,}")


@dataclass(frozen=True)
class Told:
    """What happened, when, and with whom: a phone number, an e-mail address, a CRM's id or a visitor."""

    kind: str
    at: datetime
    phone: str = ""
    email: str = ""
    system: str = ""
    key: str = ""
    visitor_id: UUID | None = None
    text: str = ""
    external_id: str = ""


@dataclass(frozen=True)
class Kept:
    """The touchpoint's id, the person it is of (None: not known yet), and whether it was told before."""

    id: UUID
    person_id: UUID | None
    is_repeated: bool


def tell_touchpoint(
    session: Session, vault: Vault, company_id: UUID, told: Told, now: datetime, *, by: str
) -> Kept:
    """Keep a touchpoint, sealed; a repetition under one external id changes nothing.

    A phone number or a CRM id that is new makes a person; given together they make one. An e-mail address or
    a visitor waits until it is somebody's.

    Raises:
        BadInput: a word cannot be; the text says what to send.
        Conflict: the external id was used for another touchpoint.
    """
    _check(told, now)
    take_turn(session, "persons", company_id)
    country = session.scalar(select(Company.country).where(Company.id == company_id))
    phone = to_e164(told.phone, country) if told.phone else ""
    person_id = _person(session, vault, company_id, told, phone, now, by)
    fingerprint = vault.look_up(company_id, json.dumps(asdict(told) | {"phone": phone}, default=str))
    if told.external_id and (known := _known(session, company_id, told.external_id)) is not None:
        if known.fingerprint != fingerprint:
            raise Conflict(
                f"The external id {told.external_id!r} was used for another touchpoint; send a new one."
            )
        return Kept(known.id, person_id, True)
    row = Touchpoint(
        company_id=company_id, id=new_id(told.at), external_id=told.external_id, fingerprint=fingerprint,
        kind=told.kind, at=told.at, told_at=now, told_by=by,
        phone_hash=vault.look_up(company_id, phone) if phone else None,
        email_hash=email_hash(vault, company_id, told.email.strip()) if told.email else None,
        key_hash=key_hash(vault, company_id, Key(told.system, told.key).checked()) if told.key else None,
        visitor_id=told.visitor_id, text=vault.seal(company_id, PLACE, told.text) if told.text else None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    mark(session, company_id, _concerned(session, row, person_id), now)
    return Kept(row.id, person_id, False)


def _check(told: Told, now: datetime) -> None:
    if not _KIND.fullmatch(told.kind):
        raise BadInput("Name the kind in 1 to 40 small letters, digits, dashes or spaces: shop visit.")
    if not (told.phone or told.email or told.key or told.visitor_id):
        raise BadInput("Say who it was: send phone, email, crm_id with crm, or visitor_id.")
    if not now - EARLIEST <= told.at <= now + AHEAD:
        raise BadInput("`at` must lie within the last ten years and not in the future.")
    if told.email and (len(told.email) > LONGEST_EMAIL or not _EMAIL.fullmatch(told.email.strip())):
        raise BadInput("This is no e-mail address; send one such as anna@example.com.")
    if len(told.text) > LONGEST_TEXT:
        raise BadInput(f"Make the text shorter: at most {LONGEST_TEXT} characters.")
    if len(told.external_id) > LONGEST_NAME or not told.external_id.isprintable():
        raise BadInput(f"The external id takes up to {LONGEST_NAME} visible characters.")


def _person(
    session: Session, vault: Vault, company_id: UUID, told: Told, phone: str, now: datetime, by: str
) -> UUID | None:
    key = Key(told.system, told.key) if told.key else None
    if phone:
        person_id = person_of_phone(session, vault, company_id, phone, now)
        return link_key(session, vault, company_id, person_id, key, now, by=by) if key else person_id
    return person_of_key(session, vault, company_id, key, now, by=by) if key else None


def _known(session: Session, company_id: UUID, external_id: str) -> Touchpoint | None:
    return session.scalars(
        select(Touchpoint).where(Touchpoint.company_id == company_id, Touchpoint.external_id == external_id)
    ).one_or_none()


def _concerned(session: Session, row: Touchpoint, person_id: UUID | None) -> set[UUID]:
    found = {one for one in (person_id, row.visitor_id) if one is not None}
    if row.email_hash is not None:
        typed = select(VisitorEmail.visitor_id).where(
            VisitorEmail.company_id == row.company_id, VisitorEmail.email_hash == row.email_hash
        )
        found |= set(session.scalars(typed.limit(100)))
    return found
