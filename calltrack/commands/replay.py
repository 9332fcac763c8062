"""`calltrack replay`: visits and calls from a file through the rules that choose numbers and judge calls."""

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from calltrack.attribution.facts import Thresholds
from calltrack.attribution.replay import Replay, replay
from calltrack.attribution.replay_events import read_events
from calltrack.kernel.errors import BadInput
from calltrack.numbers.choice import POLICIES

MOST_NUMBERS = 10_000


def replay_file(
    path: str, pool_size: int, policy: str, seed: int, learn_until: float | None, credit_from: float
) -> int:
    """Print a line per visit and per call; exits with a sentence that names the line it cannot read."""
    if not 1 <= pool_size <= MOST_NUMBERS:
        sys.exit(f"--pool-size is between 1 and {MOST_NUMBERS}.")
    if learn_until is not None and not math.isfinite(learn_until):
        sys.exit("--learn-until is a time of the file's axis, in seconds.")
    if not 0 <= credit_from <= 1:
        sys.exit("--credit-from is a probability between 0 and 1.")
    world = Replay(
        pool_size,
        POLICIES[policy],
        seed=seed,
        learn_until=learn_until,
        thresholds=Thresholds(visit=credit_from, campaign=credit_from, source=credit_from),
    )
    lines = _Counted(_lines(path))
    try:
        for line in replay(read_events(lines), world):
            sys.stdout.write(_written(line))
    except BadInput as problem:
        sys.stdout.flush()
        said = str(problem)
        # What cannot be read names its line; what cannot be played (an unknown visit) is the line read last.
        sys.exit(said if said.startswith("Line ") else f"Line {lines.read}: {said}")
    return 0


def _written(line: dict[str, Any]) -> str:
    text = json.dumps(line, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        # Half an emoji, from words that were cut somewhere, can only be written as it was read.
        text = json.dumps(line)
    return f"{text}\n"


class _Counted:
    """Lines one by one, and how many were read so far."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self.read = lines, 0

    def __iter__(self) -> Iterator[str]:
        for self.read, line in enumerate(self._lines, 1):  # noqa: B020  # the count is what is wanted
            yield line


def _lines(path: str) -> Iterator[str]:
    try:
        if path == "-":
            yield from sys.stdin
            return
        with Path(path).open(encoding="utf-8-sig") as file:
            yield from file
    except OSError as problem:
        sys.exit(f"{path} cannot be read: {problem.strerror}.")
    except UnicodeDecodeError:
        sys.exit(f"{path} is not UTF-8 text.")
