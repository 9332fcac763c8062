"""Judging past calls anew: from a day on, in time order, from where it stopped; both verdicts are kept.

Each call is a transaction of its own that also moves the place: a killed job goes on at the next call. What
changed stays here until somebody looks at it; destinations hear of it only where that was asked for.
"""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, tuple_, update
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.attribution.model import Attribution
from calltrack.attribution.model_rows import RejudgedCall, Rejudging
from calltrack.attribution.service import attribute_anew
from calltrack.attribution.serving import serving_model
from calltrack.calls.model import Call
from calltrack.infra import outbox
from calltrack.infra.turns import take_turn
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services

MOST_DAYS: Final = 400
LEASE: Final = timedelta(minutes=2)
# After so long other companies get their turn; the place is stored.
TURN_SECONDS: Final = 20.0
AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Credits:
    """What a verdict credits the call to."""

    id: UUID
    visit_id: UUID | None
    source: str
    medium: str
    campaign: str

    def differs(self, other: "Credits | None") -> dict[str, bool]:
        """Tell per level whether another verdict credits the call to something else."""
        mine, theirs = self._levels(), other._levels() if other else (None, ("", "", ""), ("", ""))
        names = ("visit", "campaign", "source")
        return {name: one != two for name, one, two in zip(names, mine, theirs, strict=True)}

    def _levels(self) -> tuple[UUID | None, tuple[str, str, str], tuple[str, str]]:
        return self.visit_id, (self.source, self.medium, self.campaign), (self.source, self.medium)


def ask(
    session: Session, company_id: UUID, since: datetime, by: str, now: datetime, *, tells: bool = False
) -> UUID:
    """Ask for all calls from `since` on to be judged anew by the model that serves; returns the request's id.

    tells: destinations hear of what changes, as adjustments.

    Raises:
        BadInput: the day lies in the future, or too far back.
        Conflict: another request is not done yet.
    """
    if since >= now:
        raise BadInput("Choose a day that has begun.")
    if since < now - timedelta(days=MOST_DAYS):
        raise BadInput(f"Calls can be judged anew for at most {MOST_DAYS} days back.")
    take_turn(session, "judging anew", company_id)
    if session.scalar(select(Rejudging.id).where(Rejudging.company_id == company_id, _IS_OPEN)):
        raise Conflict("Past calls are being judged anew already. Wait until that is done, or stop it.")
    row = Rejudging(
        company_id=company_id,
        id=new_id(now),
        asked_at=now,
        asked_by=by,
        since=since,
        model=serving_model(session, company_id).version,
        tells=tells,
        due_at=now,
    )
    session.add(row)
    audit.note(
        session, company_id, by, "attribution.judge_anew", row.id.hex, now,
        since=since.isoformat(), model=row.model, tells=tells,
    )  # fmt: skip
    session.flush()
    return row.id


def stop(session: Session, company_id: UUID, rejudging_id: UUID, by: str, now: datetime) -> None:
    """End a request where it is; what was judged stays judged.

    Raises:
        NotFound: the company has no such request.
        Conflict: it is done.
    """
    row = session.get(Rejudging, (company_id, rejudging_id), with_for_update=True)
    if row is None:
        raise NotFound("There is no such request.")
    if row.done_at is not None:
        raise Conflict("It is done already.")
    row.done_at, row.due_at, row.stopped_by = now, None, by
    audit.note(session, company_id, by, "attribution.judging_stopped", row.id.hex, now)


def due_judgings(system: Session, now: datetime) -> list[tuple[UUID, UUID]]:
    """Return company and id of the requests to go on with (system role)."""
    rows = system.execute(select(Rejudging.company_id, Rejudging.id).where(Rejudging.due_at <= now))
    return [(company_id, id_) for company_id, id_ in rows]


def go_on(
    services: Services,
    company_id: UUID,
    rejudging_id: UUID,
    halt: threading.Event | None = None,
    seconds: float = TURN_SECONDS,
) -> bool:
    """Judge the next calls of a request; tells whether more are left. Twice is harmless."""
    now, ends = services.clock(), monotonic() + seconds
    with services.db.tenant(company_id) as session:
        if not _claim(session, company_id, rejudging_id, now):
            return False
    while True:
        with services.db.tenant(company_id) as session:
            row = session.get_one(Rejudging, (company_id, rejudging_id))
            if row.done_at is not None:
                return False
            calls = _next_calls(session, row)
        for place in calls:
            if (halt is not None and halt.is_set()) or monotonic() >= ends:
                _give_back(services, company_id, rejudging_id)
                return True
            if not _judge_one(services, company_id, rejudging_id, *place):
                return False
        if len(calls) < AT_ONCE:
            _finish(services, company_id, rejudging_id)
            return False


