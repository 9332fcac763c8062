"""Carries claimed deliveries to the platform, request by request, and settles what came of each.

No transaction is open while an answer is waited for. Rows that a refusal did not mean go again at once;
a refusal that names no row is solved by halves. Requests of one conversion each leave several at once;
a claim never holds two deliveries of one conversion, so their order is kept.
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
from calltrack.delivery.ledger import Claimed, Received, Tried
from calltrack.delivery.model import DestinationAccount
from calltrack.delivery.rules import (
    AWAY,
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
from calltrack.delivery.waves import Group, send_wave
from calltrack.destinations.base import Destination
from calltrack.destinations.outcomes import Class, Outcome
from calltrack.destinations.sending import Attempt
from calltrack.infra.log import log

# Of several requests under one claim, none is begun later than this: the lease must outlive it.
BEGIN_SECONDS: Final = 15.0

GOES_AGAIN: Final = (Class.AGAIN, Class.SPLIT)


def dispatch(trip: Trip, groups: Iterable[Group]) -> bool:
    """Send the groups, a request each, and what goes again; False: stop sending to this destination.

    A group whose attempts are not noted yet (`number` 0) is noted first.
    """
    waiting = deque(groups)
    begun, goes_on = monotonic(), True
    while waiting and goes_on:
        if waiting[0][0].number == 0:
            noted = _note(trip, waiting.popleft())
            if not noted:
                continue
            waiting.appendleft(noted)
            begun = monotonic()
        elif monotonic() - begun > BEGIN_SECONDS:
            break
        sent, wait = send_wave(trip, waiting)
        if sent:
            goes_on, again = _settle(trip, [group for group, _ in sent], [attempt for _, attempt in sent])
            waiting.extendleft(reversed(again))
        if wait:
            hold_for_pace(trip, wait)
            goes_on = False
    _give_back(trip, waiting)
    return goes_on


def hold_for_pace(trip: Trip, seconds: float) -> None:
    """Leave the destination alone until its platform's request limit has room again; no try is burnt."""
    until = trip.now() + timedelta(seconds=seconds)
    with trip.services.db.tenant(trip.company_id) as session:
        ledger.hold(session, trip.company_id, trip.destination_id, until)


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


def _settle(trip: Trip, wave: Sequence[Group], attempts: Sequence[Attempt]) -> tuple[bool, list[Group]]:
    """Write down what came of requests; tells whether to go on, and which groups go again."""
    read = [_outcomes(group, attempt) for group, attempt in zip(wave, attempts, strict=True)]
    outcomes = [outcome for found in read for outcome in found]
    now = trip.now()
    with trip.services.db.tenant(trip.company_id) as session:
        # The destination's row is locked before deliveries are, here and everywhere: no deadlock.
        hold, is_paused = mind(session, trip, attempts, outcomes, now)
        steps: dict[UUID, Step] = {}
        for group, found in zip(wave, read, strict=True):
            steps |= _steps(trip, group, found, hold, now)
        places = {row.id: place for group in wave for place, row in enumerate(group)}
        settled = ledger.settle(session, trip.company_id, trip.token, steps, places, len(wave[0]), now)
        ledger.finish(session, trip.company_id, _tried(wave, read, attempts), now)
    if settled < len(steps):
        log.warning("%d deliveries were settled by somebody else meanwhile", len(steps) - settled)
    report_faults(trip, outcomes)
    goes_on = not is_paused and hold is None and not pause_if_suspicious(trip, outcomes)
    return goes_on, [again for group, found in zip(wave, read, strict=True) for again in _again(group, found)]


def mind(
    session: Session, trip: Trip, attempts: Sequence[Attempt], outcomes: Sequence[Outcome], now: datetime
) -> tuple[timedelta | None, bool]:
    """Hold or pause the destination by what came back; returns for how long, and whether it is paused."""
    hold = _mind_the_platform(session, trip, attempts, now)
    pausing = next((o for o in outcomes if o.class_ is Class.CONFIG and o.pauses), None)
    reason = said(pausing) if pausing is not None else _given_up(session, trip, tuple(outcomes), now)
    if reason:
        accounts.pause(session, trip.company_id, trip.destination_id, reason, now)
    return hold, bool(reason)


def _outcomes(group: Group, attempt: Attempt) -> Sequence[Outcome]:
    return [_alone(outcome) for outcome in attempt.outcomes] if len(group) == 1 else attempt.outcomes


def _tried(
    wave: Sequence[Group], read: Sequence[Sequence[Outcome]], attempts: Sequence[Attempt]
) -> list[Tried]:
    """Put each row beside what came back for it; an answer to a batch is kept shorter."""
    tried = []
    for group, found, attempt in zip(wave, read, attempts, strict=True):
        received = Received.of(attempt.status, attempt.answer, len(group))
        tried += [
            Tried(row, outcome.class_.name, said(outcome), received)
            for row, outcome in zip(group, found, strict=True)
        ]
    return tried


def _steps(
    trip: Trip, group: Group, outcomes: Sequence[Outcome], hold: timedelta | None, now: datetime
) -> dict[UUID, Step]:
    return {
        row.id: after_send(
            outcome,
            trip.destination,
            attempt=row.attempts,
            age=now - row.since,
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


def _mind_the_platform(
    session: Session, trip: Trip, attempts: Sequence[Attempt], now: datetime
) -> timedelta | None:
    """Hold the whole destination while its platform is unwell; returns for how long, None if it is well."""
    key = (trip.company_id, trip.destination_id)
    account = session.get(DestinationAccount, key)
    if account is None:
        return None
    unwell = [attempt for attempt in attempts if found_unwell(attempt.outcomes, attempt.status)]
    if not unwell:
        if account.unwell and any(attempt.status is not None for attempt in attempts):
            was_away = account.unwell >= AWAY
            account.unwell, account.held_until = 0, None
            session.flush()
            if was_away and trip.destination.gives_up:
                # Its schedule may wait for ten hours; nobody has to once the receiver answers.
                ledger.pull_forward(session, trip.company_id, trip.destination_id, now)
        return None
    session.refresh(account, with_for_update=True)
    hold = max(hold_for(attempt.outcomes, account.unwell) for attempt in unwell)
    account.unwell += 1
    account.held_until = max(now + hold, account.held_until or now)
    session.flush()
    return hold


def _given_up(session: Session, trip: Trip, outcomes: tuple[Outcome, ...], now: datetime) -> str:
    """Note since when the destination has failed; returns why it stops, if that is too long."""
    if trip.destination.stops_after is None:
        return ""
    account = session.get(DestinationAccount, (trip.company_id, trip.destination_id))
    if account is None:
        return ""
    since = failing_since(outcomes, account.failing_since, now)
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
