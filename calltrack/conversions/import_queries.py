"""What pages and the API read of imported files."""

import json
from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.conversions.csv_reading import line_of
from calltrack.conversions.import_rules import LineResult
from calltrack.conversions.imports import LINES, RESULTS, Line
from calltrack.conversions.sources_model import Import, ImportPart
from calltrack.infra.crypto import Vault
from calltrack.wiring import Services

# Titles that no column of the file itself has, so that a result can be looked at beside it.
OURS = ("calltrack line", "calltrack result", "calltrack reason", "calltrack call")
WORDS = {
    "created": "New", "changed": "Changed", "unchanged": "As before", "kept": "Kept, no call yet",
    "ignored": "Too old", "wrong": "Wrong",
}  # fmt: skip


def find_imports(session: Session, company_id: UUID, most: int = 50) -> list[Import]:
    """Return the newest files."""
    query = select(Import).where(Import.company_id == company_id).order_by(Import.id.desc()).limit(most)
    return list(session.scalars(query))


def import_of(session: Session, company_id: UUID, import_id: UUID) -> Import | None:
    """Return one file's row, None where the company has none of this id."""
    return session.get(Import, (company_id, import_id))


def results_of(
    session: Session, vault: Vault, company_id: UUID, import_id: UUID, number: int
) -> list[tuple[Line, LineResult | None]]:
    """Return the lines of one part with what each came to (None: not worked on yet)."""
    part = session.get(ImportPart, (company_id, import_id, number))
    if part is None:
        return []
    lines: list[Line] = [
        (line, cells) for line, cells in json.loads(vault.open(company_id, LINES, part.lines))
    ]
    if part.results is None:
        return [(line, None) for line in lines]
    results = [LineResult(**one) for one in json.loads(vault.open(company_id, RESULTS, part.results))]
    return list(zip(lines, results, strict=True))


def result_file(services: Services, row: Import) -> Iterator[str]:
    """Yield the file with each line's result beside it, as CSV for people: no cell is run as a formula."""
    yield "\ufeff" + line_of([*OURS, *row.header])
    number = 0
    while True:
        with services.db.tenant(row.company_id) as session:
            found = results_of(session, services.vault, row.company_id, row.id, number)
        if not found:
            return
        for (line, cells), result in found:
            said = [result.result, result.reason, result.call_id] if result else ["", "", ""]
            yield line_of([str(line), *said, *cells])
        number += 1
