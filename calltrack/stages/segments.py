"""Segments: saved filters over persons, their lists, their counts, and who is in them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.delivery.model import DestinationAccount, Notice
from calltrack.infra.turns import take_turn
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id
from calltrack.stages.cells import Within
from calltrack.stages.model import SegmentMember, SegmentRow
from calltrack.stages.segment_rules import COLORS, Sql, Tree, read_segment, sentence

MOST_SEGMENTS: Final = 60
MOST_ALERT: Final = 1_000_000
TELL_TO: Final = {
    "off": "Nobody", "owners": "Owners", "managers": "Owners and managers",
}  # fmt: skip
# Above, a count says "more than"; nobody reads such a list to its end.
COUNTED: Final = 10_000


@dataclass(frozen=True)
class Segment:
    """A saved filter, in words."""

    id: UUID
    name: str
    color: str
    condition: dict[str, Any]
    sentence: str
    alert_from: int | None
    tell_to: str
    webhook_id: UUID | None
    created_by: str
    changed_at: datetime


@dataclass(frozen=True)
class Given:
    """What somebody typed; from `alert_from` persons a notice stands (None: never).

    `tell_to` (off, owners, managers) is mailed when somebody enters; `webhook_id` is a destination of the
    kind webhook that is told.
    """

    name: str
    color: str
    condition: Any
    alert_from: int | None = None
    tell_to: str = "off"
    webhook_id: UUID | None = None


@dataclass(frozen=True)
class PersonRow:
    """A person as lists show them."""

    id: UUID
    first_at: datetime
    last_at: datetime
    source: str
    medium: str
    campaign: str
    stage: int
    score: int
    visits: int
    calls: int
    missed: int
    purchases: int
    value_minor: int
    waits: bool
    is_demo: bool


_PERSON: Final = (
    "j.id, j.first_at, j.last_at, j.source, j.medium, j.campaign, j.stage, j.score, j.visits, j.calls,"
    " j.missed, j.purchases, j.value_minor, j.waits, j.is_demo"
)


_NAMES: Final = tuple(one.name for one in fields(PersonRow))


def segments(session: Session, company_id: UUID) -> tuple[Segment, ...]:
    """Return the company's segments in the order they were made."""
    rows = session.scalars(
        select(SegmentRow).where(SegmentRow.company_id == company_id).order_by(SegmentRow.id)
    )
    return tuple(_shown(row) for row in rows)


def segment_names(session: Session, company_id: UUID) -> dict[str, str]:
    """Return the names of the company's segments by their ids in hex, in the order they were made."""
    wanted = select(SegmentRow.id, SegmentRow.name).where(SegmentRow.company_id == company_id)
    return {row.id.hex: row.name for row in session.execute(wanted.order_by(SegmentRow.id))}


def segment(session: Session, company_id: UUID, segment_id: UUID) -> Segment:
    """Return one segment; raises NotFound where the company has no such one."""
    return _shown(_row(session, company_id, segment_id))


def within_segment(session: Session, company_id: UUID, segment_id: UUID, now: datetime) -> Within:
    """Return a segment as views are asked within it; raises NotFound where the company has no such one."""
    return Within(read_segment(_row(session, company_id, segment_id).condition), now)


def make_segment(session: Session, company_id: UUID, given: Given, now: datetime, *, by: str) -> UUID:
    """Save a new segment and return its id.

    Raises:
        BadInput: name, colour or condition cannot be.
        Conflict: there is one of that name, or there are too many.
    """
    kept = _checked(session, company_id, given, None)
    if len(segments(session, company_id)) >= MOST_SEGMENTS:
        raise Conflict(f"There are {MOST_SEGMENTS} segments, which is the most; delete one first.")
    row = SegmentRow(
        company_id=company_id, id=new_id(now), created_by=by, created_at=now, changed_at=now, **kept
    )
    session.add(row)
    session.flush()
    audit.note(session, company_id, by, "segment.make", row.name, now)
    return row.id