_IS_OPEN = Rejudging.done_at.is_(None)


def _claim(session: Session, company_id: UUID, rejudging_id: UUID, now: datetime) -> bool:
    taken = session.execute(
        update(Rejudging)
        .where(Rejudging.company_id == company_id, Rejudging.id == rejudging_id, Rejudging.due_at <= now)
        .values(due_at=now + LEASE)
        .returning(Rejudging.id)
    )
    return taken.first() is not None


def _next_calls(session: Session, row: Rejudging) -> list[tuple[datetime, UUID]]:
    """Return the next calls in the order they began; whoever rings meanwhile has a turn, too."""
    after = (
        Call.started_at >= row.since
        if row.place_at is None
        else tuple_(Call.started_at, Call.id) > (row.place_at, row.place_id)
    )
    rows = session.execute(
        select(Call.started_at, Call.id)
        .where(Call.company_id == row.company_id, after)
        .order_by(Call.started_at, Call.id)
        .limit(AT_ONCE)
    )
    return [(started_at, id_) for started_at, id_ in rows]


def _judge_one(
    services: Services, company_id: UUID, rejudging_id: UUID, started_at: datetime, call_id: UUID
) -> bool:
    """Judge one call and move the place; False: somebody stopped the request."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        row = session.get_one(Rejudging, (company_id, rejudging_id), with_for_update=True)
        if row.done_at is not None:
            return False
        if row.place_at and row.place_id and (row.place_at, row.place_id) >= (started_at, call_id):
            return True  # Another worker took over while this one stood still.
        # The call itself is read later: by now an erasure may be under way.
        if session.scalar(select(Call.id).where(Call.company_id == company_id, Call.id == call_id)):
            before = _before(session, company_id, call_id, row.asked_at)
            attribute_anew(session, company_id, call_id, now)
            _compare(session, row, call_id, before, now)
        row.place_at, row.place_id, row.due_at = started_at, call_id, now + LEASE
    return True


def _before(session: Session, company_id: UUID, call_id: UUID, asked_at: datetime) -> Credits | None:
    """Return the verdict that stood when the request was made: an erasure may have judged the call since."""
    return _credits(
        session, Attribution.company_id == company_id, Attribution.call_id == call_id,
        Attribution.decided_at < asked_at,
    )  # fmt: skip


def _credits(session: Session, *which: Any) -> Credits | None:
    found = session.execute(
        select(
            Attribution.id, Attribution.visit_id, Attribution.source, Attribution.medium, Attribution.campaign
        )
        .where(*which)
        .order_by(Attribution.is_current.desc(), Attribution.decided_at.desc(), Attribution.id.desc())
        .limit(1)
    ).one_or_none()
    return Credits(*found) if found else None


def _compare(session: Session, row: Rejudging, call_id: UUID, before: Credits | None, now: datetime) -> None:
    after = _credits(
        session, Attribution.company_id == row.company_id, Attribution.call_id == call_id,
        Attribution.is_current,
    )  # fmt: skip
    row.judged += 1
    if after is None or before is None or after.id == before.id:
        return  # Nothing stood before, or it was not judged otherwise.
    changed = after.differs(before)
    if not any(changed.values()):
        return
    row.changed_visit += changed["visit"]
    row.changed_campaign += changed["campaign"]
    row.changed_source += changed["source"]
    session.add(
        RejudgedCall(
            company_id=row.company_id, rejudging_id=row.id, call_id=call_id, before_id=before.id,
            after_id=after.id, **changed,
        )
    )  # fmt: skip
    if row.tells:
        outbox.record(session, row.company_id, "call.corrected", call_id, now)


def _give_back(services: Services, company_id: UUID, rejudging_id: UUID) -> None:
    with services.db.tenant(company_id) as session:
        session.execute(
            update(Rejudging)
            .where(Rejudging.company_id == company_id, Rejudging.id == rejudging_id, _IS_OPEN)
            .values(due_at=services.clock())
        )


def _finish(services: Services, company_id: UUID, rejudging_id: UUID) -> None:
    now = services.clock()
    with services.db.tenant(company_id) as session:
        row = session.get_one(Rejudging, (company_id, rejudging_id), with_for_update=True)
        if row.done_at is not None:
            return
        row.done_at, row.due_at = now, None
        audit.note(
            session, company_id, row.asked_by, "attribution.judged_anew", row.id.hex, now,
            calls=row.judged, visit=row.changed_visit, campaign=row.changed_campaign,
            source=row.changed_source, tells=row.tells,
        )  # fmt: skip
    if row.tells:
        services.nudges.wake("handle_facts", str(company_id))
