"""The clock process: `python -m workers.schedule`. Says what is due; one clock at a time does so.

It holds a PostgreSQL advisory lock on a connection of its own: a second clock waits and takes over within
seconds when the first one ends, however it ends.
"""

import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, select, text
from sqlalchemy.exc import SQLAlchemyError

from calltrack.attribution.night_work import companies_to_plan, plan
from calltrack.automations.cap_alert import watch_caps
from calltrack.budgets.night import plan_advice
from calltrack.budgets.pace_alert import watch_paces
from calltrack.calls.desk import SPOOL_FOLDER
from calltrack.calls.intake import drain_leftovers
from calltrack.calls.static_answers import files_of, static_rows, write_static
from calltrack.config import read_settings
from calltrack.delivery.model import DestinationAccount
from calltrack.delivery.notices import companies_to_review
from calltrack.delivery.tallies import ask_for_tallies
from calltrack.delivery.windows import close_windows
from calltrack.infra.log import log, set_up_logging
from calltrack.numbers.keeping import companies_with_numbers
from calltrack.reports.credit.marking import companies_without_look, plan_look
from calltrack.reports.keeping import companies_to_begin
from calltrack.stages.alerts import watch_segments
from calltrack.stages.entering import watch_entering
from calltrack.stages.keeping import begin_journeys
from calltrack.wiring import Services, build
from workers.due import due_jobs
from workers.housekeeping import keep_house

LOCK = 0x636C6F636B  # "clock"
TICK_SECONDS = 1.0
TAKE_OVER_SECONDS = 2.0


@dataclass(frozen=True)
class Task:
    """Something the clock does again and again."""

    name: str
    every: timedelta
    run: Callable[[Services], object]


def wake_due(services: Services) -> int:
    """Nudge workers about everything that is due in any company; returns how many jobs."""
    with services.db.system() as system:
        jobs = due_jobs(system, services.clock())
    for job in jobs:
        services.nudges.wake(*job)
    return len(jobs)


def empty_spools(services: Services) -> int:
    """Bring home what dead voice processes left in the spool; returns how many lines."""
    folder = services.settings.data_dir / SPOOL_FOLDER
    return drain_leftovers(services.db.url, folder, services.vault, services.clock)


def review_destinations(services: Services) -> int:
    """Nudge workers to look for what needs somebody; returns for how many companies."""
    with services.db.system() as system:
        companies = companies_to_review(system)
    for company_id in companies:
        services.nudges.wake("review", str(company_id))
    return len(companies)


def ask_of_numbers(job: str, services: Services) -> int:
    """Nudge workers to look at the carrier accounts of all companies with numbers; returns how many."""
    with services.db.system() as system:
        companies = companies_with_numbers(system)
    for company_id in companies:
        services.nudges.wake(job, str(company_id))
    return len(companies)


def plan_lessons(services: Services) -> int:
    """Plan the first lesson of companies that have numbers now; returns of how many."""
    with services.db.system() as system:
        companies = companies_to_plan(system)
    for company_id in companies:
        with services.db.tenant(company_id) as session:
            plan(session, company_id, services.clock())
    return len(companies)


def begin_reports(services: Services) -> int:
    """Nudge workers to count companies that nobody ever counted; returns how many."""
    with services.db.system() as system:
        companies = companies_to_begin(system)
    for company_id in companies:
        services.nudges.wake("keep_reports", str(company_id))
    return len(companies)


def plan_credit(services: Services) -> int:
    """Let companies that have numbers now have their paths counted; returns how many are new."""
    with services.db.system() as system:
        companies = companies_without_look(system)
    for company_id in companies:
        with services.db.tenant(company_id) as session:
            plan_look(session, company_id, services.clock())
    return len(companies)


def end_windows(services: Services) -> int:
    """End deliveries that their platform takes no more, in words; returns how many."""
    with services.db.system() as system:
        companies = list(system.scalars(select(DestinationAccount.company_id).distinct()))
    closed = 0
    for company_id in companies:
        with services.db.tenant(company_id) as session:
            closed += close_windows(session, company_id, services.clock())
    return closed


