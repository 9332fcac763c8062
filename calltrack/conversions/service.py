"""Turns calls into leads by rule, and into purchases, leads or nothing by a person's word."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.rules import CompanySettings
from calltrack.calls.model import Call
from calltrack.conversions import ledger
from calltrack.conversions.history import (
    calls_around,
    converted_calls_of,
    counted_calls,
    limits_and_currency,
)
from calltrack.conversions.ledger import Decision
from calltrack.conversions.model import Conversion
from calltrack.conversions.rules import RULE, CallResult, Outcome, is_lead
from calltrack.infra.turns import take_turn
from calltrack.journeys.service import persons_of_calls
from calltrack.kernel.errors import NotFound

# How far ahead later calls of the same person are judged again.
CALLED_WITHIN = timedelta(days=400)


def classify_call(session: Session, company_id: UUID, call_id: UUID, now: datetime) -> None:
    """Make the call a lead, or take its lead back, as the rule says; a person's word stands above the rule.

    Where the verdict changes, the same person's later calls are judged again, so that late news of an
    earlier call ends in the same conversions as news in order. Repetitions change nothing.

    Raises:
        NotFound: the company has no such call.
    """
    call = _take_call(session, company_id, call_id)
    limits, currency = limits_and_currency(session, company_id)
    window = timedelta(days=limits.lead_window_days)
    person_id = persons_of_calls(session, company_id, [call_id]).get(call_id)
    if not _judge(session, call, person_id, limits, currency, now):
        return
    changed_at = call.started_at
    _, later = calls_around(session, call, person_id, CALLED_WITHIN)
    for other in later:
        if other.started_at - changed_at >= window:
            return
        if _judge(session, other, person_id, limits, currency, now):
            changed_at = other.started_at


def set_outcome(
    session: Session, company_id: UUID, call_id: UUID, outcome: Outcome, now: datetime
) -> tuple[UUID, ...]:
    """Store what a person says the call brought; returns the conversions that changed, none if nothing did.

    purchase: counts with its value, a new value restates it; the call's lead, if any, stays.
    lead: the call is a lead whatever the rule says, and not a purchase.
    none: neither. Each change is noted in the audit trail.

    Raises:
        NotFound: the company has no such call.
    """
    call = _take_call(session, company_id, call_id)
    _, currency = limits_and_currency(session, company_id)
    reason = outcome.reason or f"Set to {outcome.kind} by {outcome.by}."
    decision = Decision(by=outcome.by, reason=reason, now=now, currency=currency)
    person_id = persons_of_calls(session, company_id, [call_id]).get(call_id)
    changed: list[ledger.Kind] = []
    if outcome.kind == "purchase":
        bought = Decision(
            by=outcome.by,
            reason=reason,
            now=now,
            currency=outcome.currency or currency,
            value_minor=outcome.value_minor,
        )
        at = outcome.occurred_at
        if ledger.count(session, call, "purchase", bought, person_id=person_id, occurred_at=at):
            changed.append("purchase")
    elif ledger.retract(session, call, "purchase", decision):
        changed.append("purchase")
    if _set_lead(session, call, outcome, decision, person_id):
        changed.append("lead")
    if changed:
        audit.note(
            session, company_id, outcome.by, "call.outcome", str(call_id), now,
            kind=outcome.kind, value_minor=outcome.value_minor, currency=outcome.currency,
            reason=outcome.reason,
        )  # fmt: skip
    found = [ledger.conversion_of(session, call, kind) for kind in changed]
    return tuple(conversion.id for conversion in found if conversion)


def follow_person(session: Session, company_id: UUID, person_id: UUID) -> None:
    """Let the conversions of a joined person's calls name the person who stayed."""
    calls = converted_calls_of(session, company_id, person_id)
    owners = persons_of_calls(session, company_id, calls)
    mine = [call_id for call_id in calls if owners.get(call_id) == person_id]
    session.execute(
        update(Conversion)
        .where(Conversion.company_id == company_id, Conversion.call_id.in_(mine))
        .values(person_id=person_id)
    )


def _take_call(session: Session, company_id: UUID, call_id: UUID) -> Call:
    take_turn(session, "conversions", company_id)
    call = session.get(Call, (company_id, call_id))
    if call is None:
        raise NotFound("There is no such call.")
    return call


def _judge(
    session: Session,
    call: Call,
    person_id: UUID | None,
    limits: CompanySettings,
    currency: str,
    now: datetime,
) -> bool:
    """Bring the call's lead in line with the rule; tells whether that changed anything."""
    present = ledger.conversion_of(session, call, "lead")
    if present is not None and present.decided_by != RULE:
        return False
    before, after = calls_around(session, call, person_id, timedelta(days=limits.lead_window_days))
    leads = counted_calls(session, call.company_id, before, "lead")
    result = CallResult(
        started_at=call.started_at,
        is_bridged=call.is_bridged,
        talk_seconds=call.talk_seconds,
        is_withheld=call.caller_hash is None,
    )
    verdict = is_lead(result, [lead.started_at for lead in leads], limits)
    decision = Decision(by=RULE, reason=verdict.reason, now=now, currency=currency)
    if verdict.is_lead:
        return ledger.count(session, call, "lead", decision, person_id=person_id)
    # Who bought was a lead: a purchase keeps the lead before it standing, unless an earlier lead is its own.
    if not leads and counted_calls(session, call.company_id, [call, *after], "purchase"):
        return False
    return ledger.retract(session, call, "lead", decision)


def _set_lead(
    session: Session, call: Call, outcome: Outcome, decision: Decision, person_id: UUID | None
) -> bool:
    present = ledger.conversion_of(session, call, "lead")
    if outcome.kind == "lead":
        changed = ledger.count(session, call, "lead", decision, person_id=person_id)
        if present is not None and present.decided_by == RULE:
            # A person confirmed the rule's lead: from now on the rule leaves it alone.
            present.decided_by = outcome.by
        return changed
    return outcome.kind == "none" and ledger.retract(session, call, "lead", decision)
