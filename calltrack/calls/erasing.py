"""Making calls nameless: the caller leaves rows, stored events, transcripts, notes and recordings.

The calls themselves stay, as if the number had been withheld: what happened still counts. Their rows stay a
function of their events (I8), and what the carrier tells of them later is stored without the caller, too.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import LargeBinary, Uuid, bindparam, delete, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from calltrack.calls.guard.blocking import unblock
from calltrack.calls.guard.model import BlockedCaller
from calltrack.calls.guard.shared import take_back
from calltrack.calls.keeping_model import KeptRecording, Transcript
from calltrack.calls.model import Call, CallEventRow, Recording
from calltrack.calls.nameless import nameless
from calltrack.calls.people.model import CallNote, MissedCall
from calltrack.calls.recording_keeping import ask_to_delete
from calltrack.calls.service import EVENT_PLACE
from calltrack.infra.crypto import Vault
from calltrack.infra.rows import one_of

# Calls whose rows and events are in hand together.
AT_ONCE: Final = 500


def calls_of(session: Session, company_id: UUID, hashes: Collection[bytes]) -> list[UUID]:
    """Return the calls of these callers, locked until the transaction ends."""
    return list(
        session.scalars(
            select(Call.id)
            .where(Call.company_id == company_id, Call.caller_hash.in_(list(hashes)))
            .order_by(Call.id)
            .with_for_update()
        )
    )


def make_nameless(
    session: Session, vault: Vault, company_id: UUID, call_ids: Iterable[UUID], now: datetime, *, by: str
) -> int:
    """Take the caller out of these calls; returns how many recordings are being deleted.

    They are gone, here and at the carrier, once `recordings_left` says so.
    """
    ids, recordings = list(call_ids), 0
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        calls = session.scalars(
            select(Call)
            .where(Call.company_id == company_id, one_of(Call.id, some))
            .order_by(Call.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).all()
        _rewrite_events(session, vault, company_id, [call.call_sid for call in calls])
        for call in calls:
            call.caller, call.caller_hash, call.caller_city, call.note = None, None, "", ""
            call.caller_region = None
            call.erased_at = call.erased_at or now
            call.changed_at = now
        for table in (Transcript, CallNote):
            session.execute(delete(table).where(table.company_id == company_id, one_of(table.call_id, some)))
        session.execute(
            update(MissedCall)
            .where(MissedCall.company_id == company_id, one_of(MissedCall.call_id, some))
            .values(caller_hash=None)
        )
        recordings += _delete_recordings(session, company_id, some, now, by)
    session.flush()
    return recordings


def recordings_left(session: Session, company_id: UUID, call_ids: Collection[UUID]) -> list[str]:
    """Return why recordings of these calls are still to be had, one sentence each; empty: all are gone."""
    rows = session.execute(
        select(KeptRecording.problem).where(
            KeptRecording.company_id == company_id,
            one_of(KeptRecording.call_id, call_ids),
            KeptRecording.gone_at.is_(None),
        )
    )
    return [row.problem or "It is being deleted." for row in rows]


def unblock_erased(
    session: Session, vault: Vault, company_id: UUID, numbers: Collection[str], now: datetime, *, by: str
) -> None:
    """Take numbers off the block list, and back what was told other companies of them."""
    hashes = [vault.look_up(company_id, number) for number in numbers]
    entries = session.scalars(
        select(BlockedCaller.id).where(
            BlockedCaller.company_id == company_id, BlockedCaller.caller_hash.in_(hashes)
        )
    ).all()
    for entry_id in entries:
        unblock(session, vault, company_id, entry_id, now, by=by)
    for number in numbers:
        take_back(session, vault, company_id, number)


_SEAL_ANEW: Final = text(
    """
    UPDATE call_event e SET event = fresh.event FROM unnest(:ids, :events) AS fresh (id, event)
    WHERE e.company_id = :company_id AND e.id = fresh.id
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("events", type_=ARRAY(LargeBinary())))


def _rewrite_events(session: Session, vault: Vault, company_id: UUID, sids: Collection[str]) -> None:
    of_calls = (CallEventRow.company_id == company_id, one_of(CallEventRow.call_sid, sids))
    session.execute(delete(CallEventRow).where(*of_calls, CallEventRow.key.startswith("transcript:")))
    fresh: dict[UUID, bytes] = {}
    for row in session.execute(select(CallEventRow.id, CallEventRow.event).where(*of_calls)):
        plain = msgspec.json.decode(vault.open(company_id, EVENT_PLACE, row.event))
        fresh[row.id] = vault.seal(company_id, EVENT_PLACE, msgspec.json.encode(nameless(plain)).decode())
    if fresh:
        values = {"company_id": company_id, "ids": list(fresh), "events": list(fresh.values())}
        session.execute(_SEAL_ANEW, values)


def _delete_recordings(
    session: Session, company_id: UUID, call_ids: Collection[UUID], now: datetime, by: str
) -> int:
    rows = session.execute(
        select(Recording.call_id, Recording.recording_sid)
        .where(
            Recording.company_id == company_id,
            one_of(Recording.call_id, call_ids),
            Recording.status == "completed",
        )
        .order_by(Recording.call_id, Recording.recording_sid)
    ).all()
    for row in rows:
        ask_to_delete(session, company_id, row.call_id, row.recording_sid, now, by=by)
    return len(rows)
