"""How much slower this machine is now than when it has nothing else to do: limits on waits allow for that.

Promises such as "a caller waits 50 ms at most" are about the product, not about what runs beside the tests.
"""

import threading
import time
from types import TracebackType

BURST_SECONDS = 0.002  # of computing, as much as a short request takes
PAUSE_SECONDS = 0.02


class Slowness:
    """While the block runs, compute a little again and again, and compare with the time it should take."""

    def __init__(self) -> None:
        self._factors = [1.0]
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Slowness":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()

    @property
    def worst(self) -> float:
        """Return how many times longer the slowest piece of computing took; 1 on a quiet machine."""
        return max(self._factors)

    def _watch(self) -> None:
        while not self._is_over.wait(PAUSE_SECONDS):
            began, computed = time.perf_counter(), time.thread_time()
            while time.thread_time() - computed < BURST_SECONDS:
                sum(range(200))
            self._factors.append((time.perf_counter() - began) / (time.thread_time() - computed))
