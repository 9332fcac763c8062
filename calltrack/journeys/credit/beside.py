"""Models side by side: how much each channel gains or loses from one to another."""

from dataclasses import dataclass

from calltrack.journeys.credit.models import Credit


@dataclass(frozen=True)
class Difference:
    """What channels get under one model less what they get under another; the differences add up to 0."""

    channels: tuple[str, ...]
    conversions: tuple[float, ...]
    value_minor: tuple[int, ...]

    @property
    def moved(self) -> float:
        """Return how many conversions the two models give to different channels."""
        return sum(abs(part) for part in self.conversions) / 2


def difference(one: Credit, other: Credit) -> Difference:
    """Return what `one` gives less what `other` gives, over the same journeys."""
    if one.channels != other.channels or one.totals != other.totals:
        raise ValueError("These credits are not about the same journeys.")
    return Difference(
        one.channels,
        tuple(a - b for a, b in zip(one.conversions, other.conversions, strict=True)),
        tuple(a - b for a, b in zip(one.value_minor, other.value_minor, strict=True)),
    )
