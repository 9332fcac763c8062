"""Phone numbers and e-mail addresses typed into a form: sealed, only with a consent we know ourselves."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company
from calltrack.infra import outbox
from calltrack.infra.crypto import Vault
from calltrack.kernel.errors import BadInput
from calltrack.kernel.ids import new_id
from calltrack.kernel.phone import to_e164
from calltrack.visits.model import Visit, VisitorEmail, VisitorPhone

PLACE: Final = "visitor_phone.phone"
EMAIL_PLACE: Final = "visitor_email.email"
# Of one visitor: whoever types more is no single person.
MOST_PHONES: Final = 5
MOST_EMAILS: Final = 5
LONGEST_EMAIL: Final = 254
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]{2,}")


def keep_typed(
    session: Session,
    vault: Vault,
    company_id: UUID,
    visit: tuple[UUID, UUID, UUID],
    typed: Iterable[str],
    now: datetime,
) -> int:
    """Keep the phone numbers and e-mail addresses among the words; returns how many are new.

    Nothing is kept where the visit is not there, or its consent does not say that it may be measured.

    Args:
        session: a transaction of the company.
        vault: seals and hashes.
        company_id: whose visitor.
        visit: site, visitor and visit.
        typed: what was typed; phone numbers in any notation of the company's own country.
        now: when.
    """
    if not _may_measure(session, company_id, visit):
        return 0
    words = list(typed)
    country = session.scalar(select(Company.country).where(Company.id == company_id))
    row = {"company_id": company_id, "visitor_id": visit[1], "visit_id": visit[2], "told_at": now}
    phones = (_phone_values(vault, company_id, phone) for phone in dict.fromkeys(_phones(words, country)))
    emails = (_email_values(vault, company_id, email) for email in dict.fromkeys(_emails(words)))
    new_phones = _keep(session, VisitorPhone, row, phones, MOST_PHONES)
    new_emails = _keep(session, VisitorEmail, row, emails, MOST_EMAILS)
    for id_ in new_phones:
        outbox.record(session, company_id, "phone.typed", id_, now)
    for id_ in new_emails:
        outbox.record(session, company_id, "email.typed", id_, now)
    return len(new_phones) + len(new_emails)


def _keep(
    session: Session,
    table: type[VisitorPhone] | type[VisitorEmail],
    row: Mapping[str, Any],
    found: Iterator[Mapping[str, bytes]],
    most: int,
) -> list[UUID]:
    """Keep what is new until the visitor has the most; returns the new rows' ids."""
    mine = (table.company_id == row["company_id"], table.visitor_id == row["visitor_id"])
    left = most - (session.scalar(select(func.count()).where(*mine)) or 0)
    new: list[UUID] = []
    for sealed in found:
        if len(new) >= left:
            break
        put = insert(table).values(id=new_id(row["told_at"]), **row, **sealed)
        id_ = session.scalar(put.on_conflict_do_nothing().returning(table.id))
        if id_ is not None:
            new.append(id_)
    return new


def email_hash(vault: Vault, company_id: UUID, email: str) -> bytes:
    """Return the keyed hash of an address; capitals make no other address, as everywhere in practice."""
    return vault.look_up(company_id, f"email:{email.lower()}")


def _may_measure(session: Session, company_id: UUID, visit: tuple[UUID, UUID, UUID]) -> bool:
    site_id, visitor_id, visit_id = visit
    # Held, so that a withdrawal or an erasure of the moment comes before or after, never in between.
    consent = session.scalar(
        select(Visit.consent)
        .where(
            Visit.company_id == company_id,
            Visit.id == visit_id,
            Visit.visitor_id == visitor_id,
            Visit.site_id == site_id,
        )
        .with_for_update(read=True)
    )
    return bool(consent and consent.get("measure"))


def _phone_values(vault: Vault, company_id: UUID, phone: str) -> dict[str, bytes]:
    return {"phone_hash": vault.look_up(company_id, phone), "phone": vault.seal(company_id, PLACE, phone)}


def _email_values(vault: Vault, company_id: UUID, email: str) -> dict[str, bytes]:
    sealed = vault.seal(company_id, EMAIL_PLACE, email)
    return {"email_hash": email_hash(vault, company_id, email), "email": sealed}


def _phones(typed: Iterable[str], country: str | None) -> Iterator[str]:
    for words in typed:
        try:
            yield to_e164(words, country)
        except BadInput:
            continue  # a name, a half number: nothing of ours


def _emails(typed: Iterable[str]) -> Iterator[str]:
    for words in typed:
        email = words.strip()
        if len(email) <= LONGEST_EMAIL and email.isprintable() and _EMAIL.fullmatch(email):
            yield email.lower()
