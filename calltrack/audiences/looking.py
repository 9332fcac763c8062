"""The look at everybody: at once for a new or changed condition, then every night.

It goes through the persons slice by slice, each in a transaction of its own: purchases and withdrawals are
judged between two slices, a list of any length holds nobody up, and a look that was broken off goes on where
it was.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company
from calltrack.audiences.aging import SWEEP, aged, is_timed
from calltrack.audiences.ending import end_if_empty
from calltrack.audiences.judging import Span, judge
from calltrack.audiences.model import Audience
from calltrack.infra.turns import take_turn
from calltrack.wiring import Services

NIGHT_HOUR: Final = 3
# Persons looked at in one transaction: a second or two.
SLICE: Final = 20_000
# How many marks are read before a slice; more than wait there once the queue was emptied.
MARKS: Final = 2_000
FIRST: Final = UUID(int=0)
LAST: Final = UUID(int=2**128 - 1)

_SLICE: Final = text(
    "SELECT id FROM person WHERE company_id = :company_id AND id > :after ORDER BY id LIMIT :most"
)
_MARKED: Final = text(
    "SELECT person_id FROM audience_dirty WHERE company_id = :company_id ORDER BY marked_at LIMIT :most"
)


def look_on(
    services: Services, company_id: UUID, audience_id: UUID, *, size: int = SLICE
) -> tuple[int, bool]:
    """Compare the next slice of persons with the condition and with what platforms were told, and repair.

    Returns how many differences there were, and whether the look is over. The first look at a new condition
    fills the audience; every later one counts what it had to repair.
    """
    now = services.clock()
    with services.db.tenant(company_id) as session:
        session.execute(text("SET LOCAL statement_timeout = '2min'"))
        take_turn(session, "audiences", company_id)
        audience = session.get(Audience, (company_id, audience_id))
        if audience is None or audience.full_due_at is None or audience.full_due_at > now:
            return 0, True
        if audience.swept_until is None and audience.status != "deleting" and is_timed(audience):
            # Who is looked at in this slice may be moved by time before the last slice is.
            audience.swept_until, audience.sweep_due_at = now, now + SWEEP
        _judge_known(session, audience, now)
        span = _next(session, audience, size)
        found = judge(session, audience, now, span)
        audience.look_found += found
        audience.looked_until = span.last
        if span.last == LAST:
            _finish(session, audience, now)
        return found, span.last == LAST


def next_night(now: datetime, zone: str) -> datetime:
    """Return the next three o'clock at night of the time zone, at least an hour away."""
    local = (now + timedelta(hours=1)).astimezone(ZoneInfo(zone))
    at = local.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    return at if at >= local else (at + timedelta(days=1)).replace(hour=NIGHT_HOUR)


def _next(session: Session, audience: Audience, size: int) -> Span:
    after = audience.looked_until or FIRST
    keys = {"company_id": audience.company_id, "after": after, "most": size}
    persons = tuple(session.scalars(_SLICE, keys))
    return Span(after, persons[-1] if len(persons) == size else LAST, persons)


def _judge_known(session: Session, audience: Audience, now: datetime) -> None:
    """Judge whom a fact or the time has moved and who waits for it: that is no difference to repair."""
    if audience.checked_at is None or audience.status == "deleting":
        return
    keys = {"company_id": audience.company_id, "most": MARKS}
    known = set(session.scalars(_MARKED, keys))
    if audience.swept_until is not None:
        known |= aged(session, audience, now)
    if known:
        judge(session, audience, now, known)


def _finish(session: Session, audience: Audience, now: datetime) -> None:
    audience.repaired = audience.look_found if audience.checked_at is not None else 0
    audience.checked_at, audience.looked_until, audience.look_found = now, None, 0
    zone = session.scalars(select(Company.timezone).where(Company.id == audience.company_id)).one()
    audience.full_due_at = next_night(now, zone)
    end_if_empty(session, audience, now)
