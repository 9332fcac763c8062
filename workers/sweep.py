"""Makes Redis optional: a thread of every worker that runs what has been due for too long by itself."""

import random
import threading
from collections.abc import Callable
from datetime import timedelta

from calltrack.infra.log import log
from calltrack.wiring import Services
from workers import jobs
from workers.due import Job, due_jobs

PATIENCE = timedelta(seconds=10)
EVERY_SECONDS = 3.0
MOST_AT_ONCE = 50


def sweep(services: Services, patience: timedelta, stop: threading.Event, run: Callable[[Job], None]) -> int:
    """Run jobs for what was due longer ago than `patience`; returns how many.

    Leases keep workers apart that sweep at once; a random order keeps them from meeting at every company.
    """
    with services.db.system() as system:
        overdue = due_jobs(system, services.clock() - patience)
    chosen = random.sample(overdue, min(len(overdue), MOST_AT_ONCE))
    for job in chosen:
        if stop.is_set():
            break
        try:
            run(job)
        except Exception:  # noqa: BLE001 - one company's broken work must not hold up the others'
            log.exception("the job %s failed; the next sweep tries it again", " ".join(job))
    return len(chosen)


def run_here(job: Job) -> None:
    """Run a job in this thread."""
    getattr(jobs, job[0])(*job[1:])


def keep_sweeping(services: Services, patience: timedelta, stop: threading.Event) -> None:
    """Sweep every few seconds until `stop` is set; whatever fails is tried again the next time."""
    while not stop.wait(EVERY_SECONDS):
        try:
            if found := sweep(services, patience, stop, run_here):
                log.warning("swept %d jobs that no nudge asked for; is Redis unwell?", found)
        except Exception as problem:  # noqa: BLE001 - the net below all nets must not tear
            log.error("sweep failed, next try in %s s: %s", EVERY_SECONDS, problem)
