"""Decides which visit made a call, and keeps every verdict."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.attribution.evidence import later_calls, load_call, load_evidence
from calltrack.attribution.model import Attribution
from calltrack.attribution.rules import decide
from calltrack.attribution.verdict import Verdict
from calltrack.calls.model import Call
from calltrack.infra import outbox
from calltrack.infra.turns import take_turn
from calltrack.kernel.ids import new_id


def attribute_call(session: Session, company_id: UUID, call_id: UUID, now: datetime) -> None:
    """Decide which visit made the call; store the verdict and record `call.attributed` when it is new.

    The same facts give the same verdict, so a repetition changes nothing. A changed verdict is carried on
    to the same caller's later calls, so that late news ends in the same rows as news in order.

    Raises:
        NotFound: the company has no such call.
    """
    call = load_call(session, company_id, call_id)
    take_turn(session, "attribute", company_id, call.caller_hash.hex() if call.caller_hash else call_id)
    if _judge(session, call, now):
        for later in later_calls(session, call):
            _judge(session, later, now)


def _judge(session: Session, call: Call, now: datetime) -> bool:
    evidence = load_evidence(session, call)
    fresh = _row(call, decide(evidence.call, evidence.shown, evidence.credit_probability), now)
    present = session.scalar(
        select(Attribution).where(
            Attribution.company_id == call.company_id, Attribution.call_id == call.id, Attribution.is_current
        )
    )
    if present is not None and _says(present) == _says(fresh):
        return False
    if present is not None:
        present.is_current = False
        session.flush()
    session.add(fresh)
    outbox.record(session, call.company_id, "call.attributed", call.id, now)
    session.flush()
    return True


def _row(call: Call, verdict: Verdict, now: datetime) -> Attribution:
    source, medium, campaign = verdict.campaign
    return Attribution(
        company_id=call.company_id,
        id=new_id(now),
        call_id=call.id,
        is_current=True,
        decided_at=now,
        model=verdict.model,
        visit_id=verdict.visit_id,
        probability=verdict.probability,
        p_nobody=verdict.p_nobody,
        source=source,
        medium=medium,
        campaign=campaign,
        p_campaign=verdict.p_campaign,
        candidates=[one.to_json() for one in verdict.candidates],
        reasons=list(verdict.reasons),
    )


def _says(row: Attribution) -> tuple[object, ...]:
    return (
        row.model, row.visit_id, row.probability, row.p_nobody, row.source, row.medium, row.campaign,
        row.p_campaign, row.candidates, row.reasons,
    )  # fmt: skip
