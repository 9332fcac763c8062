"""Transcripts made from recordings by this server, where the company and the server's owner wish it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts.carrier import carrier_for
from calltrack.accounts.model import Company
from calltrack.accounts.rules import settings_of
from calltrack.calls import recording_files
from calltrack.calls.keeping_model import KeptRecording, Transcript
from calltrack.calls.local_engine import LocalEngine
from calltrack.calls.model import Call, Recording
from calltrack.calls.transcripts import Engine, EngineFailed, store_transcript
from calltrack.infra.log import log
from calltrack.kernel.errors import NotFound as NothingThere
from calltrack.telephony.carrier import NotFound, Refused, Retry
from calltrack.wiring import Services

ENGINE: Final = "local"
STEPS: Final = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))


@dataclass(frozen=True)
class Waiting:
    """A recording whose transcript is to be made now."""

    call_id: UUID
    sid: str
    tries: int


def expect_transcript(services: Services, company_id: UUID, call_id: UUID) -> None:
    """After a recording is ready: note that it is to be transcribed, where that is wished and possible."""
    if not services.settings.transcribe_command:
        return
    now = services.clock()
    with services.db.tenant(company_id) as session:
        if settings_of(session.get_one(Company, company_id).settings).transcripts != ENGINE:
            return
        call = session.get(Call, (company_id, call_id))
        if call is None or call.erased_at is not None:
            return
        sids = session.scalars(
            select(Recording.recording_sid).where(
                Recording.company_id == company_id,
                Recording.call_id == call_id,
                Recording.status == "completed",
            )
        )
        for sid in sids:
            row = insert(Transcript).values(
                company_id=company_id, call_id=call_id, source=sid, engine=ENGINE, state="waiting", due_at=now
            )
            session.execute(row.on_conflict_do_nothing())
    services.nudges.wake("transcribe", str(company_id))


def companies_to_transcribe(system: Session, now: datetime) -> list[UUID]:
    """Name the companies with recordings to transcribe (system role)."""
    return list(system.scalars(select(Transcript.company_id).where(Transcript.due_at <= now).distinct()))


def transcribe_due(services: Services, company_id: UUID, engine: Engine | None = None) -> bool:
    """Transcribe one recording of the company; tells whether there was one. Twice is harmless."""
    now = services.clock()
    # A machine that died in the middle is waited for as long as the program may take.
    lease = timedelta(seconds=services.settings.transcribe_seconds) + timedelta(minutes=1)
    with services.db.tenant(company_id) as session:
        one = _claim(session, company_id, now, now + lease)
        if one is None:
            return False
        channel = settings_of(session.get_one(Company, company_id).settings).caller_channel
    try:
        chosen = engine or LocalEngine(
            services.settings.transcribe_command, services.settings.transcribe_seconds
        )
        with _wav(services, company_id, one) as sound:
            spoken = chosen.transcribe(sound, channel)
    except (EngineFailed, Retry, Refused, NotFound, NothingThere, OSError) as problem:
        _failed(services, company_id, one, problem, now)
        return True
    with services.db.tenant(company_id) as session:
        kept = session.get(KeptRecording, (company_id, one.call_id, one.sid))
        if kept is None or kept.delete_asked_at is None:
            store_transcript(
                session, services.vault, company_id, one.call_id, one.sid, ENGINE, spoken, services.clock()
            )
    services.nudges.wake("handle_facts", str(company_id))
    return True


@contextmanager
def _wav(services: Services, company_id: UUID, one: Waiting) -> Iterator[Iterator[bytes]]:
    """Open the sound as WAV: our copy, else the carrier's recording."""
    with services.db.tenant(company_id) as session:
        kept = session.get(KeptRecording, (company_id, one.call_id, one.sid))
        recording = session.get_one(Recording, (company_id, one.call_id, one.sid))
        if kept is not None and kept.delete_asked_at is not None:
            raise NothingThere("The recording was deleted before its transcript was made.")
        is_here = kept is not None and kept.byte_count is not None
        carrier = None if is_here else carrier_for(session, services.vault, services.carriers, company_id)
    if carrier is None:
        assert kept is not None
        total = kept.byte_count or 0
        yield recording_files.read(services, company_id, one.sid, kept.file_key or b"", total, 0, total)
        return
    channels: Literal[1, 2] = 2 if recording.channels == 2 else 1
    with carrier.open_recording(one.sid, channels=channels, format_="wav") as stream:
        yield stream.chunks


def _failed(services: Services, company_id: UUID, one: Waiting, problem: Exception, now: datetime) -> None:
    """Try it again some times, then leave it with the reason in words."""
    is_over = one.tries > len(STEPS) or isinstance(problem, NothingThere)
    values: dict[str, Any] = {
        "state": "failed" if is_over else "waiting",
        "due_at": None if is_over else now + STEPS[min(one.tries, len(STEPS)) - 1],
        "problem": str(problem),
    }
    log.warning("transcript of %s of company %s: %s", one.sid, company_id, problem)
    with services.db.tenant(company_id) as session:
        session.execute(
            update(Transcript)
            .where(
                Transcript.company_id == company_id,
                Transcript.call_id == one.call_id,
                Transcript.source == one.sid,
            )
            .values(**values)
        )


_CLAIM = text(
    """
    WITH taken AS MATERIALIZED (
        SELECT call_id, source FROM transcript
        WHERE company_id = :company_id AND due_at <= :now
        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    UPDATE transcript t SET due_at = :lease_end, tries = t.tries + 1 FROM taken
    WHERE t.company_id = :company_id AND t.call_id = taken.call_id AND t.source = taken.source
    RETURNING t.call_id, t.source, t.tries
    """
)


def _claim(session: Session, company_id: UUID, now: datetime, lease_end: datetime) -> Waiting | None:
    row = session.execute(
        _CLAIM, {"company_id": company_id, "now": now, "lease_end": lease_end}
    ).one_or_none()
    return Waiting(*row) if row else None
