"""Calls we begin: written down first, begun once at most, their reports folded into one row."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from calltrack.accounts.carrier import carrier_for
from calltrack.accounts.model import Company, Location
from calltrack.calls.model import Call
from calltrack.calls.outbound.model import OutboundCall
from calltrack.calls.outbound.permission import check_caps, check_phone
from calltrack.calls.outbound.reports import Report, report_of, reports_about, store_report
from calltrack.calls.outbound.rules import OVER, Step, fold, to_plain
from calltrack.calls.outbound.tokens import Errand, OutboundKind, write_token
from calltrack.calls.people.missed import follow_outbound
from calltrack.infra import outbox
from calltrack.infra.bounded import connect
from calltrack.infra.crypto import Vault
from calltrack.infra.log import log
from calltrack.kernel.errors import Conflict
from calltrack.kernel.errors import NotFound as NothingThere
from calltrack.kernel.ids import new_id
from calltrack.numbers.hooks import voice_base
from calltrack.numbers.model import TrackingNumber
from calltrack.telephony.carrier import CallOrder, Carrier, NotFound, Refused, Retry
from calltrack.wiring import Services

PHONE_PLACE: Final = "outbound_call.to_number"
LEASE: Final = timedelta(minutes=1)
CHECK_AFTER: Final = timedelta(minutes=5)
CHECK_AGAIN: Final = timedelta(minutes=15)
GIVE_UP_AFTER: Final = timedelta(hours=5)
LOOK_AGAIN: Final = timedelta(minutes=2)
MOST_LOOKS: Final = 3
RING_SECONDS: Final = 25
LONGEST: Final = 7_500
STORE_SECONDS: Final = 10.0
UNKNOWN: Final = (
    "The carrier's answer was lost, so nobody knows whether this call was begun. It is not begun again."
)


@dataclass(frozen=True, kw_only=True)
class Intention:
    """A call to begin. `to` is the phone that rings first, `by` who wants it."""

    kind: OutboundKind
    number_id: UUID
    to: str
    by: str
    call_id: UUID | None = None
    user_id: UUID | None = None


@dataclass(frozen=True)
class _Ready:
    """What the carrier is asked for."""

    order: CallOrder
    carrier: Carrier
    kind: str


def intend(session: Session, vault: Vault, company_id: UUID, wish: Intention, now: datetime) -> UUID:
    """Write down that a call is to be begun, and return its id; `place` begins it after the commit.

    Raises:
        BadInput: calls must not go to that phone.
        Conflict: a cap of the day is reached.
    """
    check_phone(session, company_id, wish.to)
    check_caps(session, company_id, wish.number_id)
    row = OutboundCall(
        company_id=company_id,
        id=new_id(now),
        kind=wish.kind,
        call_id=wish.call_id,
        number_id=wish.number_id,
        user_id=wish.user_id,
        to_number=vault.seal(company_id, PHONE_PLACE, wish.to),
        asked_by=wish.by,
        created_at=now,
        due_at=now + LEASE,
    )
    session.add(row)
    session.flush()
    return row.id


def place(services: Services, company_id: UUID, outbound_id: UUID, *, code: str = "") -> str:
    """Begin an intended call once and return its state.

    Raises:
        Conflict: it was begun already.
        Refused, Retry: the carrier did not begin it; the row says so in words.
        NothingThere: no carrier is connected.
    """
    ready = _ready(services, company_id, outbound_id, code)
    since = services.clock() - timedelta(minutes=1)
    try:
        sid: str | None = ready.carrier.start_call(ready.order).sid
    except Refused as problem:
        _settle(services, company_id, outbound_id, state="refused", problem=problem.words)
        raise
    except Retry as problem:
        if not problem.maybe_done:
            _settle(services, company_id, outbound_id, state="refused", problem=problem.words)
            raise
        sid = _find(services, ready.carrier, company_id, ready.order.to, ready.order.from_, since)
    if sid is None:
        due_at = services.clock() + LOOK_AGAIN
        _settle(services, company_id, outbound_id, state="unknown", problem=UNKNOWN, due_at=due_at)
        return "unknown"
    due_at = services.clock() + CHECK_AFTER
    _settle(services, company_id, outbound_id, state="placed", call_sid=sid, due_at=due_at)
    return "placed"


def hear(services: Services, company_id: UUID, report_id: UUID) -> None:
    """Fold what the carrier told of a call we began; any order and any repetition end in the same row."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        told = report_of(session, services.vault, company_id, report_id)
        if told is None or told.kind != "call_out" or told.about is None:
            return
        row = session.get(OutboundCall, (company_id, told.about), with_for_update=True)
        if row is None:
            return
        heard = reports_about(session, services.vault, company_id, told.about)
        state = fold(row.kind, [_step(one.fields) for one in heard])
        before = (row.digits, row.joined_at, row.talk_seconds, row.caller_status, row.ended_at)
        row.call_sid, row.problem = state.call_sid or row.call_sid, ""
        row.state = "over" if state.is_over else "placed"
        row.status, row.digits, row.keyed_at = state.status, state.digits, state.keyed_at
        # Told times are whole seconds of another clock: nobody is joined before the call was wanted.
        row.joined_at = max(state.joined_at, row.created_at) if state.joined_at else None
        row.talk_seconds = state.talk_seconds
        row.caller_status, row.ended_at = state.caller_status, state.ended_at
        if state.is_over:
            row.due_at = None
        if before != (row.digits, row.joined_at, row.talk_seconds, row.caller_status, row.ended_at):
            session.flush()
            follow_outbound(session, company_id, row.id)
            outbox.record(session, company_id, "call_out.changed", row.id, now)
    services.nudges.wake("handle_facts", str(company_id))
    services.nudges.show(str(company_id))


