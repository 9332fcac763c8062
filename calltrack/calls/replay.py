"""Rebuilds the rows of calls from their stored events and says where they differ (nowhere, as it should)."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.calls.model import Call, CallEventRow, Leg, Recording
from calltrack.calls.rules import CallState, fold
from calltrack.calls.service import CALLER_PLACE, EVENT_PLACE, columns_of
from calltrack.infra.crypto import Vault
from calltrack.infra.db import Database
from calltrack.kernel.ids import first_id_of
from calltrack.telephony.base import CallEvent

BATCH = 200


@dataclass(frozen=True)
class Difference:
    """A stored value that is not what the events say; of a caller only that he differs is told."""

    call_sid: str
    where: str
    stored: str
    told: str


@dataclass
class Replayed:
    """What a replay found; `eventless` calls (demo history) have nothing to be rebuilt from."""

    calls: int = 0
    events: int = 0
    eventless: int = 0
    differing: int = 0


def replay(
    db: Database,
    vault: Vault,
    company_id: UUID,
    since: datetime | None,
    *,
    write: bool,
    now: datetime,
    counts: Replayed,
) -> Iterator[Difference]:
    """Yield every difference between the rows of a company's calls and the fold of their events.

    `since` is when the first of them began; `write` brings the rows in line, and `counts` is kept up to date.
    """
    after = first_id_of(since) if since else None
    while True:
        with db.tenant(company_id) as session:
            calls = _next_calls(session, company_id, after, lock=write)
            if not calls:
                return
            after = calls[-1].id
            heard = _events(session, vault, company_id, [call.call_sid for call in calls])
            for call in calls:
                events = heard.get(call.call_sid, [])
                counts.calls += 1
                counts.events += len(events)
                counts.eventless += not events
                found = list(_compare(session, vault, call, fold(events))) if events else []
                if found:
                    counts.differing += 1
                    if write:
                        _write(session, vault, call, fold(events), now)
                yield from found


def _next_calls(session: Session, company_id: UUID, after: UUID | None, *, lock: bool) -> list[Call]:
    """Return the next calls; locked, so that no event is stored between reading and writing."""
    query = select(Call).where(Call.company_id == company_id).order_by(Call.id).limit(BATCH)
    query = query.with_for_update() if lock else query
    return list(session.scalars(query.where(Call.id > after) if after else query))


def _events(session: Session, vault: Vault, company_id: UUID, sids: list[str]) -> dict[str, list[CallEvent]]:
    rows = session.execute(
        select(CallEventRow.call_sid, CallEventRow.event).where(
            CallEventRow.company_id == company_id, CallEventRow.call_sid.in_(sids)
        )
    )
    found: dict[str, list[CallEvent]] = {}
    for sid, sealed in rows:
        plain = msgspec.json.decode(vault.open(company_id, EVENT_PLACE, sealed))
        found.setdefault(sid, []).append(CallEvent.from_json(plain))
    return found


def _compare(session: Session, vault: Vault, call: Call, state: CallState) -> Iterator[Difference]:
    for name, told in columns_of(state).items():
        yield from _differ(call.call_sid, f"call.{name}", getattr(call, name), told)
    hash_ = vault.look_up(call.company_id, state.caller) if state.caller else None
    if hash_ != call.caller_hash:
        yield Difference(call.call_sid, "call.caller", "another", "another")
    for model, name, parts in _parts(state):
        stored = {
            getattr(row, name): row
            for row in session.scalars(
                select(model).where(model.company_id == call.company_id, model.call_id == call.id)
            )
        }
        for sid in sorted(set(stored) | set(parts)):
            row, values = stored.get(sid), parts.get(sid)
            place = f"{model.__tablename__} {sid}"
            if row is None or values is None:
                yield Difference(call.call_sid, place, _word(row), _word(values))
                continue
            for column, value in values.items():
                yield from _differ(call.call_sid, f"{place} {column}", getattr(row, column), value)


def _parts(state: CallState) -> list[tuple[Any, str, dict[str, dict[str, Any]]]]:
    return [
        (Leg, "leg_sid", {leg.leg_sid: asdict(leg) for leg in state.legs}),
        (Recording, "recording_sid", {one.recording_sid: asdict(one) for one in state.recordings}),
    ]


def _differ(sid: str, where: str, stored: object, told: object) -> Iterator[Difference]:
    if stored != told:
        yield Difference(sid, where, str(stored), str(told))


def _word(row: object | None) -> str:
    return "nothing" if row is None else "a row"


def _write(session: Session, vault: Vault, call: Call, state: CallState, now: datetime) -> None:
    """Bring the rows in line; rows that no event tells of are left to a person."""
    values = columns_of(state) | {"changed_at": now}
    hash_ = vault.look_up(call.company_id, state.caller) if state.caller else None
    if hash_ != call.caller_hash:
        sealed = vault.seal(call.company_id, CALLER_PLACE, state.caller) if state.caller else None
        values |= {"caller": sealed, "caller_hash": hash_}
    session.execute(
        update(Call).where(Call.company_id == call.company_id, Call.id == call.id).values(**values)
    )
    place = {"company_id": call.company_id, "call_id": call.id}
    for model, name, told in _parts(state):
        for row in told.values():
            session.execute(
                insert(model)
                .values(**place, **row)
                .on_conflict_do_update(index_elements=["company_id", "call_id", name], set_=row)
            )
