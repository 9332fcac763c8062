"""Asks asynchronous platforms what became of accepted requests, one question per request."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from calltrack.delivery import accounts, ledger
from calltrack.delivery.dispatch import (
    GOES_AGAIN,
    by_route,
    dispatch,
    halves,
    pause_if_suspicious,
    report_faults,
)
from calltrack.delivery.ledger import Asked, Claimed, Received, Tried
from calltrack.delivery.rules import Step, after_poll, said
from calltrack.delivery.trip import Trip
from calltrack.delivery.waves import Group
from calltrack.destinations.outcomes import Class, Outcome
from calltrack.destinations.sending import Attempt

_NO_BODY: Final = hashlib.sha256(b"").digest()


def ask(trip: Trip, asked: Asked) -> bool:
    """Ask for one request's verdict and settle its rows; False: ask this destination no more for now."""
    attempt = trip.courier.poll(
        trip.destination, trip.settings, asked.request_id, asked.size, trip.now(), trip.keep
    )
    is_verdict = attempt.status == 200
    rows = list(asked.rows.values())
    outcomes = [attempt.outcomes[place] for place in asked.rows]
    pausing = next((o for o in outcomes if o.class_ is Class.CONFIG and o.pauses), None)
    now = trip.now()
    with trip.services.db.tenant(trip.company_id) as session:
        if pausing is not None:
            accounts.pause(session, trip.company_id, trip.destination_id, said(pausing), now)
        waits = _settle(session, trip, asked, outcomes, attempt, now)
        if not is_verdict and waits:
            ledger.ask_later(session, trip.company_id, trip.destination_id, now + max(waits), now)
    report_faults(trip, outcomes)
    split = [row for row, outcome in zip(rows, outcomes, strict=True) if outcome.class_ in GOES_AGAIN]
    well = dispatch(trip, _halves_by_route(trip, split)) if split else True
    stopped = pausing is not None or pause_if_suspicious(trip, outcomes)
    return is_verdict and well and not stopped


def _halves_by_route(trip: Trip, rows: Sequence[Claimed]) -> list[Group]:
    return [half for group in by_route(trip.destination, rows) for half in halves(group)]


def _settle(
    session: Session,
    trip: Trip,
    asked: Asked,
    outcomes: Sequence[Outcome],
    attempt: Attempt,
    now: datetime,
) -> list[timedelta]:
    """Write the verdicts down; returns the waits of the rows that have none yet."""
    steps: dict[UUID, Step] = {}
    judged: list[tuple[Claimed, Outcome]] = []
    sent_again: list[UUID] = []
    for row, outcome in zip(asked.rows.values(), outcomes, strict=True):
        if outcome.class_ is not Class.OPEN:
            judged.append((row, outcome))
        if outcome.class_ in GOES_AGAIN:
            sent_again.append(row.id)
            continue
        step = steps[row.id] = after_poll(
            outcome,
            trip.destination,
            attempt=row.attempts,
            is_verdict=attempt.status == 200,
            since_accepted=now - asked.accepted_at,
            first_poll=trip.first_poll,
        )
        if step.state in ("pending", "unknown", "parked"):
            sent_again.append(row.id)
    ledger.settle(session, trip.company_id, trip.token, steps, {}, asked.size, now)
    ledger.reopen_later_changes(session, trip.company_id, sent_again, now)
    if judged:
        _note(session, trip, judged, attempt, now)
    return [step.wait for step in steps.values() if step.state == "accepted" and step.wait is not None]


def _note(
    session: Session, trip: Trip, judged: Sequence[tuple[Claimed, Outcome]], attempt: Attempt, now: datetime
) -> None:
    """Keep the answer with each row it judged; a question without a verdict leaves no trace."""
    rows = [row for row, _ in judged]
    noted = ledger.note(session, trip.company_id, rows, [_NO_BODY] * len(rows), now, "poll")
    received = Received.of(attempt.status, attempt.answer, len(rows))
    tried = [
        Tried(row, outcome.class_.name, said(outcome), received)
        for row, (_, outcome) in zip(noted, judged, strict=True)
    ]
    ledger.finish(session, trip.company_id, tried, now)
