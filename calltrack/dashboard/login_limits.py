"""Limits on sign-in tries: per account, per address, and apart for a browser the account knows.

The known browser (a signed cookie set at a successful sign-in) keeps strangers from locking an owner out.
"""

import hashlib
from typing import cast

from flask import current_app
from limits import RateLimitItem, parse
from limits.strategies import MovingWindowRateLimiter

from calltrack.infra.limits import Counters
from calltrack.wiring import Services

PER_ACCOUNT = parse("10 per minute")
PER_KNOWN_BROWSER = parse("10 per minute")
PER_ADDRESS = parse("60 per minute")


class LoginLimits:
    """Counts sign-in tries; safe to share between threads."""

    def __init__(self, redis_url: str) -> None:
        """Prepare the counters; nothing connects before the first try."""
        self._counters = Counters(redis_url)

    def may_try(self, email: str, address: str, *, known: bool) -> bool:
        """Count one try and tell whether it is allowed; all three counters are kept."""
        account = hashlib.sha256(email.strip().lower().encode()).hexdigest()[:32]
        bucket = (PER_KNOWN_BROWSER, f"known-{account}") if known else (PER_ACCOUNT, f"account-{account}")
        return self._counters.may(bucket, (PER_ADDRESS, f"address-{address}"))

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

        self._counters.ask(clear)


def limits_of(services: Services) -> LoginLimits:
    """Return the application's counters."""
    found = current_app.extensions.setdefault(
        "calltrack_login_limits", LoginLimits(services.settings.redis_url)
    )
    return cast(LoginLimits, found)
