import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.attribution.calibration import Outcome, calibrate, ece_by_chance, interval

outcomes = st.lists(st.builds(Outcome, st.floats(0, 1), st.booleans()), max_size=60)


def many(p: float, right: int, wrong: int) -> list[Outcome]:
    return [Outcome(p, True)] * right + [Outcome(p, False)] * wrong


def test_what_is_said_and_comes_true_has_no_error() -> None:
    found = calibrate(many(0.75, 3, 1) + many(0.25, 1, 3))
    assert found.ece == pytest.approx(0)
    assert found.brier == pytest.approx(0.1875)
    assert [(one.calls, one.said, one.came_true) for one in found.bins] == [(4, 0.25, 0.25), (4, 0.75, 0.75)]


def test_boasting_is_seen() -> None:
    found = calibrate(many(0.95, 6, 4) + many(0.55, 5, 5))
    assert found.ece == pytest.approx((0.35 * 10 + 0.05 * 10) / 20)
    assert [found.said, found.came_true] == pytest.approx([0.75, 0.55])


def test_precision_and_coverage_go_by_the_confidence_asked_for() -> None:
    found = calibrate(many(0.95, 9, 1) + many(0.8, 6, 4) + many(0.3, 2, 8))
    half, most, nearly = found.at
    assert [half.credited, half.coverage, half.precision] == pytest.approx([20, 2 / 3, 0.75])
    assert [most.credited, most.precision] == pytest.approx([20, 0.75])
    assert [nearly.credited, nearly.coverage, nearly.precision] == pytest.approx([10, 1 / 3, 0.9])


def test_without_truth_nothing_is_claimed() -> None:
    found = calibrate([])
    assert (found.calls, found.brier, found.ece, found.bins) == (0, None, None, ())
    assert [one.precision for one in found.at] == [None, None, None]
    assert ece_by_chance([]) is None


@given(st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_the_error_of_an_honest_judge_is_what_chance_brings(seed: int) -> None:
    chance = random.Random(seed)
    said = [chance.random() for _ in range(400)]
    errors = []
    for _ in range(30):
        found = calibrate([Outcome(p, chance.random() < p) for p in said])
        assert found.ece is not None
        errors.append(found.ece)
    assert ece_by_chance([Outcome(p, True) for p in said]) == pytest.approx(sum(errors) / 30, abs=0.01)


@given(outcomes)
def test_figures_stay_within_their_bounds(given_: list[Outcome]) -> None:
    found = calibrate(given_)
    assert sum(one.calls for one in found.bins) == len(given_)
    for one in found.bins:
        assert one.low - 1e-9 <= one.said <= one.high + 1e-9
        assert 0 <= one.lowest <= one.came_true <= one.highest <= 1
    coverages = [one.coverage for one in found.at]
    assert coverages == sorted(coverages, reverse=True)


@pytest.mark.parametrize(
    ("right", "calls", "low", "high"),
    [(0, 0, 0, 1), (10, 10, 0.7225, 1), (0, 10, 0, 0.2775), (50, 100, 0.4038, 0.5962)],
)
def test_few_calls_leave_wide_bounds(right: int, calls: int, low: float, high: float) -> None:
    """The figures are those of Wilson's published interval."""
    assert interval(right, calls) == pytest.approx((low, high), abs=1e-4)
