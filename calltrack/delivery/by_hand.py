"""What a person may do to deliveries: send again, and say what became of one nobody knows about.

Nothing here sends. A delivery becomes due, and the ledger does the rest under its own rules: a conversion
that counts already is never sent again, order is kept, and bytes that may have arrived go out unchanged.
"""

import hashlib
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from calltrack.accounts import audit
from calltrack.delivery import ledger
from calltrack.delivery.accounts import open_settings
from calltrack.delivery.log import FAILED, DeliveryFilter, ids_of
from calltrack.delivery.model import Delivery, DestinationAccount
from calltrack.delivery.preflight import columns_of
from calltrack.delivery.uploads import Change, load_changes
from calltrack.delivery.valued_late import valued
from calltrack.destinations import DESTINATIONS
from calltrack.infra import outbox
from calltrack.infra.crypto import Vault
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.wiring import Services

MOST: Final = 1_000
MOST_AT_ONCE: Final = 10_000
SENT_AGAIN: Final = "Sent again by hand; it is sent next."
ARRIVED: Final = "Marked as arrived by {by}."
# Why a delivery was left as it is, in words.
COUNTS_ALREADY: Final = "counts there already"
ON_ITS_WAY: Final = "is on its way already"
PAUSED: Final = "waits for its destination, which is paused or removed"
DEMO: Final = "is demo data, which is never sent"
NEVER: Final = "would be kept back again for the same reason"
TOLD_LATER: Final = "belongs to a conversion from before the destination was connected"


@dataclass(frozen=True)
class Replayed:
    """How many deliveries are sent again, and why the others are left as they are."""

    sent: int
    left: dict[str, int]


def replay(
    session: Session, vault: Vault, company_id: UUID, ids: Collection[UUID], now: datetime, *, by: str
) -> Replayed:
    """Make these deliveries due again, `MOST` at a time; ids the company does not have are left out.

    refused or given up: from the first try, by the present settings · parked alone: due ·
    unknown: the same bytes once more · withheld: judged again, and sent if the reason is gone.
    Changes that waited in vain for one of these follow it.
    """
    found = session.execute(
        select(Delivery, DestinationAccount)
        .join(
            DestinationAccount,
            (DestinationAccount.company_id == Delivery.company_id)
            & (DestinationAccount.id == Delivery.destination_id),
        )
        .where(Delivery.company_id == company_id, Delivery.id.in_(list(ids)[:MOST]))
        .order_by(Delivery.id)
        .with_for_update(of=Delivery)
    ).all()
    left: Counter[str] = Counter()
    again: list[Delivery] = []
    reasons = {row.id: _why_not(row, account) for row, account in found}
    kept_back = [row.change_id for row, _ in found if row.state == "withheld" and not reasons[row.id]]
    changes = valued(session, company_id, load_changes(session, vault, company_id, kept_back))
    for row, account in found:
        reason = reasons[row.id]
        if not reason and row.state == "withheld":
            reason = _judge_again(vault, row, account, changes[row.change_id], now)
        if reason:
            left[reason] += 1
        else:
            _send_again(row, now)
            again.append(row)
    session.flush()
    _let_follow(session, company_id, [row.id for row in again], now)
    for destination_id in sorted({row.destination_id for row in again}):
        outbox.record(session, company_id, "destination.changed", destination_id, now)
    if again:
        audit.note(
            session, company_id, by, "delivery.replayed", str(again[0].id), now,
            count=len(again), ids=[str(row.id) for row in again[:50]],
        )  # fmt: skip
    return Replayed(len(again), dict(left))


