"""Workers are killed at the four worst moments of a purchase: each number is bought once and in service.

(a) before the request reaches the carrier, (b) after the carrier sold it and before its answer arrives,
(c) after the answer and before it is committed, (d) between the purchase and its place in a pool.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from calltrack.config import Settings
from calltrack.numbers.order_model import NumberOrder
from calltrack.wiring import Services
from tests.builders import make_company
from tests.numbers.provider import Provider, connect
from tests.sandbox.carrier_rest.serving import World, carrier_world
from tests.workers.process import CLOCK, WORKER, running, until

ORDER = text("SELECT id FROM number_order WHERE company_id = :company_id FOR UPDATE")
POOL = text("SELECT id FROM pool WHERE company_id = :company_id FOR UPDATE")
# What a killed worker leaves runs out by itself after a minute; the test does not wait for it.
LEASE_OVER = text(
    "UPDATE number_order SET due_at = now() WHERE company_id = :company_id AND due_at IS NOT NULL"
)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def world(empty_database: None) -> Iterator[World]:
    with carrier_world(directory=[]) as world:
        yield world


def buyer(services: Services, world: World) -> Provider:
    """Return one of several companies that share the twin and its account."""
    company = make_company(services, numbers=1)
    connect(services, company)
    return Provider(services, company, world, datetime.now(UTC))


def sold(world: World, e164: str) -> int:
    """Count in the twin's own books: a request would take a fault that is meant for a worker."""
    return sum(1 for row in world.twin.desk.records.all("number") if row["phone_number"] == e164)


def test_a_killed_workers_number_is_bought_once_and_served(
    services: Services, settings: Settings, world: World, stack: ExitStack
) -> None:
    settings = settings.model_copy(update={"mode": "demo", "twilio_api_base": world.base})
    buyers = [buyer(services, world) for _ in range(4)]
    offered = buyers[0].offers()[:4]
    orders = [one.order(e164, hooks="own") for one, e164 in zip(buyers, offered, strict=True)]
    before, during, after, between = range(4)

    def order(which: int) -> NumberOrder:
        return buyers[which].state(orders[which])

    def begin(which: int, *faults: str) -> None:
        world.fault("numbers", *faults)
        services.nudges.wake("provide_numbers", str(buyers[which].company.id))

    with ExitStack() as held:
        worker = held.enter_context(running(settings, *WORKER))
        # The twin's faults are one queue: each purchase takes its own before the next one begins.
        begin(before, "timeout:60")
        assert until(lambda: order(before).tries == 1 and not faults_left(world), 30)
        begin(during, "timeout-after-processing:60")
        assert until(lambda: sold(world, offered[during]) == 1, 30)
        after_session = held.enter_context(services.db.tenant(buyers[after].company.id))
        begin(after, "slow:2")
        assert until(lambda: order(after).tries == 1, 30)
        after_session.execute(ORDER, {"company_id": buyers[after].company.id})
        assert until(lambda: sold(world, offered[after]) == 1, 30)
        worker.kill()
        worker.wait()
        between_session = held.enter_context(services.db.tenant(buyers[between].company.id))
        between_session.execute(POOL, {"company_id": buyers[between].company.id})
        worker = held.enter_context(running(settings, *WORKER))
        begin(between)
        assert until(lambda: order(between).state == "bought", 30)
        worker.kill()
        worker.wait()
        assert [order(one).state for one in range(4)] == ["intended", "intended", "intended", "bought"]
        assert [sold(world, e164) for e164 in offered] == [0, 1, 1, 1]
    for one in buyers:
        with services.db.tenant(one.company.id) as session:
            session.execute(LEASE_OVER, {"company_id": one.company.id})
    stack.enter_context(running(settings, *WORKER))
    stack.enter_context(running(settings, *CLOCK))
    assert until(lambda: all(order(one).state == "in_service" for one in range(4)), 60)
    assert [sold(world, e164) for e164 in offered] == [1] * 4
    assert [order(one).tries for one in range(4)] == [2] * 4
    for one, e164, made in zip(buyers, offered, orders, strict=True):
        number, owned = one.number(e164), one.at_carrier(e164)
        assert owned is not None
        assert (owned.sid, owned.name) == (number.carrier_number_id, f"calltrack {made.hex}")
        assert owned.voice_url == f"{settings.base_url}/voice/{number.id.hex}"


def faults_left(world: World) -> bool:
    """Tell whether a fault still waits for its request."""
    return bool(world.twin.desk.faults.waiting().get("numbers"))
