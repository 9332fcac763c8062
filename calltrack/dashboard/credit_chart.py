"""A strip per channel: a line over what all models credit, a tick at the last touch, a dot at the chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

EDGE = 1.5
"""Per cent left free at both ends, so that a dot at the edge is whole."""


@dataclass(frozen=True)
class Strip:
    """One channel's strip and the numbers it shows."""

    picture: Markup
    last: float
    chosen: float
    least: float
    most: float


def strips(
    credits_: Mapping[str, Sequence[float]], base: str, chosen: str, order: Sequence[int]
) -> list[Strip]:
    """Return the strips of these channels on one scale; the same numbers belong beside them as a table."""
    largest = max((max(one, default=0.0) for one in credits_.values()), default=0.0) or 1.0
    return [_strip([one[at] for one in credits_.values()], credits_[base][at], credits_[chosen][at], largest)
            for at in order]  # fmt: skip


def _strip(of_all: Sequence[float], last: float, chosen: float, largest: float) -> Strip:
    def x(value: float) -> str:
        return f"{EDGE + max(value, 0.0) / largest * (100 - 2 * EDGE):.2f}%"

    least, most = min(of_all), max(of_all)
    said = f"last touch {last:.1f}, chosen model {chosen:.1f}, all models {least:.1f} to {most:.1f}"
    picture = Markup(
        '<svg class="strip" width="100%" height="22" role="img" aria-label="{said}"><title>{said}</title>'
        '<line class="track" x1="0" x2="100%" y1="11" y2="11"/>'
        '<line class="range" x1="{least}" x2="{most}" y1="11" y2="11"/>'
        '<line class="last" x1="{last}" x2="{last}" y1="3" y2="19"/>'
        '<circle class="chosen" cx="{chosen}" cy="11" r="5"/></svg>'
    ).format(said=said, least=x(least), most=x(most), last=x(last), chosen=x(chosen))
    return Strip(picture, last, chosen, least, most)
