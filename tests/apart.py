"""Run asyncio in a thread of its own: playwright keeps a loop running in the tests' own thread."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run_apart(story: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end and return what it returned, or raise what it raised."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, story).result()
