"""Carries claimed deliveries to the platform, request by request, and settles what came of each.

No transaction is open while an answer is waited for. Rows that a refusal did not mean go again at once;
a refusal that names no row is solved by halves.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.delivery import accounts, ledger
from calltrack.delivery.ledger import Claimed, Received
from calltrack.delivery.model import DestinationAccount
from calltrack.delivery.rules import (
    SUSPICIOUS,
    Step,
    after_send,
    failing_since,
    found_unwell,
    gave_up,
    hold_for,
    said,
)
from calltrack.delivery.trip import Trip
from calltrack.destinations.base import Destination
from calltrack.destinations.outcomes import Class, Outcome
from calltrack.destinations.sending import Attempt
from calltrack.infra.log import log

# Of several requests under one claim, none is begun later than this: the lease must outlive it.
BEGIN_SECONDS: Final = 15.0

GOES_AGAIN: Final = (Class.AGAIN, Class.SPLIT)

Group = list[Claimed]


def dispatch(trip: Trip, groups: Iterable[Group]) -> bool:
    """Send the groups, a request each, and what goes again; False: stop sending to this destination.

    A group whose attempts are not noted yet (`number` 0) is noted first.
    """
    waiting = deque(groups)
    begun = monotonic()
    while waiting:
        group = waiting.popleft()
        if group[0].number == 0:
            group = _note(trip, group)
            if not group:
                continue
            begun = monotonic()
        elif monotonic() - begun > BEGIN_SECONDS:
            waiting.appendleft(group)
            break
        attempt = trip.courier.deliver(
            trip.destination, trip.settings, [row.payload for row in group], trip.now(), trip.keep
        )
        goes_on, again = _settle(trip, group, attempt)
        waiting.extendleft(reversed(again))
        if not goes_on:
            _give_back(trip, waiting)
            return False
    _give_back(trip, waiting)
    return True


def note_in(session: Session, trip: Trip, groups: Sequence[Group], now: datetime) -> list[Group]:
    """Note each group's attempts, with the hash of the request that will carry it."""
    rows = [row for group in groups for row in group]
    hashes = [hash_ for group in groups for hash_ in [trip.hash_of(group)] * len(group)]
    noted = iter(ledger.note(session, trip.company_id, rows, hashes, now))
    return [[next(noted) for _ in group] for group in groups]


def by_route(destination: Destination[Any], rows: Sequence[Claimed]) -> list[Group]:
    """Put rows that may share a request together, as many as the platform takes; their order is kept."""
    routes: dict[str, Group] = {}
    for row in rows:
        routes.setdefault(destination.route(row.payload), []).append(row)
    size = destination.max_batch
    return [found[start : start + size] for found in routes.values() for start in range(0, len(found), size)]


def halves(rows: Sequence[Claimed]) -> list[Group]:
    """Split rows in two; a single row stays alone."""
    middle = len(rows) // 2
    return [list(half) for half in (rows[:middle], rows[middle:]) if half]


def _note(trip: Trip, group: Group) -> Group:
    """Lengthen the lease and write the intention down; rows that are no longer ours are left out."""
    now = trip.now()
    with trip.services.db.tenant(trip.company_id) as session:
        kept = ledger.keep(session, trip.company_id, group, trip.token, now)
        return note_in(session, trip, [kept], now)[0] if kept else []


def _settle(trip: Trip, group: Group, attempt: Attempt) -> tuple[bool, list[Group]]:
    """Write down what came of a request; tells whether to go on, and which groups go again."""
    outcomes = [_alone(outcome) if len(group) == 1 else outcome for outcome in attempt.outcomes]
    now = trip.now()
    pausing = next((o for o in outcomes if o.class_ is Class.CONFIG and o.pauses), None)
    with trip.services.db.tenant(trip.company_id) as session:
        # The destination's row is locked before deliveries are, here and everywhere: no deadlock.
        hold = _mind_the_platform(session, trip, attempt, now)
        given_up = "" if pausing is not None else _given_up(session, trip, attempt, now)
        if pausing is not None or given_up:
            reason = given_up if pausing is None else said(pausing)
            accounts.pause(session, trip.company_id, trip.destination_id, reason, now)
        steps = _steps(trip, group, outcomes, hold, now)
        places = {row.id: place for place, row in enumerate(group)}
        settled = ledger.settle(session, trip.company_id, trip.token, steps, places, len(group), now)
        judged = [(outcome.class_.name, said(outcome)) for outcome in outcomes]
        received = Received(attempt.status, attempt.answer)
        ledger.finish(session, trip.company_id, group, judged, received, now)
    if settled < len(steps):
        log.warning("%d deliveries were settled by somebody else meanwhile", len(steps) - settled)
    report_faults(trip, outcomes)
    goes_on = pausing is None and not given_up and hold is None and not pause_if_suspicious(trip, outcomes)
    return goes_on, _again(group, outcomes)


