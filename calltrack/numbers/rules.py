"""Which limits a pool and its numbers keep."""

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from calltrack.kernel.errors import BadInput
from calltrack.kernel.phone import to_e164
from calltrack.kernel.phone_prefix import to_prefix

SHORTEST_LEASE, LONGEST_LEASE = 1, 3600
LONGEST_COOLDOWN = 86_400
# A new number was never shown to anybody: its slot ended this long before it was added.
UNTOUCHED = timedelta(days=365)
MOST_AT_ONCE = 500
MOST_NEAR = 5
# So long after a change every edge process tells pages of it: `visits/sites.py` looks every 15 s.
TOLD_AFTER = timedelta(seconds=60)


def check_pool(name: str, lease_seconds: int, cooldown_seconds: int) -> None:
    """Refuse a pool without a name or with absurd times.

    Raises:
        BadInput: which limit is broken.
    """
    if not name.strip():
        raise BadInput("Give the pool a name, such as the location's.")
    if not SHORTEST_LEASE <= lease_seconds <= LONGEST_LEASE:
        raise BadInput(f"A lease lasts between {SHORTEST_LEASE} and {LONGEST_LEASE} seconds.")
    if not 0 <= cooldown_seconds <= LONGEST_COOLDOWN:
        raise BadInput(f"A cool-down lasts at most {LONGEST_COOLDOWN} seconds.")


def near_in(typed: str | Iterable[str], country: str) -> list[str]:
    """Return leading digits of the numbers a pool prefers (`+3902`), from a list or as people type it.

    Raises:
        BadInput: there are too many, or no number begins so; the text names it.
    """
    parts = re.split(r"[\n,;]+", typed) if isinstance(typed, str) else typed
    found = list(dict.fromkeys(to_prefix(part, country) for part in parts if part.strip()))
    if len(found) > MOST_NEAR:
        raise BadInput(f"Name at most {MOST_NEAR} beginnings; a shorter one, such as +39, covers more.")
    return found


def is_far(e164: str, near: Sequence[str]) -> bool:
    """Tell whether a pool that prefers such beginnings shows this number after others."""
    return bool(near) and not e164.startswith(tuple(near))


def numbers_in(text: str, country: str) -> list[str]:
    """Return the E.164 numbers of a list as people type it: one per line or between commas, any notation.

    Raises:
        BadInput: there is none, there are too many, or one cannot be a number; the text names it.
    """
    typed = [part.strip() for part in re.split(r"[\n,;]+", text) if part.strip()]
    if not typed:
        raise BadInput("Type at least one number, one per line.")
    if len(typed) > MOST_AT_ONCE:
        raise BadInput(f"Add at most {MOST_AT_ONCE} numbers at once.")
    return list(dict.fromkeys(to_e164(part, country) for part in typed))
