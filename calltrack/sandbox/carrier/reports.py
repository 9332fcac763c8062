"""Status reports: separate requests, best effort, in no promised order."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from calltrack.sandbox.carrier.script import CallScript


@dataclass(frozen=True)
class Report:
    """One message about what happened, frozen when it happened."""

    url: str
    method: str
    fields: dict[str, str]
    purpose: str


class Reports:
    """The reports of one call: told at once in order, or kept and told shuffled or reversed at the end.

    In a call that takes time they travel beside it, as the carrier's do: a slow hook does not hold it up.
    """

    def __init__(
        self, script: CallScript, tell: Callable[[Report], None], lost: Callable[[Report], None]
    ) -> None:
        self._script = script
        self._tell = tell
        self._lost = lost
        self._chance = random.Random(script.seed)  # noqa: S311 - dice, not secrets
        self._kept: list[Report] = []
        self._under_way: list[Future[None]] = []
        self._beside = ThreadPoolExecutor(1) if script.speed > 0 and script.order == "fifo" else None

    def add(self, report: Report) -> None:
        """Take a report, to be told now or later, once, more often or never."""
        if self._chance.random() < self._script.drop:
            self._lost(report)
            return
        copies = 2 if self._chance.random() < self._script.duplicates else 1
        for _ in range(copies):
            if self._script.order != "fifo":
                self._kept.append(report)
            elif self._beside is not None:
                self._under_way.append(self._beside.submit(self._tell, report))
            else:
                self._tell(report)

    def finish(self) -> None:
        """Tell what was kept and wait for what is under way."""
        if self._script.order == "shuffled":
            self._chance.shuffle(self._kept)
        elif self._script.order == "reversed":
            self._kept.reverse()
        for report in self._kept:
            self._tell(report)
        self._kept.clear()
        for told in self._under_way:
            told.result()
        self._under_way.clear()

    def close(self) -> None:
        """Let the thread go."""
        if self._beside is not None:
            self._beside.shutdown(wait=False, cancel_futures=True)
