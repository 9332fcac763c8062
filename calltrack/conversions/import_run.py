"""Works a stored file of outcomes off, part by part; the same code tries it and applies it."""

import json
import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from calltrack.conversions import imports, inbox, intake
from calltrack.conversions.import_rules import LineResult, Plan, added, plan_from, read_line
from calltrack.conversions.import_survey import SURVEYS, Survey, run_at
from calltrack.conversions.intake import Sender, Taken
from calltrack.conversions.reading import Ways
from calltrack.conversions.sources_model import Import, ImportPart
from calltrack.conversions.told import Told
from calltrack.infra.crypto import Vault
from calltrack.kernel.errors import BadInput
from calltrack.wiring import Services

# After this long other work gets its turn; what is left asks for a job of its own.
TURN_SECONDS = 20.0
# A part takes a second or two: whoever has not gone on for so long is dead.
SILENT = timedelta(seconds=15)


def work_on(
    services: Services,
    company_id: UUID,
    import_id: UUID,
    stop: threading.Event,
    *,
    turn_seconds: float = TURN_SECONDS,
) -> bool:
    """Go on with a file until it is done, `stop` is set or the turn ends; tells whether it is done.

    Two workers never work on one file: the second finds its row held and leaves.
    """
    ends: float | None = None
    survey: Survey | None = None
    while not stop.is_set() and (ends is None or monotonic() < ends):
        with services.db.tenant(company_id) as session:
            row = session.scalar(
                select(Import)
                .where(Import.company_id == company_id, Import.id == import_id, Import.due_at.is_not(None))
                .with_for_update(skip_locked=True)
            )
            if row is None:
                return True
            try:
                if survey is None:
                    survey = SURVEYS.of(session, services.vault, row)
                # Reading the whole file takes what it takes; the turn is for the lines themselves.
                ends = ends or monotonic() + turn_seconds
                _work_on_part(session, services, row, survey)
            except BadInput as problem:
                row.state, row.problem, row.due_at = "failed", str(problem), None
            if row.due_at is None:
                SURVEYS.forget(row)
                return True
    return False


def preview(
    session: Session, vault: Vault, row: Import, most: int, now: datetime
) -> list[tuple[list[str], LineResult]]:
    """Return the first lines with what each would come to; nothing is changed."""
    lines = imports.lines_of(session, vault, row.company_id, row.id, 0)[:most]
    results = _results(session, vault, row, lines, {}, now, dry=True)
    return [(cells, result) for (_, cells), result in zip(lines, results, strict=True)]


def _work_on_part(session: Session, services: Services, row: Import, survey: Survey) -> None:
    """Do one part inside the caller's transaction: outcomes, results, and where to go on."""
    now, number = services.clock(), row.next_part
    is_dry = row.state == "trying"
    lines = imports.lines_of(session, services.vault, row.company_id, row.id, number)
    results = _results(session, services.vault, row, lines, survey, now, dry=is_dry)
    told = json.dumps([asdict(one) for one in results], ensure_ascii=False)
    session.execute(
        update(ImportPart)
        .where(
            ImportPart.company_id == row.company_id,
            ImportPart.import_id == row.id,
            ImportPart.number == number,
        )
        .values(results=services.vault.seal(row.company_id, imports.RESULTS, told))
    )
    row.next_part, row.counts = number + 1, added(row.counts, results)
    row.due_at = now + SILENT
    if row.next_part >= imports.parts_of(row.rows):
        row.state, row.due_at, row.finished_at = "tried" if is_dry else "applied", None, now


def _results(
    session: Session,
    vault: Vault,
    row: Import,
    lines: Sequence[imports.Line],
    survey: Survey,
    now: datetime,
    *,
    dry: bool,
) -> list[LineResult]:
    """Return what each line came to; with `dry` everything is taken back before returning."""
    plan, ways = plan_from(row.plan), intake.ways_of(session, row.company_id)
    if not dry:
        return _take_lines(session, vault, row, lines, survey, plan, ways, now)
    trial = session.begin_nested()
    try:
        return _take_lines(session, vault, row, lines, survey, plan, ways, now, dry=True)
    finally:
        trial.rollback()


def _take_lines(
    session: Session,
    vault: Vault,
    row: Import,
    lines: Sequence[imports.Line],
    survey: Survey,
    plan: Plan,
    ways: Ways,
    now: datetime,
    *,
    dry: bool = False,
) -> list[LineResult]:
    began, width, company_id = run_at(row), len(row.header), row.company_id
    results: dict[int, LineResult] = {}
    read: list[tuple[int, Told, bytes]] = []
    for line, cells in lines:
        told = read_line(line, cells, plan, width, ways, began)
        if isinstance(told, LineResult):
            results[line] = told
        else:
            read.append((line, told, inbox.subject_of(vault, company_id, told)))
    known = inbox.last_told(session, company_id, {subject for _, _, subject in read})
    fresh = []
    for line, told, subject in read:
        if survey and known.get(subject) == survey[subject].told:
            reason = "A file said exactly this before."
            results[line] = LineResult(line=line, result="unchanged", reason=reason)
        else:
            fresh.append((line, told, subject))
    # Lines of one file are said in their order: each stands a moment after the one before.
    said = [(told, began + timedelta(microseconds=line)) for line, told, _ in fresh]
    sender = Sender(f"file {row.name}", "import")
    taken = intake.take(session, vault, company_id, said, sender, now, dry=dry)
    for (line, _, subject), one in zip(fresh, taken, strict=True):
        # A trial takes each part back, so the part before is not seen: there it would have been new.
        is_later = dry and survey and survey[subject].first < lines[0][0] and one.verdict == "created"
        results[line] = _result(line, replace(one, verdict="changed") if is_later else one)
    ended = {
        subject: survey[subject].told for line, _, subject in fresh if survey and survey[subject].last == line
    }
    inbox.note_told(session, company_id, ended, now)
    return [results[line] for line, _ in lines]


def _result(line: int, taken: Taken) -> LineResult:
    call_id = taken.call_id.hex if taken.call_id else ""
    return LineResult(line=line, result=taken.verdict, reason=taken.reason, call_id=call_id)
