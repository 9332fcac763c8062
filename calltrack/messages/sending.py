"""Sends what is due. The carrier knows no idempotency for messages, so each is handed over once at most.

A row is claimed before the carrier is asked. Where the answer is lost, or the worker dies, the carrier's list
is looked at; what is not there either stays `unknown`, is shown so, and is not sent again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from calltrack.accounts.carrier import carrier_for
from calltrack.accounts.follow_up import follow_up_of
from calltrack.accounts.model import Company
from calltrack.infra.log import log
from calltrack.kernel.errors import NotFound as NothingThere
from calltrack.kernel.quiet import Quiet, clock
from calltrack.messages.model import Message, MessageThread
from calltrack.messages.rules import after_report, reason_of
from calltrack.messages.service import PARTY_PLACE, STOPPED, TEXT_PLACE
from calltrack.numbers.hooks import voice_base
from calltrack.numbers.model import TrackingNumber
from calltrack.telephony.carrier import Carrier, CarrierMessage, MessageOrder, Refused, Retry
from calltrack.wiring import Services

LEASE: Final = timedelta(minutes=2)
STEPS: Final = (timedelta(seconds=20), timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1))
MOST_TRIES: Final = 12
LOOK_AGAIN: Final = timedelta(minutes=2)
MOST_LOOKS: Final = 3
AT_ONCE: Final = 20
UNKNOWN: Final = "The carrier's answer was lost, so nobody knows whether it was sent. It is not sent again."
# Written by rules: these wait for nobody and keep the rules at the moment they go out.
OF_RULES: Final = ("text_back",)


@dataclass(frozen=True)
class Claimed:
    """A message somebody is about to send, or to look for (`was_tried`)."""

    id: UUID
    order: MessageOrder
    was_tried: bool
    tries: int
    at: datetime


def companies_to_send(system: Session, now: datetime) -> list[UUID]:
    """Name the companies with messages to send (system role)."""
    return list(system.scalars(select(Message.company_id).where(Message.due_at <= now).distinct()))


def send_due(services: Services, company_id: UUID) -> int:
    """Send the company's due messages, a few at a time; returns how many were worked on."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        rows = session.execute(
            _CLAIM, {"company_id": company_id, "now": now, "lease": now + LEASE, "most": AT_ONCE}
        ).all()
        if not rows:
            return 0
        company = session.get_one(Company, company_id)
        claimed = [one for row in rows if (one := _ready(services, session, company, row, now)) is not None]
        try:
            carrier: Carrier | None = carrier_for(session, services.vault, services.carriers, company_id)
        except NothingThere:
            carrier = None
    for one in claimed:
        if carrier is None:
            _settle(services, company_id, one, state="refused", problem="No carrier is connected.")
        elif one.was_tried:
            _look(services, carrier, company_id, one)
        else:
            _send(services, carrier, company_id, one)
    services.nudges.show(str(company_id))
    return len(rows)


def _ready(services: Services, session: Session, company: Company, row: Any, now: datetime) -> Claimed | None:
    """Return what to send; None where a rule holds it back at the last moment."""
    if row.before == "due":
        stops = session.get_one(MessageThread, (company.id, row.thread_id)).stopped_at is not None
        reason = STOPPED if stops and row.kind != "forward" and row.kind != "outcome_link" else ""
        if not reason and row.until is not None and row.until < now:
            reason = "It could not be sent in time."
        if not reason and row.kind in OF_RULES and _is_quiet(company, now):
            reason = "The quiet hours began before it could be sent."
        if reason:
            session.execute(
                update(Message)
                .where(Message.company_id == company.id, Message.id == row.id)
                .values(state="dropped", problem=reason, due_at=None, changed_at=now)
            )
            return None
    number = session.get_one(TrackingNumber, (company.id, row.number_id))
    thread = session.get_one(MessageThread, (company.id, row.thread_id))
    base = voice_base(services.settings.base_url, number.id)
    order = MessageOrder(
        to=services.vault.open(company.id, PARTY_PLACE, thread.party),
        from_=number.e164,
        text=services.vault.open(company.id, TEXT_PLACE, bytes(row.body)),
        status_callback=f"{base}/sms/{row.id.hex}",
    )
    return Claimed(row.id, order, row.before != "due", row.tries, row.at)


