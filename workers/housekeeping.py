"""The daily clean-up: partitions ahead of time, and rows nobody needs any more, in small batches."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, delete, or_, select, text
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company, IdempotencyKey, LoginSession
from calltrack.calls.guard.shared import forget_old
from calltrack.calls.recording_keeping import expire
from calltrack.conversions.imports import oldest_kept, prune
from calltrack.conversions.inbox_retention import forget_outcomes
from calltrack.erasure.retention import forget_history
from calltrack.infra.log import log
from calltrack.infra.outbox import Fact
from calltrack.kernel.ids import first_id_of
from calltrack.numbers.counting import count_company, forget_faded, forget_leases
from calltrack.spend.clicks import forget_clicks
from calltrack.spend.files import forget_files
from calltrack.spend.sightings import forget_sightings
from calltrack.stages.segment_events import forget_events
from calltrack.wiring import Services

HANDLED_FACTS_KEPT = timedelta(days=7)
ANSWERS_KEPT = timedelta(days=3)
ENDED_LOGINS_KEPT = timedelta(days=30)
BATCH = 5_000
MONTHS_AHEAD = timedelta(days=92)
# Calls ask for visits of the last 42 days, calibration for those of twelve weeks.
FEWEST_MONTHS = 4


def keep_house(services: Services) -> int:
    """Do the whole daily clean-up; returns how many rows went."""
    now = services.clock()
    make_partitions(services, now)
    drop_partitions(services, now)
    with services.db.system() as system:
        companies = list(system.scalars(select(Company.id)))
    with services.db.shared() as session:
        forget_old(session, now)
    for company_id in companies:
        count_company(services.db, company_id, now, uncounted=True)
    gone = sum(prune_company(services, company_id, now) for company_id in companies)
    gone += sum(expire(services, company_id) for company_id in companies)
    gone += sum(forget_history(services, company_id) for company_id in companies)
    return gone + _prune_logins(services, now)


def make_partitions(services: Services, now: datetime) -> None:
    """Make the partitions of this and the coming three months, where they are missing."""
    with services.db.shared() as session:
        session.execute(
            text("SELECT make_partitions(:since, :until)"), {"since": now, "until": now + MONTHS_AHEAD}
        )


def drop_partitions(services: Services, now: datetime) -> list[str]:
    """Drop the months of visits and page views that are older than they are kept; returns their names.

    A month that somebody reads just now stays until tomorrow: nobody waits for it, and it for nobody.
    """
    before = visits_forgotten_before(services, now)
    gone: list[str] = []
    for parent in ("page_view", "visit") if before else ():
        while before and (name := _drop_one(services, parent, before)):
            gone.append(name)
    if gone:
        log.info("forgotten with their months: %s", ", ".join(gone))
    return gone


def visits_forgotten_before(services: Services, now: datetime) -> datetime | None:
    """Return the moment before which visits are not kept; None: all are."""
    months = services.settings.visits_kept_months
    return now - timedelta(days=31 * max(months, FEWEST_MONTHS)) if months else None


def _drop_one(services: Services, parent: str, before: datetime) -> str | None:
    with services.db.shared() as session:
        found = session.scalar(
            text("SELECT drop_partition(:parent, :before)"), {"parent": parent, "before": before}
        )
        return None if found is None else str(found)


def prune_company(services: Services, company_id: UUID, now: datetime) -> int:
    """Delete one company's handled facts, given answers, old files, told events, outcomes out of time."""
    gone = 0
    while True:
        with services.db.tenant(company_id) as session:
            facts = _delete_handled_facts(session, company_id, now - HANDLED_FACTS_KEPT)
        gone += facts
        if facts < BATCH:
            break
    while True:
        with services.db.tenant(company_id) as session:
            outcomes = forget_outcomes(session, company_id, now)
        gone += outcomes
        if not outcomes:
            break
    before = visits_forgotten_before(services, now)
    leases = BATCH if before else 0
    while before and leases == BATCH:
        with services.db.tenant(company_id) as session:
            leases = forget_leases(session, company_id, before, BATCH)
        gone += leases
    with services.db.tenant(company_id) as session:
        if before:
            # What was behind the clicks of visits goes with them: nobody could find it by the visitor then.
            gone += forget_clicks(session, company_id, before.date())
        old = delete(IdempotencyKey).where(
            IdempotencyKey.company_id == company_id, IdempotencyKey.created_at < now - ANSWERS_KEPT
        )
        gone += prune(session, company_id, oldest_kept(now)) + forget_faded(session, company_id, now)
        gone += forget_sightings(session, company_id, now)
        gone += forget_events(session, company_id, now)
        gone += forget_files(session, company_id, oldest_kept(now))
        return gone + _rows(session.execute(old))


def _delete_handled_facts(session: Session, company_id: UUID, before: datetime) -> int:
    # Ids carry their time, so the primary key finds old facts without an index of its own.
    old = (
        select(Fact.id)
        .where(Fact.company_id == company_id, Fact.id < first_id_of(before), Fact.done_at < before)
        .order_by(Fact.id)
        .limit(BATCH)
    )
    gone = delete(Fact).where(Fact.company_id == company_id, Fact.id.in_(list(session.scalars(old))))
    return _rows(session.execute(gone))


def _prune_logins(services: Services, now: datetime) -> int:
    before = now - ENDED_LOGINS_KEPT
    with services.db.shared() as session:
        return _rows(
            session.execute(
                delete(LoginSession).where(
                    or_(LoginSession.ended_at < before, LoginSession.expires_at < before)
                )
            )
        )


def _rows(result: Any) -> int:
    return result.rowcount if isinstance(result, CursorResult) else 0
