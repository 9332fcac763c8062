"""Learning in a small simulated world; at full size: python -m tests.worlds.lessons (docs/proofs.md)."""

import pytest

from calltrack.attribution.densities import Model
from tests.worlds.assumptions import Assumptions
from tests.worlds.lessons import (
    LEARNT,
    SHIPPED,
    THIRD,
    TOLD,
    TRIPLE,
    WEEK,
    Figures,
    Played,
    calls_expected,
    figures,
    models,
    played,
)

WAYS = (LEARNT, TOLD, TRIPLE, THIRD, WEEK, SHIPPED)


@pytest.fixture(scope="module")
def world() -> Played:
    return played(Assumptions(seed=3, visits_per_day=250, campaigns=8, days=21), 12)


@pytest.fixture(scope="module")
def learnt(world: Played) -> dict[str, Model]:
    return models(world, WAYS)


@pytest.fixture(scope="module")
def seen(world: Played, learnt: dict[str, Model]) -> dict[str, Figures]:
    return {name: figures(world, model) for name, model in learnt.items()}


def test_what_is_learnt_without_labels_is_worth_about_as_much_as_all_labels(seen: dict[str, Figures]) -> None:
    assert seen[LEARNT].visit >= seen[TOLD].visit - 0.04
    assert seen[LEARNT].campaign >= 0.9


@pytest.mark.parametrize("way", [TRIPLE, THIRD])
def test_a_wrong_start_is_overcome(
    way: str, world: Played, learnt: dict[str, Model], seen: dict[str, Figures]
) -> None:
    assert seen[way].visit == pytest.approx(seen[LEARNT].visit, abs=0.025)
    right, found = calls_expected(world, learnt[LEARNT]), calls_expected(world, learnt[way])
    assert found == pytest.approx(right, rel=0.15)


def test_a_week_teaches_nearly_as_much_as_two(seen: dict[str, Figures]) -> None:
    assert seen[WEEK].visit >= seen[LEARNT].visit - 0.03


def test_the_shipped_model_does_for_the_first_days(seen: dict[str, Figures]) -> None:
    assert seen[SHIPPED].visit >= 0.93 * seen[LEARNT].visit


def test_learnt_rates_are_those_that_the_truth_teaches(world: Played, learnt: dict[str, Model]) -> None:
    told = calls_expected(world, learnt[TOLD])
    assert calls_expected(world, learnt[LEARNT]) == pytest.approx(told, rel=0.2)
    assert learnt[LEARNT].area_match == pytest.approx(learnt[TOLD].area_match, abs=0.12)
