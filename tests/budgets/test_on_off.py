"""The planned test sees the lift it was planned for as often as it says, and nothing as rarely."""

import numpy as np
import pytest

from calltrack.budgets.on_off import lift_seen, plan_on_off, scatter_of, verdict, weeks_needed
from tests.budgets.weeks import weekly


def shares_seen(per_week: float, lift: float, weeks: int, scatter: float) -> float:
    """Return how often a simulated test of so many weeks finds an effect."""
    rng = np.random.default_rng(5)

    def told(mean: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return rng.poisson(rng.gamma(mean / (scatter - 1), scatter - 1, weeks // 2)).astype(float)

    found = [verdict(told(per_week * (1 + lift)), told(per_week), scatter) for _ in range(3_000)]
    return float(np.mean([low > 0 for _, low, _ in found]))


@pytest.mark.parametrize(("per_week", "lift"), [(20, 0.3), (60, 0.2), (150, 0.1), (8, 1.0)])
def test_four_tests_of_five_see_the_lift_they_were_planned_for(per_week: float, lift: float) -> None:
    weeks = weeks_needed(per_week, lift, 1.5)
    assert weeks % 2 == 0
    assert 0.77 <= shares_seen(per_week, lift, weeks, 1.5) <= 0.92
    assert shares_seen(per_week, 0.0, weeks, 1.5) <= 0.075
    assert lift_seen(per_week, weeks, 1.5) <= lift * 1.001


def test_more_conversions_and_larger_lifts_take_fewer_weeks() -> None:
    assert weeks_needed(200, 0.2) < weeks_needed(50, 0.2) < weeks_needed(50, 0.1)
    assert weeks_needed(50, 0.1, 1.0) < weeks_needed(50, 0.1, 3.0)


def test_a_campaign_that_brings_little_beside_the_others_takes_too_long() -> None:
    history = weekly((60.0, 30.0, 0.2))
    large, small = plan_on_off(history, "c0"), plan_on_off(history, "c2")
    assert large is not None
    assert large.weeks is not None
    assert large.lift == pytest.approx(0.5, abs=0.02)
    assert large.conversions_at_stake == pytest.approx(15 * large.weeks, rel=0.05)
    assert small is not None
    assert small.weeks is None


def test_there_is_no_test_where_nothing_can_be_compared() -> None:
    assert plan_on_off(weekly((10.0, 0.0)), "c1") is None
    assert plan_on_off(weekly((10.0,)), "c0", credited_share=1.0) is None


def test_scatter_is_read_from_neighbouring_weeks_so_that_a_trend_is_none() -> None:
    rng = np.random.default_rng(2)
    history = weekly((40.0, 40.0), weeks=200, swing=0)
    history.conversions[:] = rng.poisson(np.linspace(20, 80, 200), (2, 200))
    assert scatter_of(history) == pytest.approx(1.0, abs=0.3)
    history.conversions[:] = rng.poisson(rng.gamma(20, 2, (2, 200)))
    assert scatter_of(history) == pytest.approx(3.0, abs=0.5)
