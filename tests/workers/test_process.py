"""The worker as a process of its own: real PostgreSQL, real Redis, real signals."""

import signal
from pathlib import Path
from time import monotonic, sleep

import pytest
from rq import Worker
from sqlalchemy import select

from calltrack.config import Settings
from calltrack.conversions.model import Conversion
from calltrack.infra.embedded import EmbeddedRedis
from calltrack.wiring import Services, build
from tests.builders import Company
from tests.busy_machine import Slowness
from tests.workers.process import CLOCK, WORKER, end_call, open_facts, running, until

# Real workers look at every company: what other tests left undone is not theirs to do.
pytestmark = pytest.mark.usefixtures("empty_database")


def test_a_nudge_makes_an_ended_call_a_lead_at_once(
    services: Services, settings: Settings, company: Company
) -> None:
    redis = services.nudges.connection
    known = {worker.name for worker in Worker.all(connection=redis)}
    with running(settings, *WORKER):
        # A loaded machine may take long to start it; only from then on does the clock count.
        assert until(lambda: bool({one.name for one in Worker.all(connection=redis)} - known), 60)
        calls = []
        for caller in ("+393471234567", "+393471234568", "+393471234569"):
            assert until(lambda: open_facts(services, company) == 0, 60)
            calls.append(end_call(services, company, caller).id)
            services.nudges.wake("handle_facts", str(company.id))
            # Sooner than the sweep would find it: the nudge did it. Once is proof.
            if until(lambda: open_facts(services, company) == 0, 9):
                break
        assert open_facts(services, company) == 0
    with services.db.tenant(company.id) as session:
        assert set(session.scalars(select(Conversion.call_id))) == set(calls)


def test_the_clock_wakes_a_worker_that_nobody_nudged(
    services: Services, settings: Settings, company: Company
) -> None:
    with running(settings, *WORKER), running(settings, *CLOCK):
        end_call(services, company)
        assert until(lambda: open_facts(services, company) == 0, 60)


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_ends_within_ten_seconds(
    services: Services, settings: Settings, company: Company, signal_: signal.Signals
) -> None:
    with running(settings, *WORKER) as worker:
        end_call(services, company)
        services.nudges.wake("handle_facts", str(company.id))
        assert until(lambda: open_facts(services, company) == 0, 60)
        asked = monotonic()
        with Slowness() as machine:
            worker.send_signal(signal_)
            assert worker.wait(60) == 0
        assert monotonic() - asked < 10 * machine.worst


def test_a_worker_outlives_redis_and_works_without_it(
    settings: Settings, company: Company, tmp_path: Path
) -> None:
    redis = EmbeddedRedis(tmp_path / "redis")
    redis.start()
    try:
        own = settings.model_copy(update={"redis_url": redis.url})
        services = build(own)
        with running(own, *WORKER) as worker:
            end_call(services, company)
            services.nudges.wake("handle_facts", str(company.id))
            assert until(lambda: open_facts(services, company) == 0, 60)
            redis.stop()
            end_call(services, company, "+393489876543")
            assert until(lambda: open_facts(services, company) == 0, 60)
            redis.start()
            sleep(6)
            end_call(services, company, "+393481112223")
            services.nudges.wake("handle_facts", str(company.id))
            assert until(lambda: open_facts(services, company) == 0, 60)
            redis.stop()
            worker.terminate()
            assert worker.wait(60) == 0
        services.close()
    finally:
        redis.stop()
