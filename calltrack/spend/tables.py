"""Reads a table from a CSV or XLSX file: its header and its lines, as texts."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final, cast
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from calltrack.conversions.csv_reading import read_lines, read_shape
from calltrack.kernel.errors import BadInput

LARGEST_FILE: Final = 5 * 1024 * 1024
MOST_LINES: Final = 20_000
MOST_COLUMNS: Final = 100
LONGEST_CELL: Final = 500
MOST_TITLES: Final = 10
# What a workbook of 5 MB may unpack to; a made-up one unpacks to gigabytes.
MOST_UNPACKED: Final = 100 * 1024 * 1024
OLD_WORKBOOK: Final = b"\xd0\xcf\x11\xe0"
# A workbook can repeat one long text in millions of cells.
MOST_TEXT: Final = 20_000_000
# Below it sheets are empty, however far down somebody has coloured cells.
LAST_ROW: Final = 2 * MOST_LINES
Line = tuple[int, list[str]]
# What a damaged workbook makes zipfile, the XML parser and openpyxl raise, when opened or row by row.
_BROKEN: Final = (
    zipfile.BadZipFile, zlib.error, InvalidFileException, ParseError, LookupError, ValueError, TypeError,
    AttributeError, EOFError, OSError, RuntimeError,
)  # fmt: skip


def read_table(content: bytes) -> tuple[list[str], list[Line]]:
    """Return the header and the lines (number in the file, cells) of a CSV or XLSX file.

    Raises:
        BadInput: it is neither, too large, or has no lines below a header.
    """
    if len(content) > LARGEST_FILE:
        raise BadInput("This file is larger than 5 MB; split it, or leave columns out.")
    if content.startswith(OLD_WORKBOOK):
        raise BadInput("This is a workbook of an old Excel (.xls); save it as XLSX or CSV, then upload that.")
    if content.startswith(b"PK\x03\x04"):
        header, lines = _workbook(content)
    else:
        header, lines = _csv(content)
    if len(lines) > MOST_LINES:
        raise _too_long()
    if sum(len(cell) for _, cells in lines for cell in cells) > MOST_TEXT:
        raise BadInput("This file holds more text than we read; leave out the columns that are not needed.")
    return header, lines


def _csv(content: bytes) -> tuple[list[str], list[Line]]:
    file = io.BytesIO(content)
    shape = read_shape(file)
    lines = []
    for number, cells in read_lines(file, shape):
        lines.append((number, [cell[:LONGEST_CELL] for cell in cells]))
        if len(lines) > MOST_LINES:
            break
    (_, header), *below = _without_titles([(1, list(shape.header)), *lines])
    return [title or f"column {place}" for place, title in enumerate(header, 1)], below


def _without_titles(rows: list[Line]) -> list[Line]:
    """Leave out what ad platforms write above their tables, a cell a line: the report's name, its days."""
    for place, (_, cells) in enumerate(rows[:MOST_TITLES]):
        if sum(1 for cell in cells if cell) > 1:
            return rows[place:]
    return rows


def _workbook(content: bytes) -> tuple[list[str], list[Line]]:
    """Read the first sheet; formulas count by the value that was saved with them."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(one.file_size for one in packed.infolist()) > MOST_UNPACKED:
                raise BadInput("This workbook unpacks to more than 100 MB; save the sheet as CSV.")
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        try:
            found = [(number, cells) for number, cells in _rows(book) if any(cells)]
        finally:
            book.close()
    except _BROKEN:
        raise BadInput("This is no workbook we can read; save it as XLSX or CSV, then upload that.") from None
    if len(found) < 2:
        raise BadInput("The first sheet of this workbook has no lines below its header.")
    found = _without_titles(found)
    header, width = found[0][1], len(found[0][1])
    while width and not header[width - 1]:
        width -= 1
    if width > MOST_COLUMNS:
        raise BadInput(f"This sheet has {width} columns; {MOST_COLUMNS} is the most we read.")
    names = [title or f"column {place}" for place, title in enumerate(header[:width], 1)]
    return names, [(number, cells[:width]) for number, cells in found[1:]]


def _rows(book: Any) -> Iterator[Line]:
    sheet = book.worksheets[0] if book.worksheets else None
    if sheet is None:
        return
    for number, row in enumerate(sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS + 1), 1):
        cells = [_text(cell) for cell in cast(tuple[Any, ...], row)]
        if number > MOST_LINES + 200 and any(cells):
            raise _too_long()
        if number > LAST_ROW:
            return
        yield number, cells


def _too_long() -> BadInput:
    return BadInput(f"This file has more than {MOST_LINES:,} lines; split it.")


def _text(cell: Any) -> str:
    """Return a cell as its sheet means it: days as 2026-11-30, whole numbers without a point."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time().isoformat() == "00:00:00" else cell.isoformat(" ")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float):
        if cell.is_integer() and abs(cell) < 10**15:
            return str(int(cell))
        text = f"{cell:.6f}".rstrip("0")
        # 1.234 typed by a person may be thousands; a number in a sheet never is.
        return f"{text}0" if text[-4] == "." else text
    return str(cell).strip()[:LONGEST_CELL]
