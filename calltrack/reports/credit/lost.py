"""Journeys that led to nothing: a browser was not seen again within the window, and nobody called. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from calltrack.reports.credit.told import MOST_TOUCHES, NOTHING, Seen

LIKELY = 0.5


@dataclass(frozen=True, slots=True)
class Won:
    """A conversion that is a browser's with that probability."""

    kind: str
    called_at: datetime
    p: float


@dataclass(frozen=True, slots=True)
class Lost:
    """Touches of a browser (campaigns, oldest first) that led to nothing, and how likely that is."""

    campaigns: tuple[str, ...]
    weight: float


def lost_of(
    visits: Sequence[Seen], won: Sequence[Won], kind: str, days: int, since: datetime, until: datetime
) -> Lost | None:
    """Return the journey that ended for nothing between two moments; None: there was none.

    It ends with a browser's last visit there, if none follows within the window. It begins after the last
    conversion of the kind that was likely the browser's. A conversion within the window after it makes it
    none, with the probability that it is the browser's. `visits` are the browser's, oldest first.
    """
    window = timedelta(days=days)
    last = max((at for at, one in enumerate(visits) if since <= one.at < until), default=None)
    if last is None:
        return None
    end = visits[last].at
    if last + 1 < len(visits) and visits[last + 1].at - end <= window:
        return None
    weight, begin = 1.0, end - window
    for one in won:
        if one.kind != kind:
            continue
        if end <= one.called_at <= end + window:
            weight = min(weight, 1.0 - one.p)
        elif one.called_at < end and one.p >= LIKELY:
            begin = max(begin, one.called_at)
    if weight <= NOTHING:
        return None
    campaigns = tuple(one.campaign for one in visits[: last + 1] if one.at >= begin)
    return Lost(campaigns[-MOST_TOUCHES:], weight)
