"""A purchase leaves the lists within 15 minutes, by the clock's own schedule and without a single nudge."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from calltrack.audiences.telling import _claim
from calltrack.conversions.rules import Outcome
from calltrack.conversions.service import set_outcome
from calltrack.wiring import Services
from tests.audiences.world import World, named
from workers.due import due_jobs
from workers.jobs import Parts
from workers.schedule import TASKS, due_tasks, wake_due

pytestmark = pytest.mark.usefixtures("emptied")

BOUND = timedelta(minutes=15)
# The clock asks what is due; a job that is asked for is taken up before it asks again.
WAKE = next(task for task in TASKS if task.run is wake_due)


class Machine:
    """Worker and clock in virtual time: only what the clock finds due is done, nudges are lost."""

    def __init__(self, world: World) -> None:
        settings = world.services.settings.model_copy(update={"mode": "demo"})
        self.world = world
        self.services: Services = replace(world.services, settings=settings)
        self.parts = Parts(self.services)
        self.last_run: dict[str, datetime] = {}
        self.jobs: list[str] = []

    def run_until(self, is_done: Callable[[], bool], at_most: timedelta) -> timedelta:
        """Let time pass until it is done; returns how long that took."""
        begun = self.world.now()
        while not is_done():
            assert self.world.now() - begun <= at_most, f"not done after {at_most}; jobs: {self.jobs}"
            self.world.later(seconds=1)
            if due_tasks((WAKE,), self.last_run, self.world.now()):
                self.last_run[WAKE.name] = self.world.now()
                with self.services.db.system() as system:
                    jobs = due_jobs(system, self.world.now())
                for job in jobs:
                    if job[1] == str(self.world.company.id):
                        self.jobs.append(job[0])
                        self.parts.run(job)
        return self.world.now() - begun


def nothing(_world: World, _place: UUID) -> None:
    """All is well."""


def dead_worker(world: World, place: UUID) -> None:
    """A worker dies with additions to the same list in its hands."""
    other = world.crowd.person()
    lead = world.crowd.convert(other, world.crowd.call(other, world.now()), "lead", world.now())
    world.crowd.store()
    world.changed(lead)
    world.keep()
    assert _claim(world.services, world.company.id, place) is not None


def outage(world: World, _place: UUID) -> None:
    """The platform fails so often that it is left alone for the longest time."""
    world.faults(*["503"] * 7)


def long_look(world: World, _place: UUID) -> None:
    """Everybody is to be looked at."""
    world.run("UPDATE audience SET full_due_at = :now WHERE company_id = :c", now=world.now())


@pytest.mark.parametrize(
    ("trouble", "bound"),
    [
        (nothing, timedelta(seconds=15)),
        (long_look, timedelta(seconds=15)),
        (dead_worker, timedelta(minutes=2)),
        (outage, BOUND),
    ],
)
def test_a_purchase_leaves_every_list_within_15_minutes(
    world: World, trouble: Callable[[World, UUID], None], bound: timedelta
) -> None:
    one = world.crowd.person()
    at = world.now() - timedelta(hours=1)
    call = world.crowd.call(one, at)
    world.crowd.convert(one, call, "lead", at)
    world.crowd.store()
    place = world.place(world.audience(), world.google())
    world.settle(place)
    assert world.at_twin() == {named(one.phone)}
    trouble(world, place)
    machine = Machine(world)
    with world.services.db.tenant(world.company.id) as session:
        said = Outcome(kind="purchase", by="Maria", value_minor=85_000, currency="EUR")
        assert set_outcome(session, world.company.id, call, said, world.now())
    took = machine.run_until(lambda: named(one.phone) not in world.at_twin(), BOUND)
    assert took <= bound <= BOUND
    assert {"handle_facts", "keep_audiences", "tell_audience"} <= set(machine.jobs)
