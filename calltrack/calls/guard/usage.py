"""How much of its caps a company has used today, for pages and alerts (the caller's path counts itself)."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company
from calltrack.accounts.protection import protection_of
from calltrack.calls.guard.cap_rules import Caps, Used
from calltrack.calls.guard.source import USED


@dataclass(frozen=True)
class NumberUse:
    """What was put through on one number today."""

    number_id: UUID
    used: Used


@dataclass(frozen=True)
class CompanyUse:
    """A company's caps and what was put through today, the busiest number first."""

    company_id: UUID
    caps: Caps
    total: Used
    numbers: tuple[NumberUse, ...]


def uses(session: Session) -> tuple[CompanyUse, ...]:
    """Return the use of every company the session may see that put a call through today."""
    found: dict[UUID, list[NumberUse]] = {}
    for row in session.execute(text(USED)):
        found.setdefault(row[0], []).append(NumberUse(row[1], Used(row[3], row[4])))
    stored = session.execute(select(Company.id, Company.settings).where(Company.id.in_(list(found))))
    return tuple(_use(row.id, row.settings, found[row.id]) for row in stored)


def use_of(session: Session, company_id: UUID) -> CompanyUse:
    """Return the use of the transaction's company today."""
    found = next((one for one in uses(session) if one.company_id == company_id), None)
    return found or _use(company_id, session.get_one(Company, company_id).settings, [])


def _use(company_id: UUID, settings: dict[str, object], numbers: list[NumberUse]) -> CompanyUse:
    one = protection_of(settings)
    caps = Caps(one.calls_per_number, one.minutes_per_number, one.calls_per_company, one.minutes_per_company)
    total = Used(sum(n.used.calls for n in numbers), sum(n.used.minutes for n in numbers))
    busiest = sorted(numbers, key=lambda n: (-n.used.calls, n.number_id))
    return CompanyUse(company_id, caps, total, tuple(busiest))