def companies_to_look(system: Session, now: datetime) -> list[UUID]:
    """Name the companies with begun calls nobody has told the end of (system role)."""
    return list(system.scalars(select(OutboundCall.company_id).where(OutboundCall.due_at <= now).distinct()))


def look_due(services: Services, company_id: UUID) -> int:
    """Ask the carrier about begun calls whose reports were lost; returns how many were asked about."""
    now = services.clock()
    with services.db.tenant(company_id) as session:
        rows = session.execute(_CLAIM, {"company_id": company_id, "now": now, "lease": now + LEASE}).all()
        if not rows:
            return 0
        carrier = carrier_for(session, services.vault, services.carriers, company_id)
        numbers = {row.number_id: _number(session, company_id, row.number_id).e164 for row in rows}
    for row in rows:
        try:
            _look(services, carrier, company_id, row, numbers[row.number_id])
        except (Retry, Refused) as problem:
            log.warning("a begun call of company %s is asked for later: %s", company_id, problem.words)
            _settle(services, company_id, row.id, due_at=now + CHECK_AGAIN)
    return len(rows)


def _look(services: Services, carrier: Carrier, company_id: UUID, row: Any, shown: str) -> None:
    now, sid = services.clock(), row.call_sid
    if sid is None:
        to = services.vault.open(company_id, PHONE_PLACE, bytes(row.to_number))
        since = row.created_at - timedelta(minutes=1)
        sid = _find(services, carrier, company_id, to, shown, since)
        if sid is None:
            due_at = now + LOOK_AGAIN if row.tries < MOST_LOOKS else None
            _settle(services, company_id, row.id, state="unknown", problem=UNKNOWN, due_at=due_at)
            return
        _settle(services, company_id, row.id, state="placed", call_sid=sid, problem="")
    try:
        record = carrier.fetch_call(sid)
    except NotFound as problem:
        _settle(services, company_id, row.id, state="unknown", problem=problem.words, due_at=None)
        return
    if record.status in OVER:
        step = Step(what="status", at=record.ended_at or now, call_sid=sid, status=record.status)
        _report(services, company_id, row, step, now)
    is_late = now - row.created_at > GIVE_UP_AFTER
    due_at = None if record.status in OVER or is_late else now + CHECK_AGAIN
    _settle(services, company_id, row.id, due_at=due_at)


def _report(services: Services, company_id: UUID, row: Any, step: Step, now: datetime) -> None:
    """Store what the carrier's record says as if it had been reported."""
    report = Report(
        company_id=company_id, number_id=row.number_id, kind="call_out",
        key=f"out:{row.id.hex}:fetched:{step.status}", about=row.id, received_at=now, fields=to_plain(step),
    )  # fmt: skip
    connection = connect(services.settings.app_url, STORE_SECONDS)
    try:
        store_report(connection, services.vault, report, now)
    finally:
        connection.abandon()
    services.nudges.wake("handle_facts", str(company_id))


