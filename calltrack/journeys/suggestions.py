"""Two who may be one person: listed, and decided by somebody."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.infra.turns import take_turn
from calltrack.journeys.joining import Pair, join_by_hand
from calltrack.journeys.model import Person
from calltrack.journeys.rule_model import PersonSuggestion
from calltrack.kernel.errors import Conflict, NotFound

SHOWN: Final = 50


@dataclass(frozen=True)
class Suggestion:
    """Two persons, what says that they are one, and since when."""

    id: UUID
    one_id: UUID
    other_id: UUID
    via: str
    found_at: datetime


def suggestions(session: Session, company_id: UUID, most: int = SHOWN) -> tuple[Suggestion, ...]:
    """Return the open suggestions, newest first."""
    rows = session.scalars(
        select(PersonSuggestion).where(*_open(company_id)).order_by(PersonSuggestion.id.desc()).limit(most)
    )
    return tuple(Suggestion(row.id, row.one_id, row.other_id, row.via, row.found_at) for row in rows)


def count_suggestions(session: Session, company_id: UUID) -> int:
    """Return how many are open."""
    mine = select(func.count()).select_from(PersonSuggestion).where(*_open(company_id))
    return session.scalar(mine) or 0


def _open(company_id: UUID) -> tuple[ColumnElement[bool], ...]:
    # One of the two may be part of somebody else now, or erased.
    both = (PersonSuggestion.one_id, PersonSuggestion.other_id)
    return (
        PersonSuggestion.company_id == company_id,
        PersonSuggestion.decision == "open",
        *(exists().where(Person.company_id == company_id, Person.id == one) for one in both),
    )


def decide(
    session: Session, company_id: UUID, suggestion_id: UUID, decision: Literal["join", "apart"],
    now: datetime, *, by: str,
) -> UUID | None:  # fmt: skip
    """Join both, as by hand (returns the join's id), or say that they are two, which rules respect.

    Raises:
        NotFound: there is none; it is decided already, or one of the two is part of another person by now.
        Conflict: somebody said that they are two.
    """
    take_turn(session, "persons", company_id)
    row = session.get(PersonSuggestion, (company_id, suggestion_id), with_for_update=True)
    if row is not None and row.decision != "open":
        raise Conflict("Somebody said already that they are two; join them by hand on a person's page.")
    if row is None or not all(session.get(Person, (company_id, id_)) for id_ in (row.one_id, row.other_id)):
        raise NotFound("This suggestion is decided already, or one of the two is part of another person now.")
    pair = Pair(row.one_id, row.other_id)
    if decision == "join":
        return join_by_hand(session, company_id, pair, now, by=by)
    row.decision, row.decided_at, row.decided_by = "apart", now, by
    audit.note(session, company_id, by, "person.apart", pair.kept.hex, now, other=pair.absorbed.hex)
    return None
