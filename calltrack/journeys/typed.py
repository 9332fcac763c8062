"""In which browsers a caller's number, or an address of theirs, was typed, and of how many browsers it is."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import Uuid, and_, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from calltrack.calls.model import Call
from calltrack.journeys.model import PersonVisitor
from calltrack.journeys.person_rules import PersonRules
from calltrack.journeys.rules import TYPED
from calltrack.visits.model import VisitorPhone


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


def may_act(rules: PersonRules, one: Typed) -> bool:
    """Tell whether what was typed can bind a browser, or say of two persons that they are one."""
    most = rules.most(one.via)
    is_asked = getattr(rules, one.via) != "off" and (most is None or one.shared_by <= most)
    return is_asked or may_bind(rules, one)


def typed_by_number(session: Session, call: Call, most: int | None) -> list[Typed]:
    """Return the browsers in which the caller's number was typed; none where they are more than `most`."""
    mine = (VisitorPhone.company_id == call.company_id, VisitorPhone.phone_hash == call.caller_hash)
    wanted = select(VisitorPhone.visitor_id).where(*mine)
    visitors = session.scalars(wanted if most is None else wanted.limit(most + 1)).all()
    if most is not None and len(visitors) > most:
        return []
    return [Typed(one, "phone", len(visitors)) for one in visitors]


_BY_EMAIL: Final = text(
    """
    WITH mine AS MATERIALIZED (
        SELECT DISTINCT email_hash FROM visitor_email
        WHERE company_id = (SELECT :company_id) AND visitor_id = ANY(:visitors)
    ), few AS MATERIALIZED (
        SELECT mine.email_hash, counted.browsers FROM mine CROSS JOIN LATERAL (
            SELECT count(*) AS browsers FROM (
                SELECT FROM visitor_email e
                WHERE e.company_id = (SELECT :company_id) AND e.email_hash = mine.email_hash
                LIMIT CAST(:most AS int) + 1) first_ones
        ) counted WHERE counted.browsers <= :most OR CAST(:most AS int) IS NULL
    )
    SELECT e.visitor_id, few.browsers
    FROM few CROSS JOIN LATERAL (
        SELECT one.visitor_id, one.id FROM visitor_email one
        WHERE one.company_id = (SELECT :company_id) AND one.email_hash = few.email_hash OFFSET 0) e
    ORDER BY e.id
    """
).bindparams(bindparam("visitors", type_=ARRAY(Uuid())))


def typed_by_email(
    session: Session, company_id: UUID, visitor_ids: Collection[UUID], rules: PersonRules
) -> list[Typed]:
    """Return the other browsers in which an e-mail address of these was typed.

    Addresses of more browsers than the rules allow are left out, however many thousands those are.
    """
    if not visitor_ids or (rules.email == "off" and not rules.browsers_by_email):
        return []
    asked = {"company_id": company_id, "visitors": list(visitor_ids), "most": rules.most_by_email}
    found: dict[UUID, int] = {}
    for row in session.execute(_BY_EMAIL, asked):
        found[row.visitor_id] = min(row.browsers, found.get(row.visitor_id, row.browsers))
    return [Typed(one, "email", shared) for one, shared in found.items() if one not in visitor_ids]


_CALLS_BEHIND: Final = text(
    """
    WITH shared AS MATERIALIZED (
        SELECT e.visitor_id, bool_or(coalesce(counted.browsers <= CAST(:most AS int), true)) AS binds
        FROM (SELECT DISTINCT email_hash FROM visitor_email
              WHERE company_id = (SELECT :company_id) AND visitor_id = :mine) addresses
        CROSS JOIN LATERAL (
            SELECT count(*) AS browsers FROM visitor_email one
            WHERE one.company_id = (SELECT :company_id) AND one.email_hash = addresses.email_hash) counted
        CROSS JOIN LATERAL (
            SELECT one.visitor_id FROM visitor_email one
            WHERE one.company_id = (SELECT :company_id) AND one.email_hash = addresses.email_hash
            OFFSET 0) e
        GROUP BY e.visitor_id
    ), linked AS (
        SELECT DISTINCT ON (pv.person_id, CASE WHEN NOT shared.binds THEN pv.call_id END)
               pv.call_id, shared.binds, shared.visitor_id = :mine AS own, pv.linked_at
        FROM shared CROSS JOIN LATERAL (
            SELECT * FROM person_visitor one
            WHERE one.company_id = (SELECT :company_id) AND one.visitor_id = shared.visitor_id LIMIT 1) pv
        WHERE shared.binds OR pv.probability = :typed
        ORDER BY pv.person_id, CASE WHEN NOT shared.binds THEN pv.call_id END,
                 shared.visitor_id = :mine DESC, pv.linked_at, pv.call_id
    )
    SELECT call_id FROM (
        SELECT *, row_number() OVER (PARTITION BY binds ORDER BY own DESC, linked_at, call_id) AS place
        FROM linked) ranked
    WHERE place <= CASE WHEN binds THEN :persons ELSE :released END
    ORDER BY binds DESC, place
    """
)


def calls_behind_address(
    session: Session, company_id: UUID, visitor_id: UUID, rules: PersonRules, most: int
) -> list[UUID]:
    """Return calls by which browsers with an address of this one became persons', its own first.

    One call for each person, of `most` persons; where nobody is joined by an address one is enough. Of an
    address of too many browsers: the calls whose browsers it had bound before it was.
    """
    asked = {
        "company_id": company_id, "mine": visitor_id, "most": rules.most_by_email, "typed": TYPED,
        "persons": 1 if rules.email == "off" else most, "released": most,
    }  # fmt: skip
    return list(dict.fromkeys(session.scalars(_CALLS_BEHIND, asked)))


def browsers_of_number(session: Session, call: Call) -> int:
    """Return how many browsers are bound to persons by calls from this number, this call's counted."""
    bound = and_(PersonVisitor.company_id == Call.company_id, PersonVisitor.call_id == Call.id)
    counted = session.scalar(
        select(func.count(PersonVisitor.visitor_id.distinct()))
        .join(Call, bound)
        .where(Call.company_id == call.company_id, Call.caller_hash == call.caller_hash, Call.id != call.id)
    )
    return (counted or 0) + 1
