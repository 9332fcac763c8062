"""A flow as a picture: boxes and arrows, drawn here, readable by eyes and by screen readers."""

from dataclasses import dataclass
from html import escape
from textwrap import wrap

from calltrack.callflows.sentence import branches, describe, sentence
from calltrack.callflows.steps import Flow, Next

WIDTH, HEIGHT, COLUMN, MARGIN = 230, 74, 380, 16
# A row of steps, and one in which calls only end.
ROW, END_ROW, END_HEIGHT = 98, 44, 28
LETTERS, MOST_LINES = 32, 3
TITLES = {
    "announce": "Announcement",
    "hours": "Opening hours",
    "menu": "Menu",
    "ring": "Ring",
    "by_caller": "By caller",
    "voicemail": "Voicemail",
    "hang_up": "End",
    "reject": "Refusal",
}


@dataclass(frozen=True)
class Box:
    """A step, or the end of a call (`step` None), at its place in columns and rows."""

    step: str | None
    title: str
    text: str
    column: int
    row: int


@dataclass(frozen=True)
class Arrow:
    """A branch from one box to another, by their places in the list of boxes."""

    since: int
    to: int
    label: str


@dataclass(frozen=True)
class Picture:
    """Boxes and arrows; a step two branches lead to is one box with two arrows."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def picture(flow: Flow) -> Picture:
    """Return a flow as boxes in columns, from left to right."""
    drawing = _Drawing(flow)
    drawing.draw(flow.start, 0)
    return Picture(tuple(drawing.boxes), tuple(drawing.arrows))


class _Drawing:
    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.boxes: list[Box] = []
        self.arrows: list[Arrow] = []
        self.places: dict[str, int] = {}
        self.rows = 0

    def draw(self, name: Next, column: int) -> int:
        """Draw a step with all that follows; return the place of its box."""
        if name is not None and name in self.places:
            return self.places[name]
        place, row = len(self.boxes), self.rows
        if name is None:
            self.boxes.append(Box(None, "The call ends", "", column, row))
            self.rows += 1
            return place
        title = TITLES[self.flow.steps[name].kind]
        self.boxes.append(Box(name, f"{title}: {name}", describe(self.flow, name), column, row))
        self.places[name] = place
        for label, to in branches(self.flow, name):
            self.arrows.append(Arrow(place, self.draw(to, column + 1), label))
        self.rows = max(self.rows, row + 1)
        return place


def svg(flow: Flow, name: str, id_: str = "flow", marked: frozenset[str] = frozenset()) -> str:
    """Return the picture as an inline SVG; `name` is its title, `id_` begins the ids inside.

    It carries no style of its own: it takes the colour of the text around it. `marked` steps have the class
    `marked`, every box the kind of its step.
    """
    drawn = picture(flow)
    width = MARGIN * 2 + max(box.column for box in drawn.boxes) * COLUMN + WIDTH
    tops = _tops(drawn)
    height = MARGIN + tops[-1]
    corners = [(MARGIN + box.column * COLUMN, tops[box.row]) for box in drawn.boxes]
    arrows = _Arrows()
    inside = [
        *(arrows.draw(corners[arrow.since], corners[arrow.to], arrow.label) for arrow in drawn.arrows),
        *(
            _box(box, corner, flow.steps[box.step].kind if box.step else "end", marked)
            for box, corner in zip(drawn.boxes, corners, strict=True)
        ),
    ]
    return (
        f'<svg class="call-flow" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-labelledby="{id_}-title {id_}-desc" '
        'font-family="inherit" font-size="12" fill="currentColor">'
        f'<title id="{id_}-title">{escape(name)}</title><desc id="{id_}-desc">{escape(sentence(flow))}</desc>'
        f"{''.join(inside)}</svg>"
    )


def _tops(drawn: Picture) -> list[int]:
    """Return where each row begins, and last where the picture ends."""
    last = max(box.row for box in drawn.boxes)
    with_steps = {box.row for box in drawn.boxes if box.step is not None}
    heights = [ROW if row in with_steps else END_ROW for row in range(last + 1)]
    tops = [MARGIN]
    for height in heights:
        tops.append(tops[-1] + height)
    return tops


def _box(box: Box, corner: tuple[int, int], kind: str, marked: frozenset[str]) -> str:
    x, y = corner
    height = HEIGHT if box.step else END_HEIGHT
    shown = wrap(box.text, LETTERS)
    if len(shown) > MOST_LINES:
        shown = [*shown[: MOST_LINES - 1], shown[MOST_LINES - 1][: LETTERS - 1] + "…"]
    texts = [f'<text x="{x + 10}" y="{y + 18}" font-weight="600">{escape(box.title[:LETTERS])}</text>']
    texts += [
        f'<text x="{x + 10}" y="{y + 34 + 15 * line}">{escape(text)}</text>'
        for line, text in enumerate(shown)
    ]
    frame = (
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{height}" rx="8" fill="none" stroke="currentColor"/>'
    )
    look = f"box {kind} marked" if box.step in marked else f"box {kind}"
    return f'<g class="{look}">{frame}{"".join(texts)}</g>'


class _Arrows:
    """Draws the branches so that no line runs through a box and no label stands on another."""

    def __init__(self) -> None:
        self.lanes: dict[int, int] = {}
        self.labels: dict[tuple[int, int], list[str]] = {}

    def draw(self, since: tuple[int, int], to: tuple[int, int], label: str) -> str:
        """Return one arrow with its label; it goes around the boxes between."""
        (x1, top), (x2, y2) = since, to
        x1, y1, y2 = x1 + WIDTH, top + 14, y2 + 14
        tip = f"M{x2 - 6} {y2 - 4} L{x2} {y2} L{x2 - 6} {y2 + 4}"
        if x2 < x1:
            return _line(f"M{x1} {y1} H{x1 + 16} V{y2} H{x2 + WIDTH}") + self._label(x1, y2, label)
        if x2 - x1 < COLUMN:
            return _line(f"M{x1} {y1} H{x1 + 8} V{y2} H{x2} {tip}") + self._label(x1, y2, label)
        lane = top + HEIGHT + 6 + 5 * min(self.lanes.get(top, 0), 3)
        self.lanes[top] = self.lanes.get(top, 0) + 1
        path = f"M{x1} {y1} H{x1 + 8} V{lane} H{x2 - 16} V{y2} H{x2} {tip}"
        return _line(path) + self._label(x1, lane, label)

    def _label(self, x: int, y: int, label: str) -> str:
        """Return the label above the line, or below it where another one stands there."""
        there = self.labels.setdefault((x, y), [])
        if label in there:
            return ""
        there.append(label)
        lower = y - 5 if len(there) == 1 else y + 12 * (len(there) - 1)
        words = label if len(label) <= 22 else label[:21] + "…"
        return f'<text x="{x + 14}" y="{lower}" font-size="11">{escape(words)}</text>'


def _line(path: str) -> str:
    return f'<path d="{path}" fill="none" stroke="currentColor" opacity="0.6"/>'
