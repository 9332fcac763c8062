"""What the carrier's lists tell that we do not know yet, as events to store."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.calls import service
from calltrack.calls.model import Call, CallEventRow
from calltrack.calls.service import Received
from calltrack.infra.bounded import connect
from calltrack.numbers.model import TrackingNumber
from calltrack.telephony.carrier_calls import CarrierCall, CarrierRecording
from calltrack.telephony.events import CallEvent
from calltrack.telephony.fetched import fetched_call, fetched_recording
from calltrack.wiring import Services

STORE_SECONDS = 30.0


@dataclass(frozen=True)
class Place:
    """The tracking number a call came in on."""

    number_id: UUID
    location_id: UUID
    e164: str


@dataclass(frozen=True)
class Known:
    """What we have of the calls a list names: their places, and the keys of what was stored of them."""

    places: dict[str, Place]
    keys: frozenset[tuple[str, str]]
    numbers: dict[str, Place]

    def place_of(self, record: CarrierCall, callers: dict[str, CarrierCall]) -> Place | None:
        """Return where a leg belongs; None when it is no call to a number of ours."""
        call_sid = record.parent_sid or record.sid
        if call_sid in self.places:
            return self.places[call_sid]
        own = callers.get(call_sid)
        return self.numbers.get(own.to) if own is not None and own.direction == "inbound" else None


def look_up(session: Session, company_id: UUID, sids: Iterable[str], dialled: Iterable[str]) -> Known:
    """Return what is known of these calls, and of the numbers that were dialled."""
    wanted, numbers = sorted(set(sids)), sorted(set(dialled))
    calls = session.execute(
        select(Call.call_sid, Call.number_id, Call.location_id, TrackingNumber.e164)
        .join(
            TrackingNumber,
            (TrackingNumber.company_id == Call.company_id) & (TrackingNumber.id == Call.number_id),
        )
        .where(Call.company_id == company_id, Call.call_sid.in_(wanted))
    )
    keys = session.execute(
        select(CallEventRow.call_sid, CallEventRow.key).where(
            CallEventRow.company_id == company_id, CallEventRow.call_sid.in_(wanted)
        )
    )
    rows = session.execute(
        select(TrackingNumber.e164, TrackingNumber.id, TrackingNumber.location_id).where(
            TrackingNumber.company_id == company_id, TrackingNumber.e164.in_(numbers)
        )
    )
    return Known(
        {row.call_sid: Place(row.number_id, row.location_id, row.e164) for row in calls},
        frozenset((row.call_sid, row.key) for row in keys),
        {row.e164: Place(row.id, row.location_id, row.e164) for row in rows},
    )


def new_events(
    company_id: UUID,
    account_sid: str,
    records: Sequence[CarrierCall],
    recordings: Sequence[CarrierRecording],
    known: Known,
    now: datetime,
) -> list[Received]:
    """Return what is to be stored: every end, and beginnings of calls nobody told us of.

    The callers' own legs come first, so that a call is known before its legs.
    """
    callers = {record.sid: record for record in records if record.parent_sid is None}
    found: list[Received] = []
    for record in sorted(records, key=lambda one: one.parent_sid is not None):
        place = known.place_of(record, callers)
        is_over = record.status not in ("ringing", "in_progress")
        is_news = is_over or (record.parent_sid is None and record.sid not in known.places)
        if place is not None and is_news:
            found += _unless_known(company_id, place, fetched_call(record, account_sid, now), known, now)
    for one in recordings:
        own = callers.get(one.call_sid)
        place = known.places.get(one.call_sid) or (known.numbers.get(own.to) if own else None)
        if place is not None and one.status == "completed":
            event = fetched_recording(one, account_sid, place.e164, now)
            found += _unless_known(company_id, place, event, known, now)
    return found


def keep(services: Services, received: Sequence[Received]) -> int:
    """Store events that were found; returns how many were new. The workers are nudged.

    Raises:
        psycopg.Error: the database did not take one; asking the carrier again finds it again.
    """
    if not received:
        return 0
    connection = connect(services.settings.app_url, STORE_SECONDS)
    try:
        new = sum(service.store(connection, services.vault, one, services.clock()) for one in received)
    finally:
        connection.abandon()
    for company_id in {one.company_id for one in received}:
        services.nudges.wake("handle_facts", str(company_id))
        services.nudges.show(str(company_id))
    return new


def _unless_known(
    company_id: UUID, place: Place, event: CallEvent, known: Known, now: datetime
) -> list[Received]:
    if (event.call_sid, event.key) in known.keys:
        return []
    return [Received(company_id, place.number_id, place.location_id, event, now)]
