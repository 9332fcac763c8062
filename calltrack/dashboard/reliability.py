"""A reliability diagram as SVG: along what was said, up how often it came true; the diagonal is honest."""

from typing import Final

from markupsafe import Markup

from calltrack.attribution.calibration import Bin, Calibration

SIZE, LEFT, TOP, FOOT = 240, 44, 10, 42
LARGEST_DOT: Final = 9.0


def diagram(found: Calibration, of: str) -> Markup:
    """Return the diagram; the same numbers belong beside it as a table."""
    width, height = LEFT + SIZE + 22, TOP + SIZE + FOOT
    most = max((one.calls for one in found.bins), default=1)
    parts = [
        Markup('<svg class="reliability" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
            width, height, f"Reliability diagram of the {of}; its numbers stand in the table."
        ),
        *(_grid(share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)),
        Markup('<line class="honest" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(_x(0), _y(0), _x(1), _y(1)),
        *(_bin(one, most) for one in found.bins),
        Markup(
            '<text class="axis" x="{}" y="{}" text-anchor="middle">how sure we said we were</text>'
        ).format(_x(0.5), height - 6),
        Markup('<text class="axis" transform="translate(11 {}) rotate(-90)" text-anchor="middle">').format(
            _y(0.5)
        ),
        Markup("how often it was right</text></svg>"),
    ]
    return Markup("").join(parts)


def _grid(share: float) -> Markup:
    return Markup(
        '<line class="grid" x1="{}" y1="{}" x2="{}" y2="{}"/>'
        '<text class="tick" x="{}" y="{}" text-anchor="end">{}</text>'
        '<text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>'
    ).format(
        _x(0), _y(share), _x(1), _y(share),
        LEFT - 5, _y(share) + 3, f"{share:.0%}",
        _x(share), TOP + SIZE + 15, f"{share:.0%}",
    )  # fmt: skip


def _bin(one: Bin, most: int) -> Markup:
    radius = max(LARGEST_DOT * (one.calls / most) ** 0.5, 2.5)
    said = f"{one.calls} calls: said {one.said:.0%}, right {one.came_true:.0%}"
    return Markup(
        '<g><title>{}</title><line class="bounds" x1="{}" y1="{}" x2="{}" y2="{}"/>'
        '<circle class="seen" cx="{}" cy="{}" r="{}"/></g>'
    ).format(
        said, _x(one.said), _y(one.lowest), _x(one.said), _y(one.highest),
        _x(one.said), _y(one.came_true), f"{radius:.1f}",
    )  # fmt: skip


def _x(share: float) -> str:
    return f"{LEFT + share * SIZE:.1f}"


def _y(share: float) -> float:
    return round(TOP + (1 - share) * SIZE, 1)
