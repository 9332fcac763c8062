"""The models say what the definitions, hand-checked cases and independent implementations say."""

from itertools import combinations
from math import factorial

import pytest

from calltrack.journeys.credit.journey import Journey
from tests.credit.vectors import CASES, EXPECTED_400, Case, by_channel, credit_of, journeys_400

# What other implementations call them.
OURS = {
    "first": "first",
    "last": "last",
    "last_non_direct": "last_non_direct",
    "linear": "linear",
    "position_40_20_40": "position",
    "time_decay_168h": "time_decay",
    "time_decay_168h_step_MAM": "time_decay",
    "markov1": "markov1",
    "markov2": "markov2",
    "shapley_sets": "shapley",
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_small_cases_come_out_as_known(case: Case) -> None:
    found = credit_of(case.model, list(case.journeys))
    expected = dict.fromkeys(found.channels, 0.0) | case.credits
    assert by_channel(found) == pytest.approx(expected, abs=case.tolerance)
    if case.removal is not None:
        assert found.removal is not None
        removal = dict(zip(found.channels, found.removal, strict=True))
        assert removal == pytest.approx(case.removal, abs=case.tolerance)
    if case.p_conv is not None:
        assert found.p_conv == pytest.approx(case.p_conv, abs=case.tolerance)


@pytest.mark.parametrize("name", sorted(OURS))
def test_400_journeys_come_out_as_in_independent_implementations(name: str) -> None:
    expected = EXPECTED_400[name]
    found = credit_of(OURS[name], journeys_400(), in_steps="step" in name)
    assert by_channel(found) == pytest.approx(expected.get("attributed", expected), abs=1e-9)
    if "removal" in expected:
        assert found.removal is not None
        assert dict(zip(found.channels, found.removal, strict=True)) == pytest.approx(
            expected["removal"], abs=1e-12
        )
        assert found.p_conv == pytest.approx(expected["p_conv"], abs=1e-12)


def test_the_only_other_known_figures_are_the_ones_no_model_of_ours_reproduces() -> None:
    assert set(EXPECTED_400) - set(OURS) == {"shapley_rate_2K"}


def test_shapley_values_of_rates_are_negative_which_is_why_they_are_not_offered() -> None:
    journeys = journeys_400()
    found = shapley_of_rates(journeys)
    assert found == pytest.approx(EXPECTED_400["shapley_rate_2K"], abs=1e-9)
    assert min(found.values()) < 0


def shapley_of_rates(journeys: list[Journey]) -> dict[str, float]:
    """The game in which a coalition is worth the share of its journeys that converted."""
    channels = sorted({step for one in journeys for step in one.path if isinstance(step, str)})

    def rate(coalition: frozenset[str]) -> float:
        covered = [one for one in journeys if set(one.path) <= coalition]
        whole = sum(one.conversions + one.nulls for one in covered)
        return sum(one.conversions for one in covered) / whole if whole else 0.0

    worth = {
        frozenset(some): rate(frozenset(some))
        for size in range(len(channels) + 1)
        for some in combinations(channels, size)
    }
    count = len(channels)
    values = {
        channel: sum(
            factorial(len(some)) * factorial(count - len(some) - 1) / factorial(count)
            * (worth[some | {channel}] - worth[some])
            for some in worth
            if channel not in some
        )
        for channel in channels
    }  # fmt: skip
    whole = sum(values.values())
    conversions = sum(one.conversions for one in journeys)
    return {channel: value / whole * conversions for channel, value in values.items()}
