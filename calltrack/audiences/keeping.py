"""Keeps every audience equal to its condition: at once, as time passes, and once a night in full."""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from calltrack.accounts.model import Company
from calltrack.audiences.conditions import read
from calltrack.audiences.ending import end_if_empty
from calltrack.audiences.judging import judge
from calltrack.audiences.model import Audience, Place
from calltrack.audiences.rules import days_of
from calltrack.infra.turns import take_turn
from calltrack.wiring import Services

# Persons judged in one transaction.
MOST: Final = 2_000
# How often those are looked for whom only time has moved: a limit counts days, minutes do not matter.
SWEEP: Final = timedelta(minutes=5)
NIGHT_HOUR: Final = 3

# Marks come back when their transaction is rolled back; one that comes meanwhile is a row of its own.
_CLAIM: Final = text(
    """
    DELETE FROM audience_dirty d USING (
        SELECT id FROM audience_dirty WHERE company_id = :company_id
        ORDER BY marked_at LIMIT :most FOR UPDATE SKIP LOCKED) taken
    WHERE d.company_id = :company_id AND d.id = taken.id
    RETURNING d.person_id
    """
)
# Persons with such an event exactly so many days before a moment between the two sweeps.
_AGED: Final = {
    kind: text(
        f"""
        INSERT INTO audience_dirty (company_id, person_id, marked_at)
        SELECT DISTINCT :company_id, coalesce(pc.person_id, {person}), :now
        FROM {table} LEFT JOIN person_caller pc
          ON pc.company_id = ca.company_id AND pc.caller_hash = ca.caller_hash
        WHERE {event}.company_id = :company_id AND {event}.{column} > :since - CAST(:age AS interval)
          AND {event}.{column} <= :now - CAST(:age AS interval) {also}
          AND coalesce(pc.person_id, {person}) IS NOT NULL
        """  # noqa: S608 - constants of this file
    )
    for kind, table, event, column, person, also in (
        ("lead", "conversion co JOIN call ca ON ca.company_id = co.company_id AND ca.id = co.call_id",
         "co", "occurred_at", "co.person_id", "AND co.kind = 'lead'"),
        ("purchase", "conversion co JOIN call ca ON ca.company_id = co.company_id AND ca.id = co.call_id",
         "co", "occurred_at", "co.person_id", "AND co.kind = 'purchase'"),
        ("call", "call ca", "ca", "started_at", "CAST(NULL AS uuid)", ""),
    )
}  # fmt: skip


def keep(services: Services, company_id: UUID, *, stop: threading.Event | None = None) -> int:
    """Judge whoever was marked, whom time has moved, and everybody where the full look is due.

    Returns how many differences were found. Platforms that are to be told are woken.
    """
    found = 0
    for audience_id in _due(services, company_id, Audience.sweep_due_at):
        _sweep(services, company_id, audience_id)
    while not (stop is not None and stop.is_set()):
        judged = _judge_marked(services, company_id)
        if judged is None:
            break
        found += judged
    for audience_id in _due(services, company_id, Audience.full_due_at):
        if stop is not None and stop.is_set():
            break
        found += look_at_everybody(services, company_id, audience_id)
    for place_id in _places(services, company_id):
        services.nudges.wake("tell_audience", str(company_id), str(place_id))
    if found:
        services.nudges.show(str(company_id))
    return found


def look_at_everybody(services: Services, company_id: UUID, audience_id: UUID) -> int:
    """Compare the whole audience with its condition and with what platforms were told; repair differences.

    The first look at a new condition fills the audience; every later one counts what it had to repair.
    """
    now = services.clock()
    with services.db.tenant(company_id) as session:
        session.execute(text("SET LOCAL statement_timeout = '10min'"))
        take_turn(session, "audiences", company_id)
        audience = session.get(Audience, (company_id, audience_id))
        if audience is None or audience.status == "deleted":
            return 0
        differences = judge(session, audience, now)
        audience.repaired = differences if audience.checked_at is not None else 0
        audience.checked_at = now
        zone = session.scalars(select(Company.timezone).where(Company.id == company_id)).one()
        audience.full_due_at = next_night(now, zone)
        is_timed = audience.status != "deleting" and bool(days_of(read(audience.condition)))
        if is_timed:
            audience.swept_until, audience.sweep_due_at = now, now + SWEEP
        else:
            audience.swept_until = audience.sweep_due_at = None
        end_if_empty(session, audience, now)
        return differences


def next_night(now: datetime, zone: str) -> datetime:
    """Return the next three o'clock at night of the time zone, at least an hour away."""
    local = (now + timedelta(hours=1)).astimezone(ZoneInfo(zone))
    at = local.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    return at if at >= local else (at + timedelta(days=1)).replace(hour=NIGHT_HOUR)


def _judge_marked(services: Services, company_id: UUID) -> int | None:
    """Judge the persons marked first; None: nobody is marked."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        take_turn(session, "audiences", company_id)
        persons = set(session.scalars(_CLAIM, {"company_id": company_id, "most": MOST}))
        if not persons:
            return None
        return sum(judge(session, one, now, persons) for one in _audiences(session, company_id))


def _sweep(services: Services, company_id: UUID, audience_id: UUID) -> None:
    """Mark whom time alone can have moved since the last sweep."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        audience = session.get(Audience, (company_id, audience_id), with_for_update=True)
        if audience is None or audience.swept_until is None:
            return
        for kind, days in days_of(read(audience.condition)):
            values = {"company_id": company_id, "since": audience.swept_until, "now": now}
            session.execute(_AGED[kind], values | {"age": timedelta(days=days)})
        audience.swept_until, audience.sweep_due_at = now, now + SWEEP


def _audiences(session: Session, company_id: UUID) -> Sequence[Audience]:
    wanted = select(Audience).where(Audience.company_id == company_id, Audience.status != "deleted")
    return session.scalars(wanted.order_by(Audience.id)).all()


def _due(services: Services, company_id: UUID, column: InstrumentedAttribute[datetime | None]) -> list[UUID]:
    query = select(Audience.id).where(
        Audience.company_id == company_id, Audience.status != "deleted", column <= services.clock()
    )
    with services.db.tenant(company_id) as session:
        return list(session.scalars(query))


def _places(services: Services, company_id: UUID) -> list[UUID]:
    query = select(Place.id).where(
        Place.company_id == company_id,
        Place.status.in_(("active", "leaving")),
        Place.due_at <= services.clock(),
    )
    with services.db.tenant(company_id) as session:
        return list(session.scalars(query))
