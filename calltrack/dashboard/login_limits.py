"""Limits on sign-in tries: per account, per address, and apart for a browser the account knows.

The known browser (a signed cookie set at a successful sign-in) keeps strangers from locking an owner out.
Counts live in Redis so that all processes share them; while Redis is away each process counts for itself.
"""

import hashlib
from collections.abc import Callable
from typing import cast

import redis
from flask import current_app
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

from calltrack.infra.log import log
from calltrack.wiring import Services

PER_ACCOUNT = parse("10 per minute")
PER_KNOWN_BROWSER = parse("10 per minute")
PER_ADDRESS = parse("60 per minute")


class LoginLimits:
    """Counts sign-in tries; safe to share between threads."""

    def __init__(self, redis_url: str) -> None:
        """Prepare the counters; nothing connects before the first try."""
        self._shared: Storage | None = None
        self._redis_url = redis_url
        self._own = MovingWindowRateLimiter(MemoryStorage())

    def may_try(self, email: str, address: str, *, known: bool) -> bool:
        """Count one try and tell whether it is allowed; all three counters are kept."""
        account = hashlib.sha256(email.strip().lower().encode()).hexdigest()[:32]
        bucket = (PER_KNOWN_BROWSER, f"known-{account}") if known else (PER_ACCOUNT, f"account-{account}")
        checks = (bucket, (PER_ADDRESS, f"address-{address}"))
        return self._ask(lambda counters: [counters.hit(item, key) for item, key in checks] == [True, True])

    def forgive(self, email: str) -> None:
        """Forget an account's tries after a successful sign-in."""
        account = hashlib.sha256(email.strip().lower().encode()).hexdigest()[:32]

        def clear(counters: MovingWindowRateLimiter) -> bool:
            pairs: tuple[tuple[RateLimitItem, str], ...] = (
                (PER_ACCOUNT, f"account-{account}"),
                (PER_KNOWN_BROWSER, f"known-{account}"),
            )
            for item, key in pairs:
                counters.clear(item, key)
            return True

        self._ask(clear)

    def _ask(self, question: Callable[[MovingWindowRateLimiter], bool]) -> bool:
        try:
            if self._shared is None:
                self._shared = cast(
                    Storage, storage_from_string(_limits_url(self._redis_url), socket_timeout=1)
                )
            return question(MovingWindowRateLimiter(self._shared))
        except redis.RedisError as problem:
            log.warning("sign-in tries are counted in this process only: %s", type(problem).__name__)
            return question(self._own)


def limits_of(services: Services) -> LoginLimits:
    """Return the application's counters."""
    found = current_app.extensions.setdefault(
        "calltrack_login_limits", LoginLimits(services.settings.redis_url)
    )
    return cast(LoginLimits, found)


def _limits_url(redis_url: str) -> str:
    return redis_url.replace("unix://", "redis+unix://", 1) if redis_url.startswith("unix") else redis_url
