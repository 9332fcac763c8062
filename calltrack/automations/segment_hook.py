"""Sends webhooks who entered segments, by the same road as conversions: signed, tried again, paused alike."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from calltrack.delivery.courier import courier_of
from calltrack.delivery.dispatch import mind, report_faults
from calltrack.delivery.rules import LEASE, Step, after_send
from calltrack.delivery.trip import Trip, account_of, trip_to
from calltrack.destinations.outcomes import Class
from calltrack.destinations.sending import Attempt, Courier
from calltrack.wiring import Services

# After so long others get their turn; what is due then is asked for again.
MOST_SECONDS: Final = 15.0
_DUE: Final = text(
    """
    SELECT DISTINCT e.company_id FROM segment_event e
    JOIN destination t ON t.company_id = e.company_id AND t.id = e.destination_id
    WHERE e.due_at <= :now AND t.status = 'active' AND (t.held_until IS NULL OR t.held_until <= :now)
    """
)
# One whose lease has ended was being sent by a worker that died; the same id goes again.
_CLAIM: Final = text(
    """
    WITH taken AS MATERIALIZED (
        SELECT e.id FROM segment_event e
        JOIN destination t ON t.company_id = e.company_id AND t.id = e.destination_id
        WHERE e.company_id = :company_id AND e.due_at <= :now AND t.status = 'active'
          AND (t.held_until IS NULL OR t.held_until <= :now)
        ORDER BY e.due_at, e.id LIMIT 1 FOR UPDATE OF e SKIP LOCKED)
    UPDATE segment_event e SET state = 'sending', due_at = :lease, attempts = e.attempts + 1, tried_at = :now
    FROM taken WHERE e.company_id = :company_id AND e.id = taken.id
    RETURNING e.id, e.destination_id, e.body, e.attempts, e.entered_at
    """
)
_SETTLE: Final = text(
    """
    UPDATE segment_event SET state = :state, due_at = :due_at, said = :said, settled_at = :settled_at,
        attempts = attempts - CAST(:unburnt AS int)
    WHERE company_id = :company_id AND id = :id AND state = 'sending' AND attempts = :attempts
    """
)
# Its schedule may wait for ten hours; nobody has to once the receiver answers.
_PULL_FORWARD: Final = text(
    """
    UPDATE segment_event SET due_at = :now
    WHERE company_id = :company_id AND destination_id = :destination_id AND state = 'waiting'
      AND attempts > 0 AND due_at > :now
    """
)


@dataclass(frozen=True)
class Claimed:
    """An event this worker may send until its lease ends."""

    id: UUID
    destination_id: UUID
    body: bytes
    attempts: int
    entered_at: datetime


def wake_sender(services: Services, company_id: UUID, _segment_id: UUID) -> None:
    """Ask for what is due at the company's webhooks."""
    services.nudges.wake("tell_webhooks", str(company_id))


def companies_to_tell(system: Session, now: datetime) -> list[UUID]:
    """Name the companies whose webhooks are to be told something now (system role)."""
    return list(system.scalars(_DUE, {"now": now}))


def send_entered(services: Services, company_id: UUID, *, courier: Courier | None = None) -> int:
    """Send what is due to the company's webhooks, one request each; returns how many were sent.

    Any number of workers may do so at once: a lease keeps them apart and brings back what a dead one held. A
    webhook that is unwell is held, one that is gone paused, as with conversions.
    """
    sent, ends = 0, monotonic() + MOST_SECONDS
    while monotonic() < ends:
        claimed = _claim(services, courier or courier_of(services), company_id)
        if claimed is None:
            break
        trip, event = claimed
        attempt = trip.courier.deliver(trip.destination, trip.settings, [event.body], trip.now(), trip.keep)
        _settle(trip, event, attempt)
        sent += 1
    return sent


def _claim(services: Services, courier: Courier, company_id: UUID) -> tuple[Trip, Claimed] | None:
    now = services.clock()
    with services.db.tenant(company_id) as session:
        row = session.execute(
            _CLAIM, {"company_id": company_id, "now": now, "lease": now + LEASE}
        ).one_or_none()
        account = account_of(session, company_id, row.destination_id) if row else None
        if row is None or account is None:
            return None
        return trip_to(services, courier, account, now), Claimed(*row)


def _settle(trip: Trip, event: Claimed, attempt: Attempt) -> None:
    now, (outcome, *_) = trip.now(), attempt.outcomes
    with trip.services.db.tenant(trip.company_id) as session:
        hold, is_paused = mind(session, trip, [attempt], attempt.outcomes, now)
        step = after_send(
            outcome, trip.destination, attempt=event.attempts, age=now - event.entered_at, hold=hold,
            first_poll=timedelta(0),
        )  # fmt: skip
        state, wait = _state(step)
        values = {
            "company_id": trip.company_id, "id": event.id, "attempts": event.attempts, "state": state,
            "due_at": None if wait is None else now + wait, "said": step.explanation,
            "settled_at": now if wait is None else None, "unburnt": 0 if step.burns else 1,
        }  # fmt: skip
        session.execute(_SETTLE, values)
        if outcome.class_ is Class.DONE and not is_paused:
            values = {"company_id": trip.company_id, "destination_id": trip.destination_id, "now": now}
            session.execute(_PULL_FORWARD, values)
    report_faults(trip, attempt.outcomes)


def _state(step: Step) -> tuple[str, timedelta | None]:
    """Return the event's state, and when it goes again; None: it does not by itself."""
    if step.state == "confirmed":
        return "sent", None
    if step.state == "parked":
        # The webhook is paused meanwhile: it goes as soon as that is resumed.
        return "waiting", timedelta(0)
    return ("failed", None) if step.wait is None else ("waiting", step.wait)
