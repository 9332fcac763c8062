"""What happened on the line of one call."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts.model import Location
from calltrack.calls.keeping_model import KeptRecording, Transcript
from calltrack.calls.model import Call, CallEventRow, Leg, Recording
from calltrack.calls.transcripts import LIVE, Spoken, open_spoken
from calltrack.infra.crypto import Vault
from calltrack.numbers.model import TrackingNumber
from calltrack.telephony.events import CallEvent

MOST_EVENTS = 200


@dataclass(frozen=True)
class CallRow:
    """A call. `caller` is the full number (None: withheld); who may not see it gets it masked."""

    id: UUID
    call_sid: str
    caller: str | None
    caller_hash: bytes | None
    caller_city: str
    caller_country: str
    number_id: UUID
    number: str
    number_kind: str
    location_id: UUID
    location: str
    forward_to: str
    status: str
    outcome: str | None
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    ring_seconds: int | None
    duration_seconds: int | None
    talk_seconds: int
    is_bridged: bool
    was_spooled: bool
    changed_at: datetime
    note: str
    is_demo: bool
    answered_by: str
    hung_up_by: str
    stir: str
    sip_code: int | None
    error_code: int | None
    message_seconds: int | None
    price_micros: int | None
    price_currency: str
    line_type: str
    erased_at: datetime | None
    flow_path: list[str]
    flow_version: UUID | None


@dataclass(frozen=True)
class LegRow:
    """A phone that was rung."""

    leg_sid: str
    to_number: str
    status: str
    seconds: int | None
    started_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    ring_seconds: int | None
    is_joined: bool
    sip_code: int | None
    price_micros: int | None


@dataclass(frozen=True)
class RecordingRow:
    """A recording or voicemail, and where its sound lies."""

    recording_sid: str
    kind: str
    status: str
    seconds: int | None
    started_at: datetime | None
    is_here: bool
    at_carrier: bool
    delete_asked_at: datetime | None
    gone_at: datetime | None
    problem: str

    @property
    def is_to_be_heard(self) -> bool:
        """Whether its sound can be played."""
        return (
            self.status == "completed" and self.delete_asked_at is None and (self.is_here or self.at_carrier)
        )


@dataclass(frozen=True)
class TranscriptRow:
    """A transcript, or why there is none yet."""

    source: str
    engine: str
    state: str
    language: str
    problem: str
    spoken: Spoken | None


@dataclass(frozen=True)
class HeardEvent:
    """A carrier event as it arrived."""

    received_at: datetime
    event: CallEvent


@dataclass(frozen=True)
class Line:
    """Everything the carrier told about one call."""

    legs: tuple[LegRow, ...]
    recordings: tuple[RecordingRow, ...]
    events: tuple[HeardEvent, ...]

    def price_micros(self, of: CallRow) -> int | None:
        """Return what the call and its legs cost together, as far as the carrier told."""
        told = [of.price_micros, *(leg.price_micros for leg in self.legs)]
        return sum(price for price in told if price is not None) if any(p is not None for p in told) else None


def call(session: Session, vault: Vault, company_id: UUID, call_id: UUID) -> CallRow | None:
    """Return a call; None when it does not exist in this company."""
    row = session.execute(
        select(
            Call.id, Call.call_sid, Call.caller, Call.caller_hash, Call.caller_city, Call.caller_country,
            Call.number_id, TrackingNumber.e164.label("number"), TrackingNumber.kind.label("number_kind"),
            Call.location_id, Location.name.label("location"), Location.forward_to, Call.status, Call.outcome,
            Call.started_at, Call.answered_at, Call.ended_at, Call.ring_seconds, Call.duration_seconds,
            Call.talk_seconds, Call.is_bridged, Call.was_spooled, Call.changed_at, Call.note, Call.is_demo,
            Call.answered_by, Call.hung_up_by, Call.stir, Call.sip_code, Call.error_code,
            Call.message_seconds, Call.price_micros, Call.price_currency, Call.line_type, Call.erased_at,
            Call.flow_path, Call.flow_version,
        )
        .join(
            TrackingNumber,
            (TrackingNumber.company_id == Call.company_id) & (TrackingNumber.id == Call.number_id),
        )
        .join(Location, (Location.company_id == Call.company_id) & (Location.id == Call.location_id))
        .where(Call.company_id == company_id, Call.id == call_id)
    ).one_or_none()  # fmt: skip
    if row is None:
        return None
    return CallRow(**{**row._mapping, "caller": open_caller(vault, company_id, row.caller)})


def line(session: Session, vault: Vault, company_id: UUID, of: CallRow) -> Line:
    """Return legs, recordings and the carrier's events of a call, oldest first."""
    legs = session.execute(
        select(
            Leg.leg_sid, Leg.to_number, Leg.status, Leg.seconds, Leg.started_at, Leg.answered_at,
            Leg.ended_at, Leg.ring_seconds, Leg.is_joined, Leg.sip_code, Leg.price_micros,
        )
        .where(Leg.company_id == company_id, Leg.call_id == of.id)
        .order_by(Leg.position, Leg.leg_sid)
    )  # fmt: skip
    events = session.execute(
        select(CallEventRow.received_at, CallEventRow.event)
        .where(
            CallEventRow.company_id == company_id,
            CallEventRow.call_sid == of.call_sid,
            ~CallEventRow.key.startswith("transcript:"),
        )
        .order_by(CallEventRow.id)
        .limit(MOST_EVENTS)
    )
    return Line(
        tuple(LegRow(**row._mapping) for row in legs),
        recordings_of(session, company_id, of.id),
        tuple(HeardEvent(row.received_at, _heard(vault, company_id, row.event)) for row in events),
    )


