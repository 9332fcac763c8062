"""Redis is emptied again and again while calls end: work is late, never lost (fault F10)."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep

import pytest
from redis import Redis
from sqlalchemy import func, select

from calltrack.config import Settings
from calltrack.conversions.model import Conversion, ConversionChange
from calltrack.wiring import Services
from tests.builders import make_company
from tests.workers.process import end_call, open_facts, running, until

CALLS, AFTER_PAUSE = 30, 5
SERVE = """
import sys
from datetime import timedelta
from calltrack.config import read_settings
from calltrack.wiring import build
from workers.main import serve
serve(build(read_settings()), sweep_after=timedelta(seconds=2) if sys.argv[1] == "sweeps" else None)
"""


@contextmanager
def emptied_all_the_time(redis_url: str) -> Iterator[None]:
    """Send FLUSHALL every 20 ms."""
    stop = threading.Event()
    redis = Redis.from_url(redis_url)

    def flush() -> None:
        while not stop.wait(0.02):
            redis.flushall()

    thread = threading.Thread(target=flush)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        redis.close()


@pytest.mark.usefixtures("empty_database")
@pytest.mark.parametrize(("mode", "left_over"), [("sweeps", 0), ("does not sweep", AFTER_PAUSE)])
def test_an_emptied_redis_loses_nothing_because_workers_sweep(
    services: Services, settings: Settings, mode: str, left_over: int
) -> None:
    """The second row takes the protection out: the nudges that FLUSHALL ate are then never made good."""
    company, seconds = make_company(services), 12 if left_over else 60
    with running(settings, "-c", SERVE, mode) as worker:
        with emptied_all_the_time(settings.redis_url):
            for number in range(CALLS):
                end_call(services, company, f"+3934712{number:05d}")
                services.nudges.wake("handle_facts", str(company.id))
                sleep(0.05)
            assert until(lambda: open_facts(services, company) == 0, seconds) or mode != "sweeps"
            # The worker stands still while its last nudges arrive, so that they are surely emptied away.
            worker.send_signal(signal.SIGSTOP)
            for number in range(AFTER_PAUSE):
                end_call(services, company, f"+3934799{number:05d}")
            services.nudges.wake("handle_facts", str(company.id))
            sleep(0.5)
            worker.send_signal(signal.SIGCONT)
            sleep(0.2)
        assert until(lambda: open_facts(services, company) == 0, seconds) is (left_over == 0)
    assert open_facts(services, company) >= left_over
    if left_over == 0:
        with services.db.tenant(company.id) as session:
            counts = [
                session.scalar(select(func.count()).select_from(table))
                for table in (Conversion, ConversionChange)
            ]
        assert counts == [CALLS + AFTER_PAUSE] * 2
