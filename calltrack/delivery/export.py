"""Deliveries as CSV, streamed page by page; the first line says which filters made it."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

from calltrack.delivery.log import MOST, DeliveryFilter, find
from calltrack.delivery.queries import DeliveryRow
from calltrack.infra.db import Database
from calltrack.kernel.money import Money

COLUMNS: Final = (
    "delivery_id", "destination", "destination_kind", "conversion_id", "call_id", "kind", "action",
    "sequence", "value", "currency", "upload_id", "state", "attempts", "class", "explanation", "preflight",
    "preflight_code", "preflight_reason", "planned_at", "due_at", "settled_at", "request_id", "is_demo",
)  # fmt: skip
# A spreadsheet takes a cell that begins so for a formula (OWASP, "CSV injection").
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_cell(value: object) -> str:
    """Return a value as a cell that no spreadsheet runs: a leading apostrophe makes it text."""
    text = "" if value is None else value.isoformat() if isinstance(value, datetime) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_of(
    db: Database, company_id: UUID, wanted: DeliveryFilter, title: str, now: datetime, most: int = MOST
) -> Iterator[str]:
    """Yield the export in pieces: a line with title, time and filters, the names of the columns, the rows.

    Each page of `most` rows is read in a transaction of its own; what is planned meanwhile is left out.
    """
    yield _lines([[f"{title}; exported {now.isoformat(timespec='seconds')}; filters: {wanted.in_words()}"]])
    yield _lines([list(COLUMNS)])
    before: UUID | None = None
    while True:
        with db.tenant(company_id) as session:
            rows = find(session, company_id, wanted, before, most)
        if rows:
            yield _lines([_cells(row) for row in rows])
        if len(rows) < most:
            return
        before = rows[-1].id


def _cells(row: DeliveryRow) -> list[object]:
    value = None if row.value_minor is None else Money(row.value_minor, row.currency).major()
    return [
        row.id, row.destination, row.destination_kind, row.conversion_id, row.call_id, row.conversion_kind,
        row.action, row.sequence, value, row.currency, row.upload_id, row.state, row.attempts, row.last_class,
        row.explanation, row.preflight, row.preflight_code, row.preflight_reason, row.planned_at, row.due_at,
        row.settled_at, row.request_id, "yes" if row.is_demo else "no",
    ]  # fmt: skip


def _lines(rows: list[list[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([[safe_cell(cell) for cell in row] for row in rows])
    return text.getvalue()
