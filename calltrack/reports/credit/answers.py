"""Reports that took long are kept: who asks again has them at once, workers make the usual ones anew."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.reports.credit.model import CreditAnswer
from calltrack.reports.credit.queries import Asked, CreditReport, State, credit_report, state_of
from calltrack.reports.credit.told import KINDS, LEVELS
from calltrack.wiring import Services

SLOW_MS = 60
"""A report that is made quicker is never kept."""
PATIENCE = 200
"""A kept report may be behind for so many times as long as it took: one of 3 seconds for 10 minutes."""
USUAL_WINDOW = 30
USUAL_DAYS = (7, 30, 90)
KEPT_FOR = timedelta(days=2)


def report_of(session: Session, company_id: UUID, asked: Asked, now: datetime) -> CreditReport:
    """Return a report as it was kept if nothing changed since, or not long ago; else a new one."""
    state = state_of(session, company_id, asked)
    kept = _kept(session, company_id, asked)
    if kept is not None and (kept.counted_at == state.counted_at or now - kept.made_at <= _patience(kept)):
        try:
            found = msgspec.json.decode(kept.answer, type=CreditReport)
        except msgspec.DecodeError:
            pass  # Another release kept it.
        else:
            is_behind = kept.counted_at != state.counted_at
            return replace(found, waiting=max(state.waiting, int(is_behind)))
    return make_anew(session, company_id, asked, now)


def make_anew(session: Session, company_id: UUID, asked: Asked, now: datetime) -> CreditReport:
    """Return a new report; it is kept if it took long."""
    begun = time.perf_counter()
    found = credit_report(session, company_id, asked)
    took_ms = round((time.perf_counter() - begun) * 1000)
    if took_ms >= SLOW_MS:
        keep(session, company_id, found, took_ms, now)
    return found


def keep(session: Session, company_id: UUID, report: CreditReport, took_ms: int, now: datetime) -> None:
    """Keep a report instead of the one that answered the same question before."""
    asked = report.asked
    told = {
        "made_at": now, "counted_at": report.counted_at, "took_ms": took_ms,
        "answer": msgspec.json.encode(report),
    }  # fmt: skip
    question = {
        "company_id": company_id, "level": asked.level, "kind": asked.kind, "days": asked.days,
        "since": asked.since, "until": asked.until,
    }  # fmt: skip
    session.execute(
        insert(CreditAnswer)
        .values(**question, **told)
        .on_conflict_do_update(index_elements=list(question), set_=told)
    )


def usual(today: date) -> Iterator[Asked]:
    """Name what pages ask without any choice: the last days, and twelve months, per level and kind."""
    months = today.year * 12 + today.month - 12
    year = date(months // 12, months % 12 + 1, 1)
    for since in (*(today - timedelta(days=days - 1) for days in USUAL_DAYS), year):
        for level in LEVELS:
            for kind in KINDS:
                yield Asked(since, today, level, kind, USUAL_WINDOW)


def keep_usual(services: Services, company_id: UUID, today: date, *, is_night: bool) -> None:
    """Make the usual reports anew that are kept and behind; every night all that take long."""
    now = services.clock()
    if is_night:
        with services.db.tenant(company_id) as session:
            old = (CreditAnswer.company_id == company_id, CreditAnswer.made_at < now - KEPT_FOR)
            session.execute(delete(CreditAnswer).where(*old))
    for asked in usual(today):
        with services.db.tenant(company_id) as session:
            kept, state = _kept(session, company_id, asked), state_of(session, company_id, asked)
            if _is_to_make(kept, state, now, is_night=is_night):
                make_anew(session, company_id, asked, now)


def _is_to_make(kept: CreditAnswer | None, state: State, now: datetime, *, is_night: bool) -> bool:
    if kept is None:
        return is_night and state.counted_at is not None
    # Before anybody loses patience.
    return kept.counted_at != state.counted_at and now - kept.made_at > _patience(kept) / 2


def _kept(session: Session, company_id: UUID, asked: Asked) -> CreditAnswer | None:
    key = (company_id, asked.level, asked.kind, asked.days, asked.since, asked.until)
    return session.get(CreditAnswer, key)


def _patience(kept: CreditAnswer) -> timedelta:
    return timedelta(milliseconds=kept.took_ms) * PATIENCE
