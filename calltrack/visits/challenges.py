"""Visits that get a number only once somebody moves: their network has its share, or they look automatic.

The heartbeat is sent after a pointer, a key, a finger or a scroll (and once when the page is left). So
the page is answered at once, with no number and a short heartbeat, and the beat that follows such a sign is
answered with a number. Until then nothing is stored. What waits lies in this process's memory; a beat that
another process gets is answered as one of a visit it does not know.
"""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from calltrack.visits.service import PageLoad
from calltrack.visits.sites import Target

# So soon after a sign of somebody the page asks again.
BEAT_SECONDS: Final = 1
WAIT_SECONDS: Final = 1800.0
MOST_WAITING: Final = 10_000
_AUTOMATIC: Final = re.compile(r"Headless|PhantomJS|Selenium|Puppeteer|Playwright|python-|curl/|wget/", re.I)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A page load that waits for a sign, and the targets that were found on its page."""

    load: PageLoad
    targets: tuple[Target, ...]


class Challenges:
    """Visit -> what waits for a sign of somebody."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        """Begin with nobody waiting; `seconds` is a clock that never goes back."""
        self._seconds = seconds
        self._waiting: dict[tuple[str, str], tuple[float, Waiting]] = {}
        self._lock = threading.Lock()

    def put(self, site_id: str, visit: str, waiting: Waiting) -> None:
        """Let a visit wait; past ten thousand the one that waits longest is forgotten."""
        with self._lock:
            if len(self._waiting) >= MOST_WAITING:
                self._waiting.pop(next(iter(self._waiting)))
            self._waiting[site_id, visit] = (self._seconds() + WAIT_SECONDS, waiting)

    def take(self, site_id: str, visit: str) -> Waiting | None:
        """Return what waited for this visit's sign, once; None: it waits no more, or never did."""
        with self._lock:
            until, waiting = self._waiting.pop((site_id, visit), (0.0, None))
        return waiting if until > self._seconds() else None


def looks_automatic(user_agent: str, languages: str) -> bool:
    """Whether a program rather than a person seems to browse: it says so, or names no language."""
    return not languages or _AUTOMATIC.search(user_agent) is not None
