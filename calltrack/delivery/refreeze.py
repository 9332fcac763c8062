"""Freezing anew what was planned by earlier settings and never tried."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import LargeBinary, Uuid

from calltrack.delivery.accounts import open_settings
from calltrack.delivery.ledger import Claimed
from calltrack.delivery.model import DestinationAccount
from calltrack.delivery.preflight import columns_of
from calltrack.delivery.uploads import load_changes
from calltrack.destinations import DESTINATIONS
from calltrack.destinations.outcomes import Verdict
from calltrack.infra.crypto import Vault


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
    withheld: dict[UUID, Verdict] = {}
    for row in stale:
        upload = changes[row.change_id].upload
        verdict = destination.preflight(upload, settings, now)
        if verdict.decision == "never":
            withheld[row.id] = verdict
        else:
            fresh[row.id] = destination.freeze(upload, settings)
    _store(session, account.company_id, fresh, withheld, now)
    return [replace(row, payload=fresh.get(row.id, row.payload)) for row in rows if row.id not in withheld]


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
                        payload = '', payload_hash = sha256(''), settled_at = :now,
                        explanation = :preflight_reason, preflight = :preflight,
                        preflight_code = :preflight_code, preflight_reason = :preflight_reason,
                        preflight_until = :preflight_until, preflight_at = :preflight_at
    WHERE company_id = :company_id AND id = :id
    """
)


def _store(
    session: Session,
    company_id: UUID,
    fresh: Mapping[UUID, bytes],
    withheld: Mapping[UUID, Verdict],
    now: datetime,
) -> None:
    if fresh:
        values = {"company_id": company_id, "ids": list(fresh), "payloads": list(fresh.values())}
        session.execute(_REFREEZE, values)
    for id_, verdict in withheld.items():
        kept = columns_of(verdict, now)
        session.execute(_WITHHOLD, {"company_id": company_id, "id": id_, "now": now, **kept})
