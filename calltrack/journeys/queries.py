"""A person's visits and calls, as far as we know them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.calls.model import Call
from calltrack.journeys.model import PersonCaller, PersonVisitor
from calltrack.visits.queries import VisitRow, visits_of

MOST = 100


@dataclass(frozen=True)
class PersonCall:
    """A call of a person."""

    id: UUID
    started_at: datetime
    outcome: str | None
    status: str
    talk_seconds: int


@dataclass(frozen=True)
class Link:
    """Why a visitor's browser is thought to be this person's."""

    visitor_id: UUID
    call_id: UUID
    probability: float


@dataclass(frozen=True)
class Journey:
    """What one person did. `person_id` is None for a caller who withheld the number."""

    person_id: UUID | None
    calls: tuple[PersonCall, ...]
    visits: tuple[VisitRow, ...]
    links: tuple[Link, ...]
    hashes: tuple[bytes, ...] = ()
    """The keyed hashes of the person's numbers."""


def journey_of(
    session: Session,
    company_id: UUID,
    caller_hash: bytes | None,
    also_visitor: UUID | None = None,
) -> Journey:
    """Return what is known of the person behind a caller; `also_visitor` adds a browser not linked yet."""
    person_id = None
    if caller_hash is not None:
        person_id = session.scalar(
            select(PersonCaller.person_id).where(
                PersonCaller.company_id == company_id, PersonCaller.caller_hash == caller_hash
            )
        )
    links = _links(session, company_id, person_id) if person_id else ()
    visitors = {link.visitor_id for link in links} | ({also_visitor} if also_visitor else set())
    hashes = _hashes(session, company_id, person_id) if person_id else []
    if caller_hash is not None and caller_hash not in hashes:
        hashes.append(caller_hash)
    return Journey(
        person_id,
        _calls(session, company_id, hashes),
        visits_of(session, company_id, visitors, MOST),
        links,
        tuple(hashes),
    )


def _links(session: Session, company_id: UUID, person_id: UUID) -> tuple[Link, ...]:
    rows = session.execute(
        select(PersonVisitor.visitor_id, PersonVisitor.call_id, PersonVisitor.probability)
        .where(PersonVisitor.company_id == company_id, PersonVisitor.person_id == person_id)
        .limit(MOST)
    )
    return tuple(Link(**row._mapping) for row in rows)


def _hashes(session: Session, company_id: UUID, person_id: UUID) -> list[bytes]:
    return list(
        session.scalars(
            select(PersonCaller.caller_hash)
            .where(PersonCaller.company_id == company_id, PersonCaller.person_id == person_id)
            .limit(MOST)
        )
    )


def _calls(session: Session, company_id: UUID, hashes: list[bytes]) -> tuple[PersonCall, ...]:
    if not hashes:
        return ()
    rows = session.execute(
        select(Call.id, Call.started_at, Call.outcome, Call.status, Call.talk_seconds)
        .where(Call.company_id == company_id, Call.caller_hash.in_(hashes))
        .order_by(Call.started_at.desc(), Call.id.desc())
        .limit(MOST)
    )
    return tuple(PersonCall(**row._mapping) for row in rows)
