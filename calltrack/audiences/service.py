"""Making, changing, pausing and deleting audiences, connecting them to lists, and forgetting a person."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.model import Location
from calltrack.accounts.rules import display_name
from calltrack.audiences.conditions import read, sentence, written
from calltrack.audiences.model import Audience, Entry, Member, Place
from calltrack.audiences.notices import review_lists
from calltrack.delivery.accounts import ITSELF
from calltrack.delivery.model import DestinationAccount
from calltrack.destinations.audience_platforms import PLATFORMS
from calltrack.infra.turns import take_turn
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import new_id

MOST_AUDIENCES: Final = 50
ERASED: Final = "Erased on request."


def create_audience(
    session: Session, company_id: UUID, name: str, condition: Any, now: datetime, *, by: str = ITSELF
) -> UUID:
    """Save an audience; it is filled within moments, and told to nobody before a list is connected to it.

    Raises:
        BadInput: the name or the condition cannot be read.
        Conflict: the company has 50 audiences already.
    """
    tree = read(condition)
    alive = select(Audience.id).where(Audience.company_id == company_id, Audience.status != "deleted")
    if len(session.scalars(alive).all()) >= MOST_AUDIENCES:
        raise Conflict(f"A company has at most {MOST_AUDIENCES} audiences; delete one first.")
    row = Audience(
        company_id=company_id, id=new_id(now), name=display_name(name), condition=written(tree),
        sentence=sentence(tree, location_names(session, company_id)), status="active", full_due_at=now,
        created_by=by, created_at=now, changed_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.note(session, company_id, by, "audience.created", str(row.id), now, name=row.name)
    return row.id


def change_audience(
    session: Session, company_id: UUID, audience_id: UUID, name: str, condition: Any, now: datetime, *,
    by: str = ITSELF,
) -> None:  # fmt: skip
    """Replace name and condition; whoever it no longer holds for leaves the lists, whoever is new joins.

    Raises:
        NotFound: the company has no such audience.
        BadInput: the name or the condition cannot be read.
        Conflict: the audience is being deleted.
    """
    row = _take(session, company_id, audience_id)
    tree = read(condition)
    row.name, row.changed_at = display_name(name), now
    if written(tree) != row.condition:
        row.condition = written(tree)
        row.sentence = sentence(tree, location_names(session, company_id))
        # A look at everybody follows; what it moves are no differences that had to be repaired.
        _look_soon(row, now)
        row.checked_at = None
        row.swept_until = row.sweep_due_at = None
    audit.note(session, company_id, by, "audience.changed", str(audience_id), now, name=row.name)


def connect_list(
    session: Session, company_id: UUID, audience_id: UUID, destination_id: UUID, list_id: str, now: datetime,
    *, by: str = ITSELF,
) -> UUID:  # fmt: skip
    """Keep a customer list of a connected destination in step with the audience from now on.

    Raises:
        NotFound: the company has no such audience or destination.
        BadInput: the destination keeps no customer lists, or this cannot be a list's number.
        Conflict: the list belongs to an audience already.
    """
    row = _take(session, company_id, audience_id)
    account = session.get(DestinationAccount, (company_id, destination_id))
    if account is None or account.status == "removed":
        raise NotFound("There is no such destination.")
    platform = PLATFORMS.get(account.kind)
    if platform is None:
        labels = ", ".join(one.label for one in PLATFORMS.values())
        raise BadInput(f"{account.name} keeps no customer lists; audiences go to {labels}.")
    try:
        number = platform.list_id(list_id)
    except ValueError as problem:
        raise BadInput(str(problem)) from None
    taken = select(Place.id).where(
        Place.company_id == company_id, Place.destination_id == destination_id, Place.list_id == number,
        Place.status != "removed",
    )  # fmt: skip
    if session.scalars(taken).first() is not None:
        raise Conflict(f"List {number} belongs to an audience already; two would empty each other.")
    place = Place(
        company_id=company_id, id=new_id(now), audience_id=audience_id, destination_id=destination_id,
        list_id=number, status="active", batch=platform.max_members, created_at=now,
    )  # fmt: skip
    session.add(place)
    _look_soon(row, now)
    session.flush()
    audit.note(
        session, company_id, by, "audience.list_connected", str(audience_id), now,
        destination=account.name, list_id=number,
    )  # fmt: skip
    return place.id


def leave_list(
    session: Session, company_id: UUID, audience_id: UUID, place_id: UUID, now: datetime, *, by: str = ITSELF
) -> None:
    """Empty a list and give it up: its members are removed at the platform first.

    Raises:
        NotFound: the audience has no such list.
    """
    row, place = _take(session, company_id, audience_id), _place(session, company_id, audience_id, place_id)
    if place.status in ("leaving", "removed"):
        return
    place.status, place.status_reason, place.held_until = "leaving", "", None
    _look_soon(row, now)
    audit.note(session, company_id, by, "audience.list_left", str(audience_id), now, list_id=place.list_id)
    review_lists(session, company_id, now)


def resume_list(
    session: Session, company_id: UUID, audience_id: UUID, place_id: UUID, now: datetime, *, by: str = ITSELF
) -> None:
    """Let a list that was paused by a fault go on; what waits is sent at once.

    Raises:
        NotFound: the audience has no such list.
    """
    place = _place(session, company_id, audience_id, place_id)
    if place.status == "paused":
        place.status, place.status_reason, place.last_trouble = "active", "", ""
        audit.note(session, company_id, by, "audience.list_resumed", str(audience_id), now)
    if place.status != "removed":
        place.held_until, place.unwell, place.due_at = None, 0, now
    review_lists(session, company_id, now)


def pause(session: Session, company_id: UUID, audience_id: UUID, now: datetime, *, by: str = ITSELF) -> None:
    """Add nobody until resumed. Removals still go out: no pause delays a withdrawal or an erasure.

    Raises:
        NotFound: the company has no such audience.
        Conflict: the audience is being deleted.
    """
    row = _take(session, company_id, audience_id)
    if row.status == "active":
        row.status, row.changed_at = "paused", now
        audit.note(session, company_id, by, "audience.paused", str(audience_id), now)


def resume(session: Session, company_id: UUID, audience_id: UUID, now: datetime, *, by: str = ITSELF) -> None:
    """Add again; whoever joined meanwhile is sent at once.

    Raises:
        NotFound: the company has no such audience.
        Conflict: the audience is being deleted.
    """
    row = _take(session, company_id, audience_id)
    if row.status == "paused":
        row.status, row.changed_at = "active", now
        audit.note(session, company_id, by, "audience.resumed", str(audience_id), now)
        _wake_lists(session, row, now)


def delete_audience(
    session: Session, company_id: UUID, audience_id: UUID, now: datetime, *, by: str = ITSELF
) -> None:
    """Delete an audience: its members are removed at every platform first, then it is gone here.

    Raises:
        NotFound: the company has no such audience.
    """
    row = session.get(Audience, (company_id, audience_id), with_for_update=True)
    if row is None or row.status == "deleted":
        raise NotFound("There is no such audience.")
    if row.status == "deleting":
        return
    take_turn(session, "audiences", company_id)
    row.status, row.changed_at = "deleting", now
    row.sweep_due_at = None
    session.execute(delete(Member).where(Member.company_id == company_id, Member.audience_id == audience_id))
    session.execute(
        update(Place)
        .where(Place.company_id == company_id, Place.audience_id == audience_id, Place.status != "removed")
        .values(status="leaving", status_reason="", held_until=None)
    )
    _look_soon(row, now)
    audit.note(session, company_id, by, "audience.delete_asked", str(audience_id), now, name=row.name)
    review_lists(session, company_id, now)


_OUT: Final = text(
    """
    WITH gone AS (
        DELETE FROM audience_member WHERE company_id = :company_id AND person_id = :person_id
        RETURNING audience_id, status)
    INSERT INTO audience_event (company_id, audience_id, person_id, at, what, why)
    SELECT :company_id, audience_id, :person_id, :now, 'left', :why FROM gone WHERE status = 'in'
    """
)
_UNTOLD: Final = text(
    """
    DELETE FROM audience_entry
    WHERE company_id = :company_id AND person_id = :person_id AND state <> 'sending'
      AND (told IS NULL OR told = 'remove' AND identifier IS NULL)
    """
)
_TAKE_BACK: Final = text(
    """
    WITH taken_back AS (
        UPDATE audience_entry SET
            wanted = false, changed_at = :now,
            state = CASE WHEN state = 'sending' THEN state ELSE 'due' END
        WHERE company_id = :company_id AND person_id = :person_id AND (wanted OR state = 'refused')
        RETURNING place_id)
    UPDATE audience_place SET due_at = :now
    WHERE company_id = :company_id AND id IN (SELECT place_id FROM taken_back)
    """
)
_LEFT_OVER: Final = text(
    "SELECT count(*) FROM audience_entry WHERE company_id = :company_id AND person_id = :person_id"
)


def erase_person(session: Session, company_id: UUID, person_id: UUID, now: datetime) -> int:
    """Take an erased person out of every audience; returns how many lists still have to be told.

    Call it in the transaction that deletes the person and its numbers: then nobody can join again. What a
    platform knows is removed there next; only the sealed hash that takes is kept until it is confirmed, then
    the row is deleted. (A person that vanishes without this call leaves the lists, too: by a trigger.)
    """
    take_turn(session, "audiences", company_id)
    values = {"company_id": company_id, "person_id": person_id, "now": now}
    session.execute(_OUT, values | {"why": ERASED})
    session.execute(_UNTOLD, values)
    session.execute(_TAKE_BACK, values)
    return session.scalar(_LEFT_OVER, values) or 0


def lists_left(session: Session, company_id: UUID, person_ids: Collection[UUID]) -> int:
    """Return how many lists have not confirmed yet that these erased persons are gone from them."""
    mine = (Entry.company_id == company_id, Entry.person_id.in_(list(person_ids)))
    return session.scalar(select(func.count()).select_from(Entry).where(*mine)) or 0


def look_again(session: Session, company_id: UUID, now: datetime) -> None:
    """Judge everybody anew in every audience: for rows that were stored without their facts (history)."""
    session.execute(
        update(Audience)
        .where(Audience.company_id == company_id, Audience.status != "deleted")
        .values(full_due_at=now, checked_at=None, looked_until=None, look_found=0)
    )


def location_names(session: Session, company_id: UUID) -> Mapping[UUID, str]:
    """Return the company's locations by id."""
    rows = session.execute(select(Location.id, Location.name).where(Location.company_id == company_id))
    return {row.id: row.name for row in rows}


def _look_soon(row: Audience, now: datetime) -> None:
    """Let a look at everybody begin; one that is under way begins anew."""
    row.full_due_at, row.looked_until, row.look_found = now, None, 0


def _wake_lists(session: Session, row: Audience, now: datetime) -> None:
    session.execute(
        update(Place)
        .where(Place.company_id == row.company_id, Place.audience_id == row.id, Place.status == "active")
        .values(due_at=now)
    )


def _take(session: Session, company_id: UUID, audience_id: UUID) -> Audience:
    row = session.get(Audience, (company_id, audience_id), with_for_update=True)
    if row is None or row.status == "deleted":
        raise NotFound("There is no such audience.")
    if row.status == "deleting":
        raise Conflict("This audience is being deleted.")
    return row


def _place(session: Session, company_id: UUID, audience_id: UUID, place_id: UUID) -> Place:
    place = session.get(Place, (company_id, place_id), with_for_update=True)
    if place is None or place.audience_id != audience_id:
        raise NotFound("This audience has no such list.")
    return place
