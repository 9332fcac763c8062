"""Journeys that stand in arrays already: what grouping them and a model take, without any reading of text.

`python -m tests.bench.credit_arrays FOLDER MODEL` prints the seconds of both together.
"""

import sys
import time
from pathlib import Path

import numpy as np

from calltrack.journeys.credit.grouping import packed
from calltrack.journeys.credit.models import credit

COLUMNS = ("touches", "lengths", "conversions", "nulls", "value_minor")


def main(folder: Path, model: str) -> None:
    """Credit the journeys of a folder and print how long it took."""
    channels = tuple((folder / "channels.txt").read_text().splitlines())
    columns = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in COLUMNS]
    begun = time.perf_counter()
    paths = packed(channels, *columns)
    credit(model, paths)
    sys.stdout.write(f"{time.perf_counter() - begun}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
