"""Making calls nameless: the caller leaves rows, stored events, transcripts, notes and recordings.

The calls themselves stay, as if the number had been withheld: what happened still counts. Their rows stay a
function of their events (I8), and what the carrier tells of them later is stored without the caller, too.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, select, update
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
    recordings = 0
    for call_id in call_ids:
        call = session.get(Call, (company_id, call_id), with_for_update=True)
        if call is None:
            continue
        _rewrite_events(session, vault, call)
        call.caller, call.caller_hash, call.caller_city, call.note = None, None, "", ""
        call.caller_region = None
        call.erased_at = call.erased_at or now
        call.changed_at = now
        of_call: tuple[Any, ...] = (company_id, call_id)
        for table in (Transcript, CallNote):
            session.execute(delete(table).where(table.company_id == of_call[0], table.call_id == of_call[1]))
        session.execute(
            update(MissedCall)
            .where(MissedCall.company_id == company_id, MissedCall.call_id == call_id)
            .values(caller_hash=None)
        )
        recordings += _delete_recordings(session, company_id, call_id, now, by)
    session.flush()
    return recordings


def recordings_left(session: Session, company_id: UUID, call_ids: Collection[UUID]) -> list[str]:
    """Return why recordings of these calls are still to be had, one sentence each; empty: all are gone."""
    rows = session.execute(
        select(KeptRecording.problem).where(
            KeptRecording.company_id == company_id,
            KeptRecording.call_id.in_(list(call_ids)),
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


def _rewrite_events(session: Session, vault: Vault, call: Call) -> None:
    of_call = (CallEventRow.company_id == call.company_id, CallEventRow.call_sid == call.call_sid)
    session.execute(delete(CallEventRow).where(*of_call, CallEventRow.key.startswith("transcript:")))
    for row in session.execute(select(CallEventRow.id, CallEventRow.event).where(*of_call)).all():
        plain = msgspec.json.decode(vault.open(call.company_id, EVENT_PLACE, row.event))
        sealed = vault.seal(call.company_id, EVENT_PLACE, msgspec.json.encode(nameless(plain)).decode())
        session.execute(
            update(CallEventRow)
            .where(CallEventRow.company_id == call.company_id, CallEventRow.id == row.id)
            .values(event=sealed)
        )


def _delete_recordings(session: Session, company_id: UUID, call_id: UUID, now: datetime, by: str) -> int:
    sids = session.scalars(
        select(Recording.recording_sid).where(
            Recording.company_id == company_id,
            Recording.call_id == call_id,
            Recording.status == "completed",
        )
    ).all()
    for sid in sids:
        ask_to_delete(session, company_id, call_id, sid, now, by=by)
    return len(sids)
