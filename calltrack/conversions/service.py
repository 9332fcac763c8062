"""Turns calls into leads and purchases: by the company's rules, and by what people and systems say."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call
from calltrack.conversions import ledger
from calltrack.conversions.history import calls_of_person, converted_calls_of, later_calls, next_calls
from calltrack.conversions.model import Conversion, RuleVersion
from calltrack.conversions.rules import RULE, Outcome
from calltrack.conversions.settle import Bench, bench_of, settle
from calltrack.conversions.tree_rules import window_of
from calltrack.conversions.words import home_of, keep
from calltrack.infra import outbox
from calltrack.infra.rows import one_of
from calltrack.infra.turns import take_turn
from calltrack.journeys.service import persons_of_calls
from calltrack.kernel.errors import BadInput, NotFound

# How far ahead later calls of the same person are judged again.
CALLED_WITHIN = timedelta(days=400)
# Judging a call takes some 10 ms: few enough that others get their turn between two sittings.
AGAIN_AT_ONCE = 100


def classify_call(session: Session, company_id: UUID, call_id: UUID, now: datetime) -> None:
    """Make the call what the company's rules say; what a person said stands above them.

    Where the verdict changes, the same person's later calls are judged again, so that late news of an
    earlier call ends in the same conversions as news in order. Repetitions change nothing.

    Raises:
        NotFound: the company has no such call.
    """
    call = _take_call(session, company_id, call_id)
    bench = bench_of(session, company_id, now)
    person_id = persons_of_calls(session, company_id, [call_id]).get(call_id)
    if settle(session, call, person_id, bench):
        _judge_later(session, call, person_id, bench)


def set_outcome(
    session: Session, company_id: UUID, call_id: UUID, outcome: Outcome, now: datetime
) -> tuple[UUID, ...]:
    """Store what somebody says the call brought; returns the conversions that changed, none if nothing did.

    purchase: counts with its value, a new value restates it; the call's lead, if any, stays. Where a person
    and another system tell different values, the person's holds; both stand above a rule's fixed value.
    refund: lowers the value, a full one takes the purchase back. cancelled: takes it back. A purchase told
    again after that counts again: it is restated, never made a second time.
    lead: the call is a lead whatever the rules say, and not a purchase. none: neither.

    With an `external_id` the word is about that order alone: it is found again by its name on whichever call
    it was first told of, and it stays there. The first order that names itself takes over the call's own
    purchase, because both tell of the same one; every further order is a purchase beside it. Without a name
    the word is about the call's only purchase. Each change is noted in the audit trail.

    Raises:
        NotFound: the company has no such call.
        BadInput: the call has several orders and the word names none of them; it has no purchase to refund or
            cancel; another currency than its purchase; no rule gives the value; an answered call was called
            back.
    """
    call = _take_call(session, company_id, call_id)
    home = home_of(session, company_id, outcome.external_id)
    if home is not None and home != call_id:
        call = _take_call(session, company_id, home)
    bench = bench_of(session, company_id, now)
    _refuse(session, call, outcome, now)
    said = replace(outcome, reason=outcome.reason or _told_by(outcome))
    words = keep(session, call, said, bench.book.currency, now)
    person_id = persons_of_calls(session, company_id, [call.id]).get(call.id)
    changed = settle(session, call, person_id, bench, words)
    if outcome.value_from_rule and not _is_known(session, call, outcome.external_id):
        raise BadInput("No rule gives this purchase a value; tell it, or write a rule with a fixed one.")
    if changed:
        audit.note(
            session, company_id, outcome.by, "call.outcome", str(call.id), now,
            kind=outcome.kind, value_minor=outcome.value_minor, currency=outcome.currency,
            via=outcome.via, external_id=outcome.external_id,
        )  # fmt: skip
    if _reaches_further(session, company_id, changed):
        _judge_later(session, call, person_id, bench)
    return tuple(changed)


def follow_person(session: Session, company_id: UUID, person_id: UUID, now: datetime) -> None:
    """Let the calls of joined (or parted) persons be one person's: names, and the leads judged in order.

    Of two leads within the window the later is retracted, purchases stay. After a parting the lead holds
    again and is restated.
    """
    take_turn(session, "conversions", company_id)
    _name_person(session, company_id, person_id)
    bench = bench_of(session, company_id, now, because="merge")
    for call in calls_of_person(session, company_id, person_id):
        if call.outcome is not None:
            settle(session, call, person_id, bench)


def judge_again(session: Session, company_id: UUID, version_id: UUID, now: datetime) -> bool:
    """Judge the next calls that a newly saved version of the rules applies to; tells whether more are left.

    Goes through the calls in the order they began; where it stopped is stored with the version, and a further
    fact asks for the rest. Verdicts that differ become adjustments or retractions, never second conversions.
    """
    take_turn(session, "conversions", company_id)
    version = session.get(RuleVersion, (company_id, version_id))
    if version is None or version.again_done_at is not None:
        return False
    bench = bench_of(session, company_id, now)
    calls = next_calls(session, company_id, version, AGAIN_AT_ONCE)
    persons = persons_of_calls(session, company_id, [call.id for call in calls])
    for call in calls:
        if call.outcome is not None:
            version.again_changed += bool(settle(session, call, persons.get(call.id), bench))
            version.again_judged += 1
    if len(calls) < AGAIN_AT_ONCE:
        version.again_done_at = now
        return False
    version.again_until = calls[-1].started_at
    outbox.record(session, company_id, "rules.saved", version_id, now)
    return True


def correct_call(session: Session, company_id: UUID, call_id: UUID, now: datetime) -> None:
    """Tell the call's counted conversions again: it was judged anew and is credited to something else.

    What was told since that verdict carries it already, so a repetition changes nothing.

    Raises:
        NotFound: the company has no such call.
    """
    call = _take_call(session, company_id, call_id)
    decided_at = session.scalar(
        select(Attribution.decided_at).where(
            Attribution.company_id == company_id, Attribution.call_id == call_id, Attribution.is_current
        )
    )
    if decided_at is None:
        return
    rows = select(Conversion).where(
        Conversion.company_id == company_id,
        Conversion.call_id == call.id,
        Conversion.status == "counted",
        Conversion.changed_at < decided_at,
    )
    for found in session.scalars(rows.order_by(Conversion.id)):
        ledger.tell_again(session, found, "The call was judged anew and is credited to another origin.", now)


def _reaches_further(session: Session, company_id: UUID, changed: list[UUID]) -> bool:
    """Tell whether a change decides about later calls: of a lead, or of what rules or a call-back won."""
    if not changed:
        return False
    query = select(Conversion.id).where(
        Conversion.company_id == company_id,
        Conversion.id.in_(changed),
        or_(Conversion.kind == "lead", Conversion.via.in_((RULE, "call_back"))),
    )
    return session.scalar(query.limit(1)) is not None


def _judge_later(session: Session, call: Call, person_id: UUID | None, bench: Bench) -> None:
    """Judge the person's later calls again, as far as the change of an earlier one reaches."""
    changed_at = call.started_at
    window = max(window_of(one.tree) for one in bench.book.versions)
    for other in later_calls(session, call, person_id, CALLED_WITHIN):
        if other.started_at - changed_at >= window:
            return
        if other.outcome is not None and settle(session, other, person_id, bench):
            changed_at = other.started_at


