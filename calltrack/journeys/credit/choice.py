"""What a reader chooses: how far back touches count, which kinds of conversion, and how credit fades."""

from collections.abc import Collection
from dataclasses import dataclass

from calltrack.kernel.errors import BadInput

WEEK = 168.0


@dataclass(frozen=True)
class Choice:
    """How journeys are read before any model sees them."""

    lookback_hours: float | None = None
    """Touches longer before the end of the journey than this are left out; None keeps all."""
    kinds: frozenset[str] = frozenset()
    """Only conversions of these kinds count; empty: all kinds."""
    decay: "Decay | None" = None
    """Set when credit by time decay is asked for: then every journey says its hours."""

    def __post_init__(self) -> None:
        if self.lookback_hours is not None and not self.lookback_hours >= 0:
            raise BadInput("The window is a number of hours, not below zero.")

    @property
    def needs_hours(self) -> bool:
        """Tell whether a journey without hours cannot be read under this choice."""
        return self.lookback_hours is not None or self.decay is not None

    def keeps(self, kind: str | None, conversions: float) -> bool:
        """Tell whether a journey counts: it is of a chosen kind, or of none and led to nothing."""
        if not self.kinds:
            return True
        return kind in self.kinds if kind is not None else conversions == 0


@dataclass(frozen=True)
class Decay:
    """How the weight of a touch falls with its age."""

    half_life_hours: float = WEEK
    in_steps: bool = False
    """Count whole half-lives only, so that all touches of one week weigh the same."""

    def __post_init__(self) -> None:
        if not 0 < self.half_life_hours < float("inf"):
            raise BadInput("The half-life is a number of hours above zero.")


def named(kinds: Collection[str]) -> frozenset[str]:
    """Return kinds as a choice holds them; raises BadInput for an empty name."""
    if any(not kind.strip() for kind in kinds):
        raise BadInput("A kind of conversion has a name, such as lead or purchase.")
    return frozenset(kinds)
