"""Passwords: argon2id, at most two computations at once, so that a login flood cannot starve a call."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from calltrack.kernel.errors import BadInput, CalltrackError

# Better than OWASP's minimum (19 MiB, two passes): 32 MiB, two passes, one lane.
HASHER = PasswordHasher(time_cost=2, memory_cost=32 * 1024, parallelism=1, type=Type.ID)
AT_ONCE = 2
LONGEST_WAIT_SECONDS = 5.0
SHORTEST, LONGEST = 10, 256

_turns = threading.BoundedSemaphore(AT_ONCE)


class TooBusy(CalltrackError):
    """More people sign in than the server checks passwords for; the same try works a moment later."""


def check_strength(password: str) -> None:
    """Raise BadInput for a password that is too short or absurdly long; nothing else is demanded."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadInput(f"A password has {SHORTEST} to {LONGEST} characters; choose a longer sentence.")


def hash_password(password: str) -> str:
    """Return the argon2id hash to store."""
    with _turn():
        return HASHER.hash(password)


def is_right(stored: str | None, password: str) -> bool:
    """Tell whether the password fits; a missing account costs the same time as a wrong password."""
    with _turn():
        try:
            return HASHER.verify(stored or _hash_of_nobody(), password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(stored: str) -> bool:
    """Tell whether the hash was made with weaker parameters than today's."""
    return HASHER.check_needs_rehash(stored)


@cache
def _hash_of_nobody() -> str:
    return HASHER.hash("nobody has this password")


@contextmanager
def _turn() -> Iterator[None]:
    if not _turns.acquire(timeout=LONGEST_WAIT_SECONDS):
        raise TooBusy("Many people are signing in right now; please try again in a few seconds.")
    try:
        yield
    finally:
        _turns.release()
