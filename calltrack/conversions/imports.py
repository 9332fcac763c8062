"""Files of outcomes: stored sealed in parts, tried without effect, applied part by part.

A part is one transaction: its outcomes, its results and the place to go on from. A worker that is killed in
the middle leaves whole parts behind, and the next one goes on after them: nothing is done twice.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import IO, Any, cast
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.conversions import intake
from calltrack.conversions.csv_reading import check_columns, guess, read_lines, read_shape
from calltrack.conversions.import_rules import plan_from
from calltrack.conversions.sources_model import Import, ImportPart
from calltrack.infra.crypto import Vault
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id

LINES, RESULTS = "outcome_import.lines", "outcome_import.results"
LARGEST_FILE = 20 * 1024 * 1024
MOST_LINES = 200_000
PART = 100
SAMPLES = 200
PIECE = 256 * 1024
Line = tuple[int, list[str]]


def store_file(
    session: Session,
    vault: Vault,
    company_id: UUID,
    stream: IO[bytes],
    name: str,
    by: str,
    now: datetime,
) -> UUID:
    """Store an uploaded file as a draft with a guess how it is to be read; reads the stream piece by piece.

    Raises:
        BadInput: it is too large, no text, or has no lines below a header.
    """
    id_ = new_id(now)
    with tempfile.SpooledTemporaryFile(max_size=1_000_000) as file:
        size, digest = _copy(stream, cast(IO[bytes], file))
        shape = read_shape(cast(IO[bytes], file))
        ways = intake.ways_of(session, company_id)
        draft = Import(
            company_id=company_id, id=id_, name=_name(name), state="draft", created_at=now, created_by=by,
            size=size, sha256=digest, encoding=shape.encoding, delimiter=shape.delimiter,
            header=list(shape.header), plan={}, rows=0, counts={}, due_at=None,
        )  # fmt: skip
        session.add(draft)
        session.flush()
        draft.rows, samples = _store_lines(session, vault, draft, read_lines(cast(IO[bytes], file), shape))
    guessed = guess(shape.header, samples, ways.country)
    draft.plan = plan_from(
        {
            "columns": guessed.columns, "mark": guessed.mark, "day_first": guessed.day_first,
            "currency": ways.currency,
        }
    ).to_json()  # fmt: skip
    audit.note(session, company_id, by, "outcome_import.upload", draft.name, now, rows=draft.rows)
    session.flush()
    return id_


def change_plan(session: Session, company_id: UUID, import_id: UUID, plan: Mapping[str, Any]) -> None:
    """Store how the file is to be read; what is left out stays as it is.

    Raises:
        NotFound: the company has no such file.
        Conflict: it is being worked on.
        BadInput: no line could be read this way.
    """
    row = locked(session, company_id, import_id)
    _must_rest(row)
    wanted = plan_from(row.plan | dict(plan))
    check_columns(wanted.columns, len(row.header), has_outcome=bool(wanted.outcome))
    if plan_from(row.plan) != wanted:
        # What a trial said no longer holds.
        row.plan, row.state = wanted.to_json(), "draft" if row.state == "tried" else row.state
    session.flush()


def start(session: Session, company_id: UUID, import_id: UUID, by: str, now: datetime, *, dry: bool) -> None:
    """Let a worker try the file without effect (`dry`), or apply it.

    Raises:
        NotFound: the company has no such file.
        Conflict: it is being worked on.
        BadInput: no line could be read the present way.
    """
    row = locked(session, company_id, import_id)
    _must_rest(row)
    plan = plan_from(row.plan)
    check_columns(plan.columns, len(row.header), has_outcome=bool(plan.outcome))
    row.state, row.next_part, row.counts = ("trying" if dry else "applying"), 0, {}
    row.due_at, row.finished_at, row.problem = now, None, ""
    row.plan = plan.to_json() | {"run_at": now.isoformat()}
    session.execute(
        update(ImportPart)
        .where(ImportPart.company_id == company_id, ImportPart.import_id == import_id)
        .values(results=None)
    )
    if not dry:
        audit.note(session, company_id, by, "outcome_import.apply", row.name, now, rows=row.rows)
    session.flush()


def remove(session: Session, company_id: UUID, import_id: UUID, by: str, now: datetime) -> None:
    """Forget a file with its lines; what it said of calls stays.

    Raises:
        NotFound: the company has no such file.
        Conflict: it is being worked on.
    """
    row = locked(session, company_id, import_id)
    _must_rest(row)
    session.execute(delete(Import).where(Import.company_id == company_id, Import.id == import_id))
    audit.note(session, company_id, by, "outcome_import.remove", row.name, now)


def prune(session: Session, company_id: UUID, before: datetime) -> int:
    """Forget files that were uploaded before the given moment; returns how many."""
    old = select(Import.id).where(
        Import.company_id == company_id, Import.created_at < before, Import.due_at.is_(None)
    )
    ids = list(session.scalars(old))
    session.execute(delete(Import).where(Import.company_id == company_id, Import.id.in_(ids)))
    return len(ids)


def locked(session: Session, company_id: UUID, import_id: UUID) -> Import:
    """Return the file's row, held until the transaction ends; raises NotFound."""
    row = session.scalar(
        select(Import).where(Import.company_id == company_id, Import.id == import_id).with_for_update()
    )
    if row is None:
        raise NotFound("There is no such file.")
    return row


