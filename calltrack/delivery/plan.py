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

from calltrack.conversions.model import ConversionChange
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


def _plan(session: Session, vault: Vault, company_id: UUID, change_id: UUID, now: datetime) -> list[UUID]:
    """Store the missing deliveries; returns the destinations that got one."""
    change = session.get(ConversionChange, (company_id, change_id))
    if change is None:
        return []
    accounts = session.scalars(
        select(DestinationAccount).where(
            DestinationAccount.company_id == company_id, DestinationAccount.status != "removed"
        )
    ).all()
    if not accounts:
        return []
    ids = session.scalars(
        select(ConversionChange.id)
        .where(
            ConversionChange.company_id == company_id,
            ConversionChange.conversion_id == change.conversion_id,
            ConversionChange.sequence <= change.sequence,
        )
        .order_by(ConversionChange.sequence)
    ).all()
    done = {
        (row.destination_id, row.change_id)
        for row in session.execute(
            select(Delivery.destination_id, Delivery.change_id).where(
                Delivery.company_id == company_id, Delivery.conversion_id == change.conversion_id
            )
        )
    }
    missing = [(account, id_) for account in accounts for id_ in ids if (account.id, id_) not in done]
    if not missing:
        return []
    # The first change tells whether a destination knows the conversion at all.
    changes = load_changes(session, vault, company_id, {ids[0], *(id_ for _, id_ in missing)})
    original = changes[ids[0]]
    rows = [
        _row(vault, account, changes[id_], original, now)
        for account, id_ in missing
        if changes[id_].changed_at >= account.created_at
    ]
    return _insert(session, rows)


def _insert(session: Session, rows: list[dict[str, Any]]) -> list[UUID]:
    if not rows:
        return []
    statement = (
        insert(Delivery)
        .values(rows)
        .on_conflict_do_nothing(index_elements=["company_id", "destination_id", "change_id"])
        .returning(Delivery.destination_id)
    )
    return list(dict.fromkeys(session.scalars(statement)))


def _row(
    vault: Vault, account: DestinationAccount, change: Change, original: Change, now: datetime
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "company_id": account.company_id, "id": new_id(now), "destination_id": account.id,
        "conversion_id": change.conversion_id, "change_id": change.id, "sequence": change.sequence,
        "upload_id": change.upload.id, "payload": b"", "state": "withheld", "due_at": None,
        "planned_at": now, "settled_at": now, "is_demo": change.is_demo,
    }  # fmt: skip
    destination, settings = DESTINATIONS[account.kind], open_settings(vault, account)
    verdict = destination.preflight(change.upload, settings, now)
    if original.changed_at < account.created_at:
        row["explanation"] = CONNECTED_LATER
    elif verdict.decision == "never":
        # Nothing is kept of what may not be sent.
        row["explanation"] = verdict.reason
    else:
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