def replay_all(services: Services, company_id: UUID, wanted: DeliveryFilter, *, by: str) -> Replayed:
    """Send again all that fits the filter and may be sent again, the newest `MOST_AT_ONCE` of them.

    Of a filter that names no state: the refused and given up, the stopped, those of unknown outcome.

    Raises:
        BadInput: the filter names a state of which nothing can be sent again.
    """
    chosen = failed_of(wanted)
    sent, left, before = 0, Counter[str](), None
    for _ in range(MOST_AT_ONCE // MOST):
        with services.db.tenant(company_id) as session:
            ids = ids_of(session, company_id, chosen, before, MOST)
            done = replay(session, services.vault, company_id, ids, services.clock(), by=by)
        sent += done.sent
        left.update(done.left)
        if len(ids) < MOST:
            break
        before = ids[-1]
    return Replayed(sent, dict(left))


def failed_of(wanted: DeliveryFilter) -> DeliveryFilter:
    """Return the filter narrowed to what "send all failed again" means; BadInput where that is nothing."""
    state = wanted.state or ("withheld" if wanted.code else "failed")
    if state not in ("failed", *FAILED, "withheld"):
        raise BadInput("Of these nothing can be sent again: choose refused, stopped, unknown or kept back.")
    return replace(wanted, state=state)


def settle(session: Session, company_id: UUID, delivery_id: UUID, now: datetime, *, by: str) -> None:
    """Take a person's word that a delivery of unknown outcome arrived: it counts, nothing is sent again.

    Raises:
        NotFound: the company has no such delivery.
        Conflict: its outcome is known.
    """
    row = session.get(Delivery, (company_id, delivery_id), with_for_update=True)
    if row is None:
        raise NotFound("There is no such delivery.")
    if row.state != "unknown":
        raise Conflict("What became of this delivery is known already; reload the page.")
    row.state, row.due_at, row.settled_at, row.lease_token = "confirmed", None, now, None
    row.explanation = ARRIVED.format(by=by)
    audit.note(session, company_id, by, "delivery.settled", str(delivery_id), now, arrived=True)
    outbox.record(session, company_id, "destination.changed", row.destination_id, now)


def _why_not(row: Delivery, account: DestinationAccount) -> str:
    if row.state in ("confirmed", "accepted"):
        return COUNTS_ALREADY
    if row.is_demo:
        return DEMO
    if row.state in ("pending", "sending"):
        return ON_ITS_WAY
    if account.status != "active":
        return PAUSED
    return TOLD_LATER if row.preflight_code == "CONNECTED_LATER" else ""


def _judge_again(
    vault: Vault, row: Delivery, account: DestinationAccount, change: Change, now: datetime
) -> str:
    """Judge a withheld delivery by the facts and settings of now; returns why it stays withheld."""
    destination, settings = DESTINATIONS[account.kind], open_settings(vault, account)
    verdict = destination.preflight(change.upload, settings, now)
    for name, value in columns_of(verdict, now).items():
        setattr(row, name, value)
    if verdict.decision == "never":
        row.explanation = verdict.reason
        return NEVER
    row.payload = destination.freeze(change.upload, settings)
    row.payload_hash = hashlib.sha256(row.payload).digest()
    return ""


def _send_again(row: Delivery, now: datetime) -> None:
    if row.state != "unknown":
        # From the first try: what was refused is frozen anew by changed settings. What was given up may have
        # arrived after all, so its bytes stay (`refreeze` changes what was never tried).
        row.attempts = 1 if row.last_class in ("LATER", "UNKNOWN") else 0
    was_withheld = row.state == "withheld"
    row.state, row.settled_at, row.lease_token = "pending", None, None
    row.due_at = row.preflight_until if was_withheld and row.preflight_until else now
    row.explanation = SENT_AGAIN


# Changes that were withheld because the one before them was not taken, and are whole.
_FOLLOW = text(
    """
    UPDATE delivery d SET state = 'pending', due_at = :now, settled_at = NULL, explanation = :said
    FROM delivery e
    WHERE e.company_id = :company_id AND e.id = ANY(:ids) AND d.company_id = e.company_id
      AND d.conversion_id = e.conversion_id AND d.destination_id = e.destination_id
      AND d.sequence > e.sequence AND d.state = 'withheld' AND d.preflight <> 'never' AND d.payload <> ''
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))


def _let_follow(session: Session, company_id: UUID, ids: list[UUID], now: datetime) -> None:
    if not ids:
        return
    said = "The one before it is sent again, so this one follows it."
    values: dict[str, Any] = {"company_id": company_id, "ids": ids, "now": now, "said": said}
    session.execute(_FOLLOW, values)
    ledger.reopen_later_changes(session, company_id, ids, now)