def change_segment(
    session: Session, company_id: UUID, segment_id: UUID, given: Given, now: datetime, *, by: str
) -> None:
    """Store name, colour and condition; errors as in `make_segment`, and NotFound."""
    row = _row(session, company_id, segment_id)
    was_watched = row.tell_to != "off" or row.webhook_id is not None
    is_other = (row.condition, row.tell_to) != (given.condition, given.tell_to)
    if is_other or not (was_watched and (given.tell_to != "off" or given.webhook_id)):
        # Whoever another condition holds for at its first look did not enter.
        row.watched_since = None
        mine = (SegmentMember.company_id == company_id, SegmentMember.segment_id == segment_id)
        session.execute(delete(SegmentMember).where(*mine))
    for name, value in _checked(session, company_id, given, segment_id).items():
        setattr(row, name, value)
    row.changed_at = now
    _end_notice(session, row, now)
    audit.note(session, company_id, by, "segment.change", row.name, now)


def delete_segment(session: Session, company_id: UUID, segment_id: UUID, now: datetime, *, by: str) -> None:
    """Delete a segment; raises NotFound where the company has no such one."""
    row = _row(session, company_id, segment_id)
    _end_notice(session, row, now)
    session.delete(row)
    audit.note(session, company_id, by, "segment.delete", row.name, now)


def count_persons(session: Session, company_id: UUID, tree: Tree | None, now: datetime) -> int:
    """Return how many persons the condition holds for, up to 10,001."""
    where, values = _where(tree, now)
    statement = f"""
        SELECT count(*) FROM (SELECT FROM journey j WHERE j.company_id = :company_id AND j.is_person
        AND {where} LIMIT {COUNTED + 1}) found
    """  # noqa: S608 - names of columns; values are parameters
    return session.scalar(text(statement), values | {"company_id": company_id}) or 0


def count_each(session: Session, company_id: UUID, trees: Sequence[Tree], now: datetime) -> tuple[int, ...]:
    """Return how many persons each condition holds for, all in one look at the persons."""
    if not trees:
        return ()
    sql = Sql()
    counts = ", ".join(f"count(*) FILTER (WHERE {sql.where(tree)})" for tree in trees)
    statement = f"SELECT {counts} FROM journey j WHERE j.company_id = :company_id AND j.is_person"  # noqa: S608 - names of columns; values are parameters
    values = sql.values | {"company_id": company_id} | ({"now": now} if ":now" in counts else {})
    return tuple(session.execute(text(statement), values).one())


def persons(
    session: Session, company_id: UUID, tree: Tree | None, now: datetime, *,
    before: tuple[datetime, UUID] | None = None, most: int = 50,
) -> tuple[PersonRow, ...]:  # fmt: skip
    """Return persons the condition holds for (None: all), the newest first; `before`: the last one shown."""
    where, values = _where(tree, now)
    if before:
        where += " AND (j.last_at, j.id) < (:before_at, :before_id)"
        values |= {"before_at": before[0], "before_id": before[1]}
    # First who, from the index alone, then what of them: few fit a rare segment, and all have to be asked.
    statement = f"""
        SELECT {_PERSON} FROM (
            SELECT j.id FROM journey j WHERE j.company_id = :company_id AND j.is_person AND {where}
            ORDER BY j.last_at DESC, j.id DESC LIMIT :most
        ) found JOIN journey j ON j.company_id = (SELECT CAST(:company_id AS uuid)) AND j.id = found.id
        ORDER BY j.last_at DESC, j.id DESC
    """  # noqa: S608 - names of columns; values are parameters
    rows = session.execute(text(statement), values | {"company_id": company_id, "most": most})
    return tuple(PersonRow(**row._mapping) for row in rows)


def newest_persons(
    session: Session, company_id: UUID, tree: Tree | None, now: datetime, most: int
) -> tuple[tuple[PersonRow, ...], int]:
    """Return the newest persons as `persons` does and their number as `count_persons` does, in one look."""
    where, values = _where(tree, now)
    statement = f"""
        WITH fitting AS MATERIALIZED (
            SELECT j.id, j.last_at FROM journey j
            WHERE j.company_id = :company_id AND j.is_person AND {where}
            ORDER BY j.last_at DESC, j.id DESC LIMIT {COUNTED + 1}
        ), shown AS (SELECT id FROM fitting ORDER BY last_at DESC, id DESC LIMIT :most)
        SELECT {_PERSON}, (SELECT count(*) FROM fitting) AS number
        FROM shown JOIN journey j ON j.company_id = (SELECT CAST(:company_id AS uuid)) AND j.id = shown.id
        ORDER BY j.last_at DESC, j.id DESC
    """  # noqa: S608 - names of columns; values are parameters
    rows = session.execute(text(statement), values | {"company_id": company_id, "most": most}).all()
    found = tuple(PersonRow(**{name: getattr(row, name) for name in _NAMES}) for row in rows)
    return found, rows[0].number if rows else 0


