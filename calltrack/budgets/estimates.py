"""What draws say of a figure: its mean, and between which values it lies four times in five."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calltrack.budgets.history import Floats

LOW, HIGH = 0.1, 0.9


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 80 % interval."""

    mean: float
    low: float
    high: float


def significant(figure: float) -> float:
    """Return a figure to five significant digits, however small: 0.001134 a unit is one per 882, not 909."""
    return float(f"{figure:.5g}")


def estimate(draws: Floats) -> Estimate:
    """Return mean and interval of the draws."""
    low, high = np.quantile(draws, (LOW, HIGH))
    return Estimate(float(draws.mean()), float(low), float(high))
