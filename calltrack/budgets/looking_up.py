"""Looks up what became of changes that no answer came to: by reading the budgets, never by sending again."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.budgets.changes import LOOKED_UP_AFTER, get_change, lines_in, words_of
from calltrack.budgets.model import BudgetChange
from calltrack.budgets.reaching import reach
from calltrack.budgets.wishes import Line
from calltrack.destinations.outcomes import Class, Outcome
from calltrack.kernel.errors import Conflict, NotFound
from calltrack.wiring import Services

# So long a request may still be carried out after its sender gave up waiting.
STILL_UNDER_WAY: Final = timedelta(minutes=3)
# So long it is tried again where Google does not let us look.
LOOKED_FOR: Final = timedelta(days=7)
GONE: Final = "GONE"


def look_up_due(services: Services, company_id: UUID) -> int:
    """Look at the budgets of changes that nobody knows the end of; returns how many were looked at.

    Twice is harmless: nothing is ever sent from here.
    """
    now = services.clock()
    with services.db.tenant(company_id) as session:
        rows = session.scalars(
            select(BudgetChange)
            .where(
                BudgetChange.company_id == company_id,
                BudgetChange.state != "checking",
                BudgetChange.due_at <= now,
            )
            .with_for_update(skip_locked=True)
        ).all()
        for row in rows:
            row.due_at = now + LOOKED_UP_AFTER
        ids = [row.id for row in rows]
    for change_id in ids:
        _look_up(services, company_id, change_id)
    return len(ids)


def _look_up(services: Services, company_id: UUID, change_id: UUID) -> None:
    try:
        with services.db.tenant(company_id) as session:
            row = get_change(session, company_id, change_id)
            lines = [line for line in lines_in(row) if line.is_change]
            to = reach(services, session, company_id, row.account_id)
        found: Any = to.read([line.budget_id for line in lines])
    except NotFound as problem:
        found = Outcome(Class.CONFIG, GONE, str(problem))
    except Conflict as problem:
        found = Outcome(Class.CONFIG, "NO_ACCESS", str(problem))
    now = services.clock()
    with services.db.tenant(company_id) as session:
        row = get_change(session, company_id, change_id, lock=True)
        if row.state not in ("sending", "unknown"):
            return
        if isinstance(found, Outcome):
            row.state, row.said = (
                "unknown",
                f"Nobody knows yet whether it arrived. {words_of(found, is_asked_again=True)}",
            )
            row.due_at = _next_look(row, found, now)
            return
        amounts = {id_: one.amount_micros for id_, one in found.items()}
        state, said = _end_of(lines, amounts)
        if state == "failed" and row.sent_at is not None and now - row.sent_at < STILL_UNDER_WAY:
            row.state, row.due_at = "unknown", now + LOOKED_UP_AFTER
            return
        row.state, row.said, row.due_at = state, said, None
        if state != "unknown":
            row.settled_at = now
            audit.note(session, company_id, "calltrack", f"budget.{state}", str(change_id), now, looked=True)


def _next_look(row: BudgetChange, why_not: Outcome, now: datetime) -> datetime | None:
    """Return when to look again; an access may be repaired within a week, an account that is gone is gone."""
    if why_not.code == GONE or (row.sent_at is not None and now - row.sent_at > LOOKED_FOR):
        return None
    return now + (timedelta(hours=1) if why_not.class_ is Class.CONFIG else timedelta(minutes=5))


def _end_of(lines: Sequence[Line], amounts: Mapping[str, int]) -> tuple[str, str]:
    if all(amounts.get(line.budget_id) == line.wanted for line in lines):
        return "done", "No answer came back; the budgets at Google stand as wanted, so it arrived."
    if all(amounts.get(line.budget_id) == line.before for line in lines):
        return "failed", "It did not arrive: the budgets at Google stand as before. Check and confirm again."
    return (
        "unknown",
        "Some budgets at Google stand neither as before nor as wanted: somebody changed them meanwhile. Look "
        "at them in Google Ads.",
    )


def companies_to_look(system: Session, now: datetime) -> list[UUID]:
    """Name the companies with changes to look up (system role)."""
    return list(system.scalars(select(BudgetChange.company_id).where(BudgetChange.due_at <= now).distinct()))
