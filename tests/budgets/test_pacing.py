"""A budget's pace: what will be spent, and whether that is worth an alert."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.budgets.pacing import pace


@pytest.mark.parametrize(
    ("spent", "alert", "code"),
    [
        ([], None, "pace_unknown"),
        ([200_00] * 2, None, "pace_unknown"),
        ([100_00] * 10, None, "on_pace"),
        ([150_00] * 10, "over", "will_overspend"),
        ([40_00] * 10, "under", "will_underspend"),
        ([0] * 10, "under", "will_underspend"),
        ([3_100_00], "over", "overspent"),
        ([90_00, 150_00, 120_00], None, "on_pace"),
        ([100_00] * 30, None, "on_pace"),
        ([50_00] * 30, "under", "will_underspend"),
    ],
)
def test_a_month_of_3000(spent: list[int], alert: str | None, code: str) -> None:
    found = pace(3_000_00, spent, 30)
    assert (found.alert, found.reason.code) == (alert, code)
    assert found.spent == sum(spent)
    assert found.by_now == len(spent) * 100_00


@given(
    budget=st.integers(1, 10**9),
    spent=st.lists(st.integers(0, 10**7), max_size=31),
    left=st.integers(0, 31),
)
def test_a_forecast_never_falls_below_what_is_spent(budget: int, spent: list[int], left: int) -> None:
    days = max(len(spent) + left, 1)
    found = pace(budget, spent, days)
    assert found.spent <= found.forecast.low <= found.forecast.mean <= found.forecast.high or not spent
    if len(spent) == days:
        assert found.forecast.low == found.forecast.mean == found.forecast.high == found.spent


def test_four_forecasts_of_five_are_right() -> None:
    rng = np.random.default_rng(8)
    inside = []
    for _ in range(1_000):
        days = rng.gamma(11, 100_00 / 11, 30).round().astype(int).tolist()
        found = pace(3_000_00, days[:10], 30)
        inside.append(found.forecast.low <= sum(days) <= found.forecast.high)
    assert 0.76 <= np.mean(inside) <= 0.88


@pytest.mark.parametrize(("budget", "spent", "days"), [(0, [1], 2), (5, [1, 1], 1)])
def test_a_period_that_cannot_be_is_refused(budget: int, spent: list[int], days: int) -> None:
    with pytest.raises(ValueError, match="a period has a budget"):
        pace(budget, spent, days)
