"""Keeps journeys in step: marked persons at once, visits every minute, the past in portions."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.infra.log import log
from calltrack.infra.turns import take_turn
from calltrack.stages.making import make_journeys
from calltrack.stages.marks import mark
from calltrack.stages.model import JourneyState
from calltrack.stages.versions import begin
from calltrack.wiring import Services

# Journeys made in one transaction.
MOST: Final = 2_000
# Transactions in one turn; then other companies, and this one's calls and messages, have theirs.
PORTIONS: Final = 5
# How often visits are looked at: browsers that did something need no mark of their own on the hot path.
SWEEP: Final = timedelta(minutes=1)
# Transactions that were open at the last look, and the longest a visit is told of after it began.
OVERLAP: Final = timedelta(minutes=5)
LONGEST_VISIT: Final = timedelta(days=1)
FIRST: Final = UUID(int=0)
AFTER_FAILURE: Final = timedelta(hours=1)

# The materialised list is read once; a plain subquery with a limit may be run again per row and take more.
_CLAIM: Final = text(
    """
    WITH taken AS MATERIALIZED (
        SELECT id FROM journey_dirty
        WHERE company_id = :company_id AND marked_at <= greatest(:now, clock_timestamp())
        ORDER BY marked_at LIMIT :most FOR UPDATE SKIP LOCKED)
    DELETE FROM journey_dirty d USING taken
    WHERE d.company_id = :company_id AND d.id = taken.id
    RETURNING d.subject_id
    """
)
_SEEN: Final = text(
    """
    INSERT INTO journey_dirty (company_id, subject_id, marked_at)
    SELECT DISTINCT :company_id, visitor_id, :now FROM visit
    WHERE company_id = :company_id AND id >= first_id_of(:first) AND last_seen_at >= :since
    """
)
_NEXT: Final = {
    "persons": text(
        "SELECT id FROM person WHERE company_id = :company_id AND id > :after ORDER BY id LIMIT :most"
    ),
    "visitors": text(
        """
        SELECT DISTINCT v.visitor_id FROM visit v
        WHERE v.company_id = :company_id AND v.visitor_id > :after
          AND NOT EXISTS (SELECT FROM person_visitor pv
                          WHERE pv.company_id = v.company_id AND pv.visitor_id = v.visitor_id)
        ORDER BY v.visitor_id LIMIT :most
        """
    ),
}
_DUE: Final = text(
    """
    SELECT company_id FROM journey_state s WHERE due_at <= :now OR EXISTS (
        SELECT FROM journey_dirty d WHERE d.company_id = s.company_id AND d.marked_at <= :now)
    """
)
_AGAIN: Final = text("SELECT company_id FROM journey_state WHERE again_due_at <= :now")
_NEW: Final = text(
    "SELECT id FROM company WHERE NOT EXISTS (SELECT FROM journey_state s WHERE s.company_id = company.id)"
)
# A worker that dies while it makes the past again is followed by another one after this.
LEASE: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Turn:
    """What one turn did: how many journeys changed, and whether more of them may wait."""

    changed: int
    is_more: bool


def companies_to_keep(system: Session, now: datetime) -> list[UUID]:
    """Name the companies with journeys to keep in step (system role)."""
    return list(system.scalars(_DUE, {"now": now}))


def companies_to_make_again(system: Session, now: datetime) -> list[UUID]:
    """Name the companies whose past is to be made again (system role)."""
    return list(system.scalars(_AGAIN, {"now": now}))


def begin_journeys(services: Services) -> int:
    """Let journeys begin for companies that have none; returns for how many."""
    with services.db.system() as system:
        companies = list(system.scalars(_NEW))
    for company_id in companies:
        with services.db.tenant(company_id) as session:
            begin(session, company_id, services.clock())
        for job in ("keep_journeys", "make_journeys_again"):
            services.nudges.wake(job, str(company_id))
    return len(companies)


def keep_journeys(services: Services, company_id: UUID, *, stop: threading.Event | None = None) -> Turn:
    """Make the journeys of browsers seen lately and of whoever was marked: some portions of them.

    Twice is harmless; marks of a broken-off portion come back.
    """
    _look_at_visits(services, company_id)
    return _turn(lambda: _make_marked(services, company_id), stop)


def make_past_again(services: Services, company_id: UUID, *, stop: threading.Event | None = None) -> Turn:
    """Make the next portions of all journeys again.

    A portion that is broken off is done again, those before it are not; facts are followed meanwhile.
    """
    return _turn(lambda: _make_portion(services, company_id), stop)


def _turn(make: Callable[[], int | None], stop: threading.Event | None) -> Turn:
    """Make portions until there is none (None), the turn is over, or the worker stops."""
    changed = 0
    for _ in range(PORTIONS):
        made = None if _is_set(stop) else make()
        if made is None:
            return Turn(changed, is_more=False)
        changed += made
    return Turn(changed, is_more=True)


def _is_set(stop: threading.Event | None) -> bool:
    return stop is not None and stop.is_set()


def _look_at_visits(services: Services, company_id: UUID) -> None:
    """Mark the browsers that were seen since the last look."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        take_turn(session, "journeys", company_id)
        state = begin(session, company_id, now)
        if state.due_at > now:
            return
        since = state.visits_until - OVERLAP
        values = {"company_id": company_id, "now": now, "first": since - LONGEST_VISIT, "since": since}
        session.execute(_SEEN, values)
        state.visits_until, state.due_at = now, now + SWEEP


def _make_marked(services: Services, company_id: UUID) -> int | None:
    """Make the journeys marked first; None: none is marked."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        take_turn(session, "journeys", company_id)
        marked = set(session.scalars(_CLAIM, {"company_id": company_id, "most": MOST, "now": now}))
        return _make_each(session, company_id, sorted(marked), now) if marked else None


def _make_each(session: Session, company_id: UUID, ids: Sequence[UUID], now: datetime) -> int:
    """Make these journeys; one that cannot be made is tried again later and holds up no other one."""
    try:
        with session.begin_nested():
            return make_journeys(session, company_id, ids)
    except Exception:  # noqa: BLE001 - one bad journey must not keep all others of its company
        if len(ids) == 1:
            log.exception("the journey of %s cannot be made; it is tried again in an hour", ids[0])
            mark(session, company_id, ids, now + AFTER_FAILURE)
            return 0
    middle = len(ids) // 2
    return sum(_make_each(session, company_id, half, now) for half in (ids[:middle], ids[middle:]))


def _make_portion(services: Services, company_id: UUID) -> int | None:
    """Make the next portion of the past; None: there is none to make."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        take_turn(session, "journeys", company_id)
        state = session.get(JourneyState, (company_id,), with_for_update=True)
        if state is None or not state.again_phase:
            return None
        keys = {"company_id": company_id, "after": state.again_after or FIRST, "most": MOST}
        ids = list(session.scalars(_NEXT[state.again_phase], keys))
        changed = _make_each(session, company_id, ids, now) if ids else 0
        state.again_done += len(ids)
        state.again_due_at = now + LEASE
        if len(ids) == MOST:
            state.again_after = ids[-1]
        elif state.again_phase == "persons":
            state.again_phase, state.again_after = "visitors", None
        else:
            state.again_phase, state.again_after, state.again_ended_at = "", None, now
            state.again_due_at = None
        return changed
