"""Nudges through Redis: best effort, coalesced, never on the caller's path.

A nudge only says "look now"; what is due stands in PostgreSQL, and a sweeper finds it without any nudge.
"""

import threading
import time
from typing import Any

import redis
from rq import Queue
from rq.serializers import JSONSerializer

from calltrack.infra.log import log

QUEUE = "calltrack"
LIVE_CHANNEL = "calltrack:live"
MOST_WAITING = 10_000
JOB_TIMEOUT = 300
# A lost job is nudged again after this many seconds; the job itself ends the silence when it starts.
SILENCE_SECONDS = 5
GATHER_SECONDS = 0.02
CLOSE_SECONDS = 8


class Nudges:
    """Hands nudges to Redis from a thread of its own; a dead Redis costs the caller nothing."""

    def __init__(self, redis_url: str) -> None:
        """Prepare the connection; nothing connects before the first nudge."""
        self.connection = connect(redis_url)
        self._queue = Queue(QUEUE, connection=self.connection, serializer=JSONSerializer)
        self._waiting: set[tuple[str, ...]] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def wake(self, job: str, *args: str) -> None:
        """Ask for a job of `workers.jobs` soon, such as `wake("handle_facts", company_id)`."""
        self._put(("job", job, *args))

    def show(self, company_id: str) -> None:
        """Tell the live view that something of the company changed."""
        self._put(("live", company_id))

    def flush(self) -> None:
        """Hand over everything that waits, now and in this thread; Redis errors are raised."""
        with self._lock:
            batch, self._waiting = self._waiting, set()
        for kind, *words in sorted(batch):
            if kind == "live":
                self.connection.publish(LIVE_CHANNEL, words[0])
            elif self.connection.set(silence_key(*words), 1, nx=True, ex=SILENCE_SECONDS):
                self._queue.enqueue(
                    f"workers.jobs.{words[0]}",
                    args=words[1:],
                    job_timeout=JOB_TIMEOUT,
                    result_ttl=0,
                    failure_ttl=86_400,
                )

    def close(self) -> None:
        """Hand over what waits, end the thread and close the connections; a dead Redis delays it by seconds.

        What is asked for afterwards is left to the sweeper.
        """
        self._is_closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)
        self.connection.close()

    def _put(self, nudge: tuple[str, ...]) -> None:
        if self._is_closed:
            return
        with self._lock:
            if len(self._waiting) < MOST_WAITING:
                self._waiting.add(nudge)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="nudges", daemon=True)
                self._thread.start()
        self._wake.set()

    def _run(self) -> None:
        is_last = False
        while not is_last:
            self._wake.wait()
            # A busy process makes many equal nudges: gathering them costs a moment and saves its requests.
            time.sleep(GATHER_SECONDS)
            self._wake.clear()
            is_last = self._is_closed
            try:
                self.flush()
            except redis.RedisError as problem:
                log.warning("nudges lost, the sweeper will find the work: %s", problem)


def connect(redis_url: str) -> Any:
    """Return a Redis client whose every wait is bounded."""
    return redis.Redis.from_url(redis_url, socket_connect_timeout=1, socket_timeout=5)


def silence_key(*words: str) -> str:
    """Return the key that keeps a second, equal nudge out of the queue."""
    return "nudge-" + "-".join(words)