def lines_of(session: Session, vault: Vault, company_id: UUID, import_id: UUID, number: int) -> list[Line]:
    """Return the lines of one part."""
    sealed = session.execute(
        select(ImportPart.lines).where(
            ImportPart.company_id == company_id,
            ImportPart.import_id == import_id,
            ImportPart.number == number,
        )
    ).scalar_one_or_none()
    if sealed is None:
        return []
    return [(line, cells) for line, cells in json.loads(vault.open(company_id, LINES, sealed))]


def parts_of(rows: int) -> int:
    """Return in how many parts so many lines are stored."""
    return -(-rows // PART)


def companies_with_due_imports(system: Session, now: datetime) -> list[tuple[UUID, UUID]]:
    """Name the files somebody must go on with: company and file (the clock's question; system role)."""
    rows = system.execute(select(Import.company_id, Import.id).where(Import.due_at <= now))
    return [(row.company_id, row.id) for row in rows]


def _must_rest(row: Import) -> None:
    if row.state in ("trying", "applying"):
        raise Conflict("This file is being worked on; wait until that has ended.")


def _copy(stream: IO[bytes], file: IO[bytes]) -> tuple[int, bytes]:
    digest, size = hashlib.sha256(), 0
    while piece := stream.read(PIECE):
        size += len(piece)
        if size > LARGEST_FILE:
            raise BadInput("This file is larger than 20 MB; split it, or leave columns out.")
        digest.update(piece)
        file.write(piece)
    file.seek(0)
    return size, digest.digest()


def _store_lines(
    session: Session, vault: Vault, draft: Import, lines: Iterator[Line]
) -> tuple[int, list[list[str]]]:
    """Store the lines sealed, in parts; returns their number and the first ones."""
    count, number = 0, 0
    part: list[Line] = []
    samples: list[list[str]] = []

    def put() -> None:
        nonlocal number
        sealed = vault.seal(draft.company_id, LINES, json.dumps(part, ensure_ascii=False))
        row = {"company_id": draft.company_id, "import_id": draft.id, "number": number, "lines": sealed}
        session.execute(insert(ImportPart), [row])
        number += 1
        part.clear()

    for line in lines:
        count += 1
        if count > MOST_LINES:
            raise BadInput(f"This file has more than {MOST_LINES:,} lines; split it.")
        part.append(line)
        if len(samples) < SAMPLES:
            samples.append(line[1])
        if len(part) == PART:
            put()
    if part:
        put()
    return count, samples


def _name(name: str) -> str:
    visible = "".join(mark for mark in name if mark.isprintable()).strip()
    return visible.replace("\\", "/").rpartition("/")[2][:120] or "outcomes.csv"


def oldest_kept(now: datetime) -> datetime:
    """Return from when on uploaded files are kept: ninety days."""
    return now - timedelta(days=90)
