"""Request limits that hold over all processes: counted in Redis, or in this process while Redis is away."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import redis
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter

from calltrack.infra.log import log

# After Redis failed, so long it is not asked: a limiter must not wait for it at every request.
AWAY_SECONDS: Final = 5.0
LEAST_WAIT: Final = 0.1


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `requests` in any `seconds`, counted under `key`."""

    key: str
    requests: int
    seconds: int


class Pace:
    """Counts requests against limits, in moving windows. Thread-safe; one per process.

    While Redis is away each of `processes` takes its share of a limit by itself: together they stay below it.
    """

    def __init__(self, redis_url: str, processes: int = 1) -> None:
        """Prepare; nothing connects before the first question."""
        self._url, self._processes = redis_url, max(processes, 1)
        self._pool: redis.ConnectionPool | None = None
        self._shared: MovingWindowRateLimiter | None = None
        self._alone: MovingWindowRateLimiter | None = None
        self._away_until = 0.0

    def wait(self, limits: Sequence[Limit]) -> float:
        """Return the seconds until a request may leave; 0: now. Nothing is counted."""
        return self._ask(limits, take=False) if limits else 0.0

    def take(self, limits: Sequence[Limit]) -> float:
        """Count one request and return 0, or count none and return the seconds to wait."""
        return self._ask(limits, take=True) if limits else 0.0

    def close(self) -> None:
        """Close the connections to Redis; a later question opens new ones."""
        shared, self._shared, pool, self._pool = self._shared, None, self._pool, None
        if shared is not None and pool is not None:
            pool.disconnect()

    def _ask(self, limits: Sequence[Limit], *, take: bool) -> float:
        if time.monotonic() >= self._away_until:
            try:
                return self._count(self._by_redis(), limits, 1, take=take)
            except redis.RedisError as problem:
                self._away_until = time.monotonic() + AWAY_SECONDS
                log.warning("Redis is away, request limits are shared out by hand: %s", problem)
        return self._count(self._by_memory(), limits, self._processes, take=take)

    def _count(
        self, limiter: MovingWindowRateLimiter, limits: Sequence[Limit], share: int, *, take: bool
    ) -> float:
        items: list[tuple[Any, str]] = [
            (RateLimitItemPerSecond(max(limit.requests // share, 1), limit.seconds, "pace"), limit.key)
            for limit in limits
        ]
        wait = max(_until_free(limiter, item, key) for item, key in items)
        if wait or not take:
            return wait
        taken = [limiter.hit(item, key) for item, key in items]
        # Somebody else was faster by a hair.
        return 0.0 if all(taken) else max(LEAST_WAIT, *(_until_free(limiter, *one) for one in items))

    def _by_redis(self) -> MovingWindowRateLimiter:
        if self._shared is None:
            pool = redis.ConnectionPool.from_url(self._url, socket_connect_timeout=1, socket_timeout=2)
            self._pool = pool
            self._shared = MovingWindowRateLimiter(RedisStorage("redis://", connection_pool=pool))
        return self._shared

    def _by_memory(self) -> MovingWindowRateLimiter:
        if self._alone is None:
            self._alone = MovingWindowRateLimiter(MemoryStorage())
        return self._alone


def _until_free(limiter: MovingWindowRateLimiter, item: Any, key: str) -> float:
    if limiter.test(item, key):
        return 0.0
    return max(limiter.get_window_stats(item, key).reset_time - time.time(), LEAST_WAIT)
