"""Reads `week, campaign, spend, conversions, value` from a CSV file; says which line cannot be understood."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from itertools import chain

from calltrack.budgets.history import WeekOfCampaign
from calltrack.kernel.errors import BadInput

COLUMNS = ("week", "campaign", "spend", "conversions", "value")
MOST_WEEKS = 520
MOST_CAMPAIGNS = 500
LARGEST = Decimal(10) ** 12
LONGEST_NAME = 200
_NUMBER = re.compile(r"\d+(\.\d*)?([eE][+-]?\d{1,2})?|\.\d+")


def read_history(lines: Iterable[str], minor: int) -> list[WeekOfCampaign]:
    """Return the rows of a file; `minor` is how many minor units make one unit of its currency.

    Raises:
        BadInput: a column is missing, a line makes no sense, or the file has no lines or too many weeks.
    """
    opened, mark = _opened(lines)
    reader = csv.reader(opened, delimiter=mark, strict=True)
    rows: list[WeekOfCampaign] = []
    seen: dict[tuple[int, str], int] = {}
    kinds: set[str] = set()
    try:
        header = next(reader, [])
        places = _places(header)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                counts = f"{len(cells)} values, but the first line names {len(header)}"
                raise BadInput(f"Line {reader.line_num}: there are {counts}.")
            row = _row(reader.line_num, cells, places, minor, kinds)
            first = seen.setdefault((row.week, row.campaign), reader.line_num)
            if first != reader.line_num:
                raise BadInput(
                    f"Line {reader.line_num}: this week of {row.campaign!r} stands already on line {first}; "
                    "add the two up."
                )
            rows.append(row)
    except csv.Error as problem:
        raise BadInput(f"Line {reader.line_num}: this is not CSV: {problem}.") from None
    return _sensible(rows, seen)


def _opened(lines: Iterable[str]) -> tuple[Iterable[str], str]:
    """Return the lines, and what stands between the cells of the first one."""
    rest = iter(lines)
    header = next(rest, "").removeprefix("\ufeff")
    return chain((header,), rest), ";" if ";" in header and "," not in header else ","


def _places(header: Sequence[str]) -> dict[str, int]:
    names = [name.strip().lower() for name in header]
    if missing := [name for name in COLUMNS if name not in names]:
        raise BadInput(
            f"Line 1: the column{'s' if len(missing) > 1 else ''} {', '.join(missing)} "
            f"cannot be found; the first line names {', '.join(COLUMNS)}."
        )
    return {name: names.index(name) for name in COLUMNS}


def _row(
    line: int, cells: Sequence[str], places: dict[str, int], minor: int, kinds: set[str]
) -> WeekOfCampaign:
    text = {name: cells[place].strip() for name, place in places.items()}
    campaign = text["campaign"]
    if not campaign or len(campaign) > LONGEST_NAME or not campaign.isprintable():
        raise BadInput(f"Line {line}: the campaign has no name of 1 to {LONGEST_NAME} printable letters.")
    return WeekOfCampaign(
        week=_week(line, text["week"], kinds),
        campaign=campaign,
        spend=float(_number(line, "spend", text["spend"]) * minor),
        conversions=float(_number(line, "conversions", text["conversions"])),
        value=float(_number(line, "value", text["value"]) * minor),
    )


def _number(line: int, name: str, text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise BadInput(f"Line {line}: {name} is {text[:32]!r}; write a number from 0 on, such as 1234.50.")
    if (value := Decimal(text)) > LARGEST:
        raise BadInput(f"Line {line}: {name} is absurdly large.")
    return value


def _week(line: int, text: str, kinds: set[str]) -> int:
    """Return a week's number: counted as written, or weeks since year 1 for days and ISO weeks."""
    try:
        if re.fullmatch(r"\d{1,5}", text):
            kind, week = "a number", int(text)
        elif found := re.fullmatch(r"(\d{4})-?W(\d{2})", text):
            kind, day = "an ISO week", date.fromisocalendar(int(found[1]), int(found[2]), 1).toordinal()
            week = day // 7
        else:
            day = date.fromisoformat(text).toordinal()
            kind, week = f"a {date.fromordinal(day):%A}", (day - day % 7) // 7
    except ValueError:
        raise BadInput(
            f"Line {line}: week is {text[:32]!r}; write its first day (2026-11-23), 2026-W48, or its number."
        ) from None
    kinds.add(kind)
    if len(kinds) > 1:
        one, other = sorted(kinds)
        raise BadInput(
            f"Line {line}: week is {text!r}; one week is {one}, another {other}. Use one kind only."
        )
    return week


def _sensible(rows: list[WeekOfCampaign], lines: dict[tuple[int, str], int]) -> list[WeekOfCampaign]:
    if not rows:
        raise BadInput("There are no lines below the first one; give at least one week of one campaign.")
    first, last = (edge(rows, key=lambda row: row.week) for edge in (min, max))
    if last.week - first.week >= MOST_WEEKS:
        raise BadInput(
            f"Line {lines[last.week, last.campaign]}: this week is {last.week - first.week} weeks after that "
            f"on line {lines[first.week, first.campaign]}; {MOST_WEEKS} weeks are the most we read."
        )
    if len({row.campaign for row in rows}) > MOST_CAMPAIGNS:
        raise BadInput(f"There are more than {MOST_CAMPAIGNS} campaigns; leave out those without spend.")
    if not any(row.spend for row in rows if row.week == last.week):
        raise BadInput("Nothing was spent in the newest week, so there is no split to begin from.")
    return rows
