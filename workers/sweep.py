"""Makes Redis optional: a thread of every worker that finds what has been due for too long by itself."""

import random
import threading
from collections.abc import Callable
from datetime import timedelta

from calltrack.infra.log import log
from calltrack.wiring import Services
from workers.due import Job, due_jobs
from workers.jobs import Parts

PATIENCE = timedelta(seconds=10)
EVERY_SECONDS = 3.0
MOST_AT_ONCE = 50


def sweep(
    services: Services, patience: timedelta, stop: threading.Event, begin: Callable[[Job], object]
) -> int:
    """Begin jobs for what was due longer ago than `patience`; returns how many `begin` took (gave no False).

    Leases keep workers apart that sweep at once; a random order keeps them from meeting at every company.
    """
    with services.db.system() as system:
        overdue = due_jobs(system, services.clock() - patience)
    begun = 0
    for job in random.sample(overdue, min(len(overdue), MOST_AT_ONCE)):
        if stop.is_set():
            break
        begun += begin(job) is not False
    return begun


def keep_sweeping(parts: Parts, patience: timedelta) -> None:
    """Sweep every few seconds until the parts' stop; whatever fails is tried again the next time.

    What this process works on anyway is left alone; it is overdue because there is so much of it.
    """

    def begin(job: Job) -> bool:
        return not parts.is_busy_with(job) and parts.hand_over(job)

    while not parts.stop.wait(EVERY_SECONDS):
        try:
            if found := sweep(parts.services, patience, parts.stop, begin):
                log.warning("swept %d jobs that no nudge asked for; is Redis unwell?", found)
        except Exception as problem:  # noqa: BLE001 - the net below all nets must not tear
            log.error("sweep failed, next try in %s s: %s", EVERY_SECONDS, problem)
