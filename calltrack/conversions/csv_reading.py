"""Reads files of outcomes: encoding, delimiter, header, lines, and a guess which column is what. Pure."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from calltrack.conversions.amounts import guess_mark
from calltrack.conversions.csv_titles import TITLES
from calltrack.conversions.moments import guess_day_first
from calltrack.conversions.reading import IDS, NAMES
from calltrack.conversions.told import CLICK_IDS, OUTCOMES
from calltrack.kernel.errors import BadInput

DELIMITERS = (";", ",", "\t", "|")
MOST_COLUMNS = 200
LONGEST_CELL = 2_000
SAMPLE = 64 * 1024
# The values that lead to a call.
_OUR_ID = re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
LEADS = (*IDS, *CLICK_IDS, "call_sid", "phone", "order_id")


@dataclass(frozen=True)
class Shape:
    """How a file is written: its encoding, what stands between values, and the names of its columns."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]


@dataclass(frozen=True)
class Guess:
    """What the columns seem to be: our name -> place of the column; decimal mark; order of dates."""

    columns: dict[str, int]
    mark: str
    day_first: bool


def read_shape(file: IO[bytes]) -> Shape:
    """Find out how the file is written; the file is read once through and left at its beginning.

    Raises:
        BadInput: it is no text file with a header and at least one line.
    """
    start = file.read(SAMPLE)
    file.seek(0)
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise BadInput("This is a spreadsheet, not a CSV file. Save it as CSV (UTF-8), then upload that.")
    encoding = _encoding(file, start)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(start)
    if "\x00" in text:
        raise BadInput("This is not a text file; save it as CSV (UTF-8), then upload that.")
    named = re.match(r"\ufeff?sep=(.)\r?\n", text)
    delimiter = named[1] if named else _delimiter(text)
    lines = _cells(file, encoding, delimiter)
    header = next((cells for _, cells in lines), None)
    first = next((cells for _, cells in lines), None)
    file.seek(0)
    if header is None or first is None:
        raise BadInput("This file has no lines below its header.")
    if len(header) > MOST_COLUMNS:
        raise BadInput(f"This file has {len(header)} columns; {MOST_COLUMNS} is the most we read.")
    return Shape(encoding, delimiter, _unique(header))


def read_lines(file: IO[bytes], shape: Shape) -> Iterator[tuple[int, list[str]]]:
    """Yield each line with values: its number (the header is line 1) and its cells.

    Raises:
        BadInput: the file breaks off inside quotes, or a cell is larger than any we read.
    """
    lines = _cells(file, shape.encoding, shape.delimiter)
    next(lines, None)
    yield from lines


def guess(header: Sequence[str], samples: Sequence[Sequence[str]], country: str) -> Guess:
    """Guess which column is what, from its name; decimal mark and order of dates from the values."""
    columns: dict[str, int] = {}
    for place, title in enumerate(header):
        name = name_for(title)
        # A CRM's column `id` holds its own ids; ours are known by their shape.
        if name == "id" and not all(is_our_id(cell) for cell in _column(samples, place)):
            continue
        if name and name not in columns:
            columns[name] = place
    dates = [
        cell
        for name in ("occurred_at", "called_at", "called_back_at")
        for cell in _column(samples, columns.get(name))
    ]
    mark = guess_mark(_column(samples, columns.get("value")))
    return Guess(columns, mark or "", guess_day_first(dates, country))


def name_for(title: str) -> str:
    """Return our name for a column or field of that title; empty where none fits."""
    plain = title.strip().lower().translate(str.maketrans("äöüßàèéìòùáíóú", "aousaeeiouaiou"))
    word = re.sub(r"[^a-z0-9]", "", plain)
    exact = re.sub(r"[\s-]+", "_", plain)
    return exact if exact in NAMES else TITLES.get(word, "")


def is_our_id(text: str) -> bool:
    """Tell whether a text has the shape of our ids."""
    return _OUR_ID.fullmatch(text) is not None


def texts_of(cells: Sequence[str], columns: Mapping[str, int], width: int) -> dict[str, str]:
    """Return the cells by our names.

    Raises:
        BadInput: the line has more values than the header has names.
    """
    if len(cells) > width and any(cell.strip() for cell in cells[width:]):
        raise BadInput(f"This line has {len(cells)} values, but the header names {width} columns.")
    return {name: cells[place] for name, place in columns.items() if 0 <= place < len(cells)}


def check_columns(columns: Mapping[str, int], width: int, *, has_outcome: bool) -> None:
    """Refuse a choice of columns with which no line could be read; raises BadInput with what to choose."""
    if unknown := [name for name in columns if name not in NAMES]:
        raise BadInput(f"{', '.join(unknown[:3])}: there is no value of this name.")
    if any(not 0 <= place < width for place in columns.values()):
        raise BadInput("A chosen column is not in this file.")
    if "outcome" not in columns and not has_outcome:
        words = ", ".join(OUTCOMES)
        raise BadInput(f"Choose the column that says what happened, or one outcome for all: {words}.")
    if not set(LEADS) & set(columns):
        raise BadInput("Choose a column that leads to a call: phone, click id, call id or order id.")


def safe_cell(text: str) -> str:
    """Return a cell that no spreadsheet runs as a formula; an apostrophe in front marks it as text."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else text


def line_of(cells: Iterable[str]) -> str:
    """Return one line of a CSV file for people: every cell safe, quoted where needed."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow([safe_cell(cell) for cell in cells])
    return buffer.getvalue()


def _encoding(file: IO[bytes], start: bytes) -> str:
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        while piece := file.read(SAMPLE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    finally:
        file.seek(0)
    return "utf-8"


def _delimiter(text: str) -> str:
    """Return what splits the first lines into most columns of the same number; titles above them are one."""
    lines = [line for line in text.splitlines()[:50] if line.strip()]
    best, score = ",", 0.0
    for delimiter in DELIMITERS:
        try:
            widths = [len(cells) for cells in csv.reader(lines, delimiter=delimiter) if cells]
        except csv.Error:
            continue
        columns = next((width for width in widths if width > 1), 0)
        alike = widths.count(columns) / len(widths) if columns else 0.0
        if alike * columns > score:
            best, score = delimiter, alike * columns
    return best


def _cells(file: IO[bytes], encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, errors="replace", newline="")
    reader = csv.reader(text, delimiter=delimiter, strict=False)
    try:
        for number, cells in enumerate(_checked(reader), 1):
            is_mark = number == 1 and 1 <= len(cells) <= 2 and cells[0].lower().startswith("sep=")
            if any(cell.strip() for cell in cells) and not is_mark:
                yield number, [cell.strip() for cell in cells]
    finally:
        # Whoever stops early may have closed the file by now.
        with suppress(ValueError):
            text.detach()


def _checked(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        for cells in reader:
            if any(len(cell) > LONGEST_CELL for cell in cells):
                cells = [cell[:LONGEST_CELL] for cell in cells]
            yield cells
    except csv.Error as problem:
        raise BadInput(f"The file cannot be read as CSV: {problem}.") from None


def _unique(header: Sequence[str]) -> tuple[str, ...]:
    found: list[str] = []
    for place, title in enumerate(header, 1):
        name = (title or f"column {place}")[:120]
        found.append(f"{name} ({place})" if name in found else name)
    return tuple(found)


def _column(samples: Sequence[Sequence[str]], place: int | None) -> list[str]:
    return [cells[place] for cells in samples if place is not None and place < len(cells) and cells[place]]
