"""In which browsers a caller's number, or an address of theirs, was typed, and of how many browsers it is."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from calltrack.calls.model import Call
from calltrack.journeys.model import PersonVisitor
from calltrack.journeys.person_rules import PersonRules
from calltrack.visits.model import VisitorEmail, VisitorPhone


@dataclass(frozen=True)
class Typed:
    """A browser, what was typed in it that binds it, and in how many browsers that was."""

    visitor_id: UUID
    via: Literal["email", "phone"]
    shared_by: int


def may_bind(rules: PersonRules, one: Typed) -> bool:
    """Tell whether a browser that is nobody's becomes a person's by this."""
    most = rules.most(one.via)
    is_on = rules.browsers_by_email if one.via == "email" else rules.browsers_by_phone
    return is_on and (most is None or one.shared_by <= most)


def typed_by_number(session: Session, call: Call, most: int | None) -> list[Typed]:
    """Return the browsers in which the caller's number was typed; none where they are more than `most`."""
    mine = (VisitorPhone.company_id == call.company_id, VisitorPhone.phone_hash == call.caller_hash)
    wanted = select(VisitorPhone.visitor_id).where(*mine)
    visitors = session.scalars(wanted if most is None else wanted.limit(most + 1)).all()
    if most is not None and len(visitors) > most:
        return []
    return [Typed(one, "phone", len(visitors)) for one in visitors]


def typed_by_email(
    session: Session, company_id: UUID, visitor_ids: Collection[UUID], most: int | None
) -> list[Typed]:
    """Return the other browsers in which an e-mail address of these was typed.

    Addresses of more than `most` browsers, maybe of thousands, are passed over: they bind and join nobody.
    """
    if not visitor_ids:
        return []
    mine = select(VisitorEmail.email_hash).where(
        VisitorEmail.company_id == company_id, VisitorEmail.visitor_id.in_(list(visitor_ids))
    )
    same = (VisitorEmail.company_id == company_id, VisitorEmail.email_hash.in_(mine))
    if most is not None:
        few = select(VisitorEmail.email_hash).where(*same).group_by(VisitorEmail.email_hash)
        same = (same[0], VisitorEmail.email_hash.in_(few.having(func.count() <= most)))
    rows = session.execute(
        select(VisitorEmail.email_hash, VisitorEmail.visitor_id).where(*same).order_by(VisitorEmail.id)
    )
    by_address: dict[bytes, list[UUID]] = {}
    for row in rows:
        by_address.setdefault(row.email_hash, []).append(row.visitor_id)
    found: dict[UUID, int] = {}
    for many in by_address.values():
        for one in many:
            found[one] = min(len(many), found.get(one, len(many)))
    return [Typed(one, "email", shared) for one, shared in found.items() if one not in visitor_ids]


def browsers_of_number(session: Session, call: Call) -> int:
    """Return how many browsers are bound to persons by calls from this number, this call's counted."""
    bound = and_(PersonVisitor.company_id == Call.company_id, PersonVisitor.call_id == Call.id)
    counted = session.scalar(
        select(func.count(PersonVisitor.visitor_id.distinct()))
        .join(Call, bound)
        .where(Call.company_id == call.company_id, Call.caller_hash == call.caller_hash, Call.id != call.id)
    )
    return (counted or 0) + 1
