"""Advice each night: planned once, claimed by one worker, made again when that one is killed."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import case, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.attribution.night_work import zone_of
from calltrack.attribution.nights import next_night
from calltrack.budgets.making import advise_now
from calltrack.budgets.model import BudgetPlan
from calltrack.wiring import Services

LEASE: Final = timedelta(minutes=10)
MOST_TRIES: Final = 4


def companies_to_plan(system: Session) -> list[UUID]:
    """Name the companies with an ad account whose advice nobody has planned yet (system role)."""
    rows = """
        SELECT DISTINCT company_id FROM spend_account a
        WHERE NOT EXISTS (SELECT 1 FROM budget_plan p
                          WHERE p.company_id = a.company_id AND p.due_at IS NOT NULL)
        ORDER BY company_id
    """
    return list(system.scalars(text(rows)))


def plan_advice(services: Services) -> int:
    """Plan the first advice of companies that have spend now: at once; returns of how many."""
    with services.db.system() as system:
        companies = companies_to_plan(system)
    now = services.clock()
    for company_id in companies:
        with services.db.tenant(company_id) as session:
            session.execute(
                insert(BudgetPlan)
                .values(company_id=company_id, due_at=now)
                .on_conflict_do_update(index_elements=["company_id"], set_={"due_at": now})
            )
    return len(companies)


def companies_to_advise(system: Session, now: datetime) -> list[UUID]:
    """Name the companies whose advice is due (system role)."""
    rows = select(BudgetPlan.company_id).where(BudgetPlan.due_at <= now)
    return list(system.scalars(rows.order_by(BudgetPlan.due_at)))


def advise_due(services: Services, company_id: UUID) -> None:
    """Make the company's advice where it is due; twice is harmless, and a killed worker's is due again."""
    with services.db.tenant(company_id) as session:
        claimed = _claim(session, company_id, services.clock())
    if claimed is None:
        return
    said = advise_now(services, company_id)
    now = services.clock()
    with services.db.tenant(company_id) as session:
        zone = zone_of(session, company_id)
        session.execute(
            update(BudgetPlan)
            .where(BudgetPlan.company_id == company_id)
            .values(
                # Limits that were changed meanwhile made it due again: so it stays.
                due_at=case(
                    (BudgetPlan.due_at == claimed, next_night(now, zone, company_id)),
                    else_=BudgetPlan.due_at,
                ),
                tries=0, looked_at=now, said=said,
            )
        )  # fmt: skip


def _claim(session: Session, company_id: UUID, now: datetime) -> datetime | None:
    """Take the company's advice; returns until when nobody else does, None: it is not due."""
    zone = zone_of(session, company_id)
    following = next_night(now, zone, company_id)
    until = min(now + LEASE, following)
    tries = session.scalar(
        update(BudgetPlan)
        .where(BudgetPlan.company_id == company_id, BudgetPlan.due_at <= now)
        .values(due_at=until, tries=BudgetPlan.tries + 1)
        .returning(BudgetPlan.tries)
    )
    if tries is not None and tries > MOST_TRIES:
        session.execute(
            update(BudgetPlan)
            .where(BudgetPlan.company_id == company_id)
            .values(due_at=following, tries=0, said=f"Given up after {MOST_TRIES} tries; tonight it goes on.")
        )
        return None
    return None if tries is None else until
