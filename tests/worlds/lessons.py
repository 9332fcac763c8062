"""What learning is worth: one played world, judged under models that learnt in different ways.

python -m tests.worlds.lessons [--seeds 3] [--visits-per-day 1000] [--numbers 50]
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from calltrack.attribution.calibration import Outcome, calibrate
from calltrack.attribution.densities import DAY, Model, tables_of
from calltrack.attribution.expectation import Judged, expect
from calltrack.attribution.exposure import expected_calls, exposure_of
from calltrack.attribution.history import History, Prepared, prepare
from calltrack.attribution.learning import learn
from calltrack.attribution.prior import shipped
from calltrack.attribution.replay import Replay
from tests.worlds.assumptions import Assumptions
from tests.worlds.events import live, with_pool
from tests.worlds.oracle import NEVER, labelled, play

LEARNT, TOLD, TRIPLE, THIRD, WEEK, SHIPPED = (
    "learnt, no labels", "all labels", "from three times the rate", "from a third of the rate",
    "from 7 days", "as shipped",
)  # fmt: skip
COLUMNS = ("visit", "campaign", "source", "precision", "ece")


@dataclass(frozen=True)
class Played:
    """A world that was played once: everything, and what was known at the end of the lesson."""

    whole: Prepared
    truth: History
    lesson: History
    lesson_days: float


@dataclass(frozen=True)
class Figures:
    """Shares of the real calls after the lesson whose likeliest answer was credited, and was right."""

    visit: float
    campaign: float
    source: float
    precision: float
    ece: float


def played(assumptions: Assumptions, numbers: int, lesson_days: float = 14) -> Played:
    """Hand out numbers under the shipped model, and keep what learning would see."""
    world = with_pool(live(assumptions), numbers)
    player = Replay(numbers, learn_until=NEVER)
    play(world, player)
    truth = labelled(world, player, assumptions.days * DAY)
    lesson = labelled(world, player, lesson_days * DAY)
    return Played(prepare(replace(truth, truths={})), truth, lesson, lesson_days)


def models(world: Played, names: Iterable[str]) -> dict[str, Model]:
    """Return the models that the lesson teaches in these ways."""
    blind = replace(world.lesson, truths={})
    ways: dict[str, Callable[[], Model]] = {
        LEARNT: lambda: learn(blind, shipped(), LEARNT),
        TOLD: lambda: learn(world.lesson, shipped(), TOLD),
        TRIPLE: lambda: learn(blind, shipped(3.0), TRIPLE),
        THIRD: lambda: learn(blind, shipped(1 / 3), THIRD),
        WEEK: lambda: learn(last_days(blind, 7), shipped(), WEEK),
        SHIPPED: shipped,
    }
    return {name: ways[name]() for name in names}


def last_days(history: History, days: float) -> History:
    """Return the end of a history, without what came before."""
    began = history.until - days * DAY
    return replace(
        history,
        holdings={
            number: tuple(one for one in rows if one.last_seen >= began)
            for number, rows in history.holdings.items()
        },
        calls=tuple(call for call in history.calls if call.at >= began),
        began=began,
    )


def figures(world: Played, model: Model) -> Figures:
    """Judge all calls under the model, and measure those after the lesson against the truth."""
    found = expect(world.whole, model).calls
    since = world.lesson_days * DAY
    places = [place for place, call in enumerate(world.truth.calls) if call.at >= since]
    by_name = {one.visit: row for row, one in enumerate(world.whole.visits)}
    rows = [(found[place], by_name.get(world.truth.truths[place].visit)) for place in places]
    real = [(judged, visit) for judged, visit in rows if visit is not None]
    said = [Outcome(p, top == visit) for judged, visit in rows for top, p in [_top(judged)]]
    calibration = calibrate(said, (0.9,))
    return Figures(
        visit=_mean(_credited(judged) == visit for judged, visit in real),
        campaign=_mean(_level(world.whole, judged, visit, "campaign") for judged, visit in real),
        source=_mean(_level(world.whole, judged, visit, "source") for judged, visit in real),
        precision=calibration.at[0].precision or 0.0,
        ece=calibration.ece or 0.0,
    )


def calls_expected(world: Played, model: Model) -> float:
    """Return how many first calls the model expects of the lesson's visits."""
    prepared = prepare(world.lesson)
    exposure = exposure_of(prepared)
    return float(expected_calls(exposure, tables_of(model, prepared.campaigns)).sum())


def _top(judged: Judged) -> tuple[int | None, float]:
    return max(judged.whole.items(), key=lambda item: item[1], default=(None, 0.0))


def _credited(judged: Judged) -> int | None:
    top, p = _top(judged)
    return top if p > judged.whole_nobody else None


def _level(whole: Prepared, judged: Judged, visit: int, level: str) -> bool:
    sums: dict[str, float] = {}
    for place, p in judged.whole.items():
        key = getattr(whole.visits[place], level)
        sums[key] = sums.get(key, 0.0) + p
    best, p = max(sums.items(), key=lambda item: item[1], default=("", 0.0))
    return p > judged.whole_nobody and best == getattr(whole.visits[visit], level)


def _mean(claims: Iterable[bool]) -> float:
    listed = list(claims)
    return sum(listed) / max(len(listed), 1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table and, at the size of the gates, fail where one is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.worlds.lessons", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--visits-per-day", type=int, default=1_000)
    parser.add_argument("--numbers", type=int, default=50)
    asked = parser.parse_args(arguments)
    names = (LEARNT, TOLD, TRIPLE, THIRD, WEEK, SHIPPED)
    seen: dict[str, list[Figures]] = {name: [] for name in names}
    for seed in range(2, 2 + asked.seeds):
        world = played(Assumptions(seed=seed, visits_per_day=asked.visits_per_day), asked.numbers)
        for name, model in models(world, names).items():
            seen[name].append(figures(world, model))
            print(f"seed {seed}  {_line(name, seen[name][-1:])}", flush=True)
    for name in names:
        print(f"mean    {_line(name, seen[name])}")
    missed = misses({name: _average(rows, "visit") for name, rows in seen.items()})
    sys.exit("\n".join(missed) or 0)


def misses(visit: dict[str, float]) -> list[str]:
    """Return the gates that are missed: what is learnt without labels against other ways of learning."""
    gates = {TOLD: 0.015, TRIPLE: 0.01, THIRD: 0.01, WEEK: 0.015}
    wrong = [
        f"{name} {visit[name]:.3f} is more than {most:.1%} from {visit[LEARNT]:.3f}"
        for name, most in gates.items()
        if abs(visit[name] - visit[LEARNT]) > most
    ]
    if visit[SHIPPED] < 0.95 * visit[LEARNT]:
        wrong.append("the shipped model is not worth 95 % of the learnt one")
    return wrong


def _line(name: str, rows: Sequence[Figures]) -> str:
    return f"{name:26}" + "  ".join(f"{column} {_average(rows, column):6.1%}" for column in COLUMNS)


def _average(rows: Sequence[Figures], column: str) -> float:
    total: float = sum(getattr(one, column) for one in rows)
    return total / max(len(rows), 1)


if __name__ == "__main__":
    main()
