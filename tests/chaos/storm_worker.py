"""A warm process that forks workers which kill themselves: `python -m tests.chaos.storm_worker`.

Reads one order a line and answers each with one line: `killed`, or `ended` when there was nothing to die of.
"""

import importlib
import itertools
import os
import signal
import sys
import threading
import time
from typing import Any, Literal
from uuid import UUID

import msgspec

from calltrack.config import read_settings
from calltrack.delivery.service import deliver_due, poll_due
from calltrack.destinations.base import Destination
from calltrack.destinations.sending import Attempt, Courier
from calltrack.infra.http import HttpDoor
from calltrack.wiring import build
from workers.due import Job
from workers.lanes import Lanes

Point = Literal["before", "during", "after", "never"]
# The twin was told to hold its answer back for longer than this.
DURING_SECONDS = 0.25
TURN_SECONDS = 60.0


class Order(msgspec.Struct):
    """Deliver what is due for this company, and die at one point of the n-th request to one platform."""

    company: UUID
    destinations: dict[str, UUID]
    victim: str = ""
    point: Point = "never"
    nth: int = 0
    polls: bool = False


class DyingCourier(Courier):
    """The real courier, which kills its whole process at one point of one request."""

    def __init__(self, door: HttpDoor, order: Order) -> None:
        super().__init__(door)
        self._order, self._count = order, itertools.count()

    def deliver(self, destination: Destination[Any], *given: Any, **named: Any) -> Attempt:
        """Deliver, or die before, during or after it."""
        point = self._order.point
        if destination.name != self._order.victim or next(self._count) != self._order.nth:
            point = "never"
        if point == "before":
            die()
        if point == "during":
            threading.Timer(DURING_SECONDS, die).start()
        attempt = super().deliver(destination, *given, **named)
        if point == "after":
            die()
        return attempt


def die() -> None:
    """End as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def work(order: Order) -> None:
    """Be a worker for one turn: all destinations at once, each in a lane."""
    services, stop = build(read_settings()), threading.Event()
    courier = DyingCourier(HttpDoor(allow_private=True), order)

    def run(job: Job) -> None:
        do = deliver_due if job[0] == "deliver" else poll_due
        do(services, UUID(job[1]), UUID(job[2]), courier=courier, stop=stop)

    lanes = Lanes("storm", 12, run, stop)
    jobs: list[Job] = [
        ("poll" if order.polls else "deliver", str(order.company), str(id_))
        for id_ in order.destinations.values()
    ]
    for job in jobs:
        lanes.hand_over(job)
    ends = time.monotonic() + TURN_SECONDS
    while time.monotonic() < ends and any(lanes.is_busy_with(job) for job in jobs):
        time.sleep(0.01)


def main() -> None:
    """Fork a worker for each order; what takes long to import is imported once, here."""
    importlib.import_module("calltrack.destinations.google_ads_client")
    for line in sys.stdin.buffer:
        order = msgspec.json.decode(line, type=Order)
        child = os.fork()
        if child == 0:
            try:
                work(order)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print("killed" if killed else "ended", flush=True)


if __name__ == "__main__":
    main()
