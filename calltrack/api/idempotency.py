"""One effect per `Idempotency-Key`: the answer is stored in the transaction of its effect."""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts.model import IdempotencyKey
from calltrack.kernel.errors import BadInput, Conflict

SHAPE = re.compile(r"[\x21-\x7e]{1,128}")


def once(
    session: Session,
    company_id: UUID,
    key: str | None,
    request_bytes: bytes,
    now: datetime,
    act: Callable[[], tuple[int, dict[str, Any]]],
) -> tuple[int, dict[str, Any]]:
    """Run `act` once per key; a repeated request gets the first answer.

    A second request that comes while the first still runs waits for it: both insert the same primary key.

    Raises:
        BadInput: the key has another shape than 1 to 128 visible ASCII characters.
        Conflict: the key was used for another request.
    """
    if key is None:
        return act()
    if not SHAPE.fullmatch(key):
        raise BadInput("Idempotency-Key must be 1 to 128 visible ASCII characters, such as a UUID.")
    fingerprint = hashlib.sha256(request_bytes).digest()
    row = {"company_id": company_id, "key": key, "request_hash": fingerprint, "status": 0, "answer": {}}
    fresh = session.execute(
        insert(IdempotencyKey)
        .values(**row, created_at=now)
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.key)
    ).scalar()
    mine = (IdempotencyKey.company_id == company_id, IdempotencyKey.key == key)
    if fresh is None:
        stored = session.scalars(select(IdempotencyKey).where(*mine)).one()
        if stored.request_hash != fingerprint:
            raise Conflict("This Idempotency-Key was used for another request; take a new one.")
        return stored.status, stored.answer
    status, answer = act()
    session.execute(update(IdempotencyKey).where(*mine).values(status=status, answer=answer))
    return status, answer
