"""Lanes: no job waits for another one's network, one place is never worked on twice at once."""

import threading
from collections.abc import Iterator
from time import monotonic, sleep

import pytest

from calltrack.wiring import Services
from tests.workers.process import until
from workers import lanes as module
from workers.due import Job
from workers.jobs import Parts
from workers.lanes import Lanes


class Work:
    """Jobs that last until they are let go, and who was at work at once."""

    def __init__(self) -> None:
        self.begun: list[Job] = []
        self.now: list[Job] = []
        self.most_at_one_place = 0
        self.gates: dict[str, threading.Event] = {}
        self.lock = threading.Lock()

    def __call__(self, job: Job) -> None:
        with self.lock:
            self.begun.append(job)
            self.now.append(job)
            here = [other for other in self.now if other[1:] == job[1:]]
            self.most_at_one_place = max(self.most_at_one_place, len(here))
        if job[-1] in self.gates:
            self.gates[job[-1]].wait(20)
        with self.lock:
            self.now.remove(job)
        if job[0] == "fail":
            raise ZeroDivisionError


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def lanes(work: Work) -> Iterator[Lanes]:
    stop = threading.Event()
    made = Lanes("test", 4, work, stop)
    yield made
    stop.set()
    for gate in work.gates.values():
        gate.set()
    assert made.join(30)


def test_one_slow_place_delays_no_other(lanes: Lanes, work: Work) -> None:
    work.gates["slow"] = threading.Event()
    lanes.hand_over(("deliver", "c", "slow"))
    for number in range(20):
        lanes.hand_over(("deliver", "c", f"quick-{number}"))
    assert until(lambda: len(work.begun) == 21 and len(work.now) == 1, 30)


def test_one_place_is_worked_on_by_one_lane_and_nothing_asked_meanwhile_is_forgotten(
    lanes: Lanes, work: Work
) -> None:
    work.gates["x"] = threading.Event()
    assert lanes.hand_over(("deliver", "c", "x"))
    assert until(lambda: len(work.now) == 1, 30)
    assert lanes.hand_over(("deliver", "c", "x"))
    assert lanes.hand_over(("poll", "c", "x"))
    assert not lanes.hand_over(("poll", "c", "x"))
    assert lanes.is_busy_with(("deliver", "c", "x"))
    sleep(0.2)
    assert len(work.begun) == 1
    work.gates["x"].set()
    assert until(lambda: len(work.begun) == 3 and not work.now, 30)
    assert work.most_at_one_place == 1
    assert until(lambda: not lanes.is_busy_with(("deliver", "c", "x")), 30)


def test_slow_places_together_leave_half_of_the_lanes_free(
    lanes: Lanes, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLOW_SECONDS", 0.05)
    slow = [f"slow-{number}" for number in range(8)]
    for name in slow:
        work.gates[name] = threading.Event()
        lanes.hand_over(("deliver", "c", name))
    assert until(lambda: len(work.now) == 4, 30)
    sleep(0.1)
    for gate in work.gates.values():
        gate.set()
    assert until(lambda: len(work.begun) == 8 and not work.now, 30)
    for name in slow[:4]:
        work.gates[name].clear()
        lanes.hand_over(("deliver", "c", name))
    assert until(lambda: len(work.now) == 2, 30)
    lanes.hand_over(("deliver", "c", "quick"))
    assert until(lambda: ("deliver", "c", "quick") in work.begun, 30)
    assert len(work.now) == 2


def test_a_job_that_fails_leaves_its_lane_to_the_next(lanes: Lanes, work: Work) -> None:
    for number in range(8):
        lanes.hand_over(("fail", "c", f"{number}"))
    lanes.hand_over(("deliver", "c", "good"))
    assert until(lambda: len(work.begun) == 9 and not work.now, 30)


def test_after_a_stop_nothing_new_begins_and_the_wait_for_a_stuck_job_is_bounded(work: Work) -> None:
    stop = threading.Event()
    lanes = Lanes("test", 1, work, stop)
    work.gates["stuck"] = threading.Event()
    lanes.hand_over(("deliver", "c", "stuck"))
    lanes.hand_over(("deliver", "c", "next"))
    assert until(lambda: len(work.now) == 1, 30)
    stop.set()
    begun = monotonic()
    assert not lanes.join(0.3)
    assert monotonic() - begun < 10
    assert not lanes.hand_over(("deliver", "c", "late"))
    work.gates["stuck"].set()
    assert lanes.join(30)
    assert work.begun == [("deliver", "c", "stuck")]


def test_a_report_that_a_mail_server_does_not_take_holds_up_no_text_message(services: Services) -> None:
    parts = Parts(services)
    mail, text = (parts._lanes_of((name, "company")) for name in ("mail_reports", "send_messages"))
    assert mail is not text
