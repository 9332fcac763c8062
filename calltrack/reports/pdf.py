"""A report as PDF: the total, a chart, the largest rows. Made without a browser; see decision 0033."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from fontTools.ttLib import TTFont
from fpdf import FPDF

from calltrack.kernel.money import EXPONENTS
from calltrack.reports.figures import COLUMNS, MONEY, Figures, interval_of
from calltrack.reports.metrics import METRICS
from calltrack.reports.names import Names
from calltrack.reports.report import Report

FONTS: Final = Path(__file__).parent / "fonts"
MOST_ROWS: Final = 30
INK: Final = (24, 32, 29)
SOFT: Final = (90, 101, 96)
LINE: Final = (214, 214, 206)
ACCENT: Final = (13, 110, 91)
OPEN: Final = (163, 176, 169)
WELL: Final = (240, 240, 236)
# Millimetres.
MARGIN: Final = 14.0
WIDTH: Final = 182.0
CHART: Final = 38.0
SYMBOLS: Final = {"EUR": "€", "USD": "$", "GBP": "£"}


class _Paper(FPDF):
    """Pages with a foot."""

    foot = ""

    def footer(self) -> None:
        """Write what the report is and the page's number."""
        self.set_y(-11)
        self.set_font("dejavu", size=7)
        self.set_text_color(*SOFT)
        self.cell(WIDTH - 20, 5, _cut(self, self.foot, WIDTH - 22))
        self.cell(20, 5, f"{self.page_no()} / {{nb}}", align="R")


def pdf_of(
    report: Report, names: Names, told: Sequence[tuple[str, str]], company: str, currency: str, now: datetime
) -> bytes:
    """Return the report as a PDF of one to two A4 pages; `told` says what it shows."""
    paper = _Paper(format="A4")
    paper.set_creation_date(now)
    paper.set_title(shown(f"{company}: {report.asked.dimension.plural}"))
    for style, file in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
        paper.add_font("dejavu", style, FONTS / file)
    paper.foot = shown(f"{company} · {report.asked.dimension.plural} · {dict(told)['Period']}")
    paper.set_margins(MARGIN, MARGIN)
    paper.set_auto_page_break(True, 16)
    paper.add_page()
    _head(paper, report, told, company)
    _totals(paper, report, currency)
    _chart(paper, report)
    _rows(paper, report, names, currency)
    _notes(paper, report)
    return bytes(paper.output())


def shown(text: str) -> str:
    """Return a text in letters the font has; a box stands for others."""
    known = _letters()
    return "".join(one if ord(one) in known else "□" for one in text)


@cache
def _letters() -> frozenset[int]:
    return frozenset(TTFont(FONTS / "DejaVuSans.ttf").getBestCmap())


def _head(paper: FPDF, report: Report, told: Sequence[tuple[str, str]], company: str) -> None:
    _font(paper, 16, bold=True)
    by = f": {report.asked.dimension.plural}"
    title = _cut(paper, shown(company), WIDTH - paper.get_string_width(by) - 2) + by
    paper.cell(0, 8, title, new_x="LMARGIN", new_y="NEXT")
    for name, value in told:
        if (
            name in ("Period", "Compared with", "Filters", "Currency", "Calls credited", "Made", "Note")
            and value != "none"
        ):
            _font(paper, 8, colour=SOFT)
            paper.cell(28, 4.4, name)
            _font(paper, 8)
            paper.cell(0, 4.4, _cut(paper, shown(value), WIDTH - 30), new_x="LMARGIN", new_y="NEXT")
    paper.ln(3)


def _totals(paper: FPDF, report: Report, currency: str) -> None:
    columns = [name for name in report.columns if name not in ("visits", "answered")]
    wide, top = WIDTH / len(columns), paper.get_y()
    for place, column in enumerate(columns):
        left = MARGIN + place * wide
        paper.set_fill_color(*WELL)
        paper.rect(left, top, wide - 1.5, 15, style="F")
        _at(paper, left + 2, top + 1.5, METRICS[column].name, 7, colour=SOFT)
        figure = written(column, report.total, currency)
        _at(paper, left + 2, top + 5.5, _cut(paper, figure, wide - 5, 10, bold=True), 10, bold=True)
        if report.asked.before:
            before = f"before {written(column, report.total_before, currency)}"
            _at(paper, left + 2, top + 10.6, _cut(paper, before, wide - 4, 6.5), 6.5, colour=SOFT)
    paper.set_xy(MARGIN, top + 19)


