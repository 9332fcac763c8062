"""What happened on the line of one call."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts.model import Location
from calltrack.calls.model import Call, CallEventRow, Leg, Recording
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


@dataclass(frozen=True)
class LegRow:
    """A phone that was rung."""

    leg_sid: str
    to_number: str
    status: str
    seconds: int | None


@dataclass(frozen=True)
class RecordingRow:
    """A recording or voicemail that the carrier keeps."""

    recording_sid: str
    kind: str
    status: str
    seconds: int | None


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


def call(session: Session, vault: Vault, company_id: UUID, call_id: UUID) -> CallRow | None:
    """Return a call; None when it does not exist in this company."""
    row = session.execute(
        select(
            Call.id, Call.call_sid, Call.caller, Call.caller_hash, Call.caller_city, Call.caller_country,
            Call.number_id, TrackingNumber.e164.label("number"), TrackingNumber.kind.label("number_kind"),
            Call.location_id, Location.name.label("location"), Location.forward_to, Call.status, Call.outcome,
            Call.started_at, Call.answered_at, Call.ended_at, Call.ring_seconds, Call.duration_seconds,
            Call.talk_seconds, Call.is_bridged, Call.was_spooled, Call.changed_at, Call.note, Call.is_demo,
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
        select(Leg.leg_sid, Leg.to_number, Leg.status, Leg.seconds)
        .where(Leg.company_id == company_id, Leg.call_id == of.id)
        .order_by(Leg.leg_sid)
    )
    recordings = session.execute(
        select(Recording.recording_sid, Recording.kind, Recording.status, Recording.seconds)
        .where(Recording.company_id == company_id, Recording.call_id == of.id)
        .order_by(Recording.recording_sid)
    )
    events = session.execute(
        select(CallEventRow.received_at, CallEventRow.event)
        .where(CallEventRow.company_id == company_id, CallEventRow.call_sid == of.call_sid)
        .order_by(CallEventRow.id)
        .limit(MOST_EVENTS)
    )
    return Line(
        tuple(LegRow(**row._mapping) for row in legs),
        tuple(RecordingRow(**row._mapping) for row in recordings),
        tuple(HeardEvent(row.received_at, _heard(vault, company_id, row.event)) for row in events),
    )


def open_caller(vault: Vault, company_id: UUID, sealed: bytes | None) -> str | None:
    """Return the caller's full number; None when it was withheld."""
    return vault.open(company_id, "call.caller", sealed) if sealed else None


def _heard(vault: Vault, company_id: UUID, sealed: bytes) -> CallEvent:
    return CallEvent.from_json(json.loads(vault.open(company_id, "call_event.event", sealed)))
