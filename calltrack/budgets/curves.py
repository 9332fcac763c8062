"""The hierarchical saturating-curve model: `a * s / (s + h)` conversions a week at spend `s`, drawn exactly.

For a given `h` the most a budget can bring, `a`, has a Gamma posterior; `h` lies on a grid of 12 points. What
budgets have in common is estimated from all of them: one with little of its own is drawn towards the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import lgamma

import numpy as np
from numpy.typing import NDArray

from calltrack.budgets.history import Floats, History

DRAWS = 500
SEED = 6
FORGETTING = 0.97
"""What a week counts for against the week after it."""
DISPERSION = 1.5
"""How much more weekly counts scatter than Poisson's law says; counts are divided by it."""
HALF_POINTS = 12
HALF_OF_MEAN_SPEND = 2.4
"""Prior median of `h` in mean spends of a budget: 0.4 of everything spent, where six share it."""
HALF_SPREAD = 0.7
HALF_REACH = 3.0
"""How many spreads the points of `h` reach to either side of its median."""
OWN_EVIDENCE = 0.5
"""How much of the evidence on `h` is a budget's own; the rest is what they say on average."""
PSEUDO_SALES = 8.0
ALIKE = np.geomspace(0.5, 50.0, 16)
"""Shapes of the Gamma distribution of `a` across budgets: the higher, the more alike they are."""
PRIOR_VARIATION = 0.5
"""Squared coefficient of variation of single sales, before any is seen; counts as PSEUDO_SALES sales."""


@dataclass(frozen=True, eq=False)
class Curves:
    """Draws of every budget's curve, arrays of draws by budgets: what the truth may be, each as likely."""

    most: Floats
    half: Floats
    worth: Floats

    def conversions(self, split: Floats) -> Floats:
        """Return the conversions of a week with this split, per draw and budget."""
        return self.most * split / (split + self.half)

    def value(self, split: Floats) -> Floats:
        """Return the value of a week with this split, per draw."""
        return np.asarray((self.conversions(split) * self.worth).sum(1))

    def marginal(self, split: Floats) -> Floats:
        """Return the value of the next unit spent, per draw and budget."""
        return self.worth * self.most * self.half / (split + self.half) ** 2


def weights_of(history: History) -> Floats:
    """Return what each week counts for: the newest 1, each one before it a little less."""
    return np.asarray(FORGETTING ** np.arange(history.weeks - 1, -1, -1.0))


def curves_of(history: History, late_share: float = 0.0, draws: int = DRAWS, seed: int = SEED) -> Curves:
    """Return draws from the posterior; the same history gives the same draws.

    Args:
        history: at least one conversion that came with spend.
        late_share: the part of a week's conversions that is told only in the week after.
        draws: how many.
        seed: what chance begins with.
    """
    weights = weights_of(history) / DISPERSION
    spent = history.spend > 0
    mean_spend = history.spend[spent].mean()
    spread = np.linspace(-HALF_REACH, HALF_REACH, HALF_POINTS)
    half = HALF_OF_MEAN_SPEND * mean_spend * np.exp(HALF_SPREAD * spread)
    told = np.ones(history.weeks)
    told[-1] = 1 - late_share
    counts = np.where(spent, history.conversions, 0.0)
    share = history.spend[:, None, :] / (history.spend[:, None, :] + half[:, None])
    exposure = (share * told * weights).sum(2)
    seen = (counts * weights).sum(1)
    fit = (counts[:, None, :] * weights * np.log(np.where(spent[:, None, :], share, 1.0))).sum(2)
    evidence, alike = _evidence(seen, exposure, fit)
    rng = np.random.default_rng(seed)
    shared = OWN_EVIDENCE * evidence + (1 - OWN_EVIDENCE) * evidence.mean(0)
    chosen = _chosen(shared - spread**2 / 2, rng, draws)
    shape = alike[chosen] + seen
    rate = (alike / _mean_most(seen, exposure))[chosen] + exposure[np.arange(len(seen)), chosen]
    return Curves(most=rng.standard_gamma(shape) / rate, half=half[chosen], worth=_worth(history, rng, draws))


def _mean_most(seen: Floats, exposure: Floats) -> Floats:
    return np.asarray(seen.sum() / exposure.sum(0))


def _evidence(seen: Floats, exposure: Floats, fit: Floats) -> tuple[Floats, Floats]:
    """Return the log evidence per budget and `h`, and for each `h` the likeliest shape across budgets."""
    shapes = np.array([[lgamma(a + y) - lgamma(a) for a in ALIKE] for y in seen])
    rate = ALIKE / _mean_most(seen, exposure)[:, None]
    marginal = (
        fit[:, :, None]
        + shapes[:, None, :]
        + ALIKE * np.log(rate)
        - (ALIKE + seen[:, None, None]) * np.log(rate + exposure[:, :, None])
    )
    best = marginal.sum(0).argmax(1)
    return marginal[:, np.arange(HALF_POINTS), best], ALIKE[best]


def _chosen(log_weight: Floats, rng: np.random.Generator, draws: int) -> NDArray[np.intp]:
    """Return places on the grid of `h`, draws by budgets."""
    weight = np.exp(log_weight - log_weight.max(1, keepdims=True))
    below = np.cumsum(weight / weight.sum(1, keepdims=True), axis=1)
    at = rng.random((draws, len(log_weight)))
    places: NDArray[np.intp] = (at[:, :, None] >= below).sum(2)
    return np.minimum(places, HALF_POINTS - 1)


def worth_of(history: History) -> Floats:
    """Return the value of a conversion per budget, drawn towards the mean of all by PSEUDO_SALES sales."""
    weights = weights_of(history)
    counts, values = (history.conversions * weights).sum(1), (history.value * weights).sum(1)
    mean = values.sum() / max(counts.sum(), 1e-9)
    return np.asarray((values + PSEUDO_SALES * mean) / (counts + PSEUDO_SALES))


def _worth(history: History, rng: np.random.Generator, draws: int) -> Floats:
    """Draw what a conversion of each budget is worth."""
    worth = worth_of(history)
    counts = (history.conversions * weights_of(history)).sum(1)
    shape = (counts + PSEUDO_SALES) / _variation(history, worth)
    return np.asarray(worth * rng.standard_gamma(shape, (draws, len(worth))) / shape)


def _variation(history: History, worth: Floats) -> float:
    """Return the squared coefficient of variation of single sales, as far as weekly sums tell it."""
    counts = history.conversions
    some = (counts > 0) & (worth > 0)[:, None]
    expected = np.where(some, counts * worth[:, None], 1.0)
    off = np.where(some, (history.value - expected) ** 2 / expected / np.maximum(worth, 1e-9)[:, None], 0.0)
    return float((off.sum() + PSEUDO_SALES * PRIOR_VARIATION) / (some.sum() + PSEUDO_SALES))
