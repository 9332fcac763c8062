"""The accuracy that is promised, at full size: `python -m tests.worlds.gates [seeds]`; exits with 1 below it.

1,000 visits a day, 30 campaigns, 35 days of which the last 21 count.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace

from calltrack.attribution.replay import Replay
from tests.worlds.assumptions import Assumptions
from tests.worlds.events import live, with_pool
from tests.worlds.oracle import play
from tests.worlds.peers import random_lease
from tests.worlds.scores import Scores, from_outputs, from_visits, score

FIRST_SEED = 2
# Numbers in the pool -> figure -> at least, at most.
GATES: dict[int, dict[str, tuple[float, float]]] = {
    50: {
        "campaign": (0.98, 1),
        "source": (0.99, 1),
        "visit": (0.75, 1),
        "ece": (0, 0.05),
        "precision": (0.97, 1),
    },
    20: {"campaign": (0.90, 1)},
}
PEER = (0.54, 0.58)


def ours(assumptions: Assumptions, numbers: int) -> Scores:
    """Return how rightly a replay of the world credits its calls."""
    world = with_pool(live(assumptions), numbers)
    return score(from_outputs(play(world, Replay(numbers))), world)


def peers(assumptions: Assumptions, numbers: int) -> Scores:
    """Return the same of the documented peer: random, leased for 30 minutes, last holder."""
    world = with_pool(live(assumptions), numbers)
    return score(from_visits(random_lease(numbers).credits(world), world), world)


def mean(scores: list[Scores]) -> dict[str, float]:
    """Return the mean of each figure over the seeds."""
    names = ("visit", "campaign", "source", "precision", "coverage", "ece", "brier", "campaign_precision")
    return {name: sum(getattr(one, name) for one in scores) / len(scores) for name in names}


def _judged(seeds: int) -> Iterator[tuple[str, bool]]:
    base = Assumptions(seed=0)
    worlds = [replace(base, seed=FIRST_SEED + place) for place in range(seeds)]
    for numbers, gates in GATES.items():
        found = mean([ours(world, numbers) for world in worlds])
        yield f"{numbers} numbers: " + ", ".join(f"{name} {value:.2%}" for name, value in found.items()), True
        for name, (least, most) in gates.items():
            yield (
                f"{numbers} numbers: {name} {found[name]:.2%} in {least:.0%} to {most:.0%}",
                least <= found[name] <= most,
            )
    visit = mean([peers(world, 50) for world in worlds])["visit"]
    yield f"50 numbers, the documented peer: visit {visit:.2%}", PEER[0] <= visit <= PEER[1]


def main() -> None:
    """Print each gate and whether it holds."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    failed = 0
    for line, holds in _judged(seeds):
        failed += not holds
        print("holds " if holds else "FAILS ", line, flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
