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
from calltrack.kernel.errors import BadInput, NotFound

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
    """Store what somebody says the call brought; returns the conversions that changed, none if nothing did.

    purchase: counts with its value, a new value restates it; the call's lead, if any, stays.
    lead: the call is a lead whatever the rule says, and not a purchase.
    none: neither.

    With an `external_id` the word is about that order alone: it is found again by its name on whichever call
    it was first told of, and it stays there. The first order that names itself takes over the call's own
    purchase, because both tell of the same one; every further order is a purchase beside it. Without a name
    the word is about the call's only purchase. Each change is noted in the audit trail.

    Raises:
        NotFound: the company has no such call.
        BadInput: the call has several orders and the word names none of them.
    """
    call = _take_call(session, company_id, call_id)
    _, currency = limits_and_currency(session, company_id)
    decision = Decision(
        by=outcome.by,
        via=outcome.via,
        reason=outcome.reason or f"Set to {outcome.kind} by {outcome.by}.",
        now=now,
        currency=outcome.currency or currency,
        value_minor=outcome.value_minor,
    )
    person_id = persons_of_calls(session, company_id, [call_id]).get(call_id)
    changed: list[UUID] = []
    if outcome.kind == "purchase":
        bought = _purchase(session, call, outcome, decision, person_id)
        changed += [bought] if bought else []
    else:
        meant = ledger.purchases_of(session, call)
        if outcome.external_id:
            named = ledger.order_named(session, company_id, outcome.external_id)
            meant = [named] if named else []
        changed += [one.id for one in meant if ledger.retract(session, one, decision, "none")]
        is_about_call = not outcome.external_id or outcome.kind == "lead"
        if is_about_call and _set_lead(session, call, outcome, decision, person_id):
            lead = ledger.conversion_of(session, call, "lead")
            changed += [lead.id] if lead else []
    if changed:
        audit.note(
            session, company_id, outcome.by, "call.outcome", str(call_id), now,
            kind=outcome.kind, value_minor=outcome.value_minor, currency=outcome.currency,
            reason=outcome.reason, via=outcome.via, external_id=outcome.external_id,
        )  # fmt: skip
    return tuple(changed)


def _purchase(
    session: Session, call: Call, outcome: Outcome, decision: Decision, person_id: UUID | None
) -> UUID | None:
    """Make the purchase that the word is about count; returns it if that changed anything."""
    found = _purchase_meant(session, call, outcome.external_id)
    if found is not None:
        return found.id if ledger.restate(session, found, decision) else None
    named, at = outcome.external_id, outcome.occurred_at
    ledger.count(session, call, "purchase", decision, person_id=person_id, occurred_at=at, external_id=named)
    made = ledger.conversion_of(session, call, "purchase", named)
    return made.id if made else None


def _purchase_meant(session: Session, call: Call, external_id: str) -> Conversion | None:
    """Return the purchase that a word is about; None: it is not yet known."""
    mine = ledger.purchases_of(session, call)
    if not external_id:
        if len(mine) > 1:
            raise BadInput("This call has several orders; say which one with external_id.")
        return mine[0] if mine else None
    named = ledger.order_named(session, call.company_id, external_id)
    if named is None and len(mine) == 1 and not mine[0].external_id:
        mine[0].external_id = external_id
        return mine[0]
    return named


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
    return ledger.retract(session, present, decision, "rule")


def _set_lead(
    session: Session, call: Call, outcome: Outcome, decision: Decision, person_id: UUID | None
) -> bool:
    present = ledger.conversion_of(session, call, "lead")
    if outcome.kind == "lead":
        changed = ledger.count(session, call, "lead", decision, person_id=person_id)
        if present is not None and present.decided_by == RULE:
            # A person confirmed the rule's lead: from now on the rule leaves it alone.
            present.decided_by, present.via = outcome.by, outcome.via
        return changed
    return outcome.kind == "none" and ledger.retract(session, present, decision, "none")
