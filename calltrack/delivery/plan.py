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
from calltrack.delivery.valued_late import kept_back, valued
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
# false where the destination was connected after the conversion itself. PostgreSQL takes a company that its
# statistics do not know yet for one of a single row. LATERAL with LIMIT or OFFSET keeps the look-ups apart: a
# plain join would multiply all of its rows with one another. `(SELECT :company_id)` hides which company it is
# while the plan is made, so that it counts as one of average size: else any index that begins with the
# company seems as good as the one with the whole key, and each look-up reads all of its rows. In the order in
# which every planner writes: two that plan the same at once wait for one another, never in a circle.
_MISSING = text(
    """
    WITH asked AS MATERIALIZED (
        SELECT ch.conversion_id, ch.sequence FROM unnest(:ids) AS one (id)
        CROSS JOIN LATERAL (
            SELECT c.conversion_id, c.sequence FROM conversion_change c
            WHERE c.company_id = (SELECT :company_id) AND c.id = one.id LIMIT 1) ch),
    me AS MATERIALIZED (
        SELECT conversion_id, max(sequence) AS sequence FROM asked GROUP BY conversion_id)
    SELECT t.id AS destination_id, ch.id AS change_id, original.changed_at >= t.created_at AS knows
    FROM me
    CROSS JOIN LATERAL (
        SELECT c.id, c.changed_at FROM conversion_change c
        WHERE c.company_id = (SELECT :company_id) AND c.conversion_id = me.conversion_id
          AND c.sequence <= me.sequence OFFSET 0) ch
    CROSS JOIN LATERAL (
        SELECT c.changed_at FROM conversion_change c
        WHERE c.company_id = (SELECT :company_id) AND c.conversion_id = me.conversion_id
          AND c.sequence = 0 LIMIT 1) original
    JOIN destination t ON t.company_id = :company_id AND t.status <> 'removed'
     AND t.created_at <= ch.changed_at
    WHERE NOT EXISTS (
        SELECT FROM delivery d
        WHERE d.company_id = (SELECT :company_id) AND d.destination_id = t.id AND d.change_id = ch.id
        OFFSET 0)
    ORDER BY t.id, ch.id
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))


def _plan(
    session: Session, vault: Vault, company_id: UUID, change_ids: Sequence[UUID], now: datetime
) -> list[UUID]:
    """Store the missing deliveries; returns the destinations that got one."""
    missing = session.execute(_MISSING, {"company_id": company_id, "ids": list(change_ids)}).all()
    if not missing:
        return []
    targets = targets_of(session, vault, company_id, {row.destination_id for row in missing})
    changes = load_changes(session, vault, company_id, {row.change_id for row in missing})
    # Ids ascend with the changes: what became due at one moment leaves in the order it happened.
    ids = sorted(new_id(now) for _ in missing)
    rows = [
        row_of(targets[row.destination_id], changes[row.change_id], now, knows=row.knows) | {"id": id_}
        for id_, row in zip(ids, missing, strict=True)
    ]
    stored = insert_rows(session, rows)
    return list(dict.fromkeys([*stored, *_judge_valued(session, vault, company_id, changes, now)]))


def _judge_valued(
    session: Session, vault: Vault, company_id: UUID, changes: Mapping[UUID, Change], now: datetime
) -> list[UUID]:
    """Judge again what was kept back for want of a value that a change brings; returns where it goes."""
    ids = {
        one.conversion_id for one in changes.values() if one.sequence and one.upload.value_minor is not None
    }
    waiting = kept_back(session, company_id, ids) if ids else []
    if not waiting:
        return []
    targets = targets_of(session, vault, company_id, {row.destination_id for row in waiting})
    firsts = load_changes(session, vault, company_id, {row.change_id for row in waiting})
    firsts = valued(session, company_id, firsts)
    goes = []
    for row in waiting:
        judged = row_of(targets[row.destination_id], firsts[row.change_id], now)
        if judged["state"] != "withheld" and targets[row.destination_id].account.status != "removed":
            for name in judged.keys() - _STAYS:
                setattr(row, name, judged[name])
            goes.append(row.destination_id)
    session.flush()
    return goes


# What a delivery keeps however often it is judged.
_STAYS = frozenset(("id", "planned_at"))


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
