"""A few waits at once."""

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Call them all at once, a thread each, and return their results in order; raises the first error.

    The threads are daemons: a process that is asked to end does not wait for somebody's slow server.
    """
    if len(calls) == 1:
        return [calls[0]()]
    results: dict[int, T] = {}
    errors: dict[int, BaseException] = {}

    def run(place: int) -> None:
        try:
            results[place] = calls[place]()
        except BaseException as problem:  # noqa: BLE001 - raised again in the caller's thread
            errors[place] = problem

    threads = [
        threading.Thread(target=run, args=(place,), name="at-once", daemon=True)
        for place in range(1, len(calls))
    ]
    for thread in threads:
        thread.start()
    run(0)
    for thread in threads:
        thread.join()
    if errors:
        raise errors[min(errors)]
    return [results[place] for place in range(len(calls))]
