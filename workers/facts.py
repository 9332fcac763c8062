"""Handles the facts of one company: claim, run the subscribers, settle or postpone.

Facts of one kind go to their subscribers together where those offer it. If that fails they go in halves, down
to single ones, so that one bad fact cannot hold the others.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from uuid import UUID

from calltrack.infra import outbox
from calltrack.infra.log import log
from calltrack.infra.outbox import Claimed
from calltrack.wiring import Services
from workers.subscriptions import Subscriptions, Together

# How many facts are claimed at once; what cannot be begun within half of the lease is given back.
BATCH = 500
BEGIN_WITHIN = outbox.LEASE.total_seconds() / 2

# After this long other companies get their turn; what is left asks for a job of its own.
TURN_SECONDS = 20.0


def drain(
    services: Services,
    subscriptions: Subscriptions,
    company_id: UUID,
    stop: threading.Event,
    turn_seconds: float = TURN_SECONDS,
    again: Callable[[], object] | None = None,
) -> int:
    """Handle the company's due facts until none is left or `stop` is set; returns how many were handled.

    After its turn a company with very many facts calls `again` (by default a nudge), so that it delays nobody
    else.
    """
    handled, ends = 0, monotonic() + turn_seconds
    while not stop.is_set():
        if monotonic() >= ends:
            again() if again is not None else services.nudges.wake("handle_facts", str(company_id))
            break
        with services.db.tenant(company_id) as session:
            claimed = outbox.claim(session, company_id, services.clock(), BATCH)
        if not claimed:
            break
        until = min(monotonic() + BEGIN_WITHIN, ends)
        waiting = _portions(claimed, subscriptions)
        for begun, portion in enumerate(waiting):
            # The first is begun in any case: a database so slow that to claim takes the whole turn must not
            # keep the company from getting on.
            if stop.is_set() or (begun and monotonic() > until):
                _give_back(services, [*portion, *(fact for rest in waiting for fact in rest)])
            else:
                handled += _handle(services, subscriptions, portion)
    return handled


def _portions(claimed: Sequence[Claimed], subscriptions: Subscriptions) -> Iterator[list[Claimed]]:
    """Yield facts that are handled together: all of a kind where its subscribers take many, else one."""
    kinds: dict[str, list[Claimed]] = {}
    for fact in claimed:
        kinds.setdefault(fact.kind, []).append(fact)
    for kind, facts in kinds.items():
        if all(isinstance(handler, Together) for handler in subscriptions.get(kind, (None,))):
            yield facts
        else:
            yield from ([fact] for fact in facts)


def _handle(services: Services, subscriptions: Subscriptions, facts: Sequence[Claimed]) -> int:
    """Run the subscribers in order; a failure puts its fact back with its error and ends nothing else."""
    if len(facts) > 1:
        if _handle_together(services, subscriptions, facts):
            return len(facts)
        middle = len(facts) // 2
        return sum(_handle(services, subscriptions, half) for half in (facts[:middle], facts[middle:]))
    (fact,) = facts
    try:
        for handler in subscriptions[fact.kind]:
            handler(services, fact.company_id, fact.subject_id)
    except Exception as problem:  # noqa: BLE001 - one bad fact must not keep the others; the row keeps the error
        log.exception("fact %s %s of company %s failed", fact.kind, fact.id, fact.company_id)
        with services.db.tenant(fact.company_id) as session:
            outbox.postpone(session, fact, _in_one_line(fact, problem), services.clock())
        return 0
    _settle(services, facts)
    return 1


def _handle_together(services: Services, subscriptions: Subscriptions, facts: Sequence[Claimed]) -> bool:
    """Hand all these facts of one kind to its subscribers at once; False: at least one of them is bad."""
    company_id, kind = facts[0].company_id, facts[0].kind
    subjects = list(dict.fromkeys(fact.subject_id for fact in facts))
    try:
        for handler in subscriptions[kind]:
            assert isinstance(handler, Together)
            handler.many(services, company_id, subjects)
    except Exception as problem:  # noqa: BLE001 - handled in halves, the bad one keeps its error
        log.warning("%d facts %s are handled in halves: %s", len(facts), kind, type(problem).__name__)
        return False
    _settle(services, facts)
    return True


def _settle(services: Services, facts: Sequence[Claimed]) -> None:
    with services.db.tenant(facts[0].company_id) as session:
        outbox.settle(session, facts, services.clock())


def _give_back(services: Services, facts: Sequence[Claimed]) -> None:
    with services.db.tenant(facts[0].company_id) as session:
        outbox.give_back(session, facts, services.clock())


def _in_one_line(fact: Claimed, problem: Exception) -> str:
    if isinstance(problem, KeyError) and problem.args == (fact.kind,):
        return f"Nobody subscribes to {fact.kind}; is this worker older than the process that recorded it?"
    return f"{type(problem).__name__}: {problem}"
