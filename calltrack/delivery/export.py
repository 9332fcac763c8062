"""Deliveries as CSV, streamed page by page; the first line says which filters made it."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, cast

from calltrack.conversions.model import Conversion, ConversionChange
from calltrack.delivery.log import DeliveryFilter, raw_page
from calltrack.delivery.model import Delivery, DestinationAccount
from calltrack.infra.db import Database
from calltrack.kernel.money import Money

# The cells of a row as they are read: ids as text, which spares making them values first.
_CELLS: Final[dict[str, Any]] = {
    "delivery_id": cast(Delivery.id, Text), "destination": DestinationAccount.name,
    "destination_kind": DestinationAccount.kind, "conversion_id": cast(Delivery.conversion_id, Text),
    "call_id": cast(Conversion.call_id, Text), "kind": Conversion.kind, "action": ConversionChange.action,
    "sequence": Delivery.sequence, "value": ConversionChange.value_minor,
    "currency": ConversionChange.currency, "upload_id": Delivery.upload_id, "state": Delivery.state,
    "attempts": Delivery.attempts, "class": Delivery.last_class, "explanation": Delivery.explanation,
    "preflight": Delivery.preflight, "preflight_code": Delivery.preflight_code,
    "preflight_reason": Delivery.preflight_reason, "planned_at": Delivery.planned_at,
    "due_at": Delivery.due_at, "settled_at": Delivery.settled_at, "request_id": Delivery.request_id,
    "is_demo": Delivery.is_demo,
}  # fmt: skip
COLUMNS: Final = tuple(_CELLS)
_VALUE, _CURRENCY, _IS_DEMO = (COLUMNS.index(name) for name in ("value", "currency", "is_demo"))
# Rows of one page: some megabytes at most, and the database is let go between two pages.
PAGE: Final = 5_000
# A spreadsheet takes a cell that begins so for a formula (OWASP, "CSV injection").
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_cell(value: object) -> str:
    """Return a value as a cell that no spreadsheet runs: a leading apostrophe makes it text."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    text = value if isinstance(value, str) else str(value)
    return "'" + text if text.startswith(_FORMULA) else text


def csv_of(
    db: Database, company_id: UUID, wanted: DeliveryFilter, title: str, now: datetime, most: int = PAGE
) -> Iterator[str]:
    """Yield the export in pieces: a line with title, time and filters, the names of the columns, the rows.

    Each page of `most` rows is read in a transaction of its own, so that a slow reader holds neither a
    connection nor an old view of the tables; what is planned meanwhile is left out.
    """
    yield _lines([[f"{title}; exported {now.isoformat(timespec='seconds')}; filters: {wanted.in_words()}"]])
    yield _lines([COLUMNS])
    before: UUID | None = None
    while True:
        with db.tenant(company_id) as session:
            rows = raw_page(session, company_id, wanted, tuple(_CELLS.values()), before, most)
        if rows:
            yield _lines(map(_told, rows))
        if len(rows) < most:
            return
        before = UUID(rows[-1][0])


def _told(row: Sequence[Any]) -> list[object]:
    cells = list(row)
    if cells[_VALUE] is not None:
        cells[_VALUE] = Money(cells[_VALUE], cells[_CURRENCY]).major()
    cells[_IS_DEMO] = "yes" if cells[_IS_DEMO] else "no"
    return cells


def _lines(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([safe_cell(cell) for cell in row] for row in rows)
    return text.getvalue()
