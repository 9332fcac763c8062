"""After a call: is it a missed one, and what is to be done by itself about it?"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts.follow_up import follow_up_of
from calltrack.accounts.model import Company
from calltrack.automations.model import Automation
from calltrack.automations.text_back import due_of, quiet_of
from calltrack.calls.model import Call
from calltrack.calls.outbound.model import OutboundCall
from calltrack.calls.outbound.rules import SCORES
from calltrack.calls.people.missed import follow_outbound, open_missed, take_note
from calltrack.calls.people.work import set_work
from calltrack.conversions.rules import Outcome
from calltrack.conversions.service import set_outcome
from calltrack.delivery.notices import Problem, raise_and_resolve
from calltrack.kernel.errors import BadInput
from calltrack.wiring import Services

NOTICE: Final = "calls.missed"
NOTICED_FOR: Final = timedelta(days=7)
# The carrier's last words about a call come some seconds after its end.
ASK_AFTER: Final = timedelta(seconds=8)
ASK_WITHIN: Final = timedelta(hours=1)
ALERT_WITHIN: Final = timedelta(hours=24)
TEXT_WITHIN: Final = timedelta(hours=4)
BY_KEY: Final = "the person who answered (key)"
SAID: Final = {"purchase": "booked", "lead": "interested", "none": "no customer"}


def follow_call(services: Services, company_id: UUID, call_id: UUID) -> None:
    """Note a missed call, settle earlier ones of its caller, and write down what is to be done."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        waits = take_note(session, company_id, call_id, now)
        call, company = session.get(Call, (company_id, call_id)), session.get_one(Company, company_id)
        if call is None or call.ended_at is None:
            return
        for kind, due_at in _steps(company, call, waits, now):
            _write_down(session, company_id, call_id, kind, due_at, now)
        _notice(session, company_id, now)
    services.nudges.wake("automate", str(company_id))
    services.nudges.show(str(company_id))


def follow_call_out(services: Services, company_id: UUID, outbound_id: UUID) -> None:
    """After a call we began changed: missed calls it settles, the key that was pressed, the next question."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        follow_outbound(session, company_id, outbound_id)
        row = session.get(OutboundCall, (company_id, outbound_id))
        if row is not None and row.kind == "score" and row.digits and row.call_id is not None:
            _say_outcome(session, company_id, row, now)
        if row is not None and row.kind == "back" and row.joined_at and row.ended_at and row.call_id:
            company = session.get_one(Company, company_id)
            if follow_up_of(company.settings).ask_how != "off":
                _write_down(session, company_id, row.call_id, "ask_back", now, now)
        _notice(session, company_id, now)
    services.nudges.wake("handle_facts", str(company_id))
    services.nudges.wake("automate", str(company_id))
    services.nudges.show(str(company_id))


def review_missed(session: Session, company_id: UUID, now: datetime) -> None:
    """Bring the notice of missed calls in line after a person dealt with one."""
    _notice(session, company_id, now)


def _steps(company: Company, call: Call, waits: bool, now: datetime) -> list[tuple[str, datetime]]:
    """Return what is to be done about a call that ended, and when."""
    assert call.ended_at is not None, "only calls that ended are followed"
    wish, age = follow_up_of(company.settings), now - call.ended_at
    found = []
    if waits and wish.alert_to != "off" and age < ALERT_WITHIN:
        found.append(("alert", quiet_of(company).over(now)))
    if waits and wish.text_back and call.caller is not None and age < TEXT_WITHIN:
        found.append(("text_back", due_of(call.ended_at, wish, quiet_of(company))))
    talked = call.is_bridged and call.talk_seconds >= wish.ask_seconds
    if talked and wish.ask_how != "off" and age < ASK_WITHIN:
        found.append(("ask", call.ended_at + ASK_AFTER))
    return found


def _write_down(
    session: Session, company_id: UUID, call_id: UUID, kind: str, due_at: datetime, now: datetime
) -> None:
    row = insert(Automation).values(
        company_id=company_id, call_id=call_id, kind=kind, state="waiting", due_at=due_at, created_at=now
    )
    session.execute(row.on_conflict_do_nothing())


def _notice(session: Session, company_id: UUID, now: datetime) -> None:
    """Keep one notice as long as callers wait to be rung back; a new missed call is a new notice."""
    count, newest = open_missed(session, company_id, now - NOTICED_FOR)
    problems = []
    if newest is not None:
        who = "1 caller waits" if count == 1 else f"{count} callers wait"
        words = f"{who} to be rung back. Open a missed call and ring back from there, or say that it is done."
        problems.append(Problem(NOTICE, newest.hex, "info", words))
    raise_and_resolve(session, company_id, problems, now, (NOTICE,))


def _say_outcome(session: Session, company_id: UUID, row: OutboundCall, now: datetime) -> None:
    """Store what the key says; a purchase without a value of its own or by rule is a lead that was won."""
    assert row.call_id is not None, "only calls about a call ask for a key"
    said = SCORES[row.digits]
    reason = f"Pressed {row.digits} after the call: {SAID[said]}."
    told = {"by": BY_KEY, "via": "link", "said_at": row.keyed_at}
    try:
        with session.begin_nested():
            outcome = Outcome(kind=said, reason=reason, value_from_rule=said == "purchase", **told)  # type: ignore[arg-type]  # kinds of SCORES
            set_outcome(session, company_id, row.call_id, outcome, now)
    except BadInput:
        if said != "purchase":
            raise
        reason = f"{reason} Its value is not told yet; type it on the page of the call."
        set_outcome(session, company_id, row.call_id, Outcome(kind="lead", reason=reason, **told), now)  # type: ignore[arg-type]  # as above
    if said == "purchase":
        set_work(session, company_id, row.call_id, now, by=BY_KEY, status="won")
