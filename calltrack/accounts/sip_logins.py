"""User and password for telephone systems that ask for them: one for each host, never shown again.

A call flow names the address (`sip:office@pbx.example`); what its host asks for is added when a call is put
through, so no version of a flow holds a secret.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.model import SipLogin
from calltrack.infra.crypto import Vault
from calltrack.kernel.errors import BadFields, Conflict, NotFound
from calltrack.kernel.ids import new_id

PLACE: Final = "sip_login.password"
MOST: Final = 50
HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
# What stands in a document must be plain; XML takes care of the rest.
PLAIN: Final = re.compile(r"[!-~]{1,128}")


@dataclass(frozen=True)
class SipLoginRow:
    """A host that asks for a login, without the password."""

    id: UUID
    host: str
    username: str
    changed_by: str
    changed_at: datetime


def sip_logins(session: Session, company_id: UUID) -> tuple[SipLoginRow, ...]:
    """Return the company's logins by host."""
    rows = session.execute(
        select(SipLogin.id, SipLogin.host, SipLogin.username, SipLogin.changed_by, SipLogin.changed_at)
        .where(SipLogin.company_id == company_id)
        .order_by(SipLogin.host)
    )
    return tuple(SipLoginRow(*row) for row in rows)


def keep_sip_login(
    session: Session,
    vault: Vault,
    company_id: UUID,
    host: str,
    username: str,
    password: str,
    now: datetime,
    *,
    by: str,
) -> None:
    """Store what a host asks for; an empty password keeps the stored one.

    Raises:
        BadFields: a field cannot be stored; each is named.
        Conflict: there are too many.
    """
    host = read_host(host)
    known = session.get(SipLogin, (company_id, host), with_for_update=True)
    wrong = {}
    if not PLAIN.fullmatch(username):
        wrong["username"] = "Write the user as the telephone system knows it, without blanks."
    if password and not PLAIN.fullmatch(password):
        words = "A password has 1 to 128 plain characters without blanks."
        wrong["sip_password"] = words
    elif not password and (known is None or known.username != username):
        words = "Give the password that belongs to this user."
        wrong["sip_password"] = words
    if wrong:
        raise BadFields("This login cannot be stored: " + " ".join(wrong.values()), wrong)
    if known is None and len(sip_logins(session, company_id)) >= MOST:
        raise Conflict(f"A company has at most {MOST} telephone systems with a login.")
    values = {"username": username, "changed_by": by, "changed_at": now}
    if password:
        values["password"] = vault.seal(company_id, PLACE, password)
    if known is None:
        session.execute(
            insert(SipLogin)
            .values(company_id=company_id, host=host, id=new_id(now), **values)
            .on_conflict_do_update(index_elements=[SipLogin.company_id, SipLogin.host], set_=values)
        )
    else:
        for name, value in values.items():
            setattr(known, name, value)
    audit.note(session, company_id, by, "sip_login.keep", host, now, new_password=bool(password))


def drop_sip_login(session: Session, company_id: UUID, host: str, now: datetime, *, by: str) -> None:
    """Forget what a host asks for; it is rung without a login from then on.

    Raises:
        NotFound: the company has none for this host.
    """
    gone = session.execute(
        delete(SipLogin)
        .where(SipLogin.company_id == company_id, SipLogin.host == host.strip().lower())
        .returning(SipLogin.host)
    ).all()
    if not gone:
        raise NotFound("There is no login for this telephone system.")
    audit.note(session, company_id, by, "sip_login.drop", gone[0].host, now)


def read_host(text: str) -> str:
    """Read a host as people paste it: alone, or with the whole address around it.

    Raises:
        BadFields: it is none.
    """
    host = host_of(text.strip().lower())
    if not HOST.fullmatch(host):
        words = "Write the host of the SIP address, such as pbx.example.com."
        raise BadFields(words, {"host": words})
    return host


def host_of(address: str) -> str:
    """Return the host of a SIP address: what stands after the @, without port and transport."""
    return address.rpartition("@")[2].partition(";")[0].partition(":")[0].lower()
