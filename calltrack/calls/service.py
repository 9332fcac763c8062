"""Storing what the carrier tells: events are appended, the rows of a call are their fold.

These statements run over `infra.bounded` connections, because a caller may be waiting; the rows and facts
are those of `calls.model` and `infra.outbox`.
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from calltrack.calls import sql
from calltrack.calls.nameless import nameless
from calltrack.calls.rules import CallState, fold
from calltrack.infra.bounded import BoundedConnection
from calltrack.infra.crypto import Vault
from calltrack.kernel.ids import new_id
from calltrack.kernel.region import region_of_phone
from calltrack.telephony.base import CallEvent

EVENT_PLACE = "call_event.event"
CALLER_PLACE = "call.caller"
ORIGIN_DAYS = 30
# Columns of a call that its state holds under the same name.
STATE_COLUMNS = (
    "caller_city", "caller_country", "status", "outcome", "started_at", "answered_at", "ended_at",
    "ring_seconds", "duration_seconds", "talk_seconds", "is_bridged", "answered_by", "hung_up_by", "stir",
    "sip_code", "error_code", "message_seconds", "price_micros", "price_currency", "line_type",
)  # fmt: skip


@dataclass(frozen=True)
class Received:
    """An event and the route it came in on; `was_spooled` when the database was away."""

    company_id: UUID
    number_id: UUID
    location_id: UUID
    event: CallEvent
    received_at: datetime
    was_spooled: bool = False


@dataclass(frozen=True)
class UnknownCaller:
    """A call to a number nobody here owns. `id` makes a second writing of it harmless."""

    id: UUID
    at: datetime
    account_sid: str
    call_sid: str
    to_number: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class _Story:
    """All stored events of one call so far."""

    events: tuple[CallEvent, ...]
    was_spooled: bool

    def state(self) -> CallState | None:
        return fold(self.events) if self.events else None


def store(connection: BoundedConnection, vault: Vault, received: Received, now: datetime) -> bool:
    """Store one event of a call; False when it was stored before (nothing changes then).

    The first event of a call is one statement; every other one locks the call's row, so that any order, any
    repetition and any number of writers lead to the same rows. The facts `call.started` and `call.ended`
    are recorded in the same transaction.
    """
    values = _event_values(vault, received) | {"fact_id": new_id(now)}
    if received.event.kind == "transcript":
        return _store_aside(connection, vault, received, values, now)
    first = _Story((received.event,), received.was_spooled)
    if received.event.kind == "incoming" and not received.was_spooled:
        row = _call_values(vault, received, first, now)
        if connection.answer(sql.FIRST_EVENT, row | values) is not None:
            return True
    with connection.transaction():
        connection.execute(sql.SET_TENANT, {"company_id": str(received.company_id)}, prepare=True)
        return _merge(connection, vault, received, values, now)


def store_unknown(connection: BoundedConnection, unknown: UnknownCaller) -> None:
    """Write down a call to a number nobody here owns; twice is harmless."""
    connection.execute(sql.UNKNOWN_CALL, asdict(unknown) | {"detail": Jsonb(unknown.detail)})


def latest_origin(
    connection: BoundedConnection, company_id: UUID, number_id: UUID, now: datetime
) -> tuple[str, str, str] | None:
    """Return source, medium and campaign of the visit that was shown the number last."""
    with connection.transaction():
        connection.execute(sql.SET_TENANT, {"company_id": str(company_id)}, prepare=True)
        row = connection.execute(
            sql.LATEST_ORIGIN,
            {
                "company_id": company_id,
                "number_id": number_id,
                "now": now,
                "since": now - timedelta(days=ORIGIN_DAYS),
            },
            prepare=True,
        ).fetchone()
    return (row[0], row[1], row[2]) if row else None


def _store_aside(
    connection: BoundedConnection, vault: Vault, received: Received, values: dict[str, Any], now: datetime
) -> bool:
    """Store a piece of a transcript: there are many, and none changes a row of the call.

    What comes after the end is told as a fact, because the transcript may have been made already.
    """
    with connection.transaction():
        connection.execute(sql.SET_TENANT, {"company_id": str(received.company_id)}, prepare=True)
        known = connection.execute(sql.IS_KNOWN, values, prepare=True).fetchone()
        if known is None:
            return _merge(connection, vault, received, values, now)
        call_id, is_over, is_stored = known
        if is_stored:
            return False
        connection.execute(sql.INSERT_EVENT, values, prepare=True)
        if is_over or received.event.transcript_step in ("stopped", "failed"):
            _record(connection, received.company_id, "transcript.heard", call_id, now)
        return True


def _merge(
    connection: BoundedConnection, vault: Vault, received: Received, values: dict[str, Any], now: datetime
) -> bool:
    where = {"company_id": received.company_id, "call_sid": received.event.call_sid}
    call = connection.execute(sql.LOCK_CALL, where, prepare=True).fetchone()
    if call is None:
        first = _Story((received.event,), received.was_spooled)
        row = _call_values(vault, received, first, now)
        made = connection.execute(sql.INSERT_CALL, row, prepare=True).fetchone()
        if made is not None:
            connection.execute(sql.INSERT_EVENT, values, prepare=True)
            _record(connection, received.company_id, "call.started", made[0], now)
            _write_parts(connection, received, made[0], None, first.state(), now)
            return True
        call = connection.execute(sql.LOCK_CALL, where, prepare=True).fetchone()
        assert call is not None, "a call that stood in the way of an insert is visible"
    if call[2] is not None:  # The caller was erased: nothing names him again.
        event = CallEvent.from_json(nameless(received.event.to_json()))
        received = replace(received, event=event)
        values |= {"event": _event_values(vault, received)["event"]}
    stored = connection.execute(sql.EVENTS_OF_CALL, where, prepare=True).fetchall()
    if any(key == received.event.key for key, _ in stored):
        return False
    connection.execute(sql.INSERT_EVENT, values, prepare=True)
    before = _story(vault, received.company_id, [sealed for _, sealed in stored])
    after = _Story((*before.events, received.event), before.was_spooled or received.was_spooled)
    _write_call(connection, vault, received, call, before, after, now)
    return True


def _write_call(
    connection: BoundedConnection,
    vault: Vault,
    received: Received,
    call: Any,
    before: _Story,
    after: _Story,
    now: datetime,
) -> None:
    old, new = before.state(), after.state()
    if old == new and before.was_spooled == after.was_spooled:
        return
    row = _call_values(vault, received, after, now) | {"id": call[0]}
    connection.execute(sql.UPDATE_CALL, row, prepare=True)
    if row["caller_hash"] != call[1]:
        connection.execute(sql.UPDATE_CALLER, row, prepare=True)
    _write_parts(connection, received, call[0], old, new, now)


def _write_parts(
    connection: BoundedConnection,
    received: Received,
    call_id: UUID,
    old: CallState | None,
    new: CallState | None,
    now: datetime,
) -> None:
    """Write legs and recordings that differ, and the fact that the call ended, or ended otherwise."""
    assert new is not None, "an event was just stored"
    place = {"company_id": received.company_id, "call_id": call_id}
    for leg in set(new.legs) - set(old.legs if old else ()):
        connection.execute(sql.WRITE_LEG, place | asdict(leg), prepare=True)
    for recording in set(new.recordings) - set(old.recordings if old else ()):
        connection.execute(sql.WRITE_RECORDING, place | asdict(recording), prepare=True)
    if _ready(new) - _ready(old):
        _record(connection, received.company_id, "recording.ready", call_id, now)
    if new.ended_at is not None and _final(old) != _final(new):
        _record(connection, received.company_id, "call.ended", call_id, now)


def _ready(state: CallState | None) -> set[str]:
    """Name the recordings whose sound can be had."""
    return {one.recording_sid for one in state.recordings if one.status == "completed"} if state else set()


def _final(state: CallState | None) -> tuple[Any, ...] | None:
    """What a finished call counts for; None while it lasts."""
    if state is None or state.ended_at is None:
        return None
    return (
        state.caller, state.status, state.outcome, state.started_at, state.answered_at, state.ended_at,
        state.duration_seconds, state.talk_seconds, state.is_bridged,
    )  # fmt: skip


def _record(connection: BoundedConnection, company_id: UUID, kind: str, call_id: UUID, now: datetime) -> None:
    # Facts are handled in the order of their ids: a start comes before an end of the same millisecond.
    fact_id = new_id(now + timedelta(milliseconds=kind == "call.ended"))
    connection.execute(
        sql.RECORD_FACT,
        {"company_id": company_id, "fact_id": fact_id, "kind": kind, "call_id": call_id, "now": now},
        prepare=True,
    )


def _story(vault: Vault, company_id: UUID, sealed_events: list[bytes]) -> _Story:
    plain = [
        msgspec.json.decode(vault.open(company_id, EVENT_PLACE, bytes(sealed))) for sealed in sealed_events
    ]
    return _Story(
        tuple(CallEvent.from_json(event) for event in plain), any(event.get("spooled") for event in plain)
    )


def _event_values(vault: Vault, received: Received) -> dict[str, Any]:
    event = received.event
    plain = event.to_json() | ({"spooled": True} if received.was_spooled else {})
    return {
        "company_id": received.company_id,
        "event_id": new_id(received.received_at),
        "call_sid": event.call_sid,
        "number_id": received.number_id,
        "key": event.key,
        "received_at": received.received_at,
        "event": vault.seal(received.company_id, EVENT_PLACE, msgspec.json.encode(plain).decode()),
    }


def _call_values(vault: Vault, received: Received, story: _Story, now: datetime) -> dict[str, Any]:
    """Return the columns of the call row; `id` is that of a new row."""
    state = story.state()
    assert state is not None, "a story with an event has a state"
    caller = state.caller
    return {
        "company_id": received.company_id,
        "id": new_id(received.received_at),
        "call_sid": received.event.call_sid,
        "number_id": received.number_id,
        "location_id": received.location_id,
        "caller": vault.seal(received.company_id, CALLER_PLACE, caller) if caller else None,
        "caller_hash": vault.look_up(received.company_id, caller) if caller else None,
        "changed_at": now,
        "was_spooled": story.was_spooled,
    } | columns_of(state)


def columns_of(state: CallState) -> dict[str, Any]:
    """Return what the state says of the call's row, by column; the caller's number is not among them."""
    return {name: getattr(state, name) for name in STATE_COLUMNS} | {
        "keys": list(state.keys),
        "flow_path": list(state.flow_path),
        "flow_version": UUID(state.flow_version) if state.flow_version else None,
        "caller_region": region_of_phone(state.caller) or None,
    }
