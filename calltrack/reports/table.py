"""A report as a table of plain cells, with what it shows written above it: the ground of every file."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from calltrack.kernel.money import EXPONENTS
from calltrack.reports.asking import COMPARED, PERIODS, Asked, Stretch
from calltrack.reports.figures import COLUMNS, MONEY, Figures, interval_of
from calltrack.reports.metrics import METRICS
from calltrack.reports.names import Names
from calltrack.reports.report import Report

Cell = str | int | float | Decimal | None
BOUNDED: Final = ("answered", "cost_per_lead", "cost_per_sale", "roas")


@dataclass(frozen=True)
class Table:
    """Lines that say what is shown, the columns (a stable key and a name each), the rows, the total first."""

    title: str
    told: tuple[tuple[str, str], ...]
    keys: tuple[str, ...]
    names: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def table_of(report: Report, names: Names, company: str, zone: str, currency: str, now: datetime) -> Table:
    """Return the report as a table; money is in whole units with decimals, shares are between 0 and 1."""
    asked = report.asked
    keys, titles = _columns(asked, currency)
    words = len(asked.dimension.keys)
    columns, has_before = asked.columns, asked.before is not None
    total = _figures(columns, report.total, report.total_before if has_before else None, currency)
    rows: list[tuple[Cell, ...]] = [("All", *([None] * words), *total)]
    for row in report.rows:
        figures = _figures(columns, row.now, row.before if has_before else None, currency)
        rows.append((names.row(asked.dimension, row.key), *map(_plain, row.key), *figures))
    return Table(
        f"{company}: {asked.dimension.plural}", told_of(report, names, company, zone, currency, now),
        keys, titles, tuple(rows),
    )  # fmt: skip


def told_of(
    report: Report, names: Names, company: str, zone: str, currency: str, now: datetime
) -> tuple[tuple[str, str], ...]:
    """Return what a report shows: period, filters, currency, when it was made."""
    asked = report.asked
    made = f"{now.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone}"
    told = [
        ("Company", company),
        ("Report by", asked.dimension.name),
        ("Period", f"{days(asked.now)} ({PERIODS.get(asked.period, 'days of your choice')})"),
        ("Compared with", f"{days(asked.before)} ({COMPARED[asked.compare]})" if asked.before else "nothing"),
        ("Filters", names.filters(asked) or "none"),
        ("Currency", currency),
        ("Days in", zone),
        ("Calls credited", _credited(report.total)),
        ("Made", made),
    ]
    if asked.segment:
        told.append(("Note", "Who is in the segment at the time of making; spend cannot be split by person."))
    if asked.is_open:
        told.append(("Note", "Today is not over."))
    if report.days_due:
        told.append(("Note", f"{report.days_due} days of the period were being counted anew."))
    if report.total.other_currency:
        told.append(
            ("Note", f"{report.total.other_currency} purchases in other currencies are not in the value.")
        )
    if report.total.unpriced_days:
        told.append(
            ("Note", f"Costs of {report.total.unpriced_days} campaign days have no rate and are left out.")
        )
    return tuple(told)


def _credited(of: Figures) -> str:
    return (
        f"to a visit {of.on_visit:,}, a campaign {of.on_campaign:,}, a source {of.on_source:,}, "
        f"to nothing {of.on_nothing:,}"
    )


def days(over: Stretch) -> str:
    """Return a stretch of days: `2026-11-01 to 2026-11-30`."""
    return f"{over.since} to {over.until}" if over.until != over.since else f"{over.since}"


def _columns(asked: Asked, currency: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = [("name", asked.dimension.name)]
    found += [(word, word.replace("_", " ").capitalize()) for word in _words(asked)]
    for column in asked.columns:
        name = METRICS[column].name + (f" ({currency})" if column in MONEY else "")
        found.append((column, name))
        if column in BOUNDED:
            found += [(f"{column}_low", f"{name}, at least"), (f"{column}_high", f"{name}, at most")]
        if asked.before:
            found.append((f"{column}_before", f"{name} before"))
    return tuple(key for key, _ in found), tuple(name for _, name in found)


def _words(asked: Asked) -> Sequence[str]:
    return (asked.dimension.id,) if asked.dimension.is_detail else asked.dimension.keys


def _figures(columns: Sequence[str], now: Figures, before: Figures | None, currency: str) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    for column in columns:
        cells.append(cell_of(column, COLUMNS[column](now), currency))
        if column in BOUNDED:
            sure = interval_of(column, now)
            bounds = (sure.low, sure.high) if sure else (None, None)
            cells += [cell_of(column, bound, currency) for bound in bounds]
        if before is not None:
            cells.append(cell_of(column, COLUMNS[column](before), currency))
    return tuple(cells)


def cell_of(column: str, value: float | None, currency: str) -> Cell:
    """Return a figure as a cell: money as a decimal of whole units, rates to four digits."""
    if value is None or math.isinf(value):
        return None
    if column in MONEY:
        # As many decimals as the currency has, noughts included.
        return Decimal(round(value)).scaleb(-EXPONENTS.get(currency, 2))
    return round(value, 4) if column in ("answered", "roas") else int(value)


def _plain(word: str) -> str:
    return "" if word.startswith("\x1f") else word
