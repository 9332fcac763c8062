"""Reads that leads rest on: the same person's other calls, and which of them count."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, LargeBinary, and_, any_, func, literal, or_, select
from sqlalchemy.orm import Session

from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call
from calltrack.conversions.model import Conversion, RuleVersion
from calltrack.conversions.rules import RULE
from calltrack.infra.rows import hidden
from calltrack.journeys.model import PersonCaller, PersonVisitor
from calltrack.visits.model import Visit


def calls_around(
    session: Session, call: Call, person_id: UUID | None, window: timedelta
) -> tuple[list[Call], list[Call]]:
    """Return the same person's calls within the window before and after this one, each oldest first.

    A withheld caller has no other calls: nobody knows that they are his.
    """
    if call.caller_hash is None:
        return [], []
    rows = session.scalars(
        select(Call)
        .where(
            Call.company_id == hidden(call.company_id),
            _same_caller(call, person_id),
            Call.started_at > call.started_at - window,
            Call.started_at < call.started_at + window,
            Call.id != call.id,
        )
        .order_by(Call.started_at, Call.id)
    ).all()
    place = (call.started_at, call.id)
    before = [other for other in rows if (other.started_at, other.id) < place]
    return before, [other for other in rows if (other.started_at, other.id) > place]


def counted_calls(session: Session, company_id: UUID, calls: list[Call], kind: str) -> list[Call]:
    """Return those of the calls that hold a counted conversion of the kind, in the given order."""
    return _with(session, company_id, calls, Conversion.kind == kind)


def counted_before(session: Session, company_id: UUID, calls: list[Call]) -> list[Call]:
    """Return those of the calls that made their caller known: leads, and what rules or a call-back won."""
    made = or_(Conversion.kind == "lead", Conversion.via.in_((RULE, "call_back")))
    return _with(session, company_id, calls, made)


def _with(session: Session, company_id: UUID, calls: list[Call], *what: ColumnElement[bool]) -> list[Call]:
    if not calls:
        return []
    ids = select(Conversion.call_id).where(
        Conversion.company_id == company_id,
        Conversion.call_id.in_([call.id for call in calls]),
        Conversion.status == "counted",
        *what,
    )
    counted = set(session.scalars(ids))
    return [call for call in calls if call.id in counted]


def calls_of_person(session: Session, company_id: UUID, person_id: UUID) -> list[Call]:
    """Return the calls of the person's callers, oldest first."""
    hashes = select(PersonCaller.caller_hash).where(
        PersonCaller.company_id == company_id, PersonCaller.person_id == person_id
    )
    rows = select(Call).where(Call.company_id == company_id, Call.caller_hash.in_(hashes))
    return list(session.scalars(rows.order_by(Call.started_at, Call.id)))


def next_calls(session: Session, company_id: UUID, version: RuleVersion, most: int) -> list[Call]:
    """Return the next calls that a version of the rules judges again, in the order they began.

    About `most`: calls that began at the same moment come together.
    """
    since = (
        Call.started_at > version.again_until
        if version.again_until
        else (Call.started_at >= version.applies_since)
    )
    rows = select(Call).where(Call.company_id == company_id, since)
    return list(session.scalars(rows.order_by(Call.started_at).fetch(most, with_ties=True)))


def converted_calls_of(session: Session, company_id: UUID, person_id: UUID) -> list[UUID]:
    """Return the calls with conversions that the person's callers or visitors may have made."""
    hashes = select(PersonCaller.caller_hash).where(
        PersonCaller.company_id == company_id, PersonCaller.person_id == person_id
    )
    through_visits = (
        select(Attribution.call_id)
        .join(Visit, and_(Visit.company_id == Attribution.company_id, Visit.id == Attribution.visit_id))
        .join(
            PersonVisitor,
            and_(PersonVisitor.company_id == Visit.company_id, PersonVisitor.visitor_id == Visit.visitor_id),
        )
        .where(
            Attribution.company_id == company_id,
            Attribution.is_current,
            PersonVisitor.person_id == person_id,
        )
    )
    rows = (
        select(Conversion.call_id)
        .join(Call, and_(Call.company_id == Conversion.company_id, Call.id == Conversion.call_id))
        .where(
            Conversion.company_id == company_id,
            or_(Call.caller_hash.in_(hashes), Call.id.in_(through_visits)),
        )
    )
    return list(session.scalars(rows.distinct()))


def _same_caller(call: Call, person_id: UUID | None) -> ColumnElement[bool]:
    if person_id is None:
        return Call.caller_hash == call.caller_hash
    # One array, read first: an OR of both would read every call of the window.
    hashes = select(PersonCaller.caller_hash).where(
        PersonCaller.company_id == hidden(call.company_id), PersonCaller.person_id == person_id
    )
    own = select(literal(call.caller_hash, LargeBinary()))
    return Call.caller_hash == any_(func.array(own.union_all(hashes).scalar_subquery()))
