"""Keeps every audience equal to its condition: at once, as time passes, and once a night in full."""

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from calltrack.audiences.aging import SWEEP, aged
from calltrack.audiences.judging import judge
from calltrack.audiences.looking import look_on
from calltrack.audiences.marks import mark
from calltrack.audiences.model import Audience, Place
from calltrack.infra.turns import take_turn
from calltrack.wiring import Services

# Persons judged in one transaction.
MOST: Final = 2_000

# Marks come back when their transaction is rolled back; one that comes meanwhile is a row of its own.
# The materialised list is read once; a plain subquery with a limit may be run again per row and take more.
_CLAIM: Final = text(
    """
    WITH taken AS MATERIALIZED (
        SELECT id FROM audience_dirty WHERE company_id = :company_id
        ORDER BY marked_at LIMIT :most FOR UPDATE SKIP LOCKED)
    DELETE FROM audience_dirty d USING taken
    WHERE d.company_id = :company_id AND d.id = taken.id
    RETURNING d.person_id
    """
)


def keep(services: Services, company_id: UUID, *, stop: threading.Event | None = None) -> int:
    """Judge whoever was marked, whom time has moved, and everybody where the full look is due.

    Returns how many differences were found. Platforms that are to be told are woken.
    """
    found = _keep_up(services, company_id, stop)
    for audience_id in _due(services, company_id, Audience.full_due_at):
        is_over = False
        while not is_over and not _is_set(stop):
            more, is_over = look_on(services, company_id, audience_id)
            # A long look must not delay a purchase or a withdrawal.
            found += more + _keep_up(services, company_id, stop)
    for place_id in _places(services, company_id):
        services.nudges.wake("tell_audience", str(company_id), str(place_id))
    if found:
        services.nudges.show(str(company_id))
    return found


def _keep_up(services: Services, company_id: UUID, stop: threading.Event | None) -> int:
    """Judge whom time has moved and whoever was marked; returns how many differences were found."""
    for audience_id in _due(services, company_id, Audience.sweep_due_at):
        _sweep(services, company_id, audience_id)
    found = 0
    while not _is_set(stop):
        judged = _judge_marked(services, company_id)
        if judged is None:
            break
        found += judged
    return found


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
        mark(session, company_id, aged(session, audience, now), now)
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


def _is_set(stop: threading.Event | None) -> bool:
    return stop is not None and stop.is_set()
