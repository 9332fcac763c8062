"""A table as a file for spreadsheets: CSV or XLSX. No cell is run as a formula."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from calltrack.reports.table import Cell, Table

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_BOLD: Final = Font(bold=True)
_WIDEST: Final = 48


def csv_of(table: Table) -> Iterator[str]:
    """Yield the table in pieces: what is shown, an empty line, the columns' names, the rows."""
    yield _lines([[*told] for told in table.told] + [[]])
    yield _lines([table.names])
    for start in range(0, len(table.rows), 500):
        yield _lines(table.rows[start : start + 500])


def xlsx_of(table: Table) -> bytes:
    """Return the table as a workbook: the rows on the first sheet, what they show on the second."""
    book = Workbook(write_only=True)
    rows, told = book.create_sheet("Report"), book.create_sheet("Filters")
    rows.freeze_panes = "B2"
    for place, name in enumerate(table.names, 1):
        longest = max([len(name), *(len(str(row[place - 1] or "")) for row in table.rows[:200])])
        rows.column_dimensions[get_column_letter(place)].width = min(longest + 2, _WIDEST)
    rows.append([_text(rows, name, bold=True) for name in table.names])
    for row in table.rows:
        rows.append([_text(rows, cell) if isinstance(cell, str) else cell for cell in row])
    told.column_dimensions["A"].width, told.column_dimensions["B"].width = 18, 60
    for name, value in table.told:
        told.append([_text(told, name, bold=True), _text(told, value)])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _text(sheet: Any, text: str, *, bold: bool = False) -> WriteOnlyCell:
    """Return a cell that holds text whatever it begins with."""
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", text))
    cell.data_type = "s"
    if bold:
        cell.font = _BOLD
    return cell


def _lines(rows: Any) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def _cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, int | float | Decimal):
        return str(cell)
    return "'" + cell if cell.startswith(_FORMULA) else cell
