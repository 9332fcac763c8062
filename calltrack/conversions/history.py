"""Reads that leads rest on: the same person's other calls, and which of them count."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    LargeBinary,
    Select,
    and_,
    any_,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.orm import Session

from calltrack.attribution.model import Attribution
from calltrack.calls.model import Call
from calltrack.conversions.model import Conversion, RuleVersion
from calltrack.conversions.rules import RULE
from calltrack.infra.rows import hidden, one_of
from calltrack.journeys.model import PersonCaller, PersonVisitor
from calltrack.visits.model import Visit

_BY_RULE: Final = Conversion.via.in_((RULE, "call_back"))


@dataclass(frozen=True)
class Around:
    """What counts of the same person's other calls within a window."""

    known_at: tuple[datetime, ...]
    """When the earlier calls began that made their caller known, oldest first."""
    was_lead: bool
    """Whether an earlier call holds a counted lead."""
    bought_after: bool
    """Whether a later call holds a counted purchase."""


def counted_around(session: Session, call: Call, person_id: UUID | None, window: timedelta) -> Around:
    """Return what counts of the same person's calls within the window before and after this one.

    A withheld caller has no other calls: nobody knows that they are his.
    """
    if call.caller_hash is None:
        return Around((), was_lead=False, bought_after=False)
    # Read for each of the window's calls, of which somebody who rings all day has thousands.
    counted = (
        select(Conversion.kind, or_(Conversion.kind == "lead", _BY_RULE).label("makes_known"))
        .where(
            Conversion.company_id == hidden(call.company_id),
            Conversion.call_id == Call.id,
            Conversion.status == "counted",
        )
        .offset(0)
        .lateral("counted")
    )
    rows = session.execute(
        select(Call.id, Call.started_at, counted.c.kind, counted.c.makes_known)
        .join(counted, true())
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
    before = [row for row in rows if (row.started_at, row.id) < place]
    known = {row.id: row.started_at for row in before if row.makes_known}
    return Around(
        tuple(known.values()),
        was_lead=any(row.kind == "lead" for row in before),
        bought_after=any(row.kind == "purchase" for row in rows[len(before) :]),
    )


def has_bought(session: Session, call: Call) -> bool:
    """Tell whether the call holds a counted purchase."""
    purchase = select(Conversion.id).where(
        Conversion.company_id == call.company_id,
        Conversion.call_id == call.id,
        Conversion.status == "counted",
        Conversion.kind == "purchase",
    )
    return session.scalar(purchase.limit(1)) is not None


def later_calls(
    session: Session, call: Call, person_id: UUID | None, within: timedelta, *, most: int = 50
) -> Iterator[Call]:
    """Yield the same person's calls that began after this one, oldest first; `most` are read at a time."""
    if call.caller_hash is None:
        return
    place = (call.started_at, call.id)
    while calls := _next_after(session, call, person_id, place, call.started_at + within, most):
        yield from calls
        place = (calls[-1].started_at, calls[-1].id)


def _next_after(
    session: Session,
    call: Call,
    person_id: UUID | None,
    place: tuple[datetime, UUID],
    until: datetime,
    most: int,
) -> Sequence[Call]:
    # For each number of the person the next ones, by index: all of them together would be read and sorted.
    numbers = _numbers_of(call, person_id).subquery("numbers")
    order = (Call.started_at, Call.id)
    following = (
        select(Call.id, Call.started_at)
        .where(
            Call.company_id == hidden(call.company_id),
            Call.caller_hash == numbers.c.caller_hash,
            tuple_(*order) > place,
            Call.started_at < until,
        )
        .order_by(*order)
        .limit(most)
        .lateral("following")
    )
    ids = (
        select(following.c.id)
        .select_from(numbers.join(following, true()))
        .order_by(following.c.started_at, following.c.id)
        .limit(most)
    )
    rows = select(Call).where(Call.company_id == hidden(call.company_id), Call.id.in_(ids))
    return session.scalars(rows.order_by(*order)).all()


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
    through_callers = (
        select(Call.id)
        .join(
            PersonCaller,
            and_(PersonCaller.company_id == Call.company_id, PersonCaller.caller_hash == Call.caller_hash),
        )
        .where(Call.company_id == company_id, PersonCaller.person_id == person_id)
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
    # Two ways that are walked apart: with an OR of both every conversion of the company is read.
    found = session.scalars(through_callers.union(through_visits)).all()
    converted = select(Conversion.call_id).where(
        Conversion.company_id == company_id, one_of(Conversion.call_id, found)
    )
    return list(session.scalars(converted.distinct()))


def _same_caller(call: Call, person_id: UUID | None) -> ColumnElement[bool]:
    if person_id is None:
        return Call.caller_hash == call.caller_hash
    # One array, read first: an OR of both would read every call of the window.
    return Call.caller_hash == any_(func.array(_numbers_of(call, person_id).scalar_subquery()))


def _numbers_of(call: Call, person_id: UUID | None) -> CompoundSelect[bytes | None] | Select[bytes | None]:
    """Select the caller of the call and the person's other numbers, each once."""
    own = select(literal(call.caller_hash, LargeBinary()).label("caller_hash"))
    if person_id is None:
        return own
    return own.union(
        select(PersonCaller.caller_hash).where(
            PersonCaller.company_id == hidden(call.company_id), PersonCaller.person_id == person_id
        )
    )
