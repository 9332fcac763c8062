"""Keeping recordings as the company wishes: left at the carrier, copied, moved, deleted when old."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.carrier import carrier_for
from calltrack.accounts.model import Company
from calltrack.accounts.rules import CompanySettings, settings_of
from calltrack.calls import recording_files
from calltrack.calls.keeping_model import KeptRecording, Transcript
from calltrack.calls.model import Call, Recording
from calltrack.infra.log import log
from calltrack.kernel.errors import NotFound as NothingThere
from calltrack.telephony.carrier import Carrier, NotFound, Refused, Retry
from calltrack.wiring import Services

LEASE: Final = timedelta(minutes=10)
AT_ONCE: Final = 5
# Recordings that grew too old are asked to go so many in one transaction.
PORTION: Final = 1_000
STEPS: Final = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))
REFUSED_WAIT: Final = timedelta(hours=1)
SOUND_TYPES: Final = {"audio/mpeg", "audio/wav", "audio/x-wav"}
BY_AGE, BY_ERASURE = "retention", "erasure"


@dataclass(frozen=True)
class Kept:
    """A recording somebody works on now."""

    call_id: UUID
    sid: str
    at_carrier: bool
    byte_count: int | None
    delete_asked_at: datetime | None
    tries: int
    channels: int | None


def take_in(services: Services, company_id: UUID, call_id: UUID) -> None:
    """After a recording is ready: note where it lies, and that it is to be copied where that is wished.

    One of a caller who was erased meanwhile is deleted.
    """
    now = services.clock()
    with services.db.tenant(company_id) as session:
        wish = _settings(session, company_id).recordings_kept
        call = session.get(Call, (company_id, call_id))
        is_erased = call is not None and call.erased_at is not None
        rows = session.scalars(
            select(Recording.recording_sid).where(
                Recording.company_id == company_id,
                Recording.call_id == call_id,
                Recording.status == "completed",
            )
        )
        for sid in rows:
            due = None if wish == "carrier" else now
            session.execute(
                insert(KeptRecording)
                .values(company_id=company_id, call_id=call_id, recording_sid=sid, due_at=due)
                .on_conflict_do_nothing()
            )
            if is_erased:
                ask_to_delete(session, company_id, call_id, sid, now, by=BY_ERASURE)
    if wish != "carrier" or is_erased:
        services.nudges.wake("keep_recordings", str(company_id))


def companies_to_keep(system: Session, now: datetime) -> list[UUID]:
    """Name the companies with recordings to copy or delete (system role)."""
    return list(
        system.scalars(select(KeptRecording.company_id).where(KeptRecording.due_at <= now).distinct())
    )


def keep_due(services: Services, company_id: UUID) -> int:
    """Copy and delete what is due, a few at a time; returns how many were worked on. Twice is harmless."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        claimed = _claim(session, company_id, now)
        if not claimed:
            return 0
        wish = _settings(session, company_id).recordings_kept
        try:
            carrier: Carrier | None = carrier_for(session, services.vault, services.carriers, company_id)
        except NothingThere:
            carrier = None
    for one in claimed:
        try:
            done = _work_on(services, carrier, company_id, one, wish, now)
        except (Retry, OSError) as problem:
            done = {"due_at": now + wait_after(one.tries), "problem": _words(problem)}
        except Refused as problem:
            done = {"due_at": now + REFUSED_WAIT, "problem": problem.words}
        except NotFound as problem:
            # It may not be ready yet; after some tries it is believed to be gone.
            is_over = one.tries > len(STEPS)
            due_at = None if is_over else now + wait_after(one.tries)
            done = {"due_at": due_at, "at_carrier": not is_over, "problem": problem.words}
        with services.db.tenant(company_id) as session:
            session.execute(
                update(KeptRecording).where(*_is(company_id, one.call_id, one.sid)).values(**done)
            )
        if problem_words := done.get("problem"):
            log.warning("recording %s of company %s: %s", one.sid, company_id, problem_words)
    services.nudges.show(str(company_id))
    return len(claimed)


