"""Tables of rates from files: the ECB's wide one (a column for each currency), or a rate a line."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from calltrack.kernel.errors import BadInput
from calltrack.kernel.money import CURRENCIES
from calltrack.spend.currencies import RateRow, read_rate
from calltrack.spend.tables import Line, read_table

MOST_RATES: Final = 200_000
WRONG_SHOWN: Final = 3
_NONE: Final = ("", "N/A", "-")


def read_rates(content: bytes, since: date) -> list[RateRow]:
    """Return the rates in a file from a day on: `Date, USD, GBP, ...` (in euro), or `day, base, quote, rate`.

    Raises:
        BadInput: it is neither, or a line cannot be read; the text names the first lines.
    """
    header, lines = read_table(content)
    titles = [title.strip().lower() for title in header]
    codes = [title.strip().upper() for title in header]
    if {"base", "quote", "rate"} <= set(titles) and titles[0] in ("day", "date"):
        found, wrong = _long(titles, lines)
    elif titles[0] in ("date", "day") and any(code in CURRENCIES for code in codes[1:]):
        found, wrong = _wide(codes, lines)
    else:
        raise BadInput(
            "Name the columns day, base, quote, rate; or upload the ECB's table, which has Date and a column"
            " for each currency."
        )
    if wrong:
        more = f" and {len(wrong) - WRONG_SHOWN} more" if len(wrong) > WRONG_SHOWN else ""
        raise BadInput(f"Nothing was stored. {' '.join(wrong[:WRONG_SHOWN])}{more}")
    kept = [row for row in found if row.day >= since]
    if not kept:
        raise BadInput(f"This file has no rate from {since} on.")
    if len(kept) > MOST_RATES:
        raise BadInput(f"This file has more than {MOST_RATES:,} rates; leave out currencies you do not use.")
    return kept


def _long(titles: Sequence[str], lines: Sequence[Line]) -> tuple[list[RateRow], list[str]]:
    places = [titles.index(name) for name in ("base", "quote", "rate")]
    found: list[RateRow] = []
    wrong: list[str] = []
    for number, cells in lines:
        try:
            base, quote, rate = (cells[place] if place < len(cells) else "" for place in places)
            found.append(read_rate(base, quote, _day(cells[0]), rate))
        except BadInput as problem:
            wrong.append(f"Line {number}: {problem}")
    return found, wrong


def _wide(codes: Sequence[str], lines: Sequence[Line]) -> tuple[list[RateRow], list[str]]:
    found: list[RateRow] = []
    wrong: list[str] = []
    for number, cells in lines:
        for code, cell in zip(codes[1:], cells[1:], strict=False):
            # Currencies that are no more, such as CYP, have columns there, too.
            if code not in CURRENCIES or code == "EUR" or cell.strip().upper() in _NONE:
                continue
            try:
                found.append(read_rate("EUR", code, _day(cells[0]), cell))
            except BadInput as problem:
                wrong.append(f"Line {number}: {problem}")
    return found, wrong


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        raise BadInput(f"{text.strip()[:20]!r} is not a day; write it like 2026-11-30.") from None
