"""The jobs that nudges ask for: an id and a call each. `install` hands them the process's parts once.

A job only hands its work over to a lane and returns: RQ's loop is free for the next one at once.
"""

import threading
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import redis

from calltrack.audiences.keeping import keep
from calltrack.audiences.telling import tell_due
from calltrack.conversions import intake
from calltrack.conversions.import_run import work_on
from calltrack.delivery import notices
from calltrack.delivery.service import deliver_due, poll_due
from calltrack.infra.log import log
from calltrack.infra.queue import silence_key
from calltrack.wiring import Services
from workers import facts
from workers.due import Job
from workers.lanes import Lanes
from workers.subscriptions import SUBSCRIPTIONS, Subscriptions

# Lanes mostly wait for platforms; facts have lanes of their own, so neither delays the other.
DELIVERY_LANES: Final = 12
FACT_LANES: Final = 2
# What all lanes, the sweep and the loop may hold at once (as many again in a rush).
POOL_SIZE: Final = 8


@dataclass(frozen=True)
class Parts:
    """What the jobs of this process work with; `stop` asks a long job to end early."""

    services: Services
    subscriptions: Subscriptions = field(default_factory=lambda: SUBSCRIPTIONS)
    stop: threading.Event = field(default_factory=threading.Event)
    deliveries: Lanes = field(init=False)
    facts: Lanes = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the lanes."""
        object.__setattr__(self, "deliveries", Lanes("deliveries", DELIVERY_LANES, self.run, self.stop))
        object.__setattr__(self, "facts", Lanes("facts", FACT_LANES, self.run, self.stop))

    def hand_over(self, job: Job) -> bool:
        """Give a job to its lanes; False: it waits there already."""
        return self._lanes_of(job).hand_over(job)

    def is_busy_with(self, job: Job) -> bool:
        """Say whether this process does the job already, or is about to."""
        return self._lanes_of(job).is_busy_with(job)

    def run(self, job: Job) -> None:
        """Carry out a job in this thread."""
        name, company_id, *rest = job

        def again() -> bool:
            return self.hand_over(job)

        if name == "deliver":
            deliver_due(self.services, UUID(company_id), UUID(rest[0]), stop=self.stop, again=again)
        elif name == "poll":
            poll_due(self.services, UUID(company_id), UUID(rest[0]), stop=self.stop, again=again)
        elif name == "match_outcomes":
            self._match_outcomes(UUID(company_id))
        elif name == "import_outcomes":
            self._import_outcomes(UUID(company_id), UUID(rest[0]))
        elif name == "review":
            notices.review(self.services, UUID(company_id))
        elif name == "keep_audiences":
            keep(self.services, UUID(company_id), stop=self.stop)
        elif name == "tell_audience":
            tell_due(self.services, UUID(company_id), UUID(rest[0]), stop=self.stop, again=again)
        elif facts.drain(self.services, self.subscriptions, UUID(company_id), self.stop, again=again):
            self.services.nudges.show(company_id)

    def _match_outcomes(self, company_id: UUID) -> None:
        found = 1
        while found and not self.stop.is_set():
            with self.services.db.tenant(company_id) as session:
                found = intake.retry_due(session, self.services.vault, company_id, self.services.clock())
        self.services.nudges.wake("handle_facts", str(company_id))

    def _import_outcomes(self, company_id: UUID, import_id: UUID) -> None:
        done = work_on(self.services, company_id, import_id, self.stop)
        self.services.nudges.wake("handle_facts", str(company_id))
        if not done:
            self.services.nudges.wake("import_outcomes", str(company_id), str(import_id))

    def _lanes_of(self, job: Job) -> Lanes:
        return self.deliveries if job[0] in ("deliver", "poll", "tell_audience") else self.facts


_installed: list[Parts] = []


def install(parts: Parts) -> None:
    """Set the parts all jobs of this process work with."""
    _installed[:] = [parts]


def handle_facts(company_id: str) -> None:
    """Handle the company's due facts."""
    _begin("handle_facts", company_id)


def deliver(company_id: str, destination_id: str) -> None:
    """Send what is due to one destination."""
    _begin("deliver", company_id, destination_id)


def poll(company_id: str, destination_id: str) -> None:
    """Ask one destination for the verdicts that are due."""
    _begin("poll", company_id, destination_id)


def match_outcomes(company_id: str) -> None:
    """Try kept outcomes again whose time has come."""
    _begin("match_outcomes", company_id)


def import_outcomes(company_id: str, import_id: str) -> None:
    """Go on with a file of outcomes."""
    _begin("import_outcomes", company_id, import_id)


def review(company_id: str) -> None:
    """Look at the company's destinations for what needs somebody."""
    _begin("review", company_id)


def keep_audiences(company_id: str) -> None:
    """Bring the company's audiences in line with their conditions."""
    _begin("keep_audiences", company_id)


def tell_audience(company_id: str, place_id: str) -> None:
    """Tell one customer list who joins and who leaves."""
    _begin("tell_audience", company_id, place_id)


def _begin(*job: str) -> None:
    """End the silence first: what becomes due while the job runs must be able to ask for another one."""
    parts = _installed[0]
    try:
        parts.services.nudges.connection.delete(silence_key(*job))
    except redis.RedisError as problem:
        log.warning("Redis is unwell; the silence of %s ends by itself: %s", job[0], problem)
    parts.hand_over(job)
