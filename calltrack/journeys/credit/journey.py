"""A journey as it is told, or several equal ones."""

from dataclasses import dataclass
from typing import Any, Protocol

from calltrack.journeys.credit.soft import Step


class Told(Protocol):
    """What is told about a journey, or about several equal ones."""

    @property
    def path(self) -> Any:
        """Touches in order; how they are written is up to who tells."""

    @property
    def conversions(self) -> float:
        """Return how many conversions these journeys led to."""

    @property
    def nulls(self) -> float:
        """Return how many of these journeys led to nothing."""

    @property
    def value_minor(self) -> int:
        """Return what all these conversions are worth, in minor units."""

    @property
    def hours_before(self) -> tuple[float, ...] | None:
        """Return how long before the journey's end each touch was."""

    @property
    def kind(self) -> str | None:
        """Return the kind of conversion."""


@dataclass(frozen=True)
class Journey:
    """Touches in order, and how many such journeys led to a conversion or to nothing."""

    path: tuple[Step, ...]
    conversions: float = 0.0
    nulls: float = 0.0
    value_minor: int = 0
    hours_before: tuple[float, ...] | None = None
    kind: str | None = None
