"""Two persons become one, by a call, a CRM id or by hand, and can be taken apart again without loss."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import Uuid, bindparam, delete, or_, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute, Session

from calltrack.accounts import audit
from calltrack.infra import outbox
from calltrack.infra.rows import one_of
from calltrack.infra.turns import take_turn
from calltrack.journeys.joins_model import PersonJoin, PersonKey
from calltrack.journeys.model import Person, PersonCaller, PersonVisitor
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id

# So many persons who became part of one are read at once; more only where both have more.
FEW: Final = 50
T = TypeVar("T")
_Link = PersonCaller | PersonVisitor | PersonKey
_LINKS: tuple[type[_Link], ...] = (PersonCaller, PersonVisitor, PersonKey)


@dataclass(frozen=True)
class Pair:
    """Two persons: the first is kept, the second becomes part of it."""

    kept: UUID
    absorbed: UUID


@dataclass(frozen=True)
class JoinRow:
    """A join as pages and the API show it: what had been the absorbed person's."""

    id: UUID
    kept_id: UUID
    absorbed_id: UUID
    via: str
    joined_at: datetime
    joined_by: str
    numbers: int
    browsers: int
    keys: int
    undone_at: datetime | None
    undone_by: str


def join_by_hand(session: Session, company_id: UUID, pair: Pair, now: datetime, *, by: str) -> UUID:
    """Make the second person part of the first one; returns the join's id, by which it can be undone.

    Raises:
        BadInput: both are the same.
        NotFound: the company has no such person.
    """
    if pair.kept == pair.absorbed:
        raise BadInput("Choose two different persons; these are the same one.")
    take_turn(session, "persons", company_id)
    for id_ in (pair.kept, pair.absorbed):
        if session.get(Person, (company_id, id_)) is None:
            raise NotFound("There is no such person; it may be part of another one by now.")
    made = join(session, company_id, pair, "hand", now, by=by)
    audit.note(session, company_id, by, "person.join", pair.kept.hex, now, absorbed=pair.absorbed.hex)
    return made


def join(
    session: Session, company_id: UUID, pair: Pair, via: str, now: datetime, *, by: str = "",
    rules_number: int | None = None,
) -> UUID:  # fmt: skip
    """Join two persons and write down what had been the absorbed one's; whoever calls holds the turn.

    `rules_number` is the version of the rules that said so. `person.merged` is recorded: conversions follow.
    """
    absorbed = session.get_one(Person, (company_id, pair.absorbed))
    row = PersonJoin(
        company_id=company_id, id=new_id(now), kept_id=pair.kept, absorbed_id=pair.absorbed,
        absorbed_since=absorbed.created_at, is_demo=absorbed.is_demo, via=via, joined_at=now, joined_by=by,
        rules_number=rules_number,
        callers=_of(session, absorbed, PersonCaller, PersonCaller.caller_hash),
        visitors=_of(session, absorbed, PersonVisitor, PersonVisitor.visitor_id),
        keys=_of(session, absorbed, PersonKey, PersonKey.key_hash),
    )  # fmt: skip
    session.add(row)
    for link in _LINKS:
        session.execute(
            update(link)
            .where(link.company_id == company_id, link.person_id == pair.absorbed)
            .values(person_id=pair.kept)
        )
    session.execute(delete(Person).where(Person.company_id == company_id, Person.id == pair.absorbed))
    session.expire_all()
    outbox.record(session, company_id, "person.merged", pair.kept, now)
    return row.id


def part(session: Session, company_id: UUID, join_id: UUID, now: datetime, *, by: str) -> UUID:
    """Undo a join: the absorbed person is there again, with exactly what had been its own; returns its id.

    What came since stays where it is, and so does what was erased or moved on meanwhile. Two whom a rule had
    joined are not joined by one again. Joins can be undone in any order.

    Raises:
        NotFound: the company has no such join.
        Conflict: it is undone already.
    """
    take_turn(session, "persons", company_id)
    row = session.get(PersonJoin, (company_id, join_id), with_for_update=True)
    if row is None:
        raise NotFound("There is no such join.")
    if row.undone_at is not None:
        raise Conflict("This join is undone already; look at the persons again.")
    line = _line(session, company_id, row.kept_id)
    row.undone_at, row.undone_by = now, by
    session.add(
        Person(company_id=company_id, id=row.absorbed_id, created_at=row.absorbed_since, is_demo=row.is_demo)
    )
    session.flush()
    owned: tuple[tuple[type[_Link], InstrumentedAttribute[Any], list[Any]], ...] = (
        (PersonCaller, PersonCaller.caller_hash, row.callers),
        (PersonVisitor, PersonVisitor.visitor_id, row.visitors),
        (PersonKey, PersonKey.key_hash, row.keys),
    )
    for link, column, members in owned:
        session.execute(
            update(link)
            .where(link.company_id == company_id, column.in_(members), link.person_id.in_(line))
            .values(person_id=row.absorbed_id)
        )
    session.expire_all()
    for id_ in (*line, row.absorbed_id):
        if session.get(Person, (company_id, id_)) is not None:
            outbox.record(session, company_id, "person.merged", id_, now)
    audit.note(session, company_id, by, "person.part", row.kept_id.hex, now, parted=row.absorbed_id.hex)
    return row.absorbed_id


