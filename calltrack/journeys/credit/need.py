"""How much data a model needs before its credit is worth showing, and how much is missing."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Need:
    """What a model needs, and what there is."""

    conversions: int
    seen: float

    @property
    def missing(self) -> int:
        """Return how many conversions are missing; 0 when there are enough."""
        return max(0, math.ceil(self.conversions - self.seen - 1e-9))

    @property
    def is_met(self) -> bool:
        """Tell whether there is enough data."""
        return self.missing == 0

    def sentence(self, label: str, instead: str) -> str:
        """Return the need in a sentence for a person."""
        if not self.conversions:
            return f"{label} needs no amount of data: it follows a fixed rule."
        if self.is_met:
            return f"{label} has the {self.conversions} conversions it needs."
        return (
            f"{label} needs {self.conversions} conversions in the chosen time; there are {_shown(self.seen)}."
            f" {self.missing} more are needed. Until then use {instead}."
        )


def _shown(seen: float) -> str:
    """Return a count with one digit after the point where there is one; never more than there are."""
    return f"{math.floor(seen * 10 + 1e-6) / 10:.12g}"
