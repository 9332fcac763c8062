"""How outcomes come in without a login: a company's secret CRM address, its secret of one-click links."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.conversions.reading import NAMES
from calltrack.conversions.sources_model import Door
from calltrack.conversions.told import Said
from calltrack.infra.crypto import Vault, new_token, token_hash
from calltrack.kernel.errors import BadInput, NotFound

HOOK, LINK = "outcome_door.hook_token", "outcome_door.link_secret"
MOST_WORDS = 50


@dataclass(frozen=True)
class CrmDoor:
    """The CRM's address (None: there is none) and how its messages are read."""

    token: str | None = None
    fields: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, Said] = field(default_factory=dict)
    used_at: datetime | None = None


def crm_door(session: Session, vault: Vault, company_id: UUID) -> CrmDoor:
    """Return the company's CRM address."""
    row = session.get(Door, company_id)
    if row is None:
        return CrmDoor()
    token = vault.open(company_id, HOOK, row.hook_token) if row.hook_token else None
    fields, outcomes = row.mapping.get("fields", {}), row.mapping.get("outcomes", {})
    return CrmDoor(f"{company_id.hex}.{token}" if token else None, fields, outcomes, row.hook_used_at)


def open_crm_door(session: Session, vault: Vault, company_id: UUID, by: str, now: datetime) -> str:
    """Make a new CRM address; the one before is worth nothing from now on. Returns the address's token."""
    token = new_token()
    row = _row(session, company_id, now)
    row.hook_hash, row.hook_token = token_hash(token), vault.seal(company_id, HOOK, token)
    row.changed_at = now
    audit.note(session, company_id, by, "outcome_door.open", "CRM address", now)
    session.flush()
    return f"{company_id.hex}.{token}"


def close_crm_door(session: Session, company_id: UUID, by: str, now: datetime) -> None:
    """Take the CRM address back; messages to it are refused from now on."""
    row = _row(session, company_id, now)
    row.hook_hash = row.hook_token = None
    row.changed_at = now
    audit.note(session, company_id, by, "outcome_door.close", "CRM address", now)
    session.flush()


def set_mapping(
    session: Session,
    company_id: UUID,
    fields: Mapping[str, str],
    outcomes: Mapping[str, str],
    by: str,
    now: datetime,
) -> None:
    """Store how a CRM names its fields and outcomes.

    Raises:
        BadInput: a name of ours does not exist, or there are too many words.
    """
    if unknown := set(fields) - set(NAMES):
        raise BadInput(f"{', '.join(sorted(unknown)[:3])}: there is no value of this name.")
    wrong = [ours for ours in outcomes.values() if ours not in get_args(Said)]
    if wrong or len(outcomes) > MOST_WORDS or any(len(path) > 200 for path in fields.values()):
        raise BadInput(f"An outcome is {', '.join(get_args(Said))}; write each as: their word = ours.")
    row = _row(session, company_id, now)
    kept = {name: path.strip() for name, path in fields.items() if path.strip()}
    words = {theirs.strip().lower(): ours for theirs, ours in outcomes.items() if theirs.strip()}
    row.mapping = {"fields": kept, "outcomes": words}
    row.changed_at = now
    audit.note(session, company_id, by, "outcome_door.mapping", "CRM fields", now, fields=sorted(kept))
    session.flush()


def company_of_token(token: str) -> UUID:
    """Return the company that a CRM address names; raises NotFound for anything that is none."""
    company, dot, secret = token.partition(".")
    try:
        if not (dot and secret and len(company) == 32):
            raise ValueError
        return UUID(company)
    except ValueError:
        raise NotFound("This address is not in use.") from None


def enter_crm_door(session: Session, vault: Vault, token: str, now: datetime) -> CrmDoor:
    """Return how messages to this address are read, inside the company's transaction.

    Raises:
        NotFound: the address is not, or no longer, in use.
    """
    company_id = company_of_token(token)
    row = session.get(Door, company_id)
    secret = token.partition(".")[2]
    if row is None or not row.hook_hash or not hmac.compare_digest(row.hook_hash, token_hash(secret)):
        raise NotFound("This address is not in use.")
    session.execute(update(Door).where(Door.company_id == company_id).values(hook_used_at=now))
    return crm_door(session, vault, company_id)


def link_secret(session: Session, vault: Vault, company_id: UUID, now: datetime) -> str:
    """Return the company's secret of one-click links; the first time one is made."""
    row = _row(session, company_id, now)
    if row.link_secret is None:
        row.link_secret = vault.seal(company_id, LINK, new_token())
        session.flush()
    return vault.open(company_id, LINK, row.link_secret)


def present_link_secret(session: Session, vault: Vault, company_id: UUID) -> str | None:
    """Return the company's secret of one-click links, None where none was ever made; writes nothing."""
    row = session.get(Door, company_id)
    return vault.open(company_id, LINK, row.link_secret) if row and row.link_secret else None


def renew_link_secret(session: Session, vault: Vault, company_id: UUID, by: str, now: datetime) -> None:
    """Make every one-click link that was given out useless."""
    row = _row(session, company_id, now)
    row.link_secret, row.changed_at = vault.seal(company_id, LINK, new_token()), now
    audit.note(session, company_id, by, "outcome_door.links", "one-click links", now)
    session.flush()


def _row(session: Session, company_id: UUID, now: datetime) -> Door:
    # Two at once make one row: the second insert waits for the first and does nothing.
    empty: dict[str, Any] = {"fields": {}, "outcomes": {}}
    session.execute(
        insert(Door)
        .values(company_id=company_id, mapping=empty, changed_at=now)
        .on_conflict_do_nothing(index_elements=["company_id"])
    )
    return session.get_one(Door, company_id, with_for_update=True)
