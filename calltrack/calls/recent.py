"""What a voice process remembers of the last calls, so that a repeated question gets the same answer."""

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

V = TypeVar("V")
MOST = 20_000


class Recent(Generic[V]):
    """The last values by name; forgetting one costs nobody a call. Safe to share between threads."""

    def __init__(self, most: int = MOST) -> None:
        """Begin empty; the oldest value goes when there are more than `most`."""
        self._most = most
        self._values: OrderedDict[str, V] = OrderedDict()
        self._lock = threading.Lock()

    def first(self, name: str, value: V) -> V:
        """Remember the value unless there is one already; return the one that counts."""
        with self._lock:
            known = self._values.setdefault(name, value)
            if len(self._values) > self._most:
                self._values.popitem(last=False)
            return known

    def get(self, name: str) -> V | None:
        """Return what is remembered; None when it was not, or not any more."""
        with self._lock:
            return self._values.get(name)
