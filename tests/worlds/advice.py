"""Whether the pool advisor is right: `python -m tests.worlds.advice [--short]`; exits with 1 where it is not.

Sharing: the share of visits that find every number on screen, forecast from the traffic, against what the
product's own choice of numbers does with the same visits. Campaigns: a pool of K + C numbers (campaigns in
use, and the busy hour's need; more where the verdicts of that pool say that callers wait long) credits at
least 97 of 100 calls to the right campaign, where unwanted calls do not dominate.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from calltrack.attribution.replay import Replay
from calltrack.numbers.advisor import Delays, needed, visit_accuracy
from calltrack.numbers.erlang import Traffic, busy_hour_numbers, dry_share, numbers_for_dry_share
from tests.worlds.assumptions import CONSIDERED, IMMEDIATE, Assumptions
from tests.worlds.events import Life, live, with_pool
from tests.worlds.oracle import play
from tests.worlds.pools import delays_of, shared_share, week_of_life
from tests.worlds.scores import Scores, from_outputs, score

WITHIN = 0.30
# The advice for 98 of 100 is taken; what comes of it must be near that.
ADVISED, CAMPAIGNS_RIGHT = 0.98, 0.97
# A world in which a pool attracts more unwanted calls than this, per real call, is dominated by them.
DOMINATED_FROM = 0.05
# Pools that are dry for about so many visits; rarer sharing is chance in a world of some weeks.
DRY = (0.15, 0.05, 0.015)
SHARING = (
    Assumptions(seed=2, visits_per_day=200, days=56),
    Assumptions(seed=3, visits_per_day=500, days=28),
    Assumptions(seed=4, visits_per_day=1_000, days=28),
    Assumptions(seed=5, visits_per_day=1_000, days=28, engaged_median=300.0),
    Assumptions(seed=6, visits_per_day=2_000, days=28),
    Assumptions(seed=7, visits_per_day=5_000, days=14),
)
CAMPAIGNS = (
    Assumptions(seed=2, visits_per_day=200, campaigns=4, sources=3),
    Assumptions(seed=3, visits_per_day=300, campaigns=8),
    Assumptions(seed=4, visits_per_day=300, campaigns=64),
    Assumptions(seed=2, visits_per_day=1_000, campaigns=8),
    Assumptions(seed=3, visits_per_day=1_000, campaigns=30),
    Assumptions(seed=4, visits_per_day=1_000, campaigns=30, delays=CONSIDERED),
    Assumptions(seed=5, visits_per_day=1_000, campaigns=30, delays=IMMEDIATE),
    Assumptions(seed=2, visits_per_day=2_000, campaigns=30),
    Assumptions(seed=2, visits_per_day=5_000, campaigns=30, days=21),
)
SHORT_SHARING = (
    Assumptions(seed=2, visits_per_day=200, days=28),
    Assumptions(seed=4, visits_per_day=1_000, days=14),
)
SHORT_CAMPAIGNS = (Assumptions(seed=3, visits_per_day=200, campaigns=4, sources=3, days=28),)


@dataclass(frozen=True)
class Line:
    """One forecast beside what came of it; None: nothing is promised here."""

    words: str
    holds: bool | None


def sharing(world: Assumptions, dry: tuple[float, ...] = DRY) -> Iterator[Line]:
    """Forecast how many visits share a number in pools of several sizes, and count them."""
    life = live(world)
    traffic = week_of_life(life).traffic()
    for numbers in sorted({numbers_for_dry_share(traffic, share) for share in dry}):
        said, was = dry_share(traffic, numbers), shared_share(life, numbers)
        yield Line(
            f"{_name(world)}, {numbers} numbers: {said:.2%} share, said the advisor; {was:.2%} did "
            f"({said / max(was, 1e-9) - 1:+.0%})",
            abs(said - was) <= WITHIN * was,
        )


def campaigns(world: Assumptions) -> Line:
    """Give a world K + C numbers, then what its delays ask for, and count how many campaigns are right."""
    life = live(world)
    traffic = week_of_life(life).traffic()
    plain = dict(needed(traffic, traffic.campaigns))[ADVISED]
    found, delays = _tried(life, plain, traffic)
    numbers, before = dict(needed(traffic, traffic.campaigns, delays))[ADVISED], ""
    if numbers > plain:
        before = f" (with {plain}: {found.campaign:.2%})"
        found, _ = _tried(life, numbers, traffic)
    late, unwanted = 1 - visit_accuracy(traffic, delays, plain), attracted(world, numbers)
    words = (
        f"{_name(world)}, K {traffic.campaigns} + C {busy_hour_numbers(traffic)}, {late:.0%} of first "
        f"calls late: "
        f"{numbers} numbers, campaign {found.campaign:.2%}{before}, source {found.source:.2%}, "
        f"visit {found.visit:.2%}, {unwanted:.1%} unwanted calls to a real one"
    )
    return Line(words, None if unwanted >= DOMINATED_FROM else found.campaign >= CAMPAIGNS_RIGHT)


def attracted(world: Assumptions, numbers: int) -> float:
    """Return how many unwanted calls so many numbers attract for each real call, as the world assumes."""
    real = world.visits_per_day * world.first_calls / (1 - world.redials)
    return world.spam_per_day * numbers / real


def _tried(life: Life, numbers: int, traffic: Traffic) -> tuple[Scores, Delays]:
    world = with_pool(life, numbers)
    outputs = play(world, Replay(numbers))
    return score(from_outputs(outputs), world), delays_of(world, outputs, traffic)


def _name(world: Assumptions) -> str:
    return (
        f"seed {world.seed}, {world.visits_per_day:,} visits a day, {world.campaigns} campaigns, "
        f"{world.delays.name} delays, engaged {world.engaged_median:.0f} s"
    )


def main() -> None:
    """Print every forecast and whether it holds."""
    parser = argparse.ArgumentParser(prog="python -m tests.worlds.advice")
    parser.add_argument("--short", action="store_true", help="three small worlds")
    short = parser.parse_args().short
    failed = 0
    for line in _lines(short):
        failed += line.holds is False
        print({True: "holds", False: "FAILS", None: "  -  "}[line.holds], line.words, flush=True)
    sys.exit(1 if failed else 0)


def _lines(short: bool) -> Iterator[Line]:
    for world in SHORT_SHARING if short else SHARING:
        yield from sharing(world)
    for world in SHORT_CAMPAIGNS if short else CAMPAIGNS:
        yield campaigns(world)


if __name__ == "__main__":
    main()
