"""Erasing what deliveries carry of a person: payloads and answers; what is not sent yet is held back."""

import hashlib
from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from calltrack.delivery.model import Attempt, Delivery
from calltrack.infra.rows import one_of
from calltrack.kernel.errors import Conflict

OPEN: Final = ("pending", "unknown", "parked")
HELD_BACK: Final = "The person was erased before it was sent, or before its answer was known. It is not sent."


def erase_deliveries(
    session: Session, company_id: UUID, conversion_ids: Collection[UUID], now: datetime
) -> int:
    """Empty the payloads and answers of these conversions' deliveries; returns how many deliveries.

    Raises:
        Conflict: one of them is on its way at this moment.
    """
    rows = session.execute(
        select(Delivery.id, Delivery.state)
        .where(Delivery.company_id == company_id, one_of(Delivery.conversion_id, conversion_ids))
        .with_for_update()
    ).all()
    if any(row.state == "sending" for row in rows):
        raise Conflict("Something about this person is being sent at this moment.")
    ids = [row.id for row in rows]
    mine = (Delivery.company_id == company_id, one_of(Delivery.id, ids))
    session.execute(
        update(Delivery)
        .where(*mine, Delivery.state.in_(OPEN))
        .values(state="withheld", due_at=None, lease_token=None, settled_at=now, explanation=HELD_BACK)
    )
    session.execute(
        update(Delivery).where(*mine).values(payload=b"", payload_hash=hashlib.sha256(b"").digest())
    )
    session.execute(
        update(Attempt)
        .where(Attempt.company_id == company_id, one_of(Attempt.delivery_id, ids))
        .values(answer="")
    )
    return len(ids)