def is_in(session: Session, company_id: UUID, tree: Tree, person_id: UUID, now: datetime) -> bool:
    """Tell whether the condition holds for one person."""
    where, values = _where(tree, now)
    statement = f"""
        SELECT EXISTS (SELECT FROM journey j WHERE j.company_id = :company_id AND j.id = :id AND {where})
    """  # noqa: S608 - names of columns; values are parameters
    return bool(session.scalar(text(statement), values | {"company_id": company_id, "id": person_id}))


def _where(tree: Tree | None, now: datetime) -> tuple[str, dict[str, Any]]:
    if tree is None:
        return "true", {}
    sql = Sql()
    where = sql.where(tree)
    return where, sql.values | ({"now": now} if ":now" in where else {})


def _checked(session: Session, company_id: UUID, given: Given, but: UUID | None) -> dict[str, Any]:
    name = " ".join(given.name.split())
    if not 1 <= len(name) <= 80 or not name.isprintable():
        raise BadInput("Give the segment a name of 1 to 80 characters.")
    if given.color not in COLORS:
        raise BadInput(f"Choose one of the colours {', '.join(COLORS)}.")
    read_segment(given.condition)
    if given.alert_from is not None and not 1 <= given.alert_from <= MOST_ALERT:
        raise BadInput(f"A notice stands from 1 to {MOST_ALERT} persons; leave it empty for none.")
    if given.tell_to not in TELL_TO:
        raise BadInput(f"Whom to mail is one of {', '.join(TELL_TO)}.")
    if given.webhook_id is not None:
        _check_webhook(session, company_id, given.webhook_id, but)
    take_turn(session, "segments", company_id)
    taken = session.scalar(
        select(SegmentRow.id).where(SegmentRow.company_id == company_id, SegmentRow.name == name)
    )
    if taken not in (None, but):
        raise Conflict(f"There is a segment {name!r} already; take another name.")
    return {
        "name": name, "color": given.color, "condition": given.condition, "alert_from": given.alert_from,
        "tell_to": given.tell_to, "webhook_id": given.webhook_id,
    }  # fmt: skip


def _check_webhook(session: Session, company_id: UUID, webhook_id: UUID, but: UUID | None) -> None:
    """Refuse what is no webhook that is there; one that was removed since may stay until it is taken away."""
    found = session.get(DestinationAccount, (company_id, webhook_id))
    kept = session.get(SegmentRow, (company_id, but)) if but else None
    is_kept = kept is not None and kept.webhook_id == webhook_id
    if found is None or found.kind != "webhook" or (found.status == "removed" and not is_kept):
        raise BadInput("There is no such webhook; choose one of the webhooks under Destinations, or none.")


def _end_notice(session: Session, row: SegmentRow, now: datetime) -> None:
    """End the notice of a segment that is another one now; it comes back if it still fills."""
    mine = (
        Notice.company_id == row.company_id,
        Notice.kind == "segment.filled",
        Notice.subject == row.id.hex,
    )
    session.execute(update(Notice).where(*mine, Notice.resolved_at.is_(None)).values(resolved_at=now))


def _row(session: Session, company_id: UUID, segment_id: UUID) -> SegmentRow:
    row = session.get(SegmentRow, (company_id, segment_id))
    if row is None:
        raise NotFound("There is no such segment.")
    return row


def _shown(row: SegmentRow) -> Segment:
    said = sentence(read_segment(row.condition))
    return Segment(
        row.id,
        row.name,
        row.color,
        row.condition,
        said,
        row.alert_from,
        row.tell_to,
        row.webhook_id,
        row.created_by,
        row.changed_at,
    )
