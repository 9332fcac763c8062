"""Writes conversions and their changes; every change is a fact that destinations hear of.

A call has at most one conversion of a kind and name for ever. What was taken back and holds again is
restated, never created a second time, so that no destination counts it twice.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal, cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.calls.model import Call
from calltrack.conversions.model import Conversion, ConversionChange
from calltrack.conversions.rules import Via
from calltrack.conversions.word_rules import Ended
from calltrack.infra import outbox
from calltrack.kernel.ids import new_id

Kind = Literal["lead", "purchase"]
LOOKED_AHEAD = timedelta(hours=1)
# Who changed a conversion that was only told again.
CORRECTION: Final = "attribution"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Who decided, why, when, and the value that holds from then on."""

    by: str
    reason: str
    now: datetime
    currency: str
    value_minor: int | None = None
    via: Via = "rule"


def conversion_of(session: Session, call: Call, kind: Kind, external_id: str = "") -> Conversion | None:
    """Return the call's conversion of that kind and name, whatever its status."""
    return session.scalar(
        select(Conversion).where(
            Conversion.company_id == call.company_id,
            Conversion.call_id == call.id,
            Conversion.kind == kind,
            Conversion.external_id == external_id,
        )
    )


def purchases_of(session: Session, call: Call) -> list[Conversion]:
    """Return all purchases of the call, whatever their status, in the order they were first told."""
    rows = select(Conversion).where(
        Conversion.company_id == call.company_id, Conversion.call_id == call.id, Conversion.kind == "purchase"
    )
    return list(session.scalars(rows.order_by(Conversion.id)))


def count(
    session: Session,
    call: Call,
    kind: Kind,
    decision: Decision,
    *,
    person_id: UUID | None = None,
    occurred_at: datetime | None = None,
    external_id: str = "",
) -> bool:
    """Make the call's conversion of that kind and name count; tells whether that changed anything."""
    found = conversion_of(session, call, kind, external_id)
    if found is not None:
        return restate(session, found, decision)
    return _create(session, call, kind, decision, person_id, occurred_at or call.started_at, external_id)


def restate(session: Session, found: Conversion, decision: Decision) -> bool:
    """Make the conversion count with the decision's value; tells whether that changed anything.

    The time of a conversion never changes: destinations know it by its time.
    """
    same_currency = found.currency == decision.currency or decision.value_minor is None
    same_value = found.value_minor == decision.value_minor and same_currency
    if found.status == "counted" and same_value:
        return False
    found.status, found.ended_by = "counted", ""
    found.value_minor, found.currency = decision.value_minor, decision.currency
    _change(session, found, "restate", decision)
    return True


def retract(session: Session, found: Conversion | None, decision: Decision, ended_by: Ended) -> bool:
    """Take the conversion back; tells whether there was one that counted."""
    if found is None or found.status == "retracted":
        return False
    found.status, found.ended_by = "retracted", ended_by
    _change(session, found, "retract", replace(decision, value_minor=None, currency=found.currency))
    return True


def tell_again(session: Session, found: Conversion, reason: str, now: datetime) -> None:
    """Let destinations hear of a counted conversion as it stands: something about its call was corrected."""
    found.sequence, found.changed_at = found.sequence + 1, now
    again = Decision(
        by=CORRECTION, reason=reason, now=now, currency=found.currency, value_minor=found.value_minor,
        via=cast(Via, found.via),
    )  # fmt: skip
    _write(session, found.company_id, found.id, found.sequence, "restate", again)


def explain(found: Conversion, decision: Decision, ended_by: Ended) -> None:
    """Name who decided the present state and why; destinations are told of nothing by that alone."""
    found.decided_by, found.via, found.reason = decision.by, decision.via, decision.reason
    found.ended_by = ended_by


def _create(
    session: Session,
    call: Call,
    kind: Kind,
    decision: Decision,
    person_id: UUID | None,
    occurred_at: datetime,
    external_id: str,
) -> bool:
    id_ = new_id(decision.now)
    if kind == "purchase":
        occurred_at = _own_moment(session, call, person_id, occurred_at)
    made = session.execute(
        insert(Conversion)
        .values(
            company_id=call.company_id,
            id=id_,
            call_id=call.id,
            person_id=person_id,
            kind=kind,
            external_id=external_id,
            status="counted",
            value_minor=decision.value_minor,
            currency=decision.currency,
            occurred_at=occurred_at,
            decided_by=decision.by,
            via=decision.via,
            reason=decision.reason,
            sequence=0,
            created_at=decision.now,
            changed_at=decision.now,
            is_demo=call.is_demo,
        )
        .on_conflict_do_nothing()
        .returning(Conversion.id)
    ).scalar_one_or_none()
    if made is None:
        return False
    _write(session, call.company_id, id_, 0, "create", decision)
    return True


def _own_moment(session: Session, call: Call, person_id: UUID | None, at: datetime) -> datetime:
    """Return the first second from `at` on in which this call and person have no purchase yet.

    Microsoft knows a conversion by its goal, click and time: of two orders told for one moment it would count
    the first alone, and apply the changes of both to it.
    """
    mine = Conversion.call_id == call.id
    if person_id is not None:
        mine |= Conversion.person_id == person_id
    whole = at.replace(microsecond=0)
    rows = select(Conversion.occurred_at).where(
        Conversion.company_id == call.company_id,
        Conversion.kind == "purchase",
        Conversion.occurred_at >= whole,
        Conversion.occurred_at < whole + LOOKED_AHEAD,
        mine,
    )
    taken = {moment.replace(microsecond=0).timestamp() for moment in session.scalars(rows)}
    seconds = 0
    while whole.timestamp() + seconds in taken:
        seconds += 1
    return at + timedelta(seconds=seconds)


def _change(
    session: Session, conversion: Conversion, action: Literal["restate", "retract"], decision: Decision
) -> None:
    conversion.sequence += 1
    conversion.decided_by, conversion.reason = decision.by, decision.reason
    conversion.via, conversion.changed_at = decision.via, decision.now
    _write(session, conversion.company_id, conversion.id, conversion.sequence, action, decision)


def _write(
    session: Session, company_id: UUID, conversion_id: UUID, sequence: int, action: str, decision: Decision
) -> None:
    change = ConversionChange(
        company_id=company_id,
        id=new_id(decision.now),
        conversion_id=conversion_id,
        sequence=sequence,
        action=action,
        value_minor=decision.value_minor,
        currency=decision.currency,
        changed_at=decision.now,
        changed_by=decision.by,
        via=decision.via,
        reason=decision.reason,
    )
    session.add(change)
    outbox.record(session, company_id, "conversion.changed", change.id, decision.now)
    session.flush()
