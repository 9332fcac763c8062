"""Reading what is stored of calls, for tests."""

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from calltrack.calls.model import Call, CallEventRow, Leg, Recording
from calltrack.infra.outbox import Fact
from calltrack.wiring import Services

NOT_COMPARED = {"id", "call_id", "changed_at", "caller", "company_id"}


@dataclass(frozen=True)
class Stored:
    """A call with everything below it; seals, ids and times of writing left out."""

    call: dict[str, Any]
    legs: list[dict[str, Any]]
    recordings: list[dict[str, Any]]


def calls_of(services: Services, company_id: UUID) -> list[Call]:
    """Return all calls of a company, oldest first."""
    with services.db.tenant(company_id) as session:
        return list(session.scalars(select(Call).order_by(Call.id)))


def stored_call(services: Services, company_id: UUID, sid: str) -> Stored:
    """Return one call with its legs and recordings."""
    with services.db.tenant(company_id) as session:
        call = session.scalars(select(Call).where(Call.call_sid == sid)).one()
        legs = session.scalars(select(Leg).where(Leg.call_id == call.id).order_by(Leg.leg_sid))
        recordings = session.scalars(
            select(Recording).where(Recording.call_id == call.id).order_by(Recording.recording_sid)
        )
        return Stored(plain(call), [plain(leg) for leg in legs], [plain(one) for one in recordings])


def facts_of(services: Services, company_id: UUID) -> list[str]:
    """Return the kinds of all recorded facts, in order."""
    with services.db.tenant(company_id) as session:
        return list(session.scalars(select(Fact.kind).order_by(Fact.recorded_at, Fact.id)))


def count_events(services: Services, company_id: UUID) -> int:
    """Return how many events are stored."""
    with services.db.tenant(company_id) as session:
        return len(list(session.scalars(select(CallEventRow.id))))


def plain(row: Any) -> dict[str, Any]:
    """Return a row's comparable columns."""
    return {
        column.name: getattr(row, column.name)
        for column in row.__table__.columns
        if column.name not in NOT_COMPARED
    }


def as_plain(stored: Stored) -> dict[str, Any]:
    """Return the whole as plain values."""
    return asdict(stored)
