"""API keys: `ctk_<company><key id>_<secret>`; the secret is shown once and kept as its SHA-256."""

import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from calltrack.accounts.model import ApiKey
from calltrack.accounts.rules import Role, display_name
from calltrack.infra.crypto import new_token, token_hash
from calltrack.kernel.errors import NotAllowed, NotFound
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services

SHAPE = re.compile(r"ctk_([0-9a-f]{32})([0-9a-f]{32})_([\w-]{32})", re.ASCII)
USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class NewKey:
    """A key that was just made; `text` is shown this one time."""

    id: UUID
    text: str


def create_api_key(session: Session, company_id: UUID, name: str, role: Role, now: datetime) -> NewKey:
    """Make a key for programs of this company that may do what the role may."""
    id_, secret = new_id(now), new_token()
    session.add(
        ApiKey(
            company_id=company_id,
            id=id_,
            name=display_name(name),
            role=role,
            prefix=f"ctk_…{id_.hex[-6:]}",
            secret_hash=token_hash(secret),
            created_at=now,
        )
    )
    return NewKey(id_, f"ctk_{company_id.hex}{id_.hex}_{secret}")


def revoke_api_key(session: Session, company_id: UUID, key_id: UUID, now: datetime) -> None:
    """Take a key back; the next request with it is refused. Raises NotFound for a foreign or unknown key."""
    key = session.get(ApiKey, (company_id, key_id))
    if key is None:
        raise NotFound("There is no such key.")
    key.revoked_at = key.revoked_at or now


def authenticate_api_key(services: Services, text: str) -> tuple[UUID, Role, UUID]:
    """Return (company id, role, key id) of a valid key.

    Raises:
        NotAllowed: malformed, unknown or revoked; the three look the same.
    """
    found = SHAPE.fullmatch(text)
    if found is None:
        raise NotAllowed("This API key is not valid; make one in the dashboard under Settings, API keys.")
    company_id, key_id, now = UUID(found[1]), UUID(found[2]), services.clock()
    with services.db.tenant(company_id) as session:
        row = session.execute(
            select(ApiKey.secret_hash, ApiKey.role, ApiKey.last_used_at).where(
                ApiKey.company_id == company_id, ApiKey.id == key_id, ApiKey.revoked_at.is_(None)
            )
        ).one_or_none()
        stored = row.secret_hash if row else bytes(32)
        if not hmac.compare_digest(stored, token_hash(found[3])) or row is None:
            raise NotAllowed("This API key is not valid; make one in the dashboard under Settings, API keys.")
        if row.last_used_at is None or now - row.last_used_at > USED_EVERY:
            session.execute(
                update(ApiKey)
                .where(ApiKey.company_id == company_id, ApiKey.id == key_id)
                .values(last_used_at=now)
            )
        return company_id, row.role, key_id
