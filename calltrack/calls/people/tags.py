"""Tags of a company: chosen, not typed anew, so that one thing has one name. Tagging judges a call again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.calls.model import Call
from calltrack.calls.people.model import CallTag, CallTagged
from calltrack.infra import outbox
from calltrack.infra.rows import one_of
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id

LONGEST: Final = 60
MOST: Final = 200
MOST_OF_A_CALL: Final = 20


@dataclass(frozen=True)
class TagRow:
    """A tag, and how many calls carry it."""

    id: UUID
    name: str
    calls: int


def tag_name(text: str) -> str:
    """Read a tag's name; raises BadInput when it cannot be one."""
    name = " ".join(text.split())
    if not 1 <= len(name) <= LONGEST or not name.isprintable():
        raise BadInput(f"A tag has 1 to {LONGEST} characters, none of them invisible.")
    return name


def key_of(name: str) -> str:
    """Return the form in which names are compared: without case."""
    return name.casefold()


def make_tag(session: Session, company_id: UUID, name: str, now: datetime, *, by: str) -> UUID:
    """Make a tag and return its id.

    Raises:
        BadInput: the name cannot be one, or there are 200 already.
        Conflict: there is one of this name (upper and lower case are the same).
    """
    name = tag_name(name)
    if (session.scalar(select(func.count()).select_from(CallTag).where(_of(company_id))) or 0) >= MOST:
        raise BadInput(f"A company has {MOST} tags at most; merge some of them first.")
    row = insert(CallTag).values(
        company_id=company_id, id=new_id(now), name=name, key=key_of(name), made_by=by, made_at=now
    )
    made: UUID | None = session.scalar(row.on_conflict_do_nothing().returning(CallTag.id))
    if made is None:
        raise Conflict(f"There is a tag {name!r} already; upper and lower case are the same.")
    audit.note(session, company_id, by, "tag.make", name, now)
    return made


def rename_tag(
    session: Session, company_id: UUID, tag_id: UUID, name: str, now: datetime, *, by: str
) -> None:
    """Give a tag another name; its calls are judged again, because rules ask for the name.

    Raises:
        BadInput, Conflict, NotFound: as for `make_tag`; the company has no such tag.
    """
    row, name = _get(session, company_id, tag_id), tag_name(name)
    other = session.scalar(select(CallTag.id).where(_of(company_id), CallTag.key == key_of(name)))
    if other not in (None, tag_id):
        raise Conflict(f"There is a tag {name!r} already; merge the two instead.")
    audit.note(session, company_id, by, "tag.rename", row.name, now, to=name)
    row.name, row.key = name, key_of(name)
    session.flush()
    _judge_again(session, company_id, _calls_with(session, company_id, tag_id), now)


def merge_tags(
    session: Session, company_id: UUID, tag_id: UUID, into_id: UUID, now: datetime, *, by: str
) -> int:
    """Let all calls of one tag carry another instead, and forget the first; returns how many calls.

    Raises:
        BadInput: a tag cannot be merged into itself.
        NotFound: the company has no such tag.
    """
    if tag_id == into_id:
        raise BadInput("Choose two different tags.")
    row, into = _get(session, company_id, tag_id), _get(session, company_id, into_id)
    calls = _calls_with(session, company_id, tag_id)
    of_both = select(
        literal(company_id, Uuid()), CallTagged.call_id, literal(into_id, Uuid()), literal(by), literal(now)
    ).where(CallTagged.company_id == company_id, CallTagged.tag_id == tag_id)
    columns = ["company_id", "call_id", "tag_id", "tagged_by", "tagged_at"]
    session.execute(insert(CallTagged).from_select(columns, of_both).on_conflict_do_nothing())
    session.execute(
        delete(CallTagged).where(CallTagged.company_id == company_id, CallTagged.tag_id == tag_id)
    )
    audit.note(session, company_id, by, "tag.merge", row.name, now, into=into.name, calls=len(calls))
    session.delete(row)
    session.flush()
    _judge_again(session, company_id, calls, now)
    return len(calls)


