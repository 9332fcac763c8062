"""Tells a company when a monthly budget will be overspent or left over: a notice, mailed to its owners."""

from typing import Final
from uuid import UUID

from sqlalchemy import select, text

from calltrack.budgets.months import PaceRow, paces
from calltrack.delivery.model import Notice
from calltrack.delivery.notices import Problem, raise_and_resolve
from calltrack.wiring import Services

OVER, UNDER = "budget.over", "budget.under"
KINDS: Final = (OVER, UNDER)


def watch_paces(services: Services) -> int:
    """Raise and end the notices of all companies with monthly budgets; returns of how many companies.

    A notice ends by itself with the month, or once the forecast fits again.
    """
    noticed = select(Notice.company_id).where(Notice.kind.in_(KINDS), Notice.resolved_at.is_(None))
    with services.db.system() as system:
        companies = {
            *system.scalars(text("SELECT DISTINCT company_id FROM budget_pace")),
            *system.scalars(noticed),
        }
    for company_id in sorted(companies):
        tell_pace(services, company_id)
    return len(companies)


def tell_pace(services: Services, company_id: UUID) -> None:
    """Bring the company's notices in line with its monthly budgets."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        problems = [_problem(row) for row in paces(session, company_id, now) if row.found.alert]
        is_new = raise_and_resolve(session, company_id, problems, now, KINDS)
    if is_new:
        services.nudges.wake("handle_facts", str(company_id))


def _problem(row: PaceRow) -> Problem:
    is_over = row.found.alert == "over"
    step = (
        "Lower the campaigns' budgets, or raise this one under Budget, Pacing."
        if is_over
        else "Raise the campaigns' budgets if the money is to be spent, or lower this one."
    )
    return Problem(OVER if is_over else UNDER, row.id.hex, "action", f"{row.name}: {row.text} {step}")
