"""Where the parts of a flow diagram stand: boxes and bands in an area of fixed width. Pure."""

from dataclasses import dataclass
from typing import Final

from calltrack.dashboard import words
from calltrack.stages.sankey import Node, Sankey

WIDTH: Final = 960
HEIGHT: Final = 420
BOX: Final = 14
GAP: Final = 18
# Words stand right of a box, in the last column left of it.
_COLUMNS: Final = (0, 400, WIDTH - BOX)
LONGEST: Final = 30


@dataclass(frozen=True)
class Box:
    """A node: its place, its words, and how many it stands for."""

    kind: str
    x: float
    y: float
    height: float
    name: str
    persons: int
    is_last: bool

    @property
    def text_x(self) -> float:
        """Where its words begin, or end in the last column."""
        return self.x - 8 if self.is_last else self.x + BOX + 8

    @property
    def middle(self) -> float:
        """Where its words stand."""
        return self.y + self.height / 2


@dataclass(frozen=True)
class Band:
    """A flow between two boxes as the outline of a curve."""

    outline: str
    words: str


@dataclass(frozen=True)
class Drawing:
    """The whole diagram."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    bands: tuple[Band, ...]


def draw(flow: Sankey) -> Drawing:
    """Return where everything stands; heights are in proportion to persons in every column."""
    most = max((len(column) for column in flow.columns), default=1)
    scale = (HEIGHT - GAP * (most - 1)) / max(flow.persons, 1)
    boxes: dict[Node, Box] = {}
    for place, column in enumerate(flow.columns):
        y = 0.0
        for node in column:
            height = node.persons * scale
            boxes[node] = Box(
                node.kind, _COLUMNS[place], y, max(height, 1.0), name_of(node), node.persons, place == 2
            )
            y += height + GAP
    left: dict[Node, float] = {}
    right: dict[Node, float] = {}
    bands = []
    for one in flow.flows:
        start, end, thick = boxes[one.start], boxes[one.end], one.persons * scale
        y1, y2 = start.y + right.get(one.start, 0.0), end.y + left.get(one.end, 0.0)
        right[one.start] = right.get(one.start, 0.0) + thick
        left[one.end] = left.get(one.end, 0.0) + thick
        said = f"{start.name} to {end.name}: {one.persons}"
        bands.append(Band(_outline(start.x + BOX, y1, end.x, y2, thick), said))
    return Drawing(WIDTH, HEIGHT, tuple(boxes.values()), tuple(bands))


def name_of(node: Node) -> str:
    """Return a node as people call it."""
    if node.is_other:
        return "Other sources" if node.kind == "source" else "Other pages"
    if node.kind == "source":
        return words.source(*node.origin)
    if node.kind == "page":
        return short(node.key) or "No visit known"
    return node.key.capitalize()


def short(text: str, longest: int = LONGEST) -> str:
    """Return a long address by its end, which tells more than its beginning."""
    return text if len(text) <= longest else "…" + text[1 - longest :]


def _outline(x1: float, y1: float, x2: float, y2: float, thick: float) -> str:
    middle = (x1 + x2) / 2
    return (
        f"M{x1:.1f} {y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
        f"V{y2 + thick:.1f}C{middle:.1f} {y2 + thick:.1f} {middle:.1f} {y1 + thick:.1f}"
        f" {x1:.1f} {y1 + thick:.1f}Z"
    )