def _take_call(session: Session, company_id: UUID, call_id: UUID) -> Call:
    take_turn(session, "conversions", company_id)
    call = session.get(Call, (company_id, call_id))
    if call is None:
        raise NotFound("There is no such call.")
    return call


def _refuse(session: Session, call: Call, outcome: Outcome, now: datetime) -> None:
    """Stop words that cannot be meant; what an order's name explains is never refused."""
    mine = ledger.purchases_of(session, call)
    if outcome.kind in ("purchase", "refund", "cancelled") and not outcome.external_id:
        if len(mine) > 1:
            raise BadInput("This call has several orders; say which one with external_id.")
        if not mine and outcome.kind != "purchase":
            raise BadInput("This call has no purchase yet, so there is nothing to take back.")
    meant = [one for one in mine if not outcome.external_id or one.external_id == outcome.external_id]
    if outcome.kind == "refund" and meant and (outcome.currency or meant[0].currency) != meant[0].currency:
        raise BadInput(f"The purchase was in {meant[0].currency}; tell its refund in that currency.")
    if outcome.called_back_at is not None:
        if call.is_bridged:
            raise BadInput("This call was answered; only a missed one is won by a call-back.")
        if not call.started_at <= outcome.called_back_at <= now:
            raise BadInput("A call-back comes after the missed call, and not in the future.")


def _told_by(outcome: Outcome) -> str:
    if outcome.called_back_at is not None:
        return f"Won by a call-back, told by {outcome.by}."
    what = {"refund": "Refunded", "cancelled": "Cancelled"}.get(outcome.kind)
    return f"{what} by {outcome.by}." if what else f"Set to {outcome.kind} by {outcome.by}."


def _is_known(session: Session, call: Call, external_id: str) -> bool:
    mine = ledger.purchases_of(session, call)
    return any(external_id in ("", one.external_id) for one in mine)


def _name_person(session: Session, company_id: UUID, person_id: UUID) -> None:
    calls = converted_calls_of(session, company_id, person_id)
    owners = persons_of_calls(session, company_id, calls)
    mine = [call_id for call_id in calls if owners.get(call_id) == person_id]
    session.execute(
        update(Conversion)
        .where(
            Conversion.company_id == company_id,
            one_of(Conversion.call_id, mine),
            Conversion.person_id.is_distinct_from(person_id),
        )
        .values(person_id=person_id)
    )