def _is_quiet(company: Company, now: datetime) -> bool:
    wish = follow_up_of(company.settings)
    quiet = Quiet(clock(wish.quiet_from), clock(wish.quiet_until), wish.quiet_sundays, company.timezone)
    return quiet.covers(now)


def _send(services: Services, carrier: Carrier, company_id: UUID, one: Claimed) -> None:
    try:
        sent = carrier.send_message(one.order)
    except Refused as problem:
        words = reason_of(problem.code) if problem.code in (21610, 21614) else problem.words
        _settle(services, company_id, one, state="refused", problem=words, error_code=problem.code)
        return
    except Retry as problem:
        if problem.maybe_done:
            _look(services, carrier, company_id, one)
            return
        is_last = one.tries >= MOST_TRIES
        log.warning("a message of company %s waits: %s", company_id, problem.words)
        due_at = None if is_last else services.clock() + STEPS[min(one.tries, len(STEPS)) - 1]
        state = "refused" if is_last else "due"
        _settle(services, company_id, one, state=state, due_at=due_at, problem=problem.words)
        return
    _adopt(services, company_id, one, sent)


def _look(services: Services, carrier: Carrier, company_id: UUID, one: Claimed) -> None:
    """Look whether the carrier has a message whose answer was lost."""
    try:
        found = list(
            carrier.list_messages(one.at - timedelta(minutes=1), to=one.order.to, from_=one.order.from_)
        )
    except (Retry, Refused) as problem:
        log.warning("whether a message was sent cannot be told yet: %s", problem.words)
        found = []
    with services.db.tenant(company_id) as session:
        known = set(
            session.scalars(
                select(Message.sid).where(
                    Message.company_id == company_id, Message.sid.in_([each.sid for each in found])
                )
            )
        )
    mine = [
        each for each in found if not each.inbound and each.text == one.order.text and each.sid not in known
    ]
    if mine:
        _adopt(services, company_id, one, mine[0])
        return
    due_at = services.clock() + LOOK_AGAIN if one.tries <= MOST_LOOKS else None
    _settle(services, company_id, one, state="unknown", problem=UNKNOWN, due_at=due_at)


def _adopt(services: Services, company_id: UUID, one: Claimed, sent: CarrierMessage) -> None:
    state = after_report("sending", sent.status)
    state = "queued" if state == "sending" else state
    problem = reason_of(sent.error_code)
    _settle(services, company_id, one, state=state, sid=sent.sid, problem=problem, error_code=sent.error_code)


def _settle(services: Services, company_id: UUID, one: Claimed, **values: Any) -> None:
    """Write how sending went, unless a report told more meanwhile."""
    now = services.clock()
    values = {"due_at": None, "changed_at": now} | values
    if values["state"] in ("queued", "sent", "delivered"):
        values["sent_at"] = now
    with services.db.tenant(company_id) as session:
        session.execute(
            update(Message)
            .where(
                Message.company_id == company_id,
                Message.id == one.id,
                Message.state.in_(("due", "sending", "unknown")),
            )
            .values(**values)
        )


# The materialised list is read once; a plain IN (SELECT ... LIMIT) may be run again per row and take more.
# What was claimed before and not settled may have been sent: its state stays a sign of that.
_CLAIM = text(
    """
    WITH taken AS MATERIALIZED (
        SELECT id, state FROM message WHERE company_id = :company_id AND due_at <= :now
        ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED)
    UPDATE message m SET due_at = :lease, tries = m.tries + 1,
        state = CASE WHEN taken.state = 'due' THEN 'sending' ELSE taken.state END
    FROM taken WHERE m.company_id = :company_id AND m.id = taken.id
    RETURNING m.id, m.thread_id, m.number_id, m.kind, m.body, m.until, m.tries, m.at, taken.state AS before
    """
)
