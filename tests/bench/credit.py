"""Credit over millions of journeys: `calltrack credit` as a process, beside a loop that only counts lines.

CREDIT_JOURNEYS (default 1,000,000; the long form has 10,000,000) is how many. They are told one a line, and
once more with equal ones on one line, as a database groups them. Seconds are those of the whole process, its
start included; memory is that of all its processes together, looked at every 20 ms. "Computing" is the same
journeys as arrays in files, so without any reading of text: seconds of grouping and of the model.
"""

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.context import ROOT, Context, Result
from tests.bench.credit_arrays import COLUMNS

JOURNEYS = int(os.environ.get("CREDIT_JOURNEYS", "1000000"))
CHANNELS = (
    "google / cpc", "meta / cpc", "direct", "organic", "email", "bing / cpc", "referral", "tiktok / cpc",
    "sms", "billboard", "radio", "display",
)  # fmt: skip
MODELS = ("markov1", "shapley", "markov3")
AT_ONCE = 100_000
BARE = """
import sys
counts = {}
for line in open(sys.argv[1], "rb"):
    counts[line] = counts.get(line, 0) + 1
"""


def run(context: Context) -> list[Result]:
    """Write the journeys, then measure the command and the bare loop on each way to tell them."""
    each, grouped = context.folder / "each.jsonl", context.folder / "grouped.jsonl"
    _write(each, grouped, context.folder)
    results = _computing(context.folder)
    for told, file in (("one a line", each), ("equal ones on one line", grouped)):
        bare, bare_processor, _ = _measure([sys.executable, "-c", BARE, str(file)])
        for model in MODELS:
            seconds, processor, megabytes = _measure(
                [sys.executable, "-m", "calltrack", "credit", "--model", model, str(file)]
            )
            title = f"{JOURNEYS:,} journeys, {told}: {model}"
            results += [
                Result(title, seconds, "s", bare),
                Result(title, processor, "s of processor", bare_processor),
                Result(title, megabytes, "MB"),
            ]
    return results


def _computing(folder: Path) -> list[Result]:
    """Measure grouping and each model over the arrays: no text is read."""
    results = []
    for model in MODELS:
        command = [sys.executable, "-m", "tests.bench.credit_arrays", str(folder), model]
        seconds = float(subprocess.check_output(command, cwd=ROOT, text=True))
        _, processor, megabytes = _measure(command)
        title = f"{JOURNEYS:,} journeys as arrays, computing: {model}"
        results += [
            Result(title, seconds, "s"),
            Result(f"{title}, whole process", processor, "s of processor"),
            Result(f"{title}, whole process", megabytes, "MB"),
        ]
    return results


def _write(each: Path, grouped: Path, folder: Path) -> None:
    counts: Counter[tuple[str, int]] = Counter()
    worth: Counter[tuple[str, int]] = Counter()
    columns: dict[str, list[np.ndarray[Any, Any]]] = {name: [] for name in COLUMNS}
    with each.open("w") as file:
        for path, converted, value in _journeys(columns):
            counts[path, converted] += 1
            worth[path, converted] += value
            file.write(_line(path, converted, 1 - converted, value))
    with grouped.open("w") as file:
        for (path, converted), count in counts.items():
            file.write(_line(path, converted * count, (1 - converted) * count, worth[path, converted]))
    (folder / "channels.txt").write_text("\n".join(CHANNELS))
    for name, parts in columns.items():
        np.save(folder / f"{name}.npy", np.concatenate(parts))


def _journeys(columns: dict[str, list["np.ndarray[Any, Any]"]]) -> Iterator[tuple[str, int, int]]:
    """Draw journeys of 2.4 touches on average; every fifth converts, at a value of its own.

    They are kept in the columns, too.
    """
    chance = np.random.default_rng(6)
    names = [json.dumps(name) for name in CHANNELS]
    odds = 1 / np.arange(1, len(names) + 1)
    for start in range(0, JOURNEYS, AT_ONCE):
        count = min(AT_ONCE, JOURNEYS - start)
        lengths = np.minimum(chance.geometric(0.42, count), 16)
        drawn = chance.choice(len(names), lengths.sum(), p=odds / odds.sum())
        converted = (chance.random(count) < 0.2).astype(np.uint8)
        worth = (chance.integers(1_000, 90_000, count) * converted).astype(np.int32)
        told = (drawn.astype(np.uint8), lengths.astype(np.uint8), converted, 1 - converted, worth)
        for name, column in zip(COLUMNS, told, strict=True):
            columns[name].append(column)
        touches, values = drawn.tolist(), worth.tolist()
        ends = np.cumsum(lengths).tolist()
        for at, length in enumerate(lengths.tolist()):
            path = ", ".join([names[touch] for touch in touches[ends[at] - length : ends[at]]])
            yield path, int(converted[at]), values[at]


def _line(path: str, conversions: int, nulls: int, value: int) -> str:
    return f'{{"path": [{path}], "conversions": {conversions}, "nulls": {nulls}, "value_minor": {value}}}\n'


def _measure(words: list[str]) -> tuple[float, float, float]:
    """Return a command's seconds, those of the processors, and the most memory at one time, in MB."""
    most = 0
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    ended = threading.Event()

    def watch() -> None:
        nonlocal most
        while not ended.wait(0.02):
            most = max(most, sum(_resident(pid) for pid in _family(process.pid)))

    watching = threading.Thread(target=watch)
    watching.start()
    code = process.wait()
    seconds = time.perf_counter() - begun
    ended.set()
    watching.join()
    if code:
        raise SystemExit(f"{' '.join(words)} ended with {code}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, processor, most / 1e6


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from _family(int(child))


def _resident(pid: int) -> int:
    """Return the proportional share of memory: what processes share is not counted twice."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
