"""Delivers what is due to one destination, and asks for its verdicts, until nothing is due.

Any number of workers may do so at once and any of them may die at any moment: the lease on each row keeps
them apart and brings back what a dead one held.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.delivery import ledger
from calltrack.delivery.courier import courier_of
from calltrack.delivery.dispatch import by_route, dispatch, note_in
from calltrack.delivery.refreeze import refreeze
from calltrack.delivery.trip import Trip, account_of, trip_to
from calltrack.delivery.verdicts import ask
from calltrack.delivery.waves import Group
from calltrack.delivery.windows import give_up_old
from calltrack.destinations.sending import Courier
from calltrack.wiring import Services

# A drain makes room for other destinations after this long, and asks to be called again.
MOST_SECONDS: Final = 15.0
# How many single requests are sent under one claim.
SINGLES: Final = 64

DueDestination = tuple[UUID, UUID, bool]


def deliver_due(
    services: Services,
    company_id: UUID,
    destination_id: UUID,
    *,
    courier: Courier | None = None,
    stop: threading.Event | None = None,
    again: Callable[[], object] | None = None,
) -> int:
    """Send everything that is due to the destination; returns how many deliveries were sent.

    Ends early when the platform is unwell or its request limit is reached (the destination is held for a
    while), when a person must change something (it is paused), when `stop` is set, or when its turn is over:
    then it calls `again` (by default a nudge), so that other destinations go first.
    """
    courier = courier or courier_of(services)
    sent, ends = 0, monotonic() + MOST_SECONDS
    with services.db.tenant(company_id) as session:
        ledger.expire(session, company_id, destination_id, services.clock())
    goes_on = True
    while goes_on:
        if _turn_is_over(services, ("deliver", company_id, destination_id), ends, stop, again):
            break
        claimed = _claim(services, courier, company_id, destination_id)
        if claimed is None:
            break
        trip, groups = claimed
        goes_on = dispatch(trip, groups)
        sent += sum(len(group) for group in groups)
    if sent:
        services.nudges.show(str(company_id))
    return sent


def poll_due(
    services: Services,
    company_id: UUID,
    destination_id: UUID,
    *,
    courier: Courier | None = None,
    stop: threading.Event | None = None,
    again: Callable[[], object] | None = None,
) -> int:
    """Ask for every verdict that is due at the destination; returns how many requests were asked about."""
    courier = courier or courier_of(services)
    asked_about, ends = 0, monotonic() + MOST_SECONDS
    goes_on = True
    while goes_on:
        if _turn_is_over(services, ("poll", company_id, destination_id), ends, stop, again):
            break
        now = services.clock()
        with services.db.tenant(company_id) as session:
            account = account_of(session, company_id, destination_id)
            if account is None:
                break
            trip = trip_to(services, courier, account, now)
            if wait := trip.pace.wait(trip.limits):
                free = now + timedelta(seconds=wait)
                ledger.ask_later(session, company_id, destination_id, free, now)
                break
            asked = ledger.take_verdicts(session, company_id, destination_id, trip.token, now)
        if asked is None:
            break
        trip.pace.take(trip.limits)
        goes_on = ask(trip, asked)
        asked_about += 1
    if asked_about:
        services.nudges.wake("deliver", str(company_id), str(destination_id))
        services.nudges.show(str(company_id))
    return asked_about


def wake_destination(services: Services, company_id: UUID, destination_id: UUID) -> None:
    """Ask for what is due at a destination that a person changed or resumed."""
    services.nudges.wake("deliver", str(company_id), str(destination_id))
    services.nudges.wake("poll", str(company_id), str(destination_id))


def _turn_is_over(
    services: Services,
    job: tuple[str, UUID, UUID],
    ends: float,
    stop: threading.Event | None,
    again: Callable[[], object] | None,
) -> bool:
    """Say whether to make room, and ask for another turn if so."""
    stopped = stop is not None and stop.is_set()
    if monotonic() <= ends and not stopped:
        return False
    if again is None or stopped:
        services.nudges.wake(job[0], str(job[1]), str(job[2]))
    else:
        again()
    return True


def _claim(
    services: Services, courier: Courier, company_id: UUID, destination_id: UUID
) -> tuple[Trip, list[Group]] | None:
    """Claim what goes next and note the intention; None: nothing is due, or nothing may be sent now."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        account = account_of(session, company_id, destination_id)
        if account is None or (account.held_until is not None and account.held_until > now):
            return None
        trip = trip_to(services, courier, account, now)
        if trip.destination.resend_unknown_within is not None:
            window = trip.destination.resend_unknown_within
            ledger.strand(session, company_id, destination_id, window, now, trip.destination.counts_once)
        if wait := trip.pace.wait(trip.limits):
            ledger.hold(session, company_id, destination_id, now + timedelta(seconds=wait))
            return None
        # While the platform was last found unwell, one delivery probes for all.
        most = 1 if account.unwell else max(trip.destination.max_batch, SINGLES)
        rows = ledger.claim(session, company_id, destination_id, trip.token, now, most)
        if not rows:
            ledger.tidy(session, company_id, destination_id, now)
            return None
        ready = refreeze(session, services.vault, account, give_up_old(session, trip, rows, now), now)
        return trip, note_in(session, trip, by_route(trip.destination, ready), now) if ready else []


_DUE = text(
    """
    SELECT DISTINCT d.company_id, d.destination_id, d.state = 'accepted' AS is_poll
    FROM delivery d
    JOIN destination t ON t.company_id = d.company_id AND t.id = d.destination_id
    WHERE d.due_at <= :now AND t.status = 'active'
      AND (d.state = 'accepted' OR t.held_until IS NULL OR t.held_until <= :now)
    """
)


def due_destinations(system: Session, now: datetime) -> list[DueDestination]:
    """Name company and destination of everything due, and whether a verdict is to be asked for.

    The sweep's question over all companies (system role); paused and held destinations are left out.
    """
    return [(row.company_id, row.destination_id, row.is_poll) for row in system.execute(_DUE, {"now": now})]