def wait_after(tries: int) -> timedelta:
    """How long to wait after so many failed tries; the last step repeats."""
    return STEPS[min(tries, len(STEPS)) - 1]


def ask_to_delete(
    session: Session, company_id: UUID, call_id: UUID, sid: str, now: datetime, *, by: str
) -> None:
    """Let a recording be deleted here and at the carrier, and its transcript with it.

    Raises:
        NothingThere: the company has no such recording.
    """
    row = session.get(KeptRecording, (company_id, call_id, sid))
    if row is None:
        known = session.get(Recording, (company_id, call_id, sid))
        if known is None:
            raise NothingThere("There is no such recording.")
        row = KeptRecording(company_id=company_id, call_id=call_id, recording_sid=sid, at_carrier=True)
        session.add(row)
    if row.delete_asked_at is not None:
        return
    row.delete_asked_at, row.delete_asked_by, row.due_at, row.tries = now, by, now, 0
    session.execute(
        delete(Transcript).where(
            Transcript.company_id == company_id, Transcript.call_id == call_id, Transcript.source == sid
        )
    )
    audit.note(session, company_id, by, "recording.delete", sid, now, call_id=str(call_id))


def expire(services: Services, company_id: UUID) -> int:
    """Let everything older than the company keeps be deleted; returns how many recordings.

    Wishes that changed are followed as well: what is to be copied now is copied.
    """
    now, gone = services.clock(), 0
    with services.db.tenant(company_id) as session:
        settings = _settings(session, company_id)
        if settings.recordings_kept != "carrier":
            session.execute(_follow_wish(company_id, settings.recordings_kept, now))
    if not settings.recording_days:
        return 0
    before = now - timedelta(days=settings.recording_days)
    old, place = PORTION, None
    while old == PORTION:
        with services.db.tenant(company_id) as session:
            rows = session.execute(_old(company_id, before, place)).all()
            for row in rows:
                ask_to_delete(session, company_id, row.call_id, row.recording_sid, now, by=BY_AGE)
        old, place = len(rows), tuple(rows[-1]) if rows else None
        gone += old
    with services.db.tenant(company_id) as session:
        calls = select(Call.id).where(Call.company_id == company_id, Call.started_at < before)
        session.execute(
            delete(Transcript).where(Transcript.company_id == company_id, Transcript.call_id.in_(calls))
        )
    return gone


def _work_on(
    services: Services, carrier: Carrier | None, company_id: UUID, one: Kept, wish: str, now: datetime
) -> dict[str, Any]:
    """Do the next thing with a recording; return what to write down."""
    if carrier is None:
        raise Refused("No carrier is connected, so its recordings are out of reach: connect it again.")
    if one.delete_asked_at is not None:
        recording_files.remove(services, company_id, one.sid)
        _delete_there(carrier, one.sid)
        return {"due_at": None, "gone_at": now, "at_carrier": False, "byte_count": None, "file_key": None,
                "problem": ""}  # fmt: skip
    done: dict[str, Any] = {"due_at": None, "problem": ""}
    if wish == "carrier":
        return done
    if one.byte_count is None:
        done |= _copy(services, carrier, company_id, one, now)
        with services.db.tenant(company_id) as session:  # Only then may the original go.
            session.execute(
                update(KeptRecording).where(*_is(company_id, one.call_id, one.sid)).values(**done)
            )
    if wish == "move" and one.at_carrier:
        _delete_there(carrier, one.sid)
        done["at_carrier"] = False
    return done


def _copy(services: Services, carrier: Carrier, company_id: UUID, one: Kept, now: datetime) -> dict[str, Any]:
    channels: Literal[1, 2] = 2 if one.channels == 2 else 1
    with carrier.open_recording(one.sid, channels=channels, format_="wav") as stream:
        count, key = recording_files.save(services, company_id, one.sid, stream.chunks)
        if stream.length is not None and count != stream.length:
            recording_files.remove(services, company_id, one.sid)
            raise Retry("The recording did not arrive whole; it is fetched again.")
        sound = stream.content_type.partition(";")[0].strip().lower()
    return {
        "byte_count": count,
        "file_key": key,
        "content_type": sound if sound in SOUND_TYPES else "audio/wav",
        "copied_at": now,
        "problem": "",
    }