def recordings_of(session: Session, company_id: UUID, call_id: UUID) -> tuple[RecordingRow, ...]:
    """Return the recordings of a call and where their sound lies."""
    rows = session.execute(
        select(Recording, KeptRecording)
        .outerjoin(
            KeptRecording,
            (KeptRecording.company_id == Recording.company_id)
            & (KeptRecording.call_id == Recording.call_id)
            & (KeptRecording.recording_sid == Recording.recording_sid),
        )
        .where(Recording.company_id == company_id, Recording.call_id == call_id)
        .order_by(Recording.started_at, Recording.recording_sid)
    )
    return tuple(
        RecordingRow(
            row.recording_sid,
            row.kind,
            row.status,
            row.seconds,
            row.started_at,
            is_here=kept is not None and kept.byte_count is not None,
            at_carrier=kept is None or kept.at_carrier,
            delete_asked_at=kept.delete_asked_at if kept else None,
            gone_at=kept.gone_at if kept else None,
            problem=kept.problem if kept else "",
        )
        for row, kept in rows
    )


def transcripts_of(
    session: Session, vault: Vault, company_id: UUID, call_id: UUID
) -> tuple[TranscriptRow, ...]:
    """Return the transcripts of a call: the one made during the call first."""
    rows = session.scalars(
        select(Transcript)
        .where(Transcript.company_id == company_id, Transcript.call_id == call_id)
        .order_by(Transcript.source != LIVE, Transcript.source)
    )
    return tuple(
        TranscriptRow(
            row.source, row.engine, row.state, row.language, row.problem,
            open_spoken(vault, company_id, row.spoken) if row.spoken else None,
        )
        for row in rows
    )  # fmt: skip


def open_caller(vault: Vault, company_id: UUID, sealed: bytes | None) -> str | None:
    """Return the caller's full number; None when it was withheld."""
    return vault.open(company_id, "call.caller", sealed) if sealed else None


def _heard(vault: Vault, company_id: UUID, sealed: bytes) -> CallEvent:
    return CallEvent.from_json(json.loads(vault.open(company_id, "call_event.event", sealed)))
