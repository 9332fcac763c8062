"""How near calibration on revealed calls comes to the truth about all calls, in simulated worlds.

python -m tests.worlds.honesty [--seeds 3] [--visits-per-day 600] [--numbers 30] [--linkable 0.3]
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from calltrack.attribution.calibration import Outcome, calibrate, ece_by_chance
from calltrack.attribution.densities import DAY, Model
from calltrack.attribution.expectation import Judged, expect
from calltrack.attribution.history import History, Prepared, prepare
from calltrack.attribution.learning import learn
from calltrack.attribution.prior import shipped
from calltrack.attribution.replay import Replay
from calltrack.attribution.revealed import reveal
from tests.worlds.assumptions import Assumptions
from tests.worlds.events import live, with_pool
from tests.worlds.oracle import NEVER, labelled, play

LEVELS = ("visitor", "campaign", "source", "tap", "caller")


@dataclass(frozen=True)
class Seen:
    """The figures of a calibration."""

    calls: int
    said: float
    came_true: float
    brier: float
    ece: float
    by_chance: float

    @property
    def boasts(self) -> float:
        """How much more was said than came true."""
        return self.said - self.came_true


@dataclass(frozen=True)
class Known:
    """A played world with the truth, a model learnt from its first days without it, and when those ended."""

    truth: History
    blind: History
    model: Model
    since: float


def known_world(assumptions: Assumptions, numbers: int, taught_days: float) -> Known:
    """Play a world, and learn from its first days what a company would."""
    world = with_pool(live(assumptions), numbers)
    player = Replay(numbers, learn_until=NEVER)
    play(world, player)
    truth = labelled(world, player, assumptions.days * DAY)
    lesson = labelled(world, player, taught_days * DAY)
    model = learn(replace(lesson, truths={}), shipped(), "learnt")
    return Known(truth, replace(truth, truths={}), model, taught_days * DAY)


def all_calls(known: Known, model: Model) -> list[Outcome]:
    """How sure the likeliest visitor of each call was said to be, with all evidence, and was it right."""
    prepared = prepare(known.blind)
    visitors = {one.visit: one.visitor for one in prepared.visits}
    outcomes = []
    for place, judged in enumerate(expect(prepared, model).calls):
        if known.blind.calls[place].at >= known.since:
            top, p = _likeliest(prepared, judged)
            outcomes.append(Outcome(p, top == visitors.get(known.truth.truths[place].visit)))
    return outcomes


def revealed(known: Known, model: Model) -> Mapping[str, tuple[Outcome, ...]]:
    """The same of the calls that calibration reveals, without what reveals them."""
    return reveal(known.blind, model, known.since, known.blind.until).outcomes


def seen(outcomes: Sequence[Outcome]) -> Seen:
    """Return the figures of these outcomes."""
    found = calibrate(outcomes)
    mean = (found.said or 0.0, found.came_true or 0.0, found.brier or 0.0)
    return Seen(len(outcomes), *mean, found.ece or 0.0, ece_by_chance(outcomes) or 0.0)


def _likeliest(prepared: Prepared, judged: Judged) -> tuple[str, float]:
    sums: dict[str, float] = {}
    for one, p in judged.whole.items():
        sums[prepared.visits[one].visitor] = sums.get(prepared.visits[one].visitor, 0.0) + p
    return max(sums.items(), key=lambda item: item[1], default=("", 0.0))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the truth about all calls, and what revealed calls say, all seeds together."""
    parser = argparse.ArgumentParser(prog="python -m tests.worlds.honesty", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--visits-per-day", type=int, default=600)
    parser.add_argument("--numbers", type=int, default=30)
    parser.add_argument("--linkable", type=float, default=0.3)
    asked = parser.parse_args(arguments)
    truth: list[Outcome] = []
    found: dict[str, list[Outcome]] = {level: [] for level in LEVELS}
    for seed in range(3, 3 + asked.seeds):
        assumptions = Assumptions(
            seed=seed, visits_per_day=asked.visits_per_day, days=28, linkable=asked.linkable
        )
        known = known_world(assumptions, asked.numbers, 14)
        truth += all_calls(known, known.model)
        for level, outcomes in revealed(known, known.model).items():
            found[level] += outcomes
        print(f"after seed {seed}", flush=True)
        for name, rows in {"all calls, with the truth": truth, **found}.items():
            figures = seen(rows)
            print(
                f"  {name:26} {figures.calls:5} calls  said {figures.said:.3f}  right {figures.came_true:.3f}"
                f"  ece {figures.ece:.3f}  by chance {figures.by_chance:.3f}  brier {figures.brier:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
