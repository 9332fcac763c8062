"""The worker's own sweep: what no nudge asked for is done, and one broken job holds up nobody."""

import threading
from datetime import timedelta

import pytest

from calltrack.infra import outbox
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.builders import make_company
from tests.workers.process import until
from workers.due import Job
from workers.lanes import Lanes
from workers.sweep import sweep

PATIENCE = timedelta(seconds=5)


@pytest.mark.usefixtures("empty_database")
def test_a_job_that_fails_does_not_hold_up_the_others(services: Services) -> None:
    companies = [make_company(services) for _ in range(4)]
    long_ago = services.clock() - timedelta(minutes=1)
    for company in companies:
        with services.db.tenant(company.id) as session:
            outbox.record(session, company.id, "call.ended", new_id(), long_ago)
    tried: list[Job] = []

    def run(job: Job) -> None:
        tried.append(job)
        raise RuntimeError("this company's data is broken")

    stop = threading.Event()
    lanes = Lanes("test", 2, run, stop)
    assert sweep(services, PATIENCE, stop, lanes.hand_over) == 4
    assert until(lambda: len(tried) == 4, 10)
    assert {job[1] for job in tried} == {str(company.id) for company in companies}
    stop.set()
    assert lanes.join(5)


@pytest.mark.usefixtures("empty_database")
def test_what_became_due_just_now_is_left_to_its_nudge(services: Services) -> None:
    company = make_company(services)
    with services.db.tenant(company.id) as session:
        outbox.record(session, company.id, "call.ended", new_id(), services.clock())
    assert sweep(services, PATIENCE, threading.Event(), lambda job: None) == 0
