"""I3: no number is leased to two live visits at once, whatever happens at the same time."""

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import create_engine, text

from calltrack.infra.embedded import EmbeddedPostgres
from calltrack.wiring import Services
from tests.builders import Company, make_company
from tests.visits.conftest import Edge, age, shown, without_overflow

CLIENTS = 16
# Two visits had a number on screen at once, and the later one's lease does not say so.
SHARED = text(
    """
    SELECT count(*) FROM lease a JOIN lease b
      ON a.number_id = b.number_id AND (a.shown_from, a.id) < (b.shown_from, b.id)
    WHERE NOT b.is_overflow AND b.shown_from < a.shown_until
    """
)
OVERFLOWS = text("SELECT count(*) FROM lease WHERE is_overflow")


def storm(edge: Edge, company: Company, seconds: float) -> tuple[int, list[str]]:
    """Let 16 clients load pages and send heartbeats; returns how often overflow was shown, and failures."""
    warm(edge)
    overflowed, failures = [0] * CLIENTS, []
    ends, ready = time.monotonic() + seconds, threading.Barrier(CLIENTS)

    def client(place: int) -> None:
        chance = random.Random(place)
        seen: list[dict[str, Any]] = []
        ready.wait()
        while time.monotonic() < ends:
            kind = chance.random()
            if seen and kind < 0.3:
                reply = edge.beat(company, chance.choice(seen[-5:]), is_left=chance.random() < 0.5)
            elif seen and kind < 0.5:
                old = chance.choice(seen[-5:])
                reply = edge.post("/v1/visit", company, {"u": company.origin, "v": old["v"], "s": old["s"]})
            elif seen and kind < 0.6:
                url = f"{company.origin}/?gclid=Cj0-{chance.random()}"
                reply = edge.post("/v1/visit", company, {"u": url, "v": seen[-1]["v"], "s": seen[-1]["s"]})
            else:
                reply = edge.post("/v1/visit", company, {"u": company.origin})
            if reply.status_code == 200:
                seen.append(reply.get_json())
                overflowed[place] += shown(seen[-1]) == company.overflow
            elif reply.status_code != 204:
                failures.append(reply.text)

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(client, range(CLIENTS)))
    return sum(overflowed), failures


def warm(edge: Edge) -> None:
    """Open a connection for each client first: on a busy machine that outlasts a page (503)."""
    with ExitStack() as held:
        for _ in range(CLIENTS):
            held.enter_context(edge.connections.connection(timeout=60))


def count(services: Services, company: Company, query: Any, **values: float) -> int:
    with services.db.tenant(company.id) as session:
        return int(session.execute(query, values).scalar_one())


@pytest.mark.parametrize(("numbers", "has_overflow"), [(40, True), (6, True), (6, False)])
def test_sixteen_clients_never_share_a_number_unrecorded(
    edge: Edge, services: Services, numbers: int, has_overflow: bool
) -> None:
    company = make_company(services, numbers=numbers, lease_seconds=1, cooldown_seconds=0)
    if not has_overflow:
        without_overflow(services, company)
    overflowed, failures = storm(edge, company, 4)
    assert failures == []
    assert count(services, company, SHARED) == 0
    leases = count(services, company, text("SELECT count(*) FROM lease WHERE NOT is_overflow"))
    recorded = count(services, company, OVERFLOWS)
    assert leases + recorded * (not has_overflow) > numbers, "no number went from hand to hand"
    assert bool(overflowed) == bool(recorded and has_overflow), "every overflow is on record"
    assert recorded or has_overflow, "six numbers on sixteen screens at once were shared"


@contextmanager
def without(server: EmbeddedPostgres, protection: str) -> Iterator[None]:
    """Take a protection out of the choosing function for a while."""
    engine = create_engine(server.owner_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as owner:
        whole = owner.execute(text("SELECT pg_get_functiondef('edge_choose'::regproc)")).scalar_one()
        assert protection in whole
        owner.exec_driver_sql(whole.replace(protection, ""))
        try:
            yield
        finally:
            owner.exec_driver_sql(whole)
    engine.dispose()


def test_without_row_locks_numbers_would_be_shared(
    edge: Edge, services: Services, postgres: EmbeddedPostgres
) -> None:
    company = make_company(services, numbers=6, lease_seconds=1, cooldown_seconds=0)
    with without(postgres, "FOR UPDATE OF s SKIP LOCKED"):
        storm(edge, company, 4)
    assert count(services, company, SHARED) > 0


class OneAfterTheOther(RuleBasedStateMachine):
    """Any order of visits, heartbeats and time: the answers agree with a model that fits in a few lines."""

    edge: Edge
    services: Services
    known = Bundle("known")

    def __init__(self) -> None:
        super().__init__()
        self.company = make_company(self.services, numbers=2, lease_seconds=100, cooldown_seconds=50)
        self.now = 0.0
        # number -> (visit that was shown it last, until when)
        self.held: dict[str, tuple[str, float]] = {}
        self.visitor_of: dict[str, str] = {}

    def check(self, answer: dict[str, Any]) -> None:
        number, visit = shown(answer), answer["s"]
        self.visitor_of[visit] = answer["v"]
        nobody = ("", -1e9)
        if number == self.company.overflow:
            for holder, until in (self.held.get(own, nobody) for own in self.company.numbers):
                assert holder != visit, "its own number waits for it"
                assert self.now < until, "a free number was kept back"
            return
        holder, until = self.held.get(number, nobody)
        if self.visitor_of.get(holder) != answer["v"]:
            assert self.now >= until - 1, "the number was still on the screen of another visitor"
            rested = [one for one in self.company.numbers if self.now >= self.held.get(one, nobody)[1] + 51]
            assert self.now >= until + 49 or not rested, "a number that had rested was passed over"
        self.held[number] = (visit, self.now + 100)

    @rule(target=known)
    def somebody_new(self) -> Any:
        answer = self.edge.visit(self.company)
        self.check(answer)
        return answer

    @rule(target=known, who=known, click=st.booleans())
    def another_page(self, who: dict[str, Any], click: bool) -> Any:
        url = self.company.origin + (f"/?gclid=Cj0-{len(self.visitor_of)}" if click else "/")
        answer = self.edge.visit(self.company, u=url, v=who["v"], s=who["s"])
        assert answer["v"] == who["v"]
        self.check(answer)
        return answer

    @rule(target=known, who=known)
    def heartbeat(self, who: dict[str, Any]) -> Any:
        reply = self.edge.beat(self.company, who)
        if reply.status_code == 204:
            for number, (holder, _) in list(self.held.items()):
                if holder == who["s"]:
                    self.held[number] = (holder, self.now + 100)
            return multiple()
        self.check(reply.get_json())
        return reply.get_json()

    @rule(seconds=st.sampled_from([30, 90, 160, 1900]))
    def time_passes(self, seconds: int) -> None:
        age(self.services, self.company, seconds)
        self.now += seconds

    @invariant()
    def no_number_is_shared(self) -> None:
        assert count(self.services, self.company, SHARED) == 0


def test_any_order_of_events_agrees_with_the_model(edge: Edge, services: Services) -> None:
    OneAfterTheOther.edge, OneAfterTheOther.services = edge, services
    limits = settings(
        max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(OneAfterTheOther, settings=limits)
