"""How long a number rests before visitors are shown it in another use.

Whoever noted it, or read it in print, still calls the old use: they would ring the wrong branch, and their
calls would be laid at the door of a visit they have nothing to do with. The rest begins with the last moment
at which somebody can have noted it, and lasts as long as a visit may lie back that a call is linked to.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class Past:
    """What is known of a number's earlier use; None where it did not happen."""

    last_shown_at: datetime | None = None
    last_call_at: datetime | None = None
    left_print_at: datetime | None = None
    """When it stopped to stand for a source outside the website, which may be printed anywhere."""


def rests_until(past: Past, days: int) -> datetime | None:
    """Return when visitors may be shown the number again; None when nobody ever saw or dialled it."""
    seen = [
        moment for moment in (past.last_shown_at, past.last_call_at, past.left_print_at) if moment is not None
    ]
    return max(seen) + timedelta(days=days) if seen else None


def needs_rest(*, was_static: bool, was_away: bool, same_location: bool) -> bool:
    """Tell whether a change of use needs a rest.

    From one pool to another of the same location nothing changes for a late caller: the same line rings,
    and leases say who was shown the number, as they do when a pool gives it to its next visitor.
    """
    return was_static or was_away or not same_location