def keep_static_answers(services: Services) -> int:
    """Keep the folder of static answers current, where one is set; returns how many files changed."""
    if not services.settings.static_answers_dir:
        return 0
    folder = Path(services.settings.static_answers_dir)
    with services.db.system() as system:
        files = files_of(static_rows(system), folder)
    return write_static(folder, files)


TASKS = (
    Task("wake workers", timedelta(seconds=3), wake_due),
    Task("empty spools", timedelta(seconds=5), empty_spools),
    Task("keep static answers", timedelta(seconds=15), keep_static_answers),
    Task("review destinations", timedelta(minutes=1), review_destinations),
    Task("watch caps", timedelta(seconds=30), watch_caps),
    # Every four minutes: what went wrong is told within five.
    Task("check numbers", timedelta(minutes=4), partial(ask_of_numbers, "check_numbers")),
    Task("survey numbers", timedelta(hours=1), partial(ask_of_numbers, "survey_numbers")),
    Task("begin reports", timedelta(minutes=1), begin_reports),
    Task("compare with platforms", timedelta(hours=1), ask_for_tallies),
    Task("watch segments", timedelta(minutes=10), watch_segments),
    Task("look who entered segments", timedelta(minutes=10), watch_entering),
    Task("begin journeys", timedelta(minutes=1), begin_journeys),
    Task("plan lessons", timedelta(hours=1), plan_lessons),
    Task("plan budget advice", timedelta(minutes=10), plan_advice),
    Task("watch monthly budgets", timedelta(hours=1), watch_paces),
    Task("plan credit", timedelta(hours=1), plan_credit),
    Task("end windows", timedelta(hours=1), end_windows),
    Task("keep house", timedelta(days=1), keep_house),
)


def due_tasks(tasks: tuple[Task, ...], last_run: Mapping[str, datetime], now: datetime) -> list[Task]:
    """Return the tasks whose time has come, in order; one that never ran is due at once.

    A clock that was set back does not silence a task: a last run in the future counts as never.
    """
    return [
        task
        for task in tasks
        if (last := last_run.get(task.name)) is None or last > now or now - last >= task.every
    ]


def serve(services: Services, stop: threading.Event, tasks: tuple[Task, ...] = TASKS) -> None:
    """Run the tasks until `stop` is set, while no other clock does; outlives every database outage."""
    last_run: dict[str, datetime] = {}
    engine = services.db.system_engine.execution_options(isolation_level="AUTOCOMMIT")
    while not stop.is_set():
        try:
            with engine.connect() as held:
                # Taken out of the pool: closing it ends its session, and with it the lock.
                held.detach()
                if held.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}):
                    _tick(services, held, stop, tasks, last_run)
        except SQLAlchemyError as problem:
            log.error("the clock waits for the database: %s", problem)
        stop.wait(TAKE_OVER_SECONDS)


def _tick(
    services: Services,
    held: Connection,
    stop: threading.Event,
    tasks: tuple[Task, ...],
    last_run: dict[str, datetime],
) -> None:
    while not stop.is_set():
        # The lock lives as long as its connection: whoever lost it must notice before the next round.
        held.execute(text("SELECT 1"))
        for task in due_tasks(tasks, last_run, services.clock()):
            last_run[task.name] = services.clock()
            _run(services, task)
        stop.wait(TICK_SECONDS)


def _run(services: Services, task: Task) -> None:
    try:
        task.run(services)
    except Exception:  # noqa: BLE001 - one failing task must not stop the others; its next turn comes
        log.exception("the clock's task %r failed", task.name)


def main() -> None:
    """Read the settings, build the parts, tick until SIGTERM or SIGINT."""
    set_up_logging("clock")
    stop = threading.Event()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_, lambda *_: stop.set())
    services = build(read_settings())
    serve(services, stop)
    services.close()


if __name__ == "__main__":
    main()
