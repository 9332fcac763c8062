"""The phones a company's calls go to, and which of them a flow adds: owners are told, as for locations."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts.forwarding import note_phones_of_flow
from calltrack.accounts.model import Location
from calltrack.callflows.checks import read_flow
from calltrack.callflows.model import CallFlow, CallFlowVersion
from calltrack.callflows.steps import Flow, RingGroup
from calltrack.kernel.errors import BadFields


def phones_of(flow: Flow) -> set[str]:
    """Return the numbers and SIP addresses a flow rings, apart from the locations' own lines."""
    targets = (
        target for step in flow.steps.values() if isinstance(step, RingGroup) for target in step.targets
    )
    return {phone for target in targets if (phone := target.number or target.sip)}


def new_phones(session: Session, company_id: UUID, flow: Flow) -> tuple[str, ...]:
    """Return which phones of a flow the company's calls do not go to yet, by no location and no flow."""
    added = phones_of(flow)
    if added:
        lines = select(Location.forward_to).where(Location.company_id == company_id)
        added -= set(session.scalars(lines))
    if added:
        added -= _rung_by_flows(session, company_id)
    return tuple(sorted(added))


def note_phones(session: Session, row: CallFlow, added: tuple[str, ...], by: str, now: datetime) -> None:
    """Write down the phones a flow adds; owners are told of it."""
    if added:
        note_phones_of_flow(session, row.company_id, by, row.name, row.id, added, now)


def _rung_by_flows(session: Session, company_id: UUID) -> set[str]:
    definitions = session.scalars(
        select(CallFlowVersion.definition)
        .join(
            CallFlow,
            (CallFlow.company_id == CallFlowVersion.company_id)
            & (CallFlow.current_version == CallFlowVersion.id),
        )
        .where(CallFlow.company_id == company_id, CallFlow.deleted_at.is_(None))
    )
    found = set[str]()
    for plain in definitions:
        try:
            found |= phones_of(read_flow(plain))
        except BadFields:
            # A flow that an older release took: what it rings counts as new, and is told once more.
            continue
    return found
