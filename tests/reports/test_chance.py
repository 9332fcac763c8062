"""Intervals against published and independent figures."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calltrack.reports.chance import FEW, gamma_quantile, gamma_share, of_cost, of_count, of_share, of_sum
from calltrack.reports.figures import Figures, interval_of


# Garwood's exact limits as tables of the Poisson distribution print them.
@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0.0, 3.689), (1, 0.0253, 5.572), (2, 0.2422, 7.225), (5, 1.623, 11.668), (10, 4.795, 18.390),
     (50, 37.11, 65.92), (99, 80.46, 120.53)],
)  # fmt: skip
def test_a_count_has_garwoods_limits(count: int, low: float, high: float) -> None:
    found = of_count(count)
    assert found.low == pytest.approx(low, abs=6e-3)
    assert found.high == pytest.approx(high, abs=6e-3)


@settings(max_examples=60, deadline=None)
@given(count=st.integers(0, 120))
def test_outside_the_limits_the_count_is_as_unlikely_as_said(count: int) -> None:
    found = of_count(count)

    def at_most(mean: float) -> float:
        return math.fsum(math.exp(n * math.log(mean) - mean - math.lgamma(n + 1)) for n in range(count + 1))

    assert at_most(found.high) == pytest.approx(0.025, rel=1e-6)
    if count:
        below = at_most(found.low) - math.exp(
            count * math.log(found.low) - found.low - math.lgamma(count + 1)
        )
        assert 1 - below == pytest.approx(0.025, rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(shape=st.floats(0.5, 1_900), p=st.sampled_from((0.025, 0.5, 0.975)))
def test_the_quantile_undoes_the_share(shape: float, p: float) -> None:
    assert gamma_share(shape, gamma_quantile(p, shape)) == pytest.approx(p, abs=1e-9)


def test_shares_are_wilsons() -> None:
    found = of_share(8, 10)
    assert found
    assert found.low == pytest.approx(0.4902, abs=1e-4)
    assert found.high == pytest.approx(0.9433, abs=1e-4)
    none, all_ = of_share(0, 10), of_share(10, 10)
    assert none
    assert all_
    assert (none.low, all_.high) == (0.0, 1.0)
    assert of_share(0, 0) is None


@pytest.mark.parametrize("count", [1, 4, 30])
def test_values_that_are_all_alike_are_a_count(count: int) -> None:
    found, counted = of_sum(count * 500.0, count * 500.0**2, 500.0), of_count(count)
    assert found
    assert found.low / 500 == pytest.approx(counted.low)
    assert found.high / 500 == pytest.approx(counted.high)


def test_costs_divide_by_the_count_and_a_count_of_none_has_no_upper_bound() -> None:
    assert of_cost(0, 3) is None
    none, ten = of_cost(10_000, 0), of_cost(10_000, 10)
    assert none
    assert none.high == math.inf
    assert none.low == pytest.approx(10_000 / 3.689, rel=1e-3)
    assert ten
    assert ten.low < 1_000 < ten.high
    many = Figures(
        spend_minor=10_000, leads=FEW, purchases=3, value_minor=900, value_squared=3e5, largest_minor=500
    )
    assert interval_of("cost_per_lead", many) is None
    assert interval_of("calls", many) is None
    roas = interval_of("roas", many)
    assert roas
    assert roas.low < 0.09 < roas.high
