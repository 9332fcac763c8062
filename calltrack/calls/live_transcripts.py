"""Transcripts the carrier tells during the call: a function of the stored events, like the call's rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast
from uuid import UUID

import msgspec
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from calltrack.calls.model import Call, CallEventRow
from calltrack.calls.service import EVENT_PLACE
from calltrack.calls.transcripts import LIVE, Speaker, Spoken, Utterance, store_transcript
from calltrack.infra.crypto import Vault
from calltrack.kernel.cards import redact_all
from calltrack.telephony.events import CallEvent
from calltrack.wiring import Services

ENGINE = "carrier"


@dataclass(frozen=True)
class Heard:
    """A stored piece of a transcript."""

    id: UUID
    event: CallEvent


def write_down(services: Services, company_id: UUID, call_id: UUID) -> None:
    """Make the transcript of what was told so far; twice is harmless, a late piece is put in its place.

    A card number that was said in several pieces is taken out of the stored pieces too.
    """
    now = services.clock()
    with services.db.tenant(company_id) as session:
        call = session.get(Call, (company_id, call_id), with_for_update=True)
        if call is None or call.erased_at is not None:
            return
        pieces = _pieces(session, services.vault, company_id, call.call_sid)
        said = in_order(piece.event for piece in pieces)
        if not said:
            return
        _redact_stored(session, services.vault, company_id, pieces, said)
        spoken = assemble(said, call.started_at)
        store_transcript(session, services.vault, company_id, call_id, LIVE, ENGINE, spoken, now)


def in_order(events: Iterable[CallEvent]) -> list[CallEvent]:
    """Return the pieces in which something was said, each once, as they were said."""
    once = {event.key: event for event in sorted(events, key=repr, reverse=True)}
    said = [event for event in once.values() if event.transcript_step == "said" and event.text]
    return sorted(said, key=lambda event: (event.at, event.sequence or 0, event.key))


def assemble(said: Sequence[CallEvent], began: datetime) -> Spoken:
    """Return the pieces as a transcript."""
    language = next((event.language for event in said if event.language), "")
    return Spoken(
        language,
        tuple(
            Utterance(
                max(0.0, round((event.at - began).total_seconds(), 1)),
                cast(Speaker, event.speaker or ""),
                event.text or "",
            )
            for event in said
        ),
    )


def _pieces(session: Session, vault: Vault, company_id: UUID, call_sid: str) -> list[Heard]:
    rows = session.execute(
        select(CallEventRow.id, CallEventRow.event).where(
            CallEventRow.company_id == company_id,
            CallEventRow.call_sid == call_sid,
            CallEventRow.key.startswith("transcript:"),
        )
    )
    return [
        Heard(id_, CallEvent.from_json(msgspec.json.decode(vault.open(company_id, EVENT_PLACE, sealed))))
        for id_, sealed in rows
    ]


def _redact_stored(
    session: Session, vault: Vault, company_id: UUID, pieces: Sequence[Heard], said: Sequence[CallEvent]
) -> None:
    texts = redact_all([event.text or "" for event in said])
    clean = {event.key: text for event, text in zip(said, texts, strict=True) if text != event.text}
    for piece in pieces:
        if piece.event.key in clean:
            plain = replace(piece.event, text=clean[piece.event.key]).to_json()
            sealed = vault.seal(company_id, EVENT_PLACE, msgspec.json.encode(plain).decode())
            session.execute(
                update(CallEventRow)
                .where(CallEventRow.company_id == company_id, CallEventRow.id == piece.id)
                .values(event=sealed)
            )
