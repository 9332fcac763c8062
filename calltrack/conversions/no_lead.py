"""Why a call is no lead, in the words of the rule that decided."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.calls.model import Call
from calltrack.conversions.history import calls_around, counted_calls, limits_and_currency
from calltrack.conversions.rules import CallResult, is_lead
from calltrack.journeys.service import persons_of_calls


def why_no_lead(session: Session, company_id: UUID, call_id: UUID) -> str:
    """Return the rule's sentence on a call that ended; nothing while it runs, or where it is a lead."""
    call = session.get(Call, (company_id, call_id))
    if call is None or call.outcome is None:
        return ""
    limits, _ = limits_and_currency(session, company_id)
    person_id = persons_of_calls(session, company_id, [call_id]).get(call_id)
    before, _ = calls_around(session, call, person_id, timedelta(days=limits.lead_window_days))
    leads = counted_calls(session, company_id, before, "lead")
    result = CallResult(
        started_at=call.started_at,
        is_bridged=call.is_bridged,
        talk_seconds=call.talk_seconds,
        is_withheld=call.caller_hash is None,
    )
    verdict = is_lead(result, [lead.started_at for lead in leads], limits)
    return "" if verdict.is_lead else verdict.reason
