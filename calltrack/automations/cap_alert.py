"""Tells owners when a day's caps are nearly used up, and when calls are cut for it."""

from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.calls.guard.cap_rules import Used, is_near, reached
from calltrack.calls.guard.usage import CompanyUse, uses
from calltrack.delivery.model import Notice
from calltrack.delivery.notices import Problem, raise_and_resolve
from calltrack.kernel.phone import pretty
from calltrack.numbers.model import TrackingNumber
from calltrack.wiring import Services

NEAR, REACHED = "caps.near", "caps.reached"
KINDS: Final = (NEAR, REACHED)
COMPANY: Final = UUID(int=0)


def watch_caps(services: Services) -> int:
    """Raise and end the notices of all companies; returns for how many companies one stands.

    A notice ends by itself at midnight, or once the cap is higher.
    """
    with services.db.system() as system:
        found = {one.company_id: one for one in uses(system)}
    standing = {company_id for company_id, one in found.items() if _is_worth_a_word(one)}
    noticed = _companies_with_notices(services)
    for company_id in standing | noticed:
        _tell(services, company_id, found.get(company_id))
    return len(standing)


def _tell(services: Services, company_id: UUID, use: CompanyUse | None) -> None:
    now = services.clock()
    with services.db.tenant(company_id) as session:
        problems = problems_of(session, use) if use else []
        is_new = raise_and_resolve(session, company_id, problems, now, KINDS)
    if is_new:
        services.nudges.wake("handle_facts", str(company_id))


def problems_of(session: Session, use: CompanyUse) -> list[Problem]:
    """Return what is the matter with a company's caps now."""
    names = {
        row.id: pretty(row.e164)
        for row in session.execute(
            select(TrackingNumber.id, TrackingNumber.e164).where(
                TrackingNumber.company_id == use.company_id,
                TrackingNumber.id.in_([one.number_id for one in use.numbers]),
            )
        )
    }
    problems = [_problem(use, COMPANY, "All numbers together", Used(), use.total)]
    problems += [
        _problem(use, one.number_id, names.get(one.number_id, "A number"), one.used, Used())
        for one in use.numbers
    ]
    return [one for one in problems if one is not None]


def _problem(use: CompanyUse, subject: UUID, name: str, number: Used, company: Used) -> Problem | None:
    used = number.most(company)
    so_far = f"{name}: {used.calls} calls and about {used.minutes} minutes were put through today."
    cap = reached(use.caps, number, company)
    if cap is not None:
        words = (
            f"{so_far} That is the cap ({cap}), so further callers hear that nobody can answer, until "
            "midnight. If these are real callers, raise the cap under Settings, Protection; if not, see who "
            "called and block them."
        )
        return Problem(REACHED, subject.hex, "action", words)
    if is_near(use.caps, number, company):
        words = f"{so_far} That is four fifths of a cap; look whether these are real callers."
        return Problem(NEAR, subject.hex, "info", words)
    return None


def _is_worth_a_word(use: CompanyUse) -> bool:
    return is_near(use.caps, Used(), use.total) or any(
        is_near(use.caps, one.used, Used()) for one in use.numbers
    )


def _companies_with_notices(services: Services) -> set[UUID]:
    """Return the companies whose notice may have to end."""
    open_ = select(Notice.company_id).where(Notice.kind.in_(KINDS), Notice.resolved_at.is_(None))
    with services.db.system() as system:
        return set(system.scalars(open_))
