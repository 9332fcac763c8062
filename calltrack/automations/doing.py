"""Carries out automatic steps when they are due: claimed with a lease, so that a killed worker loses none."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from calltrack.automations.alerting import alert
from calltrack.automations.asking import ask, ask_back
from calltrack.automations.model import Automation
from calltrack.automations.steps import Step, failed, later
from calltrack.automations.text_back import text_back
from calltrack.infra.log import log
from calltrack.infra.mail import MailNotSent
from calltrack.telephony.carrier import Refused, Retry
from calltrack.wiring import Services

LEASE: Final = timedelta(minutes=2)
STEPS: Final = (timedelta(seconds=30), timedelta(minutes=5), timedelta(minutes=30))
MOST_TRIES: Final = 8
AT_ONCE: Final = 20
ACTIONS: Final[dict[str, Callable[[Services, UUID, UUID], Step]]] = {
    "alert": alert,
    "text_back": text_back,
    "ask": ask,
    "ask_back": ask_back,
}


@dataclass(frozen=True)
class StepRow:
    """An automatic step as pages show it."""

    kind: str
    state: str
    words: str
    due_at: datetime | None
    settled_at: datetime | None


def companies_to_automate(system: Session, now: datetime) -> list[UUID]:
    """Name the companies with automatic steps to do (system role)."""
    return list(system.scalars(select(Automation.company_id).where(Automation.due_at <= now).distinct()))


def do_due(services: Services, company_id: UUID) -> int:
    """Do the company's due steps, a few at a time; returns how many were worked on."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        values = {"company_id": company_id, "now": now, "lease": now + LEASE, "most": AT_ONCE}
        claimed = session.execute(_CLAIM, values).all()
    for row in claimed:
        step = _do(services, company_id, row.call_id, row.kind, row.tries)
        settled_at = None if step.state == "waiting" else services.clock()
        with services.db.tenant(company_id) as session:
            session.execute(
                update(Automation)
                .where(
                    Automation.company_id == company_id,
                    Automation.call_id == row.call_id,
                    Automation.kind == row.kind,
                )
                .values(state=step.state, words=step.words, due_at=step.due_at, settled_at=settled_at)
            )
    if claimed:
        services.nudges.show(str(company_id))
    return len(claimed)


def steps_of(session: Session, company_id: UUID, call_id: UUID) -> tuple[StepRow, ...]:
    """Return what was, or is to be, done by itself about a call."""
    rows = session.scalars(
        select(Automation)
        .where(Automation.company_id == company_id, Automation.call_id == call_id)
        .order_by(Automation.created_at, Automation.kind)
    )
    return tuple(StepRow(row.kind, row.state, row.words, row.due_at, row.settled_at) for row in rows)


def _do(services: Services, company_id: UUID, call_id: UUID, kind: str, tries: int) -> Step:
    try:
        return ACTIONS[kind](services, company_id, call_id)
    except Refused as problem:
        return failed(problem.words)
    except (Retry, MailNotSent) as problem:
        log.warning("%s of call %s waits: %s", kind, call_id, problem)
        words = "The mail server did not take it." if isinstance(problem, MailNotSent) else problem.words
        if tries >= MOST_TRIES:
            return failed(words)
        return later(services.clock() + STEPS[min(tries, len(STEPS)) - 1], words)


# The materialised list is read once; a plain IN (SELECT ... LIMIT) may be run again per row and take more.
_CLAIM = text(
    """
    WITH taken AS MATERIALIZED (
        SELECT call_id, kind FROM automation WHERE company_id = :company_id AND due_at <= :now
        ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED)
    UPDATE automation a SET due_at = :lease, tries = a.tries + 1, state = 'doing' FROM taken
    WHERE a.company_id = :company_id AND a.call_id = taken.call_id AND a.kind = taken.kind
    RETURNING a.call_id, a.kind, a.tries
    """
)
