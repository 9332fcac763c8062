"""Planning: which destinations hear of a conversion change, and the frozen bytes that each will get."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import LargeBinary, Uuid

from calltrack.delivery.accounts import open_settings
from calltrack.delivery.ledger import Claimed
from calltrack.delivery.model import Delivery, DestinationAccount
from calltrack.delivery.uploads import Change, load_changes
from calltrack.destinations import DESTINATIONS
from calltrack.infra.crypto import Vault
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services

CONNECTED_LATER = "The destination was connected after this conversion, so it is told of no change to it."


def plan_change(services: Services, company_id: UUID, change_id: UUID) -> None:
    """Plan the change's delivery to every connected destination, once; running it again plans nothing new.

    Earlier changes of the same conversion are planned with it where that has not happened yet, so that no
    later one can overtake them. A company without that change is left alone.
    """
    now = services.clock()
    with services.db.tenant(company_id) as session:
        planned = _plan(session, services.vault, company_id, change_id, now)
    for destination_id in planned:
        services.nudges.wake("deliver", str(company_id), str(destination_id))
    if planned:
        services.nudges.show(str(company_id))


def refreeze(
    session: Session, vault: Vault, account: DestinationAccount, rows: Sequence[Claimed], now: datetime
) -> list[Claimed]:
    """Freeze anew what was planned by earlier settings and never tried; returns what is still to be sent.

    The settings may have been the reason why it was refused: a wrong conversion action stays wrong in bytes.
    """
    changed_at = account.settings_changed_at
    stale = [row for row in rows if changed_at and row.attempts == 1 and row.planned_at < changed_at]
    if not stale:
        return list(rows)
    destination, settings = DESTINATIONS[account.kind], open_settings(vault, account)
    changes = load_changes(session, vault, account.company_id, [row.change_id for row in stale])
    fresh: dict[UUID, bytes] = {}
    withheld: dict[UUID, str] = {}
    for row in stale:
        upload = changes[row.change_id].upload
        verdict = destination.preflight(upload, settings, now)
        if verdict.decision == "never":
            withheld[row.id] = verdict.reason
        else:
            fresh[row.id] = destination.freeze(upload, settings)
    _store(session, account.company_id, fresh, withheld, now)
    return [replace(row, payload=fresh.get(row.id, row.payload)) for row in rows if row.id not in withheld]


# Whatever the change's conversion has that an already connected destination was not told of yet. `knows` is
# false where the destination was connected after the conversion itself.
_MISSING = text(
    """
    SELECT t.id AS destination_id, ch.id AS change_id, original.changed_at >= t.created_at AS knows
    FROM conversion_change me
    JOIN conversion_change ch ON ch.company_id = me.company_id
     AND ch.conversion_id = me.conversion_id AND ch.sequence <= me.sequence
    JOIN conversion_change original ON original.company_id = me.company_id
     AND original.conversion_id = me.conversion_id AND original.sequence = 0
    JOIN destination t ON t.company_id = me.company_id AND t.status <> 'removed'
     AND t.created_at <= ch.changed_at
    WHERE me.company_id = :company_id AND me.id = :change_id AND NOT EXISTS (
        SELECT FROM delivery d
        WHERE d.company_id = me.company_id AND d.destination_id = t.id AND d.change_id = ch.id)
    ORDER BY t.id, ch.sequence
    """
)


def _plan(session: Session, vault: Vault, company_id: UUID, change_id: UUID, now: datetime) -> list[UUID]:
    """Store the missing deliveries; returns the destinations that got one."""
    missing = session.execute(_MISSING, {"company_id": company_id, "change_id": change_id}).all()
    if not missing:
        return []
    accounts = {
        account.id: account
        for account in session.scalars(
            select(DestinationAccount).where(DestinationAccount.company_id == company_id)
        )
    }
    changes = load_changes(session, vault, company_id, {row.change_id for row in missing})
    rows = [
        row_of(vault, accounts[row.destination_id], changes[row.change_id], now, knows=row.knows)
        for row in missing
    ]
    return insert_rows(session, rows)


def insert_rows(session: Session, rows: list[dict[str, Any]]) -> list[UUID]:
    """Store planned deliveries that do not exist yet; returns the destinations that got one."""
    if not rows:
        return []
    statement = (
        insert(Delivery)
        .on_conflict_do_nothing(index_elements=["company_id", "destination_id", "change_id"])
        .returning(Delivery.destination_id)
    )
    return list(dict.fromkeys(session.scalars(statement, rows)))


def row_of(
    vault: Vault, account: DestinationAccount, change: Change, now: datetime, *, knows: bool = True
) -> dict[str, Any]:
    """Return the delivery of one change to one destination: the verdict before sending, the frozen bytes."""
    row: dict[str, Any] = {
        "company_id": account.company_id, "id": new_id(now), "destination_id": account.id,
        "conversion_id": change.conversion_id, "change_id": change.id, "sequence": change.sequence,
        "upload_id": change.upload.id, "payload": b"", "state": "withheld", "due_at": None,
        "planned_at": now, "settled_at": now, "is_demo": change.is_demo, "explanation": CONNECTED_LATER,
    }  # fmt: skip
    destination, settings = DESTINATIONS[account.kind], open_settings(vault, account)
    verdict = destination.preflight(change.upload, settings, now)
    if knows and verdict.decision == "never":
        # Nothing is kept of what may not be sent.
        row["explanation"] = verdict.reason
    elif knows:
        row |= {"payload": destination.freeze(change.upload, settings), "settled_at": None}
        row |= {"state": "pending", "due_at": verdict.until or now, "explanation": verdict.reason}
        if account.status == "paused" and verdict.until is None:
            row |= {"state": "parked", "due_at": None, "explanation": account.status_reason}
    row["payload_hash"] = hashlib.sha256(row["payload"]).digest()
    return row


_REFREEZE = text(
    """
    UPDATE delivery d SET payload = fresh.payload, payload_hash = sha256(fresh.payload)
    FROM unnest(:ids, :payloads) AS fresh (id, payload)
    WHERE d.company_id = :company_id AND d.id = fresh.id
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("payloads", type_=ARRAY(LargeBinary())))
_WITHHOLD = text(
    """
    UPDATE delivery SET state = 'withheld', due_at = NULL, lease_token = NULL, attempts = 0,
                        payload = '', payload_hash = sha256(''), settled_at = :now, explanation = :said
    WHERE company_id = :company_id AND id = :id
    """
)


def _store(
    session: Session, company_id: UUID, fresh: dict[UUID, bytes], withheld: dict[UUID, str], now: datetime
) -> None:
    if fresh:
        values = {"company_id": company_id, "ids": list(fresh), "payloads": list(fresh.values())}
        session.execute(_REFREEZE, values)
    for id_, said in withheld.items():
        session.execute(_WITHHOLD, {"company_id": company_id, "id": id_, "now": now, "said": said})
