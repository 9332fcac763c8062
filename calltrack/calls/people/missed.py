"""Calls nobody talked to, and what became of them: rung back, called again, dealt with by somebody."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from calltrack.accounts import audit
from calltrack.calls.guard.model import CallSpam
from calltrack.calls.model import Call
from calltrack.calls.outbound.model import OutboundCall
from calltrack.calls.people.model import MissedCall
from calltrack.kernel.errors import NotFound

# Outcomes in which nobody talked to the caller.
NOT_TALKED: Final = ("mailbox", "busy", "missed", "abandoned", "failed")
RUNG: Final = ("placed", "over")
LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


def take_note(session: Session, company_id: UUID, call_id: UUID, now: datetime) -> bool:
    """After a call ended, or was marked: is it a missed one, and does it settle earlier ones?

    Any order of calls and any repetition end in the same rows. Tells whether a missed call waits because of
    it.
    """
    call = session.get(Call, (company_id, call_id))
    if call is None or call.ended_at is None:
        return False
    spam = session.get(CallSpam, (company_id, call_id))
    is_missed = call.outcome in NOT_TALKED and not (spam is not None and spam.mark == "spam")
    if is_missed:
        values = {"caller_hash": call.caller_hash, "missed_at": call.ended_at}
        row = insert(MissedCall).values(company_id=company_id, call_id=call_id, **values)
        session.execute(row.on_conflict_do_update(index_elements=["company_id", "call_id"], set_=values))
    else:
        session.execute(
            delete(MissedCall).where(MissedCall.company_id == company_id, MissedCall.call_id == call_id)
        )
    session.expire_all()
    if call.caller_hash is not None:
        settle_caller(session, company_id, call.caller_hash, _touched_by(call))
    found = session.get(MissedCall, (company_id, call_id))
    return found is not None and found.state == "open"


def _touched_by(call: Call) -> ColumnElement[bool]:
    """Select the missed calls that this call can settle: its own, and those since the last one put through.

    Where it was not put through it settles none (any more), however many thousands wait before it.
    """
    other = aliased(Call)
    last = select(func.max(other.answered_at)).where(
        other.company_id == call.company_id,
        other.caller_hash == call.caller_hash,
        other.is_bridged,
        other.answered_at < (call.answered_at or call.started_at),
        other.id != call.id,
    )
    earlier = and_(
        MissedCall.missed_at >= func.coalesce(last.scalar_subquery(), LONG_AGO),
        MissedCall.missed_at <= (call.ended_at or call.started_at),
    )
    if not call.is_bridged:
        earlier = and_(earlier, MissedCall.state == "came_back")
    return or_(MissedCall.call_id == call.id, earlier)


def settle_caller(
    session: Session, company_id: UUID, caller_hash: bytes, *which: ColumnElement[bool]
) -> None:
    """Bring the missed calls of one caller (or which of them) in line with later calls and our call-backs."""
    rows = session.scalars(
        select(MissedCall)
        .where(MissedCall.company_id == company_id, MissedCall.caller_hash == caller_hash, *which)
        .order_by(MissedCall.call_id)
        .with_for_update()
    ).all()
    if not rows:
        return
    answered = session.execute(
        select(Call.answered_at).where(
            Call.company_id == company_id,
            Call.caller_hash == caller_hash,
            Call.is_bridged,
            Call.answered_at >= min(row.missed_at for row in rows),
        )
    ).scalars()
    came = sorted(moment for moment in answered if moment is not None)
    backs = session.execute(
        select(OutboundCall.created_at, OutboundCall.joined_at)
        .join(Call, (Call.company_id == OutboundCall.company_id) & (Call.id == OutboundCall.call_id))
        .where(
            OutboundCall.company_id == company_id,
            OutboundCall.kind == "back",
            OutboundCall.state.in_(RUNG),
            Call.caller_hash == caller_hash,
        )
    ).all()
    tried = sorted(row.created_at for row in backs)
    reached = sorted(row.joined_at for row in backs if row.joined_at is not None)
    for row in rows:
        row.tried_at = _first_after(tried, row.missed_at)
        row.reached_at = _first_after(reached, row.missed_at)
        if row.state == "closed":
            continue
        again = _first_after(came, row.missed_at)
        if row.reached_at is not None and (again is None or row.reached_at <= again):
            row.state = "reached"
        else:
            row.state = "came_back" if again is not None else "open"
    session.flush()


def follow_outbound(session: Session, company_id: UUID, outbound_id: UUID) -> None:
    """After a call-back changed: bring the missed calls of its caller in line."""
    row = session.get(OutboundCall, (company_id, outbound_id))
    if row is None or row.kind != "back" or row.call_id is None:
        return
    call = session.get(Call, (company_id, row.call_id))
    if call is None or call.caller_hash is None:
        return
    caller = aliased(Call)
    reached = (
        select(func.max(OutboundCall.created_at))
        .join(caller, (caller.company_id == OutboundCall.company_id) & (caller.id == OutboundCall.call_id))
        .where(
            OutboundCall.company_id == company_id,
            OutboundCall.kind == "back",
            OutboundCall.state.in_(RUNG),
            OutboundCall.joined_at < row.created_at,
            OutboundCall.id != row.id,
            caller.caller_hash == call.caller_hash,
        )
    )
    # What was missed before somebody rang back and reached them is settled by that.
    since = func.coalesce(reached.scalar_subquery(), LONG_AGO)
    settle_caller(session, company_id, call.caller_hash, MissedCall.missed_at >= since)


def close_missed(
    session: Session, company_id: UUID, call_id: UUID, now: datetime, *, by: str, reopen: bool = False
) -> None:
    """Let a person say that a missed call is dealt with, or that it is not after all.

    Raises:
        NotFound: the company has no such missed call.
    """
    row = session.get(MissedCall, (company_id, call_id), with_for_update=True)
    if row is None:
        raise NotFound("There is no such missed call.")
    row.state = "open" if reopen else "closed"
    row.settled_by, row.settled_at = ("", None) if reopen else (by, now)
    session.flush()
    if reopen and row.caller_hash is not None:
        settle_caller(session, company_id, row.caller_hash, MissedCall.call_id == call_id)
    audit.note(
        session, company_id, by, "missed_call.reopen" if reopen else "missed_call.close", call_id.hex, now
    )


def reached_at(session: Session, company_id: UUID, call_id: UUID) -> datetime | None:
    """Return when a missed caller was reached by ringing back; what that wins counts for this call."""
    row = session.get(MissedCall, (company_id, call_id))
    return row.reached_at if row is not None else None


def open_missed(session: Session, company_id: UUID, since: datetime) -> tuple[int, UUID | None]:
    """Return how many callers wait to be rung back since then, and the newest call among theirs."""
    is_open = (
        MissedCall.company_id == company_id,
        MissedCall.state == "open",
        MissedCall.caller_hash.is_not(None),
        MissedCall.missed_at >= since,
    )
    count = session.scalar(select(func.count(MissedCall.caller_hash.distinct())).where(*is_open))
    newest = session.scalar(
        select(MissedCall.call_id).where(*is_open).order_by(MissedCall.missed_at.desc()).limit(1)
    )
    return count or 0, newest


def _first_after(moments: list[datetime], moment: datetime) -> datetime | None:
    return next((one for one in moments if one >= moment), None)
