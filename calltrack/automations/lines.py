"""What kind of line a number is, as the carrier says. A question costs, so an answer is kept for 180 days."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts.carrier import carrier_for, carrier_of
from calltrack.calls.found import keep
from calltrack.calls.model import Call, CallEventRow
from calltrack.calls.service import Received
from calltrack.kernel.errors import NotFound as NothingThere
from calltrack.messages.model import MessageThread
from calltrack.messages.service import thread_of
from calltrack.numbers.model import TrackingNumber
from calltrack.telephony.fetched import looked_up
from calltrack.wiring import Services

KNOWN_FOR: Final = timedelta(days=180)


def known_line(thread: MessageThread | None, now: datetime) -> str:
    """Return what the carrier said lately; nothing where it was not asked, or long ago."""
    if thread is None or thread.line_asked_at is None or now - thread.line_asked_at >= KNOWN_FOR:
        return ""
    return thread.line_type


def line_of(services: Services, company_id: UUID, e164: str) -> str:
    """Return what kind of line a number is; the carrier is asked unless its answer is known.

    A carrier that does not know says so (`unknown`); where none is connected nothing is returned.

    Raises:
        Refused, Retry: the carrier did not answer.
    """
    now, vault = services.clock(), services.vault
    with services.db.tenant(company_id) as session:
        thread = session.scalar(
            select(MessageThread).where(
                MessageThread.company_id == company_id,
                MessageThread.party_hash == vault.look_up(company_id, e164),
            )
        )
        if known := known_line(thread, now):
            return known
        try:
            carrier = carrier_for(session, vault, services.carriers, company_id)
        except NothingThere:
            return ""
    told = carrier.look_up(e164, line_type=True).line_type or "unknown"
    with services.db.tenant(company_id) as session:
        row = thread_of(session, vault, company_id, e164, services.clock())
        row.line_type, row.line_asked_at = told, services.clock()
    return told


def tell_call(services: Services, company_id: UUID, call_id: UUID, line: str) -> None:
    """Let the story of a call say what kind of line its caller has: an event like any other."""
    with services.db.tenant(company_id) as session:
        call = session.get_one(Call, (company_id, call_id))
        if call.line_type == line or call.erased_at is not None or not _has_events(session, call):
            return
        number = session.get_one(TrackingNumber, (company_id, call.number_id))
        account = carrier_of(session, company_id)
        sid = account.account_sid if account else ""
        event = looked_up(call.call_sid, sid, number.e164, line, services.clock())
        told = Received(company_id, call.number_id, call.location_id, event, services.clock())
    keep(services, [told])


def _has_events(session: Session, call: Call) -> bool:
    """Tell whether the call's rows follow from events; those of the demo's history do not."""
    mine = (CallEventRow.company_id == call.company_id, CallEventRow.call_sid == call.call_sid)
    return session.scalar(select(CallEventRow.id).where(*mine).limit(1)) is not None
