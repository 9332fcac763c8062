"""The worker process: `python -m workers.main`. Runs jobs from Redis, and sweeps what Redis lost.

RQ's own command gives a killed worker's job back after minutes and ends when Redis goes away; neither may
happen here, so this process drives RQ's worker itself and starts it again for ever.
"""

import signal
import threading
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from types import FrameType
from typing import Any

import redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from calltrack.config import read_settings
from calltrack.infra.log import log, set_up_logging
from calltrack.infra.process import give_memory_back
from calltrack.infra.queue import QUEUE, connect
from calltrack.wiring import Services, build
from workers.jobs import POOL_SIZE, Parts, install
from workers.subscriptions import SUBSCRIPTIONS, Subscriptions
from workers.sweep import PATIENCE, keep_sweeping

WORKER_TTL = 20
MAINTENANCE_SECONDS = 3
RESTART_SECONDS = 1.0
# Lanes end between two requests; a request that hangs is left to its lease. The supervisor waits 8 s.
STOP_SECONDS = 6.0


def serve(
    services: Services,
    *,
    subscriptions: Subscriptions = SUBSCRIPTIONS,
    sweep_after: timedelta | None = PATIENCE,
) -> None:
    """Work until SIGTERM or SIGINT; requests and facts in hand are finished, the others are given back.

    `sweep_after` is how long something may be due before it is done without a nudge; None: never.
    """
    give_memory_back()
    stop = threading.Event()
    parts = Parts(services, subscriptions, stop)
    install(parts)
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_, lambda *_: stop.set())
    sweeper = threading.Thread(target=keep_sweeping, args=(parts, sweep_after), name="sweep", daemon=True)
    if sweep_after is not None:
        sweeper.start()
    while not stop.is_set():
        _work(services, stop)
        stop.wait(RESTART_SECONDS)
    ends = monotonic() + STOP_SECONDS
    for lanes in (parts.deliveries, parts.facts, parts.calls, parts.speech, parts.quiet, parts.reports):
        lanes.join(ends - monotonic())
    if sweep_after is not None:
        sweeper.join(max(ends - monotonic(), 0.1))
    services.close()


def _work(services: Services, stop: threading.Event) -> None:
    """Run RQ's worker until it ends: on a stop, or because Redis failed it."""
    try:
        connection = connect(services.settings.redis_url)
        worker = _Worker(
            [Queue(QUEUE, connection=connection, serializer=JSONSerializer)],
            connection=connection,
            serializer=JSONSerializer,
            worker_ttl=WORKER_TTL,
            maintenance_interval=MAINTENANCE_SECONDS,
            log_job_description=False,
        )
        worker.stop = stop
        worker.work(logging_level="WARNING")
    except Exception as problem:  # noqa: BLE001 - a worker never ends for Redis' sake; the sweep goes on meanwhile
        if not stop.is_set():
            log.error("the queue is out of reach, trying again: %s", problem)


class _Worker(SimpleWorker):
    stop: threading.Event
    max_connection_wait_time = 5.0

    def request_stop(self, signum: int, frame: FrameType | None) -> Any:
        """Let the job in hand end early, then RQ's own loop."""
        self.stop.set()
        return super().request_stop(signum, frame)  # type: ignore[no-untyped-call]  # RQ's own

    def request_force_stop(self, signum: int, frame: FrameType | None) -> None:
        """Stop as gently at the second signal: the supervisor kills whoever takes too long."""
        self.stop.set()

    def set_shutdown_requested_date(self) -> None:
        """Tell RQ's dashboards, if Redis is there to listen."""
        with suppress(redis.RedisError):
            super().set_shutdown_requested_date()  # type: ignore[no-untyped-call]  # RQ's own


def main() -> None:
    """Read the settings, build the parts, work."""
    set_up_logging("worker")
    serve(build(read_settings(), pool_size=POOL_SIZE))


if __name__ == "__main__":
    main()
