"""Conversions of one company that real workers plan for fresh destinations and then deliver, again and again.

The conversions are stored once. Each run connects destinations anew, puts the facts of the conversions back
and lets the workers plan them while the destinations are held; then the hold ends and they deliver.
"""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
from sqlalchemy import insert, text

from calltrack.delivery.accounts import remove
from calltrack.infra.outbox import Fact
from calltrack.kernel.ids import new_id
from calltrack.wiring import Services
from tests.bench.context import Context
from tests.bench.deliver import _worker
from tests.builders import make_company
from tests.delivery.everywhere import connect_all, conversions
from tests.delivery.world import World

PORTION = 2_000
WARM = 20
TOO_LONG = 900.0
LOOK_SECONDS = 0.1
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Run:
    """What one run showed. Paces are per second; memory in MB, of the worker that held most."""

    count: int
    planned: float
    delivered: float
    planned_by_processor: float
    """Changes planned, and below deliveries, in one second of the workers' own processor time: other programs
    on the machine hardly move these two."""
    delivered_by_processor: float
    share: float
    resident: float


class Course:
    """The company, its conversions and the twins at `origin`."""

    def __init__(self, context: Context, services: Services, origin: str, count: int) -> None:
        self._context, self.services, self.origin = context, services, origin
        self.world = World(services, make_company(services), origin)
        self._company_id = self.world.company.id
        for start in range(0, count, PORTION):
            changes = conversions(self.world, min(PORTION, count - start), planned=False)
            self._record(changes)
        context.analyze()
        self.places: dict[str, UUID] = {}

    def run(self, names: Sequence[str], count: int, workers: int) -> Run:
        """Let so many workers plan `count` conversions for these platforms and deliver them."""
        httpx.delete(f"{self.origin}/sandbox/platforms/effects").raise_for_status()
        self._disconnect()
        with ExitStack() as stack:
            running = [_worker(self._context) for _ in range(workers)]
            for one in running:
                stack.enter_context(one)
            for _ in range(workers):
                self._warm_up(names)
            self.places = connect_all(self.world, names)
            self._execute(HOLD)
            warm = self._effects(names)

            def used() -> float:
                return sum(_processor(one.process.pid) for one in running)

            start = used()
            planning = self._plan(count)
            total, between = self._number(PENDING), used()
            delivering, end = self._deliver(), used()
            memory = [_memory(one.process.pid) for one in running]
        counted = self._effects(names) - warm
        if counted != total or total != count * len(names):
            raise SystemExit(
                f"{count} conversions for {len(names)} platforms: {total} deliveries, {counted} effects"
            )
        return Run(
            total,
            count / planning,
            total / delivering,
            count / max(between - start, 0.01),
            total / max(end - between, 0.01),
            max(share for share, _ in memory),
            max(resident for _, resident in memory),
        )

    def close(self) -> None:
        """Let go of the connections to the twins."""
        self.world.door.close()

    def _plan(self, count: int) -> float:
        """Return how long the workers took to handle so many facts."""
        self._execute(FACTS_AGAIN, most=count)
        begun = time.perf_counter()
        self.services.nudges.wake("handle_facts", str(self._company_id))
        self._until(lambda: not self._number(FACTS_LEFT))
        return time.perf_counter() - begun

    def _deliver(self) -> float:
        self._context.analyze()
        self._execute(RELEASE)
        begun = time.perf_counter()
        for place in self.places.values():
            self.services.nudges.wake("deliver", str(self._company_id), str(place))
        self._until(lambda: not self._number(LEFT))
        return time.perf_counter() - begun

    def _warm_up(self, names: Sequence[str]) -> None:
        """Have some delivered for another company: code, connections and access tokens are ready then."""
        other = World(self.services, make_company(self.services), self.origin)
        places = connect_all(other, names)
        conversions(other, WARM)
        for place in places.values():
            self.services.nudges.wake("deliver", str(other.company.id), str(place))
        self._until(lambda: not self._number(LEFT, other.company.id))
        other.door.close()

    def _disconnect(self) -> None:
        with self.services.db.tenant(self._company_id) as session:
            for place in self.places.values():
                remove(session, self.services.vault, self._company_id, place, self.world.now())

    def _record(self, changes: Sequence[UUID]) -> None:
        now = self.world.now()
        rows = [
            {"company_id": self._company_id, "id": new_id(now), "kind": "conversion.changed",
             "subject_id": one, "recorded_at": now, "due_at": now, "done_at": now, "failures": 0}
            for one in changes
        ]  # fmt: skip
        with self.services.db.tenant(self._company_id) as session:
            session.execute(insert(Fact), rows)

    def _effects(self, names: Sequence[str]) -> int:
        url = f"{self.origin}/sandbox/platforms/effects"
        asked = (httpx.get(url, params={"platform": name, "limit": 0}, timeout=60) for name in names)
        return sum(int(answer.raise_for_status().json()["total"]) for answer in asked)

    def _execute(self, statement: str, **values: object) -> None:
        with self.services.db.tenant(self._company_id) as session:
            session.execute(text("SET LOCAL statement_timeout = 0"))
            session.execute(
                text(statement), {"company": self._company_id, **values} if ":" in statement else {}
            )

    def _number(self, question: str, company_id: UUID | None = None) -> int:
        with self.services.db.tenant(company_id or self._company_id) as session:
            return int(session.scalar(text(question)) or 0)

    def _until(self, met: Callable[[], bool]) -> None:
        ends = time.monotonic() + TOO_LONG
        while not met():
            if time.monotonic() > ends:
                raise SystemExit("the workers do not get it done")
            time.sleep(LOOK_SECONDS)


def _processor(pid: int) -> float:
    """Return how many seconds of processor time a process has used (proc(5): utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _memory(pid: int) -> tuple[float, float]:
    """Return a process's share of memory and all it has resident, in MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}
    return sizes["Pss"], sizes["Rss"]


HOLD = "UPDATE destination SET held_until = now() + interval '1 day' WHERE status = 'active'"
RELEASE = "UPDATE destination SET held_until = NULL WHERE status = 'active'"
PENDING = """
    SELECT count(*) FROM delivery d
    JOIN destination t ON t.company_id = d.company_id AND t.id = d.destination_id
    WHERE d.state = 'pending' AND d.due_at IS NOT NULL AND t.status = 'active'
"""
LEFT = """
    SELECT CAST(EXISTS (
        SELECT FROM delivery WHERE state IN ('pending', 'sending', 'unknown') AND due_at IS NOT NULL) AS int)
"""
FACTS_AGAIN = """
    UPDATE outbox SET done_at = NULL, due_at = now() WHERE company_id = :company AND id IN (
        SELECT id FROM outbox WHERE company_id = :company AND kind = 'conversion.changed'
        ORDER BY id LIMIT :most)
"""
FACTS_LEFT = "SELECT CAST(EXISTS (SELECT FROM outbox WHERE done_at IS NULL) AS int)"
