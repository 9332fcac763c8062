"""Events of one call, posted by eight threads in any order: the same rows as in order (I8)."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from calltrack.calls import service
from calltrack.calls.model import CallEventRow
from calltrack.calls.service import Received
from calltrack.infra.bounded import BoundedPool
from calltrack.kernel.ids import new_id
from calltrack.telephony.base import CallEvent
from calltrack.wiring import Services
from tests.builders import Company
from tests.calls.rows import Stored, calls_of, facts_of, stored_call
from tests.calls.stories import START, TALKED, event, leg
from tests.examples import examples

OTHER_LEG = "CA" + "9" * 32
STORY = (
    *TALKED,
    leg("other-1", 1, "ringing", 1, leg_sid=OTHER_LEG),
    leg("other-2", 9, "canceled", 2, leg_sid=OTHER_LEG, duration_seconds=0),
    event("ended", "ended-early", 100, status="in_progress", sequence=0),
)


@pytest.fixture(scope="module")
def pool(services: Services) -> Iterator[BoundedPool]:
    connections = BoundedPool(services.settings.app_url, 8)
    connections.refill()
    yield connections
    connections.drop_idle()


def of_call(sid: str) -> list[CallEvent]:
    return [replace(one, call_sid=sid) for one in STORY]


def post(
    pool: BoundedPool, services: Services, company: Company, one: CallEvent, spooled: bool = False
) -> bool:
    received = Received(company.id, company.number_ids[0], company.location_id, one, one.at, spooled)
    with pool.lend(10) as connection:
        return service.store(connection, services.vault, received, START + timedelta(hours=1))


def in_order(pool: BoundedPool, services: Services, company: Company) -> Stored:
    sid = "CA" + new_id().hex
    for one in of_call(sid):
        assert post(pool, services, company, one)
    return stored_call(services, company.id, sid)


def comparable(stored: Stored, sid: str) -> str:
    return str(stored).replace(sid, "SID")


def events_of(services: Services, company: Company, sid: str) -> int:
    with services.db.tenant(company.id) as session:
        return session.scalar(select(func.count()).where(CallEventRow.call_sid == sid)) or 0


def test_eight_threads_in_any_order_make_the_same_rows(
    pool: BoundedPool, services: Services, company: Company
) -> None:
    expected = in_order(pool, services, company)
    with ThreadPoolExecutor(8) as threads:
        for seed in range(examples(12)):
            chance, sid = random.Random(seed), "CA" + new_id().hex
            told = [one for one in of_call(sid) for _ in range(chance.randint(1, 3))]
            chance.shuffle(told)
            new = list(threads.map(lambda one: post(pool, services, company, one), told))
            assert sum(new) == len(STORY), seed
            assert comparable(stored_call(services, company.id, sid), sid) == comparable(
                expected, expected.call["call_sid"]
            ), seed
            assert events_of(services, company, sid) == len(STORY), seed
    assert facts_of(services, company.id).count("call.started") == examples(12) + 1


def test_eight_threads_make_one_row_of_one_call(
    pool: BoundedPool, services: Services, company: Company
) -> None:
    first = of_call("CA" + new_id().hex)[0]
    with ThreadPoolExecutor(8) as threads:
        new = list(threads.map(lambda _: post(pool, services, company, first), range(64)))
    assert sum(new) == 1
    assert len(calls_of(services, company.id)) == 1
    assert facts_of(services, company.id) == ["call.started"]


def test_one_spooled_event_marks_the_call_in_any_order(
    pool: BoundedPool, services: Services, company: Company
) -> None:
    for spooled_first in (True, False):
        sid = "CA" + new_id().hex
        events = of_call(sid)
        pair = [(events[0], True), (events[5], False)]
        for one, spooled in pair if spooled_first else reversed(pair):
            assert post(pool, services, company, one, spooled)
        assert stored_call(services, company.id, sid).call["was_spooled"] is True
    assert facts_of(services, company.id).count("call.ended") == 2
