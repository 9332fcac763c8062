"""What a mix-up is said to cost, tried out: `python -m tests.worlds.costs [--seeds 2 7] [pair ...]`.

A pair such as `0.30/0.70`: the cost of mixing up two visits of one campaign, and of one source only.
Prints a line per pair, seed and size of pool, and says at the end which pairs meet every gate on every seed.
"""

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from calltrack.attribution.replay import Replay
from calltrack.numbers.choice import Policy
from calltrack.numbers.masses import Doubt
from tests.worlds.assumptions import Assumptions
from tests.worlds.events import World, live, with_pool
from tests.worlds.gates import GATES
from tests.worlds.oracle import play
from tests.worlds.scores import TEST_FROM, Credited, from_outputs, score

PAIRS = ("0.15/0.65", "0.30/0.70")
FIGURES = ("visit", "campaign", "source", "precision", "ece")


def doubt_of(pair: str) -> Doubt:
    """Read a pair of costs."""
    same_campaign, same_source = (float(part) for part in pair.split("/"))
    return Doubt(same_campaign, same_source)


def figures(pair: str, seed: int, numbers: int) -> dict[str, float]:
    """Return how rightly calls are credited when mix-ups cost so much."""
    world = with_pool(live(Assumptions(seed=seed)), numbers)
    found = from_outputs(play(world, Replay(numbers, Policy("affine", doubt_of(pair)))))
    scores = score(found, world)
    return {name: getattr(scores, name) for name in FIGURES} | {"unwanted": unwanted(found, world)}


def unwanted(found: dict[str, Credited], world: World) -> float:
    """Return the share of the test days' unwanted calls that no campaign is credited with."""
    calls = [call for call, told in world.truth.items() if told.visit is None and told.at >= TEST_FROM]
    return sum(found[call].campaign is None for call in calls) / max(len(calls), 1)


def misses(numbers: int, found: dict[str, float]) -> list[str]:
    """Return the figures outside their gates."""
    gates = GATES[numbers].items()
    return [name for name, (least, most) in gates if not least <= found[name] <= most]


def tried(pairs: list[str], seeds: range) -> Iterator[tuple[str, list[str]]]:
    """Yield a line for each pair, seed and pool, with what it misses."""
    for numbers in GATES:
        for seed in seeds:
            for pair in pairs:
                # A process each: nothing of one world stays in memory while the next is played.
                with ProcessPoolExecutor(1) as one:
                    found = one.submit(figures, pair, seed, numbers).result()
                missed = misses(numbers, found)
                told = "  ".join(f"{name} {value:6.2%}" for name, value in found.items())
                yield f"{pair}, seed {seed}, {numbers} numbers: {told}  misses {missed or 'nothing'}", missed


def main() -> None:
    """Print every trial, and the pairs that meet every gate."""
    parser = argparse.ArgumentParser(prog="python -m tests.worlds.costs")
    parser.add_argument("pairs", nargs="*", default=list(PAIRS))
    parser.add_argument("--seeds", nargs=2, type=int, default=(2, 7))
    asked = parser.parse_args()
    good = set(asked.pairs)
    for line, missed in tried(asked.pairs, range(asked.seeds[0], asked.seeds[1] + 1)):
        print(line, flush=True)
        if missed:
            good.discard(line.split(",")[0])
    print("meet every gate on every seed:", ", ".join(sorted(good)) or "none")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