def set_tags(
    session: Session, company_id: UUID, call_id: UUID, tag_ids: Collection[UUID], now: datetime, *, by: str
) -> bool:
    """Let a call carry exactly these tags; tells whether anything changed.

    Raises:
        BadInput: more than 20 of them.
        NotFound: the company has no such call or tag.
    """
    if session.get(Call, (company_id, call_id), with_for_update=True) is None:
        raise NotFound("There is no such call.")
    wanted = set(tag_ids)
    if len(wanted) > MOST_OF_A_CALL:
        raise BadInput(f"A call carries {MOST_OF_A_CALL} tags at most.")
    for tag_id in wanted:
        _get(session, company_id, tag_id)
    present = {one.id for one in tags_of_call(session, company_id, call_id)}
    for tag_id in sorted(wanted - present):
        _attach(session, company_id, call_id, tag_id, by, now)
    session.execute(
        delete(CallTagged).where(
            CallTagged.company_id == company_id,
            CallTagged.call_id == call_id,
            CallTagged.tag_id.in_(present - wanted),
        )
    )
    if wanted == present:
        return False
    names = [one.name for one in tags_of_call(session, company_id, call_id)]
    audit.note(session, company_id, by, "call.tags", call_id.hex, now, tags=names)
    _judge_again(session, company_id, [call_id], now)
    return True


def tags(session: Session, company_id: UUID) -> tuple[TagRow, ...]:
    """Return the company's tags by name."""
    rows = session.execute(
        select(CallTag.id, CallTag.name, func.count(CallTagged.call_id).label("calls"))
        .outerjoin(
            CallTagged, (CallTagged.company_id == CallTag.company_id) & (CallTagged.tag_id == CallTag.id)
        )
        .where(_of(company_id))
        .group_by(CallTag.id, CallTag.name, CallTag.key)
        .order_by(CallTag.key)
    )
    return tuple(TagRow(**row._mapping) for row in rows)


def tag_choices(session: Session, company_id: UUID) -> tuple[TagRow, ...]:
    """Return a company's tags by name, without counting the calls that carry them."""
    rows = session.execute(select(CallTag.id, CallTag.name).where(_of(company_id)).order_by(CallTag.key))
    return tuple(TagRow(row.id, row.name, 0) for row in rows)


def tags_of_call(session: Session, company_id: UUID, call_id: UUID) -> tuple[TagRow, ...]:
    """Return the tags a call carries, by name."""
    rows = session.execute(
        select(CallTag.id, CallTag.name)
        .join(CallTagged, (CallTagged.company_id == CallTag.company_id) & (CallTagged.tag_id == CallTag.id))
        .where(_of(company_id), CallTagged.call_id == call_id)
        .order_by(CallTag.key)
    )
    return tuple(TagRow(row.id, row.name, 0) for row in rows)


def ids_of_names(session: Session, company_id: UUID, names: Sequence[str]) -> list[UUID]:
    """Return the tags of these names; raises BadInput for a name that is no tag yet."""
    rows = session.execute(select(CallTag.key, CallTag.id).where(_of(company_id)))
    known: dict[str, UUID] = {row.key: row.id for row in rows}
    found = []
    for name in names:
        id_ = known.get(key_of(tag_name(name)))
        if id_ is None:
            raise BadInput(f"{name[:LONGEST]!r} is no tag of this company; make it first.")
        found.append(id_)
    return found


def _of(company_id: UUID) -> ColumnElement[bool]:
    return CallTag.company_id == company_id


def _get(session: Session, company_id: UUID, tag_id: UUID) -> CallTag:
    row = session.get(CallTag, (company_id, tag_id))
    if row is None:
        raise NotFound("There is no such tag.")
    return row


def _calls_with(session: Session, company_id: UUID, tag_id: UUID) -> list[UUID]:
    return list(
        session.scalars(
            select(CallTagged.call_id).where(CallTagged.company_id == company_id, CallTagged.tag_id == tag_id)
        )
    )


def _attach(session: Session, company_id: UUID, call_id: UUID, tag_id: UUID, by: str, now: datetime) -> None:
    row = insert(CallTagged).values(
        company_id=company_id, call_id=call_id, tag_id=tag_id, tagged_by=by, tagged_at=now
    )
    session.execute(row.on_conflict_do_nothing())


def _judge_again(session: Session, company_id: UUID, calls: Collection[UUID], now: datetime) -> None:
    # The change mark lets lists and the live view show it.
    session.execute(
        update(Call).where(Call.company_id == company_id, one_of(Call.id, calls)).values(changed_at=now)
    )
    for call_id in calls:
        outbox.record(session, company_id, "call.tagged", call_id, now)
    session.flush()
