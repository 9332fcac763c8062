"""The third net: calls without an end are asked for by name after four hours, others for their price."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts.carrier import carrier_for
from calltrack.calls.found import keep, look_up, new_events
from calltrack.calls.keeping_model import CallCheck
from calltrack.calls.model import Call, Leg
from calltrack.calls.service import Received
from calltrack.infra.log import log
from calltrack.kernel.errors import NotFound as NothingThere
from calltrack.telephony.carrier import Carrier, NotFound, Refused, Retry
from calltrack.telephony.carrier_calls import CarrierCall
from calltrack.telephony.fetched import unknown_call
from calltrack.wiring import Services

# The carrier ends a call after four hours by itself (facts C.1, timeLimit).
NO_END_AFTER: Final = timedelta(hours=4)
PRICE_AFTER: Final = timedelta(minutes=15)
LATE_PRICE_AFTER: Final = timedelta(hours=24)
AGAIN: Final = timedelta(minutes=15)
AGAIN_REFUSED: Final = timedelta(hours=1)
LEASE: Final = timedelta(minutes=3)
AT_ONCE: Final = 20
# The polled window shows recordings of shorter calls.
LONG_CALL: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class Check:
    """One call to ask the carrier about."""

    call_id: UUID
    step: str


def expect_end(services: Services, company_id: UUID, call_id: UUID) -> None:
    """After a call began: ask for it in four hours, unless its end is told before."""
    with services.db.tenant(company_id) as session:
        call = session.get(Call, (company_id, call_id))
        if call is None:
            return
        due = (call.ended_at + PRICE_AFTER) if call.ended_at else call.started_at + NO_END_AFTER
        step = "price" if call.ended_at else "end"
        session.execute(
            insert(CallCheck)
            .values(company_id=company_id, call_id=call_id, step=step, due_at=due)
            .on_conflict_do_nothing()
        )


def expect_price(services: Services, company_id: UUID, call_id: UUID) -> None:
    """After a call ended: ask for its price in a quarter of an hour."""
    with services.db.tenant(company_id) as session:
        ended_at = session.scalar(
            select(Call.ended_at).where(Call.company_id == company_id, Call.id == call_id)
        )
        if ended_at is None:
            return
        values = {"step": "price", "due_at": ended_at + PRICE_AFTER, "tries": 0}
        row = insert(CallCheck).values(company_id=company_id, call_id=call_id, **values)
        session.execute(
            row.on_conflict_do_update(
                index_elements=["company_id", "call_id"], set_=values, where=CallCheck.step == "end"
            )
        )


def companies_to_check(system: Session, now: datetime) -> list[UUID]:
    """Name the companies with calls to ask about (system role)."""
    return list(system.scalars(select(CallCheck.company_id).where(CallCheck.due_at <= now).distinct()))


def check_due(services: Services, company_id: UUID) -> int:
    """Ask about the company's calls that are due, a few at a time; returns how many were asked about."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        claimed = _claim(session, company_id, now)
        if not claimed:
            return 0
        try:
            carrier = carrier_for(session, services.vault, services.carriers, company_id)
        except NothingThere:
            _settle(session, company_id, claimed, None)
            return 0
    for place, check in enumerate(claimed):
        try:
            _ask(services, carrier, company_id, check, now)
        except (Retry, Refused) as problem:
            # What holds for one request holds for the next ones: all of them wait.
            wait = AGAIN if isinstance(problem, Retry) else AGAIN_REFUSED
            log.warning("checking: company %s waits %s: %s", company_id, wait, problem.words)
            with services.db.tenant(company_id) as session:
                _settle(session, company_id, claimed[place:], now + wait)
            return place
    return len(claimed)


def _ask(services: Services, carrier: Carrier, company_id: UUID, check: Check, now: datetime) -> None:
    with services.db.tenant(company_id) as session:
        call = session.get_one(Call, (company_id, check.call_id))
        is_priced = _is_priced(session, call)
    if not (call.ended_at and is_priced):
        keep(services, _events(services, carrier, call, now))
    with services.db.tenant(company_id) as session:
        call = session.get_one(Call, (company_id, check.call_id))
        is_priced = _is_priced(session, call)
        step, due_at = next_step(check.step, call.ended_at, is_priced, now)
        session.execute(
            update(CallCheck)
            .where(CallCheck.company_id == company_id, CallCheck.call_id == check.call_id)
            .values(step=step, due_at=due_at)
        )


def next_step(
    step: str, ended_at: datetime | None, is_priced: bool, now: datetime
) -> tuple[str, datetime | None]:
    """Return what to ask for next, and when; None: nothing more.

    A call that goes on after four hours is asked for every hour; a price that is not known a day after the
    end is not waited for any longer.
    """
    if ended_at is None:
        return "end", now + timedelta(hours=1)
    if is_priced or step == "late_price":
        return step, None
    if step == "end":
        return "price", max(now, ended_at + PRICE_AFTER)
    return "late_price", max(now + AGAIN, ended_at + LATE_PRICE_AFTER)


def _events(services: Services, carrier: Carrier, call: Call, now: datetime) -> list[Received]:
    """Fetch the carrier's record of the call, its legs, and recordings the polled window cannot show."""
    records: list[CarrierCall] = []
    with services.db.tenant(call.company_id) as session:
        known = look_up(session, call.company_id, [call.call_sid], ())
    place = known.places[call.call_sid]
    try:
        records = [carrier.fetch_call(call.call_sid), *carrier.legs_of(call.call_sid)]
    except NotFound:
        if call.ended_at is not None:
            return []
        at = min(now, call.started_at + NO_END_AFTER)
        event = unknown_call(call.call_sid, carrier.account_sid, place.e164, at)
        return [Received(call.company_id, place.number_id, place.location_id, event, now)]
    length = timedelta(seconds=max((one.seconds or 0 for one in records), default=0))
    recordings = list(carrier.list_recordings(call.call_sid)) if length >= LONG_CALL else []
    return new_events(call.company_id, carrier.account_sid, records, recordings, known, now)


def _is_priced(session: Session, call: Call) -> bool:
    """Whether the prices of the call and of all its legs are known."""
    unpriced = select(Leg.leg_sid).where(
        Leg.company_id == call.company_id, Leg.call_id == call.id, Leg.price_micros.is_(None)
    )
    return call.price_micros is not None and session.scalar(unpriced.limit(1)) is None


# The materialised list is read once; a plain IN (SELECT ... LIMIT) may be run again per row and take more.
_CLAIM = text(
    """
    WITH taken AS MATERIALIZED (
        SELECT call_id FROM call_check
        WHERE company_id = :company_id AND due_at <= :now
        ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED)
    UPDATE call_check c SET due_at = :lease_end, tries = c.tries + 1 FROM taken
    WHERE c.company_id = :company_id AND c.call_id = taken.call_id
    RETURNING c.call_id, c.step
    """
)


def _claim(session: Session, company_id: UUID, now: datetime) -> list[Check]:
    values = {"company_id": company_id, "now": now, "lease_end": now + LEASE, "most": AT_ONCE}
    return [Check(row.call_id, row.step) for row in session.execute(_CLAIM, values)]


def _settle(session: Session, company_id: UUID, checks: list[Check], due_at: datetime | None) -> None:
    session.execute(
        update(CallCheck)
        .where(CallCheck.company_id == company_id, CallCheck.call_id.in_([one.call_id for one in checks]))
        .values(due_at=due_at)
    )
