"""Tells the owners of lists that a fault has paused: a notice stands until the list goes on."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.audiences.model import Audience, Place
from calltrack.delivery.notices import Problem, raise_and_resolve

PAUSED: Final = "audience.paused"


def review_lists(session: Session, company_id: UUID, now: datetime) -> None:
    """Raise a notice for each audience with a paused list, and end those that are over."""
    session.flush()
    paused = session.execute(
        select(Audience.id, Audience.name, Place.status_reason)
        .join(Place, (Place.company_id == Audience.company_id) & (Place.audience_id == Audience.id))
        .where(Audience.company_id == company_id, Place.status == "paused")
        .order_by(Place.id)
    )
    problems = {
        row.id: Problem(PAUSED, row.id.hex, "action", f"A list of {row.name} is paused. {row.status_reason}")
        for row in paused
    }
    raise_and_resolve(session, company_id, list(problems.values()), now, (PAUSED,))
