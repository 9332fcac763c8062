"""Counts tries in a moving window: in Redis for all processes; in this process while Redis is away."""

from collections.abc import Callable
from typing import cast

import redis
from limits import RateLimitItem
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from calltrack.infra.log import log


class Counters:
    """Counts what happens; safe to share between threads."""

    def __init__(self, redis_url: str) -> None:
        """Prepare the counters; nothing connects before the first try."""
        self._shared: Storage | None = None
        self._redis_url = redis_url
        self._own = MovingWindowRateLimiter(MemoryStorage())

    def may(self, *checks: tuple[RateLimitItem, str]) -> bool:
        """Count one try under each (limit, key) and tell whether all of them allow it."""
        return self.ask(lambda counters: [counters.hit(item, key) for item, key in checks].count(False) == 0)

    def ask(self, question: Callable[[MovingWindowRateLimiter], bool]) -> bool:
        """Ask the shared counters, this process's own ones while Redis is away."""
        try:
            if self._shared is None:
                address = _address(self._redis_url)
                self._shared = cast(Storage, storage_from_string(address, socket_timeout=1))
            return question(MovingWindowRateLimiter(self._shared))
        except redis.RedisError as problem:
            log.warning("tries are counted in this process only: %s", type(problem).__name__)
            return question(self._own)


def _address(redis_url: str) -> str:
    return redis_url.replace("unix://", "redis+unix://", 1) if redis_url.startswith("unix") else redis_url
