"""A simulated market: true curves, what a split truly earns, what is told of it, how the truth drifts."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BUDGET = 6_000.0
CAMPAIGNS = 6
WEEKS = 26
TOLD_LATE = 0.3
DISPERSION = 1.5
STEPS = 300


@dataclass(frozen=True)
class Assumptions:
    """What is assumed of every market; the spreads are standard deviations of logarithms."""

    conversions_per_week: float = 30.0
    """At the equal split, at the beginning."""
    reach: float = 0.6
    half: tuple[float, float] = (0.3, 0.6)
    """Spend at half of the most a campaign can bring: median as a share of the budget, and spread."""
    slope: tuple[float, float] = (0.7, 1.2)
    worth: tuple[float, float] = (200.0, 0.3)
    """Value of a conversion: median, and spread between campaigns."""
    sale: float = 0.6
    """Spread between single sales of a campaign."""
    drift: float = 0.0
    """Spread of a campaign's change from week to week."""


@dataclass(frozen=True)
class Market:
    """True Hill curves: `most * s^slope / (s^slope + half^slope)` conversions a week, each worth `worth`."""

    most: Floats
    half: Floats
    slope: Floats
    worth: Floats
    assumed: Assumptions = field(default_factory=Assumptions)

    def conversions(self, split: Floats) -> Floats:
        """Return the conversions to expect of a week's split."""
        share = np.maximum(split, 0) ** self.slope
        return self.most * share / (share + self.half**self.slope)

    def value(self, split: Floats) -> float:
        """Return the value to expect of a week's split."""
        return float(self.conversions(split) @ self.worth)

    def drifted(self, rng: np.random.Generator) -> "Market":
        """Return the market of a week later."""
        if not self.assumed.drift:
            return self
        return replace(self, most=self.most * np.exp(rng.normal(0, self.assumed.drift, len(self.most))))

    def told(self, split: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return what a week brings: conversions, scattered more than by Poisson's law, and their values."""
        mean = self.conversions(split)
        count = rng.poisson(rng.gamma(mean / (DISPERSION - 1), DISPERSION - 1)).astype(float)
        spread = self.assumed.sale
        worth = [
            rng.lognormal(np.log(each) - spread**2 / 2, spread, int(n)).sum()
            for each, n in zip(self.worth, count, strict=True)
        ]
        return count, np.array(worth)


def market(assumed: Assumptions, rng: np.random.Generator) -> Market:
    """Return a market by chance, of which an equal split brings the conversions assumed."""
    size = CAMPAIGNS
    made = Market(
        most=rng.lognormal(0, assumed.reach, size),
        half=BUDGET * rng.lognormal(np.log(assumed.half[0]), assumed.half[1], size),
        slope=rng.uniform(*assumed.slope, size),
        worth=rng.lognormal(np.log(assumed.worth[0]), assumed.worth[1], size),
        assumed=assumed,
    )
    now = made.conversions(np.full(size, BUDGET / size)).sum()
    return replace(made, most=made.most * assumed.conversions_per_week / now)


def best_value(known: Market) -> float:
    """Return what the best split would earn, by who knows the curves."""
    grid = np.linspace(0, BUDGET, STEPS + 1)
    share = grid[:, None] ** known.slope
    earned = known.worth * known.most * share / (share + known.half**known.slope)
    spent, before = np.indices((STEPS + 1, STEPS + 1))
    left = spent - before
    best = earned[:, 0]
    for other in range(1, earned.shape[1]):
        # The best of the campaigns so far, joined with one more: exact on the grid, whatever their shapes.
        best = np.where(left >= 0, best[before] + earned[left, other], -np.inf).max(1)
    return float(best[-1])