def _ready(services: Services, company_id: UUID, outbound_id: UUID, code: str) -> _Ready:
    vault = services.vault
    with services.db.tenant(company_id) as session:
        row = session.get_one(OutboundCall, (company_id, outbound_id))
        if row.state != "intended":
            raise Conflict("This call was begun already.")
        number, company = _number(session, company_id, row.number_id), session.get_one(Company, company_id)
        location = session.get_one(Location, (company_id, number.location_id))
        call = session.get(Call, (company_id, row.call_id)) if row.call_id else None
        caller = vault.open(company_id, "call.caller", call.caller) if call and call.caller else ""
        errand = Errand(
            id=row.id,
            kind=row.kind,  # type: ignore[arg-type]  # checked by the database
            language=location.language,
            to=caller if row.kind == "back" else "",
            code=code,
            name=company.name,
        )
        token = write_token(vault, company_id, errand)
        base = f"{voice_base(services.settings.base_url, number.id)}/out/{token}"
        order = CallOrder(
            to=vault.open(company_id, PHONE_PLACE, row.to_number),
            from_=number.e164,
            url=base,
            status_callback=f"{base}/status",
            status_events=("completed",),
            ring_seconds=RING_SECONDS,
            most_seconds=LONGEST,
        )
        carrier = carrier_for(session, vault, services.carriers, company_id)
        return _Ready(order, carrier, row.kind)


def _find(
    services: Services, carrier: Carrier, company_id: UUID, to: str, from_: str, since: datetime
) -> str | None:
    """Return the call the carrier began although its answer was lost: one that no row of ours has yet."""
    try:
        found = [
            one.sid
            for one in carrier.list_calls(since, to=to, from_=from_)
            if one.direction == "outbound_api"
        ]
    except (Retry, Refused) as problem:
        log.warning("whether a call was begun cannot be told yet: %s", problem.words)
        return None
    with services.db.tenant(company_id) as session:
        known = set(
            session.scalars(
                select(OutboundCall.call_sid).where(
                    OutboundCall.company_id == company_id, OutboundCall.call_sid.in_(found)
                )
            )
        )
    return next((sid for sid in found if sid not in known), None)


def _settle(services: Services, company_id: UUID, outbound_id: UUID, **values: Any) -> None:
    """Write how the beginning went; what reports said meanwhile is left alone."""
    values.setdefault("due_at", None)
    is_mine = [OutboundCall.company_id == company_id, OutboundCall.id == outbound_id]
    if values.get("state") in ("refused", "unknown"):
        is_mine.append(OutboundCall.state.in_(("intended", "unknown")))
    with services.db.tenant(company_id) as session:
        if values.get("state") == "placed":
            row = session.get_one(OutboundCall, (company_id, outbound_id), with_for_update=True)
            if row.state == "over":
                return
        session.execute(update(OutboundCall).where(*is_mine).values(**values))
    services.nudges.show(str(company_id))


def _number(session: Session, company_id: UUID, number_id: UUID) -> TrackingNumber:
    found = session.get(TrackingNumber, (company_id, number_id))
    if found is None:
        raise NothingThere("There is no such number.")
    return found


def _step(fields: dict[str, Any]) -> Step:
    return Step(**(fields | {"at": datetime.fromisoformat(fields["at"])}))


# The materialised list is read once; a plain IN (SELECT ... LIMIT) may be run again per row and take more.
_CLAIM = text(
    """
    WITH taken AS MATERIALIZED (
        SELECT id FROM outbound_call WHERE company_id = :company_id AND due_at <= :now
        ORDER BY due_at LIMIT 20 FOR UPDATE SKIP LOCKED)
    UPDATE outbound_call o SET due_at = :lease, tries = o.tries + 1 FROM taken
    WHERE o.company_id = :company_id AND o.id = taken.id
    RETURNING o.id, o.number_id, o.call_sid, o.to_number, o.created_at, o.tries
    """
)
