"""A visitor withdrew consent: what is planned of them and not sent yet is judged by what they allow now."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from calltrack.delivery.erasing import OPEN
from calltrack.delivery.model import Delivery
from calltrack.delivery.plan import row_of, targets_of
from calltrack.delivery.uploads import load_changes
from calltrack.infra.crypto import Vault
from calltrack.kernel.errors import Conflict
from calltrack.wiring import Services

# Calls that are credited to the visitor's visits, and those of which one of them is a candidate: whoever was
# shown the number.
_OPEN: Final = text(
    """
    WITH visits AS MATERIALIZED (
        SELECT id FROM visit
        WHERE company_id = (SELECT CAST(:company_id AS uuid)) AND visitor_id = :visitor_id),
    calls AS (
        SELECT a.call_id FROM visits v
        JOIN attribution a ON a.company_id = (SELECT CAST(:company_id AS uuid)) AND a.visit_id = v.id
        WHERE a.is_current
        UNION
        SELECT a.call_id FROM visits v
        JOIN lease l ON l.company_id = (SELECT CAST(:company_id AS uuid)) AND l.visit_id = v.id
        JOIN call c ON c.company_id = l.company_id AND c.number_id = l.number_id
         AND c.started_at >= l.shown_from
        JOIN attribution a ON a.company_id = c.company_id AND a.call_id = c.id AND a.is_current
        WHERE a.candidates::text LIKE '%' || :visitor || '%')
    SELECT d.id FROM calls
    JOIN conversion co ON co.company_id = (SELECT CAST(:company_id AS uuid)) AND co.call_id = calls.call_id
    JOIN delivery d ON d.company_id = co.company_id AND d.conversion_id = co.id
    WHERE d.state = ANY(:states)
    ORDER BY d.id FOR UPDATE OF d
    """
).bindparams(bindparam("states", type_=ARRAY(Text())))


def hold_back_refused(services: Services, company_id: UUID, visitor_id: UUID) -> None:
    """Withhold what may not be sent any more; what may (to systems of the company's own) is frozen anew.

    Raises:
        Conflict: something is on its way at this moment, and might be sent again. To be called again later.
    """
    with services.db.tenant(company_id) as session:
        waiting = _deliveries(session, company_id, visitor_id, OPEN)
        changed = _judge_again(services, session, services.vault, company_id, waiting)
        sending = _deliveries(session, company_id, visitor_id, ("sending",))
    if changed:
        services.nudges.show(str(company_id))
    if sending:
        raise Conflict("Something about this visitor is being sent at this moment.")


def _deliveries(
    session: Session, company_id: UUID, visitor_id: UUID, states: Sequence[str]
) -> list[Delivery]:
    asked = {
        "company_id": company_id, "visitor_id": visitor_id, "visitor": visitor_id.hex, "states": list(states),
    }  # fmt: skip
    return [session.get_one(Delivery, (company_id, id_)) for id_ in session.scalars(_OPEN, asked).all()]


def _judge_again(
    services: Services, session: Session, vault: Vault, company_id: UUID, rows: Sequence[Delivery]
) -> int:
    """Judge these deliveries by what is known now; returns how many of them change."""
    if not rows:
        return 0
    now, changed = services.clock(), 0
    targets = targets_of(session, vault, company_id, {row.destination_id for row in rows})
    changes = load_changes(session, vault, company_id, {row.change_id for row in rows})
    for row in rows:
        judged = row_of(targets[row.destination_id], changes[row.change_id], now)
        if judged["payload_hash"] == row.payload_hash:
            continue
        changed += 1
        if judged["state"] == "withheld":
            names = judged.keys() - {"id", "planned_at"}
            row.lease_token = None
        else:
            # When it goes, and how often it was tried, stays; whoever gets it twice knows it by its id.
            names = {"payload", "payload_hash"}
        for name in names:
            setattr(row, name, judged[name])
    session.flush()
    return changed
