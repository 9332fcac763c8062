"""Planning: which destinations hear of conversion changes, and the frozen bytes that each will get.

Hundreds of changes are planned by one set of statements. What it costs does not depend on how many deliveries
a company has: every look goes through an index, by the ids of the changes at hand.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from calltrack.delivery.accounts import open_settings
from calltrack.delivery.model import Delivery, DestinationAccount
from calltrack.delivery.preflight import columns_of
from calltrack.delivery.uploads import Change, load_changes
from calltrack.destinations import DESTINATIONS
from calltrack.destinations.base import Destination
from calltrack.destinations.outcomes import Verdict
from calltrack.infra.crypto import Vault
from calltrack.infra.rows import insert_new
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services

CONNECTED_LATER = Verdict(
    "never",
    "CONNECTED_LATER",
    "The destination was connected after this conversion, so it is told of no change to it.",
)


@dataclass(frozen=True, slots=True)
class Target:
    """A connected destination as planning sees it: its row, its class, its settings opened once."""

    account: DestinationAccount
    destination: Destination[Any]
    settings: Any


def plan_change(services: Services, company_id: UUID, change_id: UUID) -> None:
    """Plan one change, as `plan_changes` does."""
    plan_changes(services, company_id, [change_id])


def plan_changes(services: Services, company_id: UUID, change_ids: Sequence[UUID]) -> None:
    """Plan the changes' deliveries to every connected destination, once; again it plans nothing new.

    Earlier changes of the same conversions are planned with them where that has not happened yet, so that no
    later one can overtake them. Ids of no change of this company are left alone. All or nothing is planned.
    """
    now = services.clock()
    with services.db.tenant(company_id) as session:
        planned = _plan(session, services.vault, company_id, change_ids, now)
    for destination_id in planned:
        services.nudges.wake("deliver", str(company_id), str(destination_id))
    if planned:
        services.nudges.show(str(company_id))


def targets_of(session: Session, vault: Vault, company_id: UUID, ids: Collection[UUID]) -> dict[UUID, Target]:
    """Return these destinations of the company with their settings open."""
    rows = session.scalars(
        select(DestinationAccount).where(
            DestinationAccount.company_id == company_id, DestinationAccount.id.in_(ids)
        )
    )
    return {row.id: Target(row, DESTINATIONS[row.kind], open_settings(vault, row)) for row in rows}


# Whatever the changes' conversions have that an already connected destination was not told of yet. `knows` is
# false where the destination was connected after the conversion itself. In the order in which every planner
# writes: two that plan the same at once wait for one another, never in a circle.
_MISSING = text(
    """
    WITH me AS MATERIALIZED (
        SELECT conversion_id, max(sequence) AS sequence FROM conversion_change
        WHERE company_id = :company_id AND id = ANY(:ids) GROUP BY conversion_id)
    SELECT t.id AS destination_id, ch.id AS change_id, original.changed_at >= t.created_at AS knows
    FROM me
    JOIN conversion_change ch ON ch.company_id = :company_id
     AND ch.conversion_id = me.conversion_id AND ch.sequence <= me.sequence
    JOIN conversion_change original ON original.company_id = :company_id
     AND original.conversion_id = me.conversion_id AND original.sequence = 0
    JOIN destination t ON t.company_id = :company_id AND t.status <> 'removed'
     AND t.created_at <= ch.changed_at
    WHERE NOT EXISTS (
        SELECT FROM delivery d
        WHERE d.company_id = :company_id AND d.destination_id = t.id AND d.change_id = ch.id)
    ORDER BY t.id, ch.id
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))
# The planner cannot know how few changes it is asked about; reading the whole ledger to compare never pays.
_BY_INDEX = text("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")
_AS_USUAL = text("SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on")


def _plan(
    session: Session, vault: Vault, company_id: UUID, change_ids: Sequence[UUID], now: datetime
) -> list[UUID]:
    """Store the missing deliveries; returns the destinations that got one."""
    session.execute(_BY_INDEX)
    missing = session.execute(_MISSING, {"company_id": company_id, "ids": list(change_ids)}).all()
    if not missing:
        return []
    targets = targets_of(session, vault, company_id, {row.destination_id for row in missing})
    changes = load_changes(session, vault, company_id, {row.change_id for row in missing})
    session.execute(_AS_USUAL)
    # Ids ascend with the changes: what became due at one moment leaves in the order it happened.
    ids = sorted(new_id(now) for _ in missing)
    rows = [
        row_of(targets[row.destination_id], changes[row.change_id], now, knows=row.knows) | {"id": id_}
        for id_, row in zip(ids, missing, strict=True)
    ]
    return insert_rows(session, rows)


def insert_rows(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[UUID]:
    """Store planned deliveries that do not exist yet; returns the destinations that got one."""
    keys = ("company_id", "destination_id", "change_id")
    stored = insert_new(session, Delivery, rows, keys, Delivery.destination_id)
    return list(dict.fromkeys(stored))


def row_of(target: Target, change: Change, now: datetime, *, knows: bool = True) -> dict[str, Any]:
    """Return the delivery of one change to one destination: the verdict before sending, the frozen bytes."""
    account, destination, settings = target.account, target.destination, target.settings
    row: dict[str, Any] = {
        "company_id": account.company_id, "id": new_id(now), "destination_id": account.id,
        "conversion_id": change.conversion_id, "change_id": change.id, "sequence": change.sequence,
        "upload_id": change.upload.id, "payload": b"", "state": "withheld", "due_at": None,
        "planned_at": now, "settled_at": now, "is_demo": change.is_demo,
    }  # fmt: skip
    verdict = destination.preflight(change.upload, settings, now) if knows else CONNECTED_LATER
    row |= {"explanation": verdict.reason, **columns_of(verdict, now)}
    # Nothing is kept of what may not be sent.
    if verdict.decision != "never":
        row |= {"payload": destination.freeze(change.upload, settings), "settled_at": None}
        row |= {"state": "pending", "due_at": verdict.until or now}
        if account.status == "paused" and verdict.until is None:
            row |= {"state": "parked", "due_at": None, "explanation": account.status_reason}
    row["payload_hash"] = hashlib.sha256(row["payload"]).digest()
    return row
