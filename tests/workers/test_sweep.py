"""The worker's own sweep: what no nudge asked for is done, and one broken job holds up nobody."""

import threading
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from calltrack.calls.keeping_model import CarrierPoll
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
    assert until(lambda: len(tried) == 4, 60)
    assert {job[1] for job in tried} == {str(company.id) for company in companies}
    stop.set()
    assert lanes.join(30)


@pytest.mark.usefixtures("empty_database")
def test_a_carriers_list_that_nobody_nudged_about_is_read_by_the_sweep(services: Services) -> None:
    """Redis may be empty and the clock dead: the database alone says that its turn has come."""
    company = make_company(services)
    jobs: list[Job] = []
    later = replace(services, clock=lambda: services.clock() + timedelta(minutes=6))
    assert sweep(services, PATIENCE, threading.Event(), jobs.append) == 0, "connected this moment"
    assert sweep(later, PATIENCE, threading.Event(), jobs.append) == 1
    (job,) = jobs
    assert job[:2] == ("poll_calls", str(company.id))
    with services.db.tenant(company.id) as session:
        polled = CarrierPoll(company_id=company.id, account_id=UUID(job[2]), due_at=services.clock())
        session.add(polled)
    assert sweep(services, PATIENCE, threading.Event(), jobs.append) == 0, "its turn has just come"
    assert sweep(later, PATIENCE, threading.Event(), jobs.append) == 1


@pytest.mark.usefixtures("empty_database")
def test_what_became_due_just_now_is_left_to_its_nudge(services: Services) -> None:
    company = make_company(services)
    with services.db.tenant(company.id) as session:
        outbox.record(session, company.id, "call.ended", new_id(), services.clock())
    assert sweep(services, PATIENCE, threading.Event(), lambda job: None) == 0
