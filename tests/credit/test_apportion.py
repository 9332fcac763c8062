"""Whole cents shared out so that none is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calltrack.journeys.credit.apportion import apportion


@pytest.mark.parametrize(
    ("weights", "total", "parts"),
    [
        ([1, 1, 1], 100, [34, 33, 33]),
        ([1, 1, 1], 101, [34, 34, 33]),
        ([0.1 + 0.2, 0.3], 1, [1, 0]),
        ([0.3, 0.1 + 0.2], 1, [1, 0]),
        ([2, 1, 1], 3, [1, 1, 1]),
        ([5, 3, 1], 10, [6, 3, 1]),
        ([0.7, 0.3], 1000, [700, 300]),
        ([0, 1], 7, [0, 7]),
        ([1 / 3, 2 / 3], 10**15, [333333333333333, 666666666666667]),
        ([], 0, []),
        ([0, 0], 0, [0, 0]),
    ],
)
def test_what_is_left_goes_to_the_largest_remainders(
    weights: list[float], total: int, parts: list[int]
) -> None:
    assert apportion(weights, total) == parts


@given(st.lists(st.floats(0, 1e15, allow_subnormal=False), min_size=1, max_size=40), st.integers(0, 10**18))
def test_parts_add_up_and_are_within_one_of_exact(weights: list[float], total: int) -> None:
    parts = apportion(weights, total)
    if not any(weights):
        assert parts == [0] * len(weights)
        return
    assert sum(parts) == total
    assert min(parts) >= 0
    for part, weight in zip(parts, weights, strict=True):
        assert part == pytest.approx(total * (weight / sum(weights)), abs=1 + 1e-9 * total)