def _chart(paper: FPDF, report: Report) -> None:
    """Draw a bar for each day, week or month: all calls, and those that were answered."""
    most = max((figures.calls for _, figures in report.steps), default=0)
    _font(paper, 9, bold=True)
    title = f"Calls by {report.asked.step} (dark: answered), most {most:,}"
    paper.cell(0, 5, title, new_x="LMARGIN", new_y="NEXT")
    top, wide = paper.get_y() + 1, WIDTH / max(len(report.steps), 1)
    for place, (start, figures) in enumerate(report.steps):
        left = MARGIN + place * wide
        for count, colour in ((figures.calls, OPEN), (figures.answered, ACCENT)):
            tall = CHART * count / (most or 1)
            paper.set_fill_color(*colour)
            paper.rect(left + wide * 0.12, top + CHART - tall, wide * 0.76, tall, style="F")
        if place % max(1, len(report.steps) // 8) == 0:
            label = f"{start:%b %Y}" if report.asked.step == "month" else f"{start.day} {start:%b}"
            _at(paper, left, top + CHART + 0.8, label, 6.5, colour=SOFT)
    paper.set_draw_color(*LINE)
    paper.line(MARGIN, top + CHART, MARGIN + WIDTH, top + CHART)
    paper.set_xy(MARGIN, top + CHART + 7)


def _rows(paper: FPDF, report: Report, names: Names, currency: str) -> None:
    columns = [name for name in report.columns if name != "answered"]
    wide = min(19.0, (WIDTH - 44) / len(columns))
    first = WIDTH - wide * len(columns)
    by, total = report.asked.dimension, _cells(columns, report.total, currency)
    _line(paper, [by.name, *(METRICS[name].name for name in columns)], first, wide, head=True)
    _line(paper, [f"All {by.plural}", *total], first, wide, bold=True)
    for row in report.rows[:MOST_ROWS]:
        name = names.row(report.asked.dimension, row.key)
        _line(paper, [name, *_cells(columns, row.now, currency)], first, wide)
    if len(report.rows) > MOST_ROWS:
        more = f"and {len(report.rows) - MOST_ROWS:,} smaller ones, which the page shows"
        _line(paper, [more], WIDTH, wide)


def _cells(columns: Sequence[str], of: Figures, currency: str) -> list[str]:
    return [
        written(column, of, currency)
        + ("*" if COLUMNS[column](of) is not None and interval_of(column, of) else "")
        for column in columns
    ]


def _line(
    paper: FPDF, cells: Sequence[str], first: float, wide: float, *, head: bool = False, bold: bool = False
) -> None:
    size = 6.8 if head else 7.4
    paper.set_draw_color(*LINE)
    for place, cell in enumerate(cells):
        room = wide if place else first
        _font(paper, size, bold=bold or head, colour=SOFT if head else INK)
        paper.cell(room, 5.4, _cut(paper, shown(cell), room - 1), border="B", align="R" if place else "L")
    paper.ln(5.4)


def _notes(paper: FPDF, report: Report) -> None:
    _font(paper, 7, colour=SOFT)
    paper.ln(3)
    text = " ".join(f"{METRICS[name].name}: {METRICS[name].means}" for name in report.columns)
    few = "* A count below 100 stands behind it: the page shows how sure it is."
    paper.multi_cell(WIDTH, 3.6, f"{few} {text}")


def written(column: str, of: Figures, currency: str) -> str:
    """Return a figure as it is read on paper."""
    value = COLUMNS[column](of)
    if value is None:
        return "–"
    if column in MONEY:
        whole = value / 10 ** EXPONENTS.get(currency, 2)
        digits = EXPONENTS.get(currency, 2) if whole and abs(whole) < 100 else 0
        return f"{SYMBOLS.get(currency, currency)} {whole:,.{digits}f}"
    if column == "answered":
        return f"{value * 100:.0f} %"
    return f"{value:.2f}" if column == "roas" else f"{int(value):,}"


def _at(paper: FPDF, left: float, top: float, text: str, size: float, **look: Any) -> None:
    _font(paper, size, **look)
    paper.set_xy(left, top)
    paper.cell(0, 4, text)


def _font(paper: FPDF, size: float, *, bold: bool = False, colour: tuple[int, int, int] = INK) -> None:
    paper.set_font("dejavu", "B" if bold else "", size)
    paper.set_text_color(*colour)


def _cut(paper: FPDF, text: str, room: float, size: float = 0, *, bold: bool = False) -> str:
    """Return as much of a text as fits into so many millimetres."""
    if size:
        _font(paper, size, bold=bold)
    if paper.get_string_width(text) <= room:
        return text
    while text and paper.get_string_width(text + "…") > room:
        text = text[:-1]
    return text + "…"
