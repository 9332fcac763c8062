"""The sound of a recording for somebody who may hear it: from our copy, else through us from the carrier."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.carrier import carrier_for
from calltrack.accounts.model import AuditEntry
from calltrack.calls import recording_files
from calltrack.calls.keeping_model import KeptRecording
from calltrack.calls.model import Recording
from calltrack.calls.ranges import OutOfRange, wanted_range
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import first_id_of
from calltrack.telephony.carrier import Carrier
from calltrack.wiring import Services

# A player asks for many ranges of one hearing: within this time they are one line of the audit trail.
ONE_HEARING: Final = timedelta(minutes=10)
HEARD = "recording.heard"


@dataclass
class Sound:
    """An answer to be streamed; `close` lets go of what is open behind it."""

    status: int
    content_type: str
    headers: dict[str, str]
    chunks: Iterator[bytes]
    close: Callable[[], None]


def open_sound(
    services: Services, company_id: UUID, call_id: UUID, sid: str, byte_range: str | None, *, by: str
) -> Sound:
    """Open a recording of the company's call and write down that it was heard.

    Raises:
        NotFound: there is no such recording, it is not ready, or it was deleted.
        carrier.Retry, carrier.Refused: the carrier does not hand it out.
    """
    now = services.clock()
    with services.db.tenant(company_id) as session:
        recording = session.get(Recording, (company_id, call_id, sid))
        kept = session.get(KeptRecording, (company_id, call_id, sid))
        if recording is None or recording.status != "completed":
            raise NotFound("There is no such recording.")
        if kept is not None and kept.delete_asked_at is not None:
            raise NotFound("This recording was deleted.")
        is_here = kept is not None and kept.byte_count is not None
        carrier = None if is_here else carrier_for(session, services.vault, services.carriers, company_id)
        _note(session, company_id, call_id, sid, now, by)
    if kept is not None and kept.byte_count is not None and kept.file_key is not None:
        return _of_copy(services, company_id, kept, byte_range)
    assert carrier is not None, "what is not here is at the carrier"
    return _of_carrier(carrier, sid, 2 if recording.channels == 2 else 1, byte_range)


def _of_copy(services: Services, company_id: UUID, kept: KeptRecording, byte_range: str | None) -> Sound:
    total = kept.byte_count or 0
    headers = {"Accept-Ranges": "bytes"}
    try:
        wanted = wanted_range(byte_range, total)
    except OutOfRange:
        return _beyond(f"bytes */{total}")
    start, stop = wanted or (0, total)
    if wanted is not None:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{total}"
    headers["Content-Length"] = str(stop - start)
    sid = kept.recording_sid
    if not recording_files.path_of(services, company_id, sid).exists():
        raise NotFound("The copy of this recording is not in the data folder of this server.")
    chunks = recording_files.read(services, company_id, sid, kept.file_key or b"", total, start, stop)
    return Sound(206 if wanted else 200, kept.content_type, headers, chunks, lambda: None)


def _of_carrier(carrier: Carrier, sid: str, channels: int, byte_range: str | None) -> Sound:
    stream = carrier.open_recording(sid, byte_range=byte_range, channels=2 if channels == 2 else 1)
    if stream.status == 416:
        stream.close()
        return _beyond(stream.content_range or "bytes */*")
    headers = {"Accept-Ranges": "bytes"}
    if stream.content_range is not None:
        headers["Content-Range"] = stream.content_range
    if stream.length is not None:
        headers["Content-Length"] = str(stream.length)
    # What the carrier calls it is not believed: a browser shall play it, whatever it holds.
    return Sound(stream.status, "audio/mpeg", headers, stream.chunks, stream.close)


def _beyond(content_range: str) -> Sound:
    return Sound(416, "audio/mpeg", {"Content-Range": content_range}, iter(()), lambda: None)


def _note(session: Session, company_id: UUID, call_id: UUID, sid: str, now: datetime, by: str) -> None:
    lately = select(AuditEntry.id).where(
        AuditEntry.company_id == company_id,
        AuditEntry.id >= first_id_of(now - ONE_HEARING),
        AuditEntry.actor == by,
        AuditEntry.action == HEARD,
        AuditEntry.subject == sid,
    )
    if session.scalar(lately.limit(1)) is None:
        audit.note(session, company_id, by, HEARD, sid, now, call_id=str(call_id))
