"""Click to call: a member's own phone rings, then the missed caller, who sees the number they had dialled."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.forwarding_rules import refusal
from calltrack.accounts.protection import bounds_of
from calltrack.calls.model import Call
from calltrack.calls.outbound.model import OutboundCall
from calltrack.calls.outbound.own_phone import confirmed_phone, give_phone
from calltrack.calls.outbound.service import Intention, intend, place
from calltrack.infra.crypto import Vault
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.phone import pretty
from calltrack.numbers.model import TrackingNumber
from calltrack.wiring import Services

# While one of these may still ring, a second click begins nothing.
STILL_RINGING: Final = timedelta(minutes=2)
UNDER_WAY: Final = ("intended", "placed")


@dataclass(frozen=True)
class CallOutRow:
    """A call that was begun about another one, as pages show it."""

    id: UUID
    kind: str
    asked_by: str
    created_at: datetime
    state: str
    status: str
    digits: str
    joined_at: datetime | None
    talk_seconds: int
    caller_status: str
    ended_at: datetime | None
    problem: str


def call_back(services: Services, company_id: UUID, call_id: UUID, user_id: UUID, *, by: str) -> str:
    """Ring the member's phone and then the caller; returns the state: placed, or unknown.

    Raises:
        BadInput, Conflict, NotFound: as for `intend_call_back`.
        Refused, Retry: the carrier did not begin it.
    """
    with services.db.tenant(company_id) as session:
        vault, now = services.vault, services.clock()
        outbound_id = intend_call_back(session, vault, company_id, call_id, user_id, now, by=by)
    return place(services, company_id, outbound_id)


def intend_call_back(
    session: Session, vault: Vault, company_id: UUID, call_id: UUID, user_id: UUID, now: datetime, *, by: str
) -> UUID:
    """Write down that a member rings a caller back, and return its id; `place` begins it after the commit.

    Raises:
        BadInput: the member confirmed no phone, or calls must not go to it or to the caller's number.
        Conflict: the number was withheld, the number they dialled was given back, it rings already, or a cap
            of the day is reached.
        NotFound: the company has no such call.
    """
    # The lock makes two clicks take turns.
    call = session.get(Call, (company_id, call_id), with_for_update=True)
    if call is None:
        raise NotFound("There is no such call.")
    caller = vault.open(company_id, "call.caller", call.caller) if call.caller else ""
    _check(session, company_id, call, caller, now)
    phone = confirmed_phone(session, vault, company_id, user_id)
    wish = Intention(kind="back", number_id=call.number_id, to=phone, by=by, call_id=call_id, user_id=user_id)
    outbound_id = intend(session, vault, company_id, wish, now)
    audit.note(session, company_id, by, "call.back", call_id.hex, now)
    return outbound_id


def ask_for_code(services: Services, company_id: UUID, user_id: UUID, e164: str, *, by: str) -> None:
    """Store a member's phone and say a code to it by a call from one of the company's numbers.

    Raises:
        BadInput: the phone cannot be rung.
        Conflict: the company has no number yet, too many codes were asked for, or a cap is reached.
        Refused, Retry: the carrier did not begin the call.
    """
    now = services.clock()
    with services.db.tenant(company_id) as session:
        number_id = session.scalar(
            select(TrackingNumber.id)
            .where(TrackingNumber.company_id == company_id, TrackingNumber.released_at.is_(None))
            .order_by(TrackingNumber.kind != "overflow", TrackingNumber.id)
            .limit(1)
        )
        if number_id is None:
            raise Conflict("The company has no tracking number yet, so nothing can ring you.")
        code = give_phone(session, services.vault, company_id, user_id, e164, now, by=by)
        wish = Intention(kind="verify", number_id=number_id, to=e164, by=by, user_id=user_id)
        outbound_id = intend(session, services.vault, company_id, wish, now)
    place(services, company_id, outbound_id, code=code)


def calls_out(session: Session, company_id: UUID, call_id: UUID) -> tuple[CallOutRow, ...]:
    """Return the calls that were begun about a call, newest first."""
    rows = session.scalars(
        select(OutboundCall)
        .where(OutboundCall.company_id == company_id, OutboundCall.call_id == call_id)
        .order_by(OutboundCall.id.desc())
    )
    return tuple(_row(row) for row in rows)


def call_out(session: Session, company_id: UUID, outbound_id: UUID) -> CallOutRow:
    """Return one call that was begun; raises NotFound when the company has no such one."""
    row = session.get(OutboundCall, (company_id, outbound_id))
    if row is None:
        raise NotFound("There is no such call.")
    return _row(row)


def _row(row: OutboundCall) -> CallOutRow:
    return CallOutRow(**{name: getattr(row, name) for name in CallOutRow.__dataclass_fields__})


def _check(session: Session, company_id: UUID, call: Call, caller: str, now: datetime) -> None:
    if not caller:
        raise Conflict("The caller withheld the number, so nobody can ring back.")
    number = session.get_one(TrackingNumber, (company_id, call.number_id))
    if number.released_at is not None:
        raise Conflict(f"{pretty(number.e164)} was given back; ring the caller from your own phone.")
    reason = refusal(caller, bounds_of(session, company_id).countries)
    if reason is not None:
        raise BadInput(f"The caller cannot be rung from here: {reason}. Ring from your own phone.")
    ringing = session.scalar(
        select(OutboundCall.id).where(
            OutboundCall.company_id == company_id,
            OutboundCall.call_id == call.id,
            OutboundCall.kind == "back",
            OutboundCall.state.in_(UNDER_WAY),
            OutboundCall.created_at > now - STILL_RINGING,
        )
    )
    if ringing is not None:
        raise Conflict("Your phone, or a colleague's, is being rung for this call already.")
