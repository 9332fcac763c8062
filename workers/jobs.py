"""The jobs that nudges ask for: an id and a call each. `install` hands them the process's parts once."""

import threading
from dataclasses import dataclass, field
from uuid import UUID

import redis

from calltrack.conversions import intake
from calltrack.delivery import notices
from calltrack.delivery.service import deliver_due, poll_due
from calltrack.infra.log import log
from calltrack.infra.queue import silence_key
from calltrack.wiring import Services
from workers import facts
from workers.subscriptions import SUBSCRIPTIONS, Subscriptions


@dataclass(frozen=True)
class Parts:
    """What the jobs of this process work with; `stop` asks a long job to end early."""

    services: Services
    subscriptions: Subscriptions = field(default_factory=lambda: SUBSCRIPTIONS)
    stop: threading.Event = field(default_factory=threading.Event)


_installed: list[Parts] = []


def install(parts: Parts) -> None:
    """Set the parts all jobs of this process work with."""
    _installed[:] = [parts]


def handle_facts(company_id: str) -> None:
    """Handle the company's due facts."""
    parts = _begin("handle_facts", company_id)
    if facts.drain(parts.services, parts.subscriptions, UUID(company_id), parts.stop):
        parts.services.nudges.show(company_id)


def deliver(company_id: str, destination_id: str) -> None:
    """Send what is due to one destination."""
    parts = _begin("deliver", company_id, destination_id)
    deliver_due(parts.services, UUID(company_id), UUID(destination_id), stop=parts.stop)


def poll(company_id: str, destination_id: str) -> None:
    """Ask one destination for the verdicts that are due."""
    parts = _begin("poll", company_id, destination_id)
    poll_due(parts.services, UUID(company_id), UUID(destination_id), stop=parts.stop)


def match_outcomes(company_id: str) -> None:
    """Try kept outcomes again whose time has come."""
    parts = _begin("match_outcomes", company_id)
    services, tenant = parts.services, UUID(company_id)
    found = 1
    while found and not parts.stop.is_set():
        with services.db.tenant(tenant) as session:
            found = intake.retry_due(session, services.vault, tenant, services.clock())
    services.nudges.wake("handle_facts", company_id)


def review(company_id: str) -> None:
    """Look at the company's destinations for what needs somebody."""
    parts = _begin("review", company_id)
    notices.review(parts.services, UUID(company_id))


def _begin(*words: str) -> Parts:
    """End the silence first: what becomes due while the job runs must be able to ask for another one."""
    parts = _installed[0]
    try:
        parts.services.nudges.connection.delete(silence_key(*words))
    except redis.RedisError as problem:
        log.warning("Redis is unwell; the silence of %s ends by itself: %s", words[0], problem)
    return parts
