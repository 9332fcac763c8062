"""The phone on which a member is rung to call back: typed once, confirmed by a code said to it."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.protection import check_forwarding
from calltrack.calls.outbound.model import OwnPhone
from calltrack.infra.crypto import Vault, token_hash
from calltrack.kernel.errors import BadInput, Conflict

PLACE: Final = "own_phone.phone"
CODE_LASTS: Final = timedelta(minutes=10)
MOST_WRONG: Final = 5
MOST_ASKED: Final = 3
ASKED_WITHIN: Final = timedelta(hours=1)


@dataclass(frozen=True)
class PhoneRow:
    """A member's phone; `is_confirmed` once the code that was said to it was typed."""

    e164: str
    is_confirmed: bool
    code_until: datetime | None


def phone_of(session: Session, vault: Vault, company_id: UUID, user_id: UUID) -> PhoneRow | None:
    """Return the phone a member gave; None: none yet."""
    row = session.get(OwnPhone, (company_id, user_id))
    if row is None:
        return None
    e164 = vault.open(company_id, PLACE, row.phone)
    return PhoneRow(e164, row.confirmed_at is not None, row.code_until if row.code_hash else None)


def give_phone(
    session: Session, vault: Vault, company_id: UUID, user_id: UUID, e164: str, now: datetime, *, by: str
) -> str:
    """Store a phone that is not confirmed yet, and return the code that is to be said to it.

    Raises:
        BadInput: calls cannot be put through to it.
        Conflict: three codes were asked for within the hour.
    """
    check_forwarding(session, company_id, e164)
    code = f"{secrets.randbelow(1_000_000):06d}"
    row = session.get(OwnPhone, (company_id, user_id), with_for_update=True)
    if row is None:
        row = OwnPhone(
            company_id=company_id, user_id=user_id, asked=0, asked_at=now, first_asked_at=now, phone=b""
        )
        session.add(row)
    if now - row.first_asked_at > ASKED_WITHIN:
        row.asked, row.first_asked_at = 0, now
    if row.asked >= MOST_ASKED:
        raise Conflict("Three codes were asked for within the hour. Try again an hour after the first one.")
    row.phone, row.confirmed_at = vault.seal(company_id, PLACE, e164), None
    row.code_hash, row.code_until, row.wrong_codes = _hash(company_id, user_id, code), now + CODE_LASTS, 0
    row.asked, row.asked_at = row.asked + 1, now
    session.flush()
    audit.note(session, company_id, by, "own_phone.give", user_id.hex, now)
    return code


def confirm_phone(
    session: Session, company_id: UUID, user_id: UUID, code: str, now: datetime, *, by: str
) -> str:
    """Take the code that was said; return what is wrong with it in words, nothing when it is right.

    Wrong codes are counted, so the caller's transaction must commit in either case.
    """
    row = session.get(OwnPhone, (company_id, user_id), with_for_update=True)
    if row is None or row.code_hash is None or row.code_until is None or row.code_until < now:
        return "There is no code to confirm, or it is older than ten minutes. Ask for a new one."
    if row.wrong_codes >= MOST_WRONG:
        return "Five wrong codes: this one is worth nothing any more. Ask for a new one."
    typed = "".join(mark for mark in code if mark.isascii() and mark.isdigit())
    if not secrets.compare_digest(_hash(company_id, user_id, typed), row.code_hash):
        row.wrong_codes += 1
        return "This is not the code that was said. Listen again, or ask for a new call."
    row.confirmed_at, row.code_hash, row.code_until = now, None, None
    audit.note(session, company_id, by, "own_phone.confirm", user_id.hex, now)
    return ""


def confirmed_phone(session: Session, vault: Vault, company_id: UUID, user_id: UUID) -> str:
    """Return the phone a member confirmed.

    Raises:
        BadInput: there is none.
    """
    found = phone_of(session, vault, company_id, user_id)
    if found is None or not found.is_confirmed:
        raise BadInput("Give and confirm your own phone first: you are rung there, then the caller.")
    return found.e164


def _hash(company_id: UUID, user_id: UUID, code: str) -> bytes:
    return token_hash(f"{company_id.hex}.{user_id.hex}.{code}")
