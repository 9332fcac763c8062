"""What it costs in right credits that of a large pool only the numbers given longest ago are weighed.

python -m tests.worlds.large_pools [visits a day] [days] [numbers] [weighed ...]
"""

import sys
import time
from dataclasses import replace

from calltrack.attribution.prior import shipped
from calltrack.attribution.replay import Replay
from calltrack.numbers.choice import AFFINE
from calltrack.visits.rules import LOOKED_AT
from tests.worlds.assumptions import Assumptions
from tests.worlds.events import live, with_pool
from tests.worlds.oracle import play
from tests.worlds.scores import from_outputs, score


def main(visits: int = 10_000, days: int = 16, numbers: int = 1_000, *weighed: int) -> None:
    """Play one world with each of these limits; without any: all numbers, and as many as the edge weighs."""
    world = with_pool(live(Assumptions(seed=0, visits_per_day=visits, days=days)), numbers)
    for most in weighed or (numbers, LOOKED_AT):
        begun = time.process_time()
        player = Replay(numbers, replace(AFFINE, looked_at=most), start=shipped())
        found = score(from_outputs(play(world, player)), world)
        print(
            f"{visits:,} visits a day, {numbers:,} numbers, {most:,} weighed, {found.calls:,} calls: "
            f"visit {found.visit:.4f}, campaign {found.campaign:.4f}, source {found.source:.4f}, "
            f"{time.process_time() - begun:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
