"""Which limits a pool and its numbers keep."""

import re
from datetime import timedelta

from calltrack.kernel.errors import BadInput
from calltrack.kernel.phone import to_e164

SHORTEST_LEASE, LONGEST_LEASE = 1, 3600
LONGEST_COOLDOWN = 86_400
# A new number was never shown to anybody: its slot ended this long before it was added.
UNTOUCHED = timedelta(days=365)
MOST_AT_ONCE = 500


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
