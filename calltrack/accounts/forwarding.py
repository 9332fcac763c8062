"""A changed forwarding number is written down and told: whoever changes it can take a company's calls.

That holds for locations and for the phones of call flows.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.infra import outbox

CHANGED = "location.change"
FLOW_PHONES = "call_flow.phones"


def note_forwarding(
    session: Session, company_id: UUID, by: str, location: str, before: str, after: str, now: datetime
) -> None:
    """Note the change of a location; another forwarding number is a fact too, and owners are told of it."""
    entry_id = audit.note(session, company_id, by, CHANGED, location, now, forward_to=after, before=before)
    if before != after:
        outbox.record(session, company_id, "forwarding.changed", entry_id, now)


def note_phones_of_flow(
    session: Session, company_id: UUID, by: str, flow: str, flow_id: UUID, phones: tuple[str, ...],
    now: datetime,
) -> None:  # fmt: skip
    """Note phones a call flow rings that no call of the company went to before; owners are told of it."""
    entry_id = audit.note(
        session, company_id, by, FLOW_PHONES, flow, now, phones=list(phones), flow_id=flow_id.hex
    )
    outbox.record(session, company_id, "forwarding.changed", entry_id, now)
