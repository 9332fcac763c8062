"""Answers a missed call by a text message, once per caller within 24 hours."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from calltrack.accounts.follow_up import FollowUp, follow_up_of
from calltrack.accounts.model import Company
from calltrack.automations.lines import known_line, line_of, tell_call
from calltrack.automations.steps import Step, done, later, skipped
from calltrack.automations.text_back_rules import Missed, judge
from calltrack.calls.model import Call
from calltrack.calls.people.model import MissedCall
from calltrack.kernel.quiet import Quiet, clock
from calltrack.messages.model import Message, MessageThread
from calltrack.messages.service import Draft, queue, thread_of
from calltrack.wiring import Services

# How long a message may wait for the carrier before it is dropped rather than sent late.
SENT_WITHIN: Final = timedelta(minutes=10)
BY: Final = "text-back"


def quiet_of(company: Company) -> Quiet:
    """Return a company's quiet hours."""
    wish = follow_up_of(company.settings)
    return Quiet(clock(wish.quiet_from), clock(wish.quiet_until), wish.quiet_sundays, company.timezone)


def due_of(missed_at: datetime, wish: FollowUp, quiet: Quiet) -> datetime:
    """Return when a text-back is to be sent: after the delay, outside quiet hours."""
    return quiet.over(missed_at + timedelta(minutes=wish.text_back_minutes))


def text_back(services: Services, company_id: UUID, call_id: UUID) -> Step:
    """Write the message down if all rules allow it now; the caller's thread is locked meanwhile.

    Raises:
        Refused, Retry: the carrier could not tell what kind of line the caller has.
    """
    step = _decide(services, company_id, call_id)
    if step is not None:
        return step
    caller = _caller(services, company_id, call_id)
    if line := line_of(services, company_id, caller):
        tell_call(services, company_id, call_id, line)
    return _decide(services, company_id, call_id) or skipped(
        "What kind of line it is could not be found out."
    )


def _decide(services: Services, company_id: UUID, call_id: UUID) -> Step | None:
    """Judge and, where it is to be, queue in one transaction; None: ask for the kind of line first."""
    now, vault = services.clock(), services.vault
    with services.db.tenant(company_id) as session:
        company, call = session.get_one(Company, company_id), session.get_one(Call, (company_id, call_id))
        caller = vault.open(company_id, "call.caller", call.caller) if call.caller else None
        # The lock makes two missed calls of one caller take turns.
        thread = thread_of(session, vault, company_id, caller, now) if caller else None
        wish, quiet = follow_up_of(company.settings), quiet_of(company)
        missed = _missed(session, call, caller, thread, now)
        is_on = wish.text_back and wish.text_back_consent
        verdict = judge(missed, is_on=is_on, country=company.country, quiet=quiet, now=now)
        if verdict.do == "skip":
            return skipped(verdict.words)
        if verdict.do == "wait":
            return later(verdict.until or now, verdict.words)
        if verdict.do == "ask":
            return None
        assert caller is not None, "a withheld caller was skipped"
        draft = Draft(
            kind="text_back", to=caller, number_id=call.number_id, text=wish.text_back_text, by=BY,
            call_id=call_id, once=f"text_back:{call_id.hex}", until=now + SENT_WITHIN,
        )  # fmt: skip
        queue(session, vault, company_id, draft, now)
    services.nudges.wake("send_messages", str(company_id))
    return done("The caller is sent a text message.")


def _missed(
    session: Session, call: Call, caller: str | None, thread: MessageThread | None, now: datetime
) -> Missed:
    row = session.get(MissedCall, (call.company_id, call.id))
    waits = row is not None and row.state == "open" and row.tried_at is None
    known: dict[str, Any] = {}
    if thread is not None:
        known = {"line_type": known_line(thread, now), "last_text_at": _last_text_at(session, thread)}
    return Missed(
        caller=caller,
        missed_at=call.ended_at or call.started_at,
        waits=waits,
        is_stopped=thread is not None and thread.stopped_at is not None,
        **known,
    )


def _last_text_at(session: Session, thread: MessageThread) -> datetime | None:
    """Return the latest moment at which such a message was, or may still be, sent to the person."""
    moment = func.greatest(func.coalesce(Message.sent_at, Message.until), Message.at)
    latest: datetime | None = session.scalar(
        select(func.max(moment)).where(
            Message.company_id == thread.company_id,
            Message.thread_id == thread.id,
            Message.kind == "text_back",
            Message.state.not_in(("refused", "dropped")),
        )
    )
    return latest


def _caller(services: Services, company_id: UUID, call_id: UUID) -> str:
    with services.db.tenant(company_id) as session:
        call = session.get_one(Call, (company_id, call_id))
        assert call.caller is not None, "a withheld caller was skipped"
        return services.vault.open(company_id, "call.caller", call.caller)
