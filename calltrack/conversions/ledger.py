"""Writes conversions and their changes; every change is a fact that destinations hear of.

A call has at most one conversion of a kind for ever. What was taken back and holds again is restated, never
created a second time, so that no destination counts it twice.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.calls.model import Call
from calltrack.conversions.model import Conversion, ConversionChange
from calltrack.infra import outbox
from calltrack.kernel.ids import new_id

Kind = Literal["lead", "purchase"]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Who decided, why, when, and the value that holds from then on."""

    by: str
    reason: str
    now: datetime
    currency: str
    value_minor: int | None = None


def conversion_of(session: Session, call: Call, kind: Kind) -> Conversion | None:
    """Return the call's conversion of that kind, whatever its status."""
    return session.scalar(
        select(Conversion).where(
            Conversion.company_id == call.company_id, Conversion.call_id == call.id, Conversion.kind == kind
        )
    )


def count(
    session: Session,
    call: Call,
    kind: Kind,
    decision: Decision,
    *,
    person_id: UUID | None = None,
    occurred_at: datetime | None = None,
) -> bool:
    """Make the conversion count with the decision's value; tells whether that changed anything.

    The time of a conversion never changes: destinations know it by its time.
    """
    found = conversion_of(session, call, kind)
    if found is None:
        return _create(session, call, kind, decision, person_id, occurred_at or call.started_at)
    same_value = (found.value_minor, found.currency) == (decision.value_minor, decision.currency)
    if found.status == "counted" and same_value:
        return False
    found.status = "counted"
    found.value_minor, found.currency = decision.value_minor, decision.currency
    _change(session, found, "restate", decision)
    return True


def retract(session: Session, call: Call, kind: Kind, decision: Decision) -> bool:
    """Take the call's conversion back; tells whether there was one that counted."""
    found = conversion_of(session, call, kind)
    if found is None or found.status == "retracted":
        return False
    found.status = "retracted"
    _change(session, found, "retract", decision)
    return True


def _create(
    session: Session,
    call: Call,
    kind: Kind,
    decision: Decision,
    person_id: UUID | None,
    occurred_at: datetime,
) -> bool:
    id_ = new_id(decision.now)
    made = session.execute(
        insert(Conversion)
        .values(
            company_id=call.company_id,
            id=id_,
            call_id=call.id,
            person_id=person_id,
            kind=kind,
            status="counted",
            value_minor=decision.value_minor,
            currency=decision.currency,
            occurred_at=occurred_at,
            decided_by=decision.by,
            reason=decision.reason,
            sequence=0,
            created_at=decision.now,
            changed_at=decision.now,
            is_demo=call.is_demo,
        )
        .on_conflict_do_nothing(index_elements=["company_id", "call_id", "kind"])
        .returning(Conversion.id)
    ).scalar_one_or_none()
    if made is None:
        return False
    _write(session, call.company_id, id_, 0, "create", decision)
    return True


def _change(
    session: Session, conversion: Conversion, action: Literal["restate", "retract"], decision: Decision
) -> None:
    conversion.sequence += 1
    conversion.decided_by, conversion.reason = decision.by, decision.reason
    conversion.changed_at = decision.now
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
        reason=decision.reason,
    )
    session.add(change)
    outbox.record(session, company_id, "conversion.changed", change.id, decision.now)
    session.flush()
