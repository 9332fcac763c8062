"""Sites that tell sources apart without remembering anybody: each source has a static number of its own."""

from collections.abc import Iterable
from dataclasses import dataclass

from calltrack.kernel.touch import Touch


@dataclass(frozen=True, slots=True)
class SourceNumber:
    """A static number and what it stands for; an empty medium or campaign stands for all of them."""

    source: str
    medium: str
    campaign: str
    e164: str


def number_of(numbers: Iterable[SourceNumber], touch: Touch) -> str | None:
    """Return the number of the visit's source, the one that says most of it; None: its source has none."""
    fitting = [
        number
        for number in numbers
        if number.source.lower() == touch.source
        and number.medium.lower() in ("", touch.medium)
        and number.campaign.lower() in ("", touch.campaign.lower())
    ]
    best = max(fitting, key=lambda one: (bool(one.campaign), bool(one.medium)), default=None)
    return best.e164 if best else None