def _steps(
    trip: Trip, group: Group, outcomes: Sequence[Outcome], hold: timedelta | None, now: datetime
) -> dict[UUID, Step]:
    return {
        row.id: after_send(
            outcome,
            trip.destination,
            attempt=row.attempts,
            age=now - row.planned_at,
            hold=hold,
            first_poll=trip.first_poll,
        )
        for row, outcome in zip(group, outcomes, strict=True)
        if outcome.class_ not in GOES_AGAIN
    }


def _again(group: Group, outcomes: Sequence[Outcome]) -> list[Group]:
    """Return what is sent again at once: without the refused rows, or in halves."""
    again = [
        replace(row, number=0)
        for row, outcome in zip(group, outcomes, strict=True)
        if outcome.class_ in GOES_AGAIN
    ]
    if not again:
        return []
    named = len(again) < len(group)
    return [again] if named else halves(again)


def _alone(outcome: Outcome) -> Outcome:
    """A refusal cannot be another row's fault where there is no other row."""
    if outcome.class_ in GOES_AGAIN:
        return replace(outcome, class_=Class.BUG)
    return outcome


def _mind_the_platform(session: Session, trip: Trip, attempt: Attempt, now: datetime) -> timedelta | None:
    """Hold the whole destination while its platform is unwell; returns for how long, None if it is well."""
    key = (trip.company_id, trip.destination_id)
    account = session.get(DestinationAccount, key)
    if account is None:
        return None
    if not found_unwell(attempt.outcomes, attempt.status):
        if account.unwell and attempt.status is not None:
            account.unwell, account.held_until = 0, None
            session.flush()
        return None
    session.refresh(account, with_for_update=True)
    hold = hold_for(attempt.outcomes, account.unwell)
    account.unwell += 1
    account.held_until = max(now + hold, account.held_until or now)
    session.flush()
    return hold


def _given_up(session: Session, trip: Trip, attempt: Attempt, now: datetime) -> str:
    """Note since when the destination has failed; returns why it stops, if that is too long."""
    if trip.destination.stops_after is None:
        return ""
    account = session.get(DestinationAccount, (trip.company_id, trip.destination_id))
    if account is None:
        return ""
    since = failing_since(attempt.outcomes, account.failing_since, now)
    if since != account.failing_since:
        session.refresh(account, with_for_update=True)
        account.failing_since = since
        session.flush()
    return gave_up(trip.destination, since, now)


def pause_if_suspicious(trip: Trip, outcomes: Iterable[Outcome]) -> bool:
    """Pause when many deliveries in a row are refused for one fault: it can hardly be each single click."""
    faults = {said(o) for o in outcomes if o.class_ is Class.CONFIG and not o.pauses}
    for fault in faults:
        with trip.services.db.tenant(trip.company_id) as session:
            found = ledger.same_fault(session, trip.company_id, trip.destination_id, fault, SUSPICIOUS)
            if found >= SUSPICIOUS:
                accounts.pause(session, trip.company_id, trip.destination_id, fault, trip.now())
                return True
    return False


def report_faults(trip: Trip, outcomes: Iterable[Outcome]) -> None:
    """Tell the operator of requests that we built wrong."""
    for code in {outcome.code for outcome in outcomes if outcome.class_ is Class.BUG}:
        log.error("%s refuses what calltrack built: %s (destination %s)",
                  trip.destination.name, code, trip.destination_id)  # fmt: skip


def _give_back(trip: Trip, groups: Iterable[Group]) -> None:
    rows = [row for group in groups for row in group]
    if rows:
        with trip.services.db.tenant(trip.company_id) as session:
            ledger.give_back(session, trip.company_id, rows, trip.token, trip.now())
