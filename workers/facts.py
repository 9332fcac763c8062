"""Handles the facts of one company: claim, run the subscribers, settle or postpone."""

import threading
from time import monotonic
from uuid import UUID

from rq.timeouts import JobTimeoutException

from calltrack.infra import outbox
from calltrack.infra.log import log
from calltrack.infra.outbox import Claimed
from calltrack.wiring import Services
from workers.subscriptions import Subscriptions

# Few enough that a slow batch ends well within the lease.
BATCH = 20


# After this long other companies get their turn; what is left asks for a job of its own.
TURN_SECONDS = 20.0


def drain(
    services: Services,
    subscriptions: Subscriptions,
    company_id: UUID,
    stop: threading.Event,
    turn_seconds: float = TURN_SECONDS,
) -> int:
    """Handle the company's due facts until none is left or `stop` is set; returns how many were handled.

    A company with very many facts is asked for again after its turn, so that it delays nobody else.
    """
    handled, end = 0, monotonic() + turn_seconds
    while not stop.is_set():
        if monotonic() >= end:
            services.nudges.wake("handle_facts", str(company_id))
            break
        with services.db.tenant(company_id) as session:
            claimed = outbox.claim(session, company_id, services.clock(), BATCH)
        if not claimed:
            break
        for fact in claimed:
            if stop.is_set():
                _give_back(services, fact)
            else:
                handled += _handle(services, subscriptions, fact)
    return handled


def _handle(services: Services, subscriptions: Subscriptions, fact: Claimed) -> bool:
    """Run the fact's subscribers in order; a failure puts it back with its error and ends nothing else."""
    try:
        for handler in subscriptions[fact.kind]:
            handler(services, fact.company_id, fact.subject_id)
    except JobTimeoutException:
        raise
    except Exception as problem:  # noqa: BLE001 - one bad fact must not keep the others; the row keeps the error
        log.exception("fact %s %s of company %s failed", fact.kind, fact.id, fact.company_id)
        with services.db.tenant(fact.company_id) as session:
            outbox.postpone(session, fact, _in_one_line(fact, problem), services.clock())
        return False
    with services.db.tenant(fact.company_id) as session:
        outbox.settle(session, fact, services.clock())
    return True


def _give_back(services: Services, fact: Claimed) -> None:
    with services.db.tenant(fact.company_id) as session:
        outbox.give_back(session, fact, services.clock())


def _in_one_line(fact: Claimed, problem: Exception) -> str:
    if isinstance(problem, KeyError) and problem.args == (fact.kind,):
        return f"Nobody subscribes to {fact.kind}; is this worker older than the process that recorded it?"
    return f"{type(problem).__name__}: {problem}"
