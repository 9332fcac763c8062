"""How many calls are credited rightly in simulated worlds: ours, what the peers document, and the oracle.

ACCURACY_SEEDS (default 1) is how many seeds each world is drawn with. ACCURACY_FULL=1 plays the whole table:
three delay scenarios at 200 to 5,000 visits a day, all with a pool of 50 numbers, then other sizes of pool
and people who type their number into forms. `python -m tests.bench.accuracy` does it without any server.
"""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

from calltrack.attribution.prior import shipped
from calltrack.attribution.replay import Replay
from calltrack.numbers.choice import AFFINE, LONGEST_IDLE, Policy
from tests.bench.context import Context, Result
from tests.worlds.assumptions import BASE, CONSIDERED, IMMEDIATE, Assumptions
from tests.worlds.events import World, live, with_pool
from tests.worlds.oracle import NEVER, play, taught_by_truth
from tests.worlds.peers import Peer, longest_idle, random_lease
from tests.worlds.scores import Scores, from_outputs, from_visits, score

SEEDS = int(os.environ.get("ACCURACY_SEEDS", "1"))
FULL = os.environ.get("ACCURACY_FULL") == "1"
# World, sizes of pool. The base world is the one the gates are about.
BASE_WORLD = "1,000/day"
WORLDS: tuple[tuple[str, Assumptions, tuple[int, ...]], ...] = (
    (BASE_WORLD, Assumptions(seed=0), (20, 50)),
    ("1,000/day, immediate", Assumptions(seed=0, delays=IMMEDIATE), (50,)),
    ("1,000/day, considered", Assumptions(seed=0, delays=CONSIDERED), (50,)),
    ("200/day", Assumptions(seed=0, visits_per_day=200), (20, 40)),
)
# Many visits need fewer days for as many calls.
DAYS = {200: 35, 500: 35, 1_000: 35, 2_000: 28, 5_000: 21}
TABLE: tuple[tuple[str, Assumptions, tuple[int, ...]], ...] = tuple(
    (
        f"{visits:,}/day" if delays is BASE else f"{visits:,}/day, {delays.name}",
        Assumptions(seed=0, visits_per_day=visits, days=days, delays=delays),
        (50,),
    )
    for visits, days in DAYS.items()
    for delays in (BASE, IMMEDIATE, CONSIDERED)
)
FURTHER: tuple[tuple[str, Assumptions, tuple[int, ...]], ...] = (
    (BASE_WORLD, Assumptions(seed=0), (10, 20, 100)),
    ("5,000/day", Assumptions(seed=0, visits_per_day=5_000, days=21), (100,)),
    ("1,000/day, one in ten linkable", Assumptions(seed=0, linkable=0.10), (50,)),
)
System = Callable[[World], Scores]


def ours(policy: Policy, *, knows: bool = False) -> System:
    """Replay through the product's rules; `knows`: with a model that was taught by the truth."""

    def run(world: World) -> Scores:
        start = taught_by_truth(world, policy) if knows else shipped()
        player = Replay(world.numbers, policy, start=start, learn_until=NEVER if knows else None)
        return score(from_outputs(play(world, player)), world)

    return run


def peer(make: Callable[..., Peer], *, remembers: bool = False) -> System:
    """Play a peer's rules, which credit the last holder."""

    def run(world: World) -> Scores:
        return score(from_visits(make(world.numbers, remembers=remembers).credits(world), world), world)

    return run


SYSTEMS: dict[str, System] = {
    "random, 30 min lease, last holder": peer(random_lease),
    "the same, known callers kept": peer(random_lease, remembers=True),
    "longest idle, last holder": peer(longest_idle),
    "the same, known callers kept ": peer(longest_idle, remembers=True),
    "longest idle, posterior": ours(LONGEST_IDLE),
    "ours": ours(AFFINE),
    "ours, taught by the truth": ours(AFFINE, knows=True),
}
COLUMNS = ("visit", "campaign", "source", "precision", "coverage", "ece")


def run(context: Context) -> list[Result]:
    """Play every world under every system; prints the table as it grows."""
    return list(_results(print_to_stderr=True))


def _results(*, print_to_stderr: bool) -> Iterator[Result]:
    for name, assumptions, pools in (*TABLE, *FURTHER) if FULL else WORLDS:
        systems = SYSTEMS if FULL or name == BASE_WORLD else dict(list(SYSTEMS.items())[:-1])
        for numbers in pools:
            for system, found in _scores(assumptions, numbers, systems):
                if print_to_stderr:
                    figures = "  ".join(f"{column} {getattr(found, column):6.1%}" for column in COLUMNS)
                    print(f"{name}, {numbers} numbers: {system:34} {figures}", file=sys.stderr, flush=True)
                for column in ("visit", "campaign"):
                    title = f"{name}, {numbers} numbers, {system}: right {column}"
                    yield Result(title, 100 * getattr(found, column), "% of calls")


def _scores(
    assumptions: Assumptions, numbers: int, systems: dict[str, System]
) -> Iterator[tuple[str, Scores]]:
    worlds = [with_pool(live(replace(assumptions, seed=seed)), numbers) for seed in range(2, 2 + SEEDS)]
    for system, play_ in systems.items():
        yield system, mean([play_(world) for world in worlds])


def mean(scores: list[Scores]) -> Scores:
    """Return the mean of every figure over the seeds."""
    figures = {column: sum(getattr(one, column) for one in scores) / len(scores) for column in COLUMNS}
    return replace(scores[0], **figures)


if __name__ == "__main__":
    list(_results(print_to_stderr=True))
