"""The mark of a call, from what is stored: made when it begins and again when it ends, told by people."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.model import Company
from calltrack.accounts.protection import protection_of
from calltrack.calls.guard.blocking import listed
from calltrack.calls.guard.model import CallSpam
from calltrack.calls.guard.shared import report, reports_of_others, take_back
from calltrack.calls.guard.spam_rules import (
    RECENT_MINUTES,
    SHORT_SECONDS,
    SPAM,
    TRUSTED_SECONDS,
    Judged,
    Signals,
    judge_caller,
)
from calltrack.calls.model import Call, CallEventRow
from calltrack.infra import outbox
from calltrack.infra.crypto import Vault
from calltrack.kernel.errors import NotFound
from calltrack.telephony.events import CallEvent

TRUSTED_DAYS = 90
_HISTORY = text(
    """
    SELECT count(*) FILTER (WHERE started_at > :lately) AS calls_lately,
           count(DISTINCT number_id) FILTER (WHERE started_at > :lately) AS numbers_lately,
           count(*) FILTER (WHERE is_bridged AND talk_seconds < :short AND started_at > :day) AS short,
           count(*) FILTER (WHERE is_bridged AND started_at > :day) AS answered,
           bool_or(talk_seconds >= :trusted AND started_at < :at) AS is_trusted
    FROM call
    WHERE company_id = :company_id AND caller_hash = :caller_hash
      AND started_at > :since AND started_at <= :at
    """
)


@dataclass(frozen=True)
class SpamRow:
    """The mark of a call as pages and the API show it."""

    mark: str
    points: int
    reasons: tuple[str, ...]
    action: str
    told_by: str
    judged_at: datetime


def mark_of(session: Session, company_id: UUID, call_id: UUID) -> SpamRow | None:
    """Return the mark of a call; None: not judged yet."""
    row = session.get(CallSpam, (company_id, call_id))
    if row is None:
        return None
    return SpamRow(row.mark, row.points, tuple(row.reasons), row.action, row.told_by, row.judged_at)


def exists(session: Session, company_id: UUID, call_id: UUID) -> bool:
    """Tell whether the company has this call."""
    return session.get(Call, (company_id, call_id)) is not None


def judge_call(session: Session, vault: Vault, company_id: UUID, call_id: UUID, now: datetime) -> None:
    """Mark a call by what is known of its caller; what a person said stays, and nothing hides the call."""
    call = session.get(Call, (company_id, call_id))
    present = session.get(CallSpam, (company_id, call_id))
    if call is None or (present is not None and present.told_by):
        return
    events = _incoming(session, vault, call)
    action = _action({event.guard for event in events})
    judged = _judged(session, vault, call, events, now)
    if action == "reject" and judged.mark != "spam":
        judged = Judged("spam", SPAM, ("The caller was refused.",))
    _write(session, call, judged, action, "", now)


def tell_spam(
    session: Session, vault: Vault, company_id: UUID, call_id: UUID, *, is_spam: bool, by: str, now: datetime
) -> None:
    """Let a person say that a call was a nuisance, or that it was none; rules judge the call's lead again.

    Raises:
        NotFound: the company has no such call.
    """
    call = session.get(Call, (company_id, call_id))
    if call is None:
        raise NotFound("There is no such call.")
    present = session.get(CallSpam, (company_id, call_id))
    said = f"{by} said that this call {'was' if is_spam else 'was no'} nuisance."
    judged = Judged("spam" if is_spam else "clean", SPAM if is_spam else 0, (said,))
    _write(session, call, judged, present.action if present else "", by, now)
    _share(session, vault, call, is_spam=is_spam, now=now)
    audit.note(session, company_id, by, "call.spam" if is_spam else "call.no_spam", call_id.hex, now)
    outbox.record(session, company_id, "spam.told", call_id, now)


def _judged(session: Session, vault: Vault, call: Call, events: Sequence[CallEvent], now: datetime) -> Judged:
    if call.caller is None:
        return judge_caller(Signals())
    caller = vault.open(call.company_id, "call.caller", call.caller)
    shares = protection_of(session.get_one(Company, call.company_id).settings).share
    row = session.execute(
        _HISTORY,
        {
            "company_id": call.company_id,
            "caller_hash": call.caller_hash,
            "at": call.started_at,
            "lately": call.started_at - timedelta(minutes=RECENT_MINUTES),
            "day": call.started_at - timedelta(days=1),
            "since": call.started_at - timedelta(days=TRUSTED_DAYS),
            "short": SHORT_SECONDS,
            "trusted": TRUSTED_SECONDS,
        },
    ).one()
    return judge_caller(
        Signals(
            is_listed=listed(session, vault, call.company_id, caller, call.started_at),
            stir=next((event.stir for event in events if event.stir), None),
            calls_lately=row.calls_lately,
            numbers_lately=row.numbers_lately,
            short=row.short,
            answered=row.answered,
            reports=reports_of_others(session, vault, call.company_id, caller, now) if shares else 0,
            is_trusted=bool(row.is_trusted),
        )
    )


def _action(done: set[str | None]) -> str:
    """Return what the guard did with the caller, in the words of `CallSpam.action`."""
    if "reject" in done:
        return "reject"
    return "cut" if done & {"cut", "bar"} else "challenge" if "challenge" in done else ""


def _incoming(session: Session, vault: Vault, call: Call) -> list[CallEvent]:
    sealed = session.scalars(
        select(CallEventRow.event).where(
            CallEventRow.company_id == call.company_id,
            CallEventRow.call_sid == call.call_sid,
            CallEventRow.key.like("incoming:%"),
        )
    )
    return [
        CallEvent.from_json(json.loads(vault.open(call.company_id, "call_event.event", one)))
        for one in sealed
    ]


def _write(session: Session, call: Call, judged: Judged, action: str, by: str, now: datetime) -> None:
    values = {
        "mark": judged.mark,
        "points": judged.points,
        "reasons": list(judged.reasons),
        "action": action,
        "told_by": by,
        "judged_at": now,
    }
    row = insert(CallSpam).values(company_id=call.company_id, call_id=call.id, **values)
    # A person's word that comes in meanwhile is not written over.
    guard = None if by else CallSpam.told_by == ""
    key = [CallSpam.company_id, CallSpam.call_id]
    session.execute(row.on_conflict_do_update(index_elements=key, set_=values, where=guard))
    session.expire_all()


def _share(session: Session, vault: Vault, call: Call, *, is_spam: bool, now: datetime) -> None:
    if call.caller is None:
        return
    caller = vault.open(call.company_id, "call.caller", call.caller)
    if not is_spam:
        take_back(session, vault, call.company_id, caller)
    elif protection_of(session.get_one(Company, call.company_id).settings).share:
        report(session, vault, call.company_id, caller, now)
