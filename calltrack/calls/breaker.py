"""A switch that keeps requests away from a database that does not answer."""

import threading

FIRST_WAIT = 0.5
LONGEST_WAIT = 5.0


class Breaker:
    """Closed: the database is used. Open: nobody waits for it; one background probe tries to close it.

    One failure opens it: a caller's time is dear, and what goes to the spool meanwhile is not lost.
    """

    def __init__(self) -> None:
        """Begin closed."""
        self._lock = threading.Lock()
        self._is_open = False
        self._wait = FIRST_WAIT

    @property
    def is_open(self) -> bool:
        """Whether requests must leave the database alone."""
        return self._is_open

    def open(self) -> bool:
        """Note a failure; True when this one opened the breaker."""
        with self._lock:
            opened = not self._is_open
            self._is_open = True
            return opened

    def close(self) -> bool:
        """Note that the probe succeeded; True when this closed the breaker."""
        with self._lock:
            closed = self._is_open
            self._is_open = False
            self._wait = FIRST_WAIT
            return closed

    def next_wait(self) -> float:
        """Return how long the probe waits before it tries again: longer each time, up to 5 s."""
        with self._lock:
            wait = self._wait
            self._wait = min(wait * 2, LONGEST_WAIT)
            return wait