def _delete_there(carrier: Carrier, sid: str) -> None:
    """Delete at the carrier and see that it is gone; Retry when it is still to be had."""
    try:
        carrier.delete_recording(sid)
    except NotFound:
        return
    try:
        carrier.open_recording(sid, byte_range="bytes=0-0").close()
    except NotFound:
        return
    raise Retry("The carrier still has the recording after its deletion; it is asked again.")


def _settings(session: Session, company_id: UUID) -> CompanySettings:
    return settings_of(session.get_one(Company, company_id).settings)


def _is(company_id: UUID, call_id: UUID, sid: str) -> tuple[Any, ...]:
    return (
        KeptRecording.company_id == company_id,
        KeptRecording.call_id == call_id,
        KeptRecording.recording_sid == sid,
    )


def _old(company_id: UUID, before: datetime, place: tuple[Any, ...] | None) -> Any:
    """Select the next recordings, of calls before that moment, that nobody asked to delete yet."""
    order = (Call.started_at, Recording.call_id, Recording.recording_sid)
    query = (
        select(*order)
        .join(Call, (Call.company_id == Recording.company_id) & (Call.id == Recording.call_id))
        .outerjoin(
            KeptRecording,
            (KeptRecording.company_id == Recording.company_id)
            & (KeptRecording.call_id == Recording.call_id)
            & (KeptRecording.recording_sid == Recording.recording_sid),
        )
        .where(
            Recording.company_id == company_id,
            Recording.status == "completed",
            Call.started_at < before,
            ~Call.is_demo,
            KeptRecording.delete_asked_at.is_(None),
        )
        .order_by(*order)
        .limit(PORTION)
    )
    return query if place is None else query.where(tuple_(*order) > place)


def _follow_wish(company_id: UUID, wish: str, now: datetime) -> Any:
    """Make due what is not kept as wished: not copied yet, or still at the carrier although moved."""
    open_: ColumnElement[bool] = KeptRecording.byte_count.is_(None)
    if wish == "move":
        open_ = or_(open_, KeptRecording.at_carrier)
    return (
        update(KeptRecording)
        .where(
            KeptRecording.company_id == company_id,
            KeptRecording.delete_asked_at.is_(None),
            KeptRecording.due_at.is_(None),
            or_(KeptRecording.at_carrier, KeptRecording.byte_count.is_not(None)),
            open_,
        )
        .values(due_at=now, tries=0)
    )


# The materialised list is read once; a plain IN (SELECT ... LIMIT) may be run again per row and take more.
_CLAIM = text(
    """
    WITH taken AS MATERIALIZED (
        SELECT k.call_id, k.recording_sid, r.channels FROM kept_recording k
        JOIN recording r USING (company_id, call_id, recording_sid)
        WHERE k.company_id = :company_id AND k.due_at <= :now
        ORDER BY k.due_at LIMIT :most FOR UPDATE OF k SKIP LOCKED)
    UPDATE kept_recording k SET due_at = :lease_end, tries = k.tries + 1 FROM taken
    WHERE k.company_id = :company_id AND k.call_id = taken.call_id AND k.recording_sid = taken.recording_sid
    RETURNING k.call_id, k.recording_sid, k.at_carrier, k.byte_count, k.delete_asked_at, k.tries,
              taken.channels
    """
)


def _claim(session: Session, company_id: UUID, now: datetime) -> list[Kept]:
    values = {"company_id": company_id, "now": now, "lease_end": now + LEASE, "most": AT_ONCE}
    return [Kept(*row) for row in session.execute(_CLAIM, values)]


def _words(problem: Retry | OSError) -> str:
    return problem.words if isinstance(problem, Retry) else f"The disk did not take it ({problem.strerror})."
