"""The clock and a worker find out within five minutes that a number is lost or an account suspended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from calltrack.config import Settings
from calltrack.numbers.leaving import ask_to_leave
from calltrack.numbers.service import release_number
from calltrack.wiring import Services
from tests.numbers.provider import Provider, provided
from tests.workers.process import WORKER, running, until
from workers.due import due_jobs
from workers.schedule import TASKS, Task

(CHECK,) = (task for task in TASKS if task.name == "check numbers")
(SURVEY,) = (task for task in TASKS if task.name == "survey numbers")


@pytest.fixture
def provider(services: Services, empty_database: None) -> Iterator[Provider]:
    with provided(services) as one:
        yield one


@pytest.fixture
def worker(provider: Provider, settings: Settings) -> Iterator[None]:
    with running(settings.model_copy(update={"twilio_api_base": provider.world.base}), *WORKER):
        yield


def told(provider: Provider, task: Task, *words: str) -> bool:
    assert task.run(provider.services) == 1

    def is_told() -> bool:
        return all(any(word in text for _, text in provider.notices()) for word in words)

    return until(is_told, 120)


def test_the_clock_asks_often_enough() -> None:
    assert CHECK.every < timedelta(minutes=5)
    assert SURVEY.every == timedelta(hours=1)


@pytest.mark.usefixtures("worker")
def test_a_lost_number_is_told_and_so_is_its_return(provider: Provider) -> None:
    e164 = provider.company.numbers[0]
    owned = provider.at_carrier(e164)
    assert owned is not None
    provider.world.carrier.release_number(owned.sid)
    assert told(provider, CHECK, "does not have this number")
    # A demo's carrier takes a released number back by its directory only; here the twin forgets the release.
    provider.world.twin.desk.records.drop("released", e164)
    assert CHECK.run(provider.services) == 1
    assert until(lambda: provider.notices() == [], 120)


@pytest.mark.usefixtures("worker")
def test_a_suspended_account_is_told(provider: Provider) -> None:
    provider.world.fault("rules", "reason:20005")
    assert told(provider, CHECK, "not active")


@pytest.mark.usefixtures("worker")
def test_the_survey_tells_of_orphans(provider: Provider) -> None:
    e164 = provider.offers()[0]
    number = provider.buy(e164)
    with provider.services.db.tenant(provider.company.id) as session:
        release_number(session, provider.company.id, number.id, provider.now)
    assert told(provider, SURVEY, "still yours at the carrier")


def test_what_is_ordered_or_leaves_is_a_due_job(provider: Provider) -> None:
    job = ("provide_numbers", str(provider.company.id))

    def is_due() -> bool:
        with provider.services.db.system() as system:
            return job in due_jobs(system, provider.now)

    e164 = provider.offers()[0]
    assert not is_due()
    provider.order(e164)
    assert is_due()
    number = provider.buy(provider.offers()[1])
    assert not is_due()
    with provider.services.db.tenant(provider.company.id) as session:
        ask_to_leave(session, provider.company.id, number.id, number.e164, "IT", 1, provider.now, by="anna")
    assert not is_due()
    provider.now += timedelta(days=1)
    assert is_due()