def are_apart(session: Session, company_id: UUID, pair: Pair) -> bool:
    """Tell whether somebody said that these two are two, or took them apart after a rule had joined them.

    Whoever became part of one of them since counts as that one.
    """
    few, other = _parts_of_fewer(session, company_id, pair)
    asked = {"company_id": company_id, "few": list(few), "other": other}
    return bool(session.scalar(_APART, asked))


# From whoever was taken, or is said to be, apart from one of these few, up to whom they are part of now.
_APART: Final = text(
    """
    WITH RECURSIVE theirs (id) AS (
        SELECT absorbed_id FROM person_join
        WHERE company_id = :company_id AND kept_id = ANY(:few) AND via <> 'hand' AND undone_at IS NOT NULL
        UNION
        SELECT kept_id FROM person_join
        WHERE company_id = :company_id AND absorbed_id = ANY(:few) AND via <> 'hand' AND undone_at IS NOT NULL
        UNION
        SELECT other_id FROM person_suggestion
        WHERE company_id = :company_id AND one_id = ANY(:few) AND decision = 'apart'
        UNION
        SELECT one_id FROM person_suggestion
        WHERE company_id = :company_id AND other_id = ANY(:few) AND decision = 'apart'
        UNION
        SELECT j.kept_id FROM theirs
        JOIN person_join j ON j.company_id = :company_id AND j.absorbed_id = theirs.id AND j.undone_at IS NULL
    )
    SELECT EXISTS (SELECT FROM theirs WHERE id = :other)
    """
).bindparams(bindparam("few", type_=ARRAY(Uuid())))


def joins_of(session: Session, company_id: UUID, person_id: UUID, most: int = 50) -> tuple[JoinRow, ...]:
    """Return the joins this person has to do with, newest first."""
    rows = session.scalars(
        select(PersonJoin)
        .where(
            PersonJoin.company_id == company_id,
            or_(PersonJoin.kept_id == person_id, PersonJoin.absorbed_id == person_id),
        )
        .order_by(PersonJoin.id.desc())
        .limit(most)
    )
    return tuple(
        JoinRow(
            row.id, row.kept_id, row.absorbed_id, row.via, row.joined_at, row.joined_by, len(row.callers),
            len(row.visitors), len(row.keys), row.undone_at, row.undone_by,
        )
        for row in rows
    )  # fmt: skip


def person_now(session: Session, company_id: UUID, person_id: UUID) -> UUID | None:
    """Return the person an id stands for now: itself, or whoever it is part of; None: nobody."""
    for id_ in reversed(_line(session, company_id, person_id)):
        if session.get(Person, (company_id, id_)) is not None:
            return id_
    return None


def _line(session: Session, company_id: UUID, person_id: UUID) -> list[UUID]:
    """Return the person, whom it became part of, whom that one became part of, and so on."""
    line = [person_id]
    while True:
        following = session.scalar(
            select(PersonJoin.kept_id)
            .where(
                PersonJoin.company_id == company_id,
                PersonJoin.absorbed_id == line[-1],
                PersonJoin.undone_at.is_(None),
            )
            .order_by(PersonJoin.id.desc())
            .limit(1)
        )
        if following is None or following in line:
            return line
        line.append(following)


def _parts_of_fewer(session: Session, company_id: UUID, pair: Pair) -> tuple[set[UUID], UUID]:
    """Return one of two persons with all who became part of it, and the other one.

    It is one of whom not too many did: while a past is joined, thousands are held one by one against somebody
    of whom thousands are part already.
    """
    one, other, most = pair.kept, pair.absorbed, FEW
    while True:
        for id_, left in ((other, one), (one, other)):
            found = _parts(session, company_id, id_, most)
            if len(found) < most:
                return found, left
        most *= FEW


def _parts(session: Session, company_id: UUID, person_id: UUID, most: int) -> set[UUID]:
    """Return the person and who became part of it, directly or through others; from `most` on not all."""
    found, new = {person_id}, [person_id]
    while new and len(found) < most:
        absorbed = (
            select(PersonJoin.absorbed_id)
            .where(
                PersonJoin.company_id == company_id,
                one_of(PersonJoin.kept_id, new),
                PersonJoin.undone_at.is_(None),
            )
            .limit(most)
        )
        new = [id_ for id_ in session.scalars(absorbed) if id_ not in found]
        found.update(new)
    return found


def _of(session: Session, person: Person, link: type[_Link], member: InstrumentedAttribute[T]) -> list[T]:
    mine = (link.company_id == person.company_id, link.person_id == person.id)
    return list(session.scalars(select(member).where(*mine).order_by(member)))
