"""The simulated market is the assumed one, and a short half year in a few of them keeps what is promised."""

from dataclasses import replace

import numpy as np
import pytest

from tests.markets.gates import PLAYERS, PROPOSED, SURE, broken, regret, seasons, worth
from tests.markets.world import BUDGET, CAMPAIGNS, DISPERSION, Assumptions, best_value, market

MARKETS = 5
# A few markets differ from many by some points; the gates at full size are narrower.
SLACK = 3.5


@pytest.mark.parametrize("level", [8, 150])
def test_a_market_brings_what_is_assumed_and_scatters_as_assumed(level: int) -> None:
    rng = np.random.default_rng(4)
    known = market(Assumptions(conversions_per_week=level), rng)
    equal = np.full(CAMPAIGNS, BUDGET / CAMPAIGNS)
    assert known.conversions(equal).sum() == pytest.approx(level)
    told = np.array([known.told(equal, rng) for _ in range(3_000)])
    assert told[:, 0].sum(1).mean() == pytest.approx(level, rel=0.03)
    assert told[:, 1].sum(1).mean() == pytest.approx(known.value(equal), rel=0.04)
    assert (told[:, 0].var(0) / told[:, 0].mean(0)).mean() == pytest.approx(DISPERSION, rel=0.08)


def test_nobody_divides_better_than_who_knows_the_curves() -> None:
    rng = np.random.default_rng(4)
    known = market(Assumptions(), rng)
    best = best_value(known)
    others = [known.value(BUDGET * rng.dirichlet(np.ones(CAMPAIGNS))) for _ in range(4_000)]
    assert max(others) <= best * 1.0005
    assert max(others) > best * 0.93


def test_without_drift_the_truth_stays_and_with_it_does_not() -> None:
    rng = np.random.default_rng(4)
    known = market(Assumptions(), rng)
    assert known.drifted(rng) is known
    moving = replace(known, assumed=Assumptions(drift=0.05))
    assert not np.allclose(moving.drifted(rng).most, known.most)


@pytest.mark.parametrize("level", [8, 30, 150])
def test_half_a_year_loses_less_than_equal_shares_and_breaks_no_limit(level: int) -> None:
    played = seasons(PLAYERS[PROPOSED if level == 8 else SURE], level, MARKETS)
    whole, half = regret(played)
    equal = regret(seasons(PLAYERS["equal split"], level, MARKETS))
    assert whole < equal[0] - SLACK
    assert half < equal[1] - 2 * SLACK
    made = [one for season in played for one in season.predictions]
    assert len(made) > 80
    assert broken(made) == 0
    told = worth(made)
    assert told.coverage >= 0.6
    assert 0.4 < told.predicted / told.true < 2.5
    assert told.sure_and_right > 0.7
