"""Lanes: the threads of a worker that carry out its jobs, so that no job waits for another one's network.

RQ's loop and the sweep only hand jobs over. One place (a destination, a company's facts) is worked on by one
lane at a time; a place that turned out slow shares half of the lanes with all other slow ones.
"""

import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

from calltrack.infra.log import log
from workers.due import Job

# A turn that took longer makes its place a slow one, until a turn of its is quick again.
SLOW_SECONDS: Final = 5.0
MOST_WAITING: Final = 10_000

Place = tuple[str, ...]


class Lanes:
    """Runs handed over jobs in up to `count` threads, first come first served. Thread-safe."""

    def __init__(self, name: str, count: int, run: Callable[[Job], object], stop: threading.Event) -> None:
        """Prepare the lanes; threads start when there is work. `stop` is for the jobs to look at."""
        self._name, self._count, self._run, self._stop = name, count, run, stop
        self._change = threading.Condition()
        # In the order in which they came.
        self._waiting: dict[Job, None] = {}
        self._busy: set[Place] = set()
        self._slow: set[Place] = set()
        self._threads: list[threading.Thread] = []
        self._idle = 0

    def hand_over(self, job: Job) -> bool:
        """Take a job and return at once; False: an equal one waits already, or too many wait.

        An equal one that is running does not count: what became due meanwhile must not be forgotten.
        """
        with self._change:
            if job in self._waiting or len(self._waiting) >= MOST_WAITING or self._stop.is_set():
                return False
            self._waiting[job] = None
            if not self._idle and len(self._threads) < self._count:
                thread = threading.Thread(
                    target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True
                )
                self._threads.append(thread)
                thread.start()
            self._change.notify()
        return True

    def is_busy_with(self, job: Job) -> bool:
        """Say whether the job's place is being worked on, or will be."""
        with self._change:
            return job in self._waiting or place_of(job) in self._busy

    def join(self, seconds: float) -> bool:
        """After a stop: wait for the jobs in hand, so long at most; tells whether all have ended.

        What has not is left to its leases: the threads end with the process.
        """
        ends = monotonic() + seconds
        with self._change:
            self._waiting.clear()
            self._change.notify_all()
        for thread in self._threads:
            thread.join(max(ends - monotonic(), 0.0))
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while (job := self._take()) is not None:
            begun = monotonic()
            try:
                self._run(job)
            except Exception:  # noqa: BLE001 - one company's broken work must not take a lane from the others
                log.exception("the job %s failed; the next sweep tries it again", " ".join(job))
            self._release(job, monotonic() - begun)

    def _take(self) -> Job | None:
        """Wait for a job whose turn has come; None: the end."""
        with self._change:
            while not self._stop.is_set():
                job = next(filter(self._may_go, self._waiting), None)
                if job is not None:
                    del self._waiting[job]
                    self._busy.add(place_of(job))
                    return job
                self._idle += 1
                self._change.wait(1.0)
                self._idle -= 1
        return None

    def _may_go(self, job: Job) -> bool:
        place = place_of(job)
        if place in self._busy:
            return False
        return place not in self._slow or len(self._busy & self._slow) < max(self._count // 2, 1)

    def _release(self, job: Job, seconds: float) -> None:
        place = place_of(job)
        with self._change:
            self._busy.discard(place)
            if seconds > SLOW_SECONDS:
                self._slow.add(place)
            else:
                self._slow.discard(place)
            self._change.notify_all()


def place_of(job: Job) -> Place:
    """Return what a job works on: its ids without its name, so that sending and asking take turns."""
    return job[1:]
