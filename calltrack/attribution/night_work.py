"""Which company's lesson or calibration is due: planned once, claimed by one worker, never lost."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company
from calltrack.attribution.model_rows import AttributionTask
from calltrack.attribution.nights import next_night, next_week

Kind = Literal["lesson", "calibration"]
NEXT: Final[dict[str, Callable[[datetime, str, UUID], datetime]]] = {
    "lesson": next_night,
    "calibration": next_week,
}
# Longer than the largest lesson takes; a killed one is due again after that.
LEASE: Final = timedelta(minutes=30)
# After so many tries in one night the next night has its turn.
MOST_TRIES: Final = 4
# While another company's work is on.
WAIT: Final = timedelta(seconds=20)


def companies_to_plan(system: Session) -> list[UUID]:
    """Name the companies with numbers whose lessons nobody has planned yet (system role)."""
    rows = """
        SELECT c.id FROM company c CROSS JOIN LATERAL (
            SELECT FROM tracking_number n WHERE n.company_id = c.id AND n.released_at IS NULL LIMIT 1) used
        WHERE 2 > (SELECT count(*) FROM attribution_task t WHERE t.company_id = c.id)
        ORDER BY c.id
    """
    return list(system.scalars(text(rows)))


def plan(session: Session, company_id: UUID, now: datetime) -> None:
    """Plan the company's first lesson and calibration; what is planned stays."""
    zone = zone_of(session, company_id)
    for kind, following in NEXT.items():
        session.execute(
            insert(AttributionTask)
            .values(company_id=company_id, kind=kind, due_at=following(now, zone, company_id))
            .on_conflict_do_nothing()
        )


def due_night_work(system: Session, now: datetime) -> list[tuple[str, UUID]]:
    """Return the kind and company of what is due (system role)."""
    rows = select(AttributionTask.kind, AttributionTask.company_id).where(AttributionTask.due_at <= now)
    return [(kind, company_id) for kind, company_id in system.execute(rows.order_by(AttributionTask.due_at))]


def claim(session: Session, company_id: UUID, kind: Kind, now: datetime) -> bool:
    """Take the company's due work for the length of a lease; False: it is not due, or somebody has it."""
    zone = zone_of(session, company_id)
    again = min(now + LEASE, NEXT[kind](now, zone, company_id))
    task = session.scalar(
        update(AttributionTask)
        .where(
            AttributionTask.company_id == company_id,
            AttributionTask.kind == kind,
            AttributionTask.due_at <= now,
        )
        .values(due_at=again, tries=AttributionTask.tries + 1)
        .returning(AttributionTask.tries)
    )
    if task is not None and task > MOST_TRIES:
        settle(session, company_id, kind, f"Given up after {MOST_TRIES} tries; the next one follows.", now)
        return False
    return task is not None


def wait(session: Session, company_id: UUID, kind: Kind, now: datetime) -> None:
    """Give claimed work back for a moment: somebody else's is on."""
    session.execute(
        update(AttributionTask)
        .where(AttributionTask.company_id == company_id, AttributionTask.kind == kind)
        .values(due_at=now + WAIT, tries=AttributionTask.tries - 1)
    )


def settle(session: Session, company_id: UUID, kind: Kind, said: str, now: datetime) -> None:
    """Note what came of the work, and when it is due next."""
    zone = zone_of(session, company_id)
    session.execute(
        update(AttributionTask)
        .where(AttributionTask.company_id == company_id, AttributionTask.kind == kind)
        .values(due_at=NEXT[kind](now, zone, company_id), tries=0, ended_at=now, said=said)
    )


def zone_of(session: Session, company_id: UUID) -> str:
    """Return the company's time zone."""
    return session.scalars(select(Company.timezone).where(Company.id == company_id)).one()
