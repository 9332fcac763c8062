"""A consent that was withdrawn: the page deletes its memory, and here the visits count as refused."""

from uuid import UUID

from sqlalchemy import exists, update
from sqlalchemy.orm import Session, aliased

from calltrack.visits.model import Visit


def withdraw_consent(
    session: Session, company_id: UUID, visit: tuple[UUID, UUID, UUID], consent: dict[str, bool]
) -> int:
    """Let a refusal hold for all visits of a visitor, whatever they allowed before; returns how many.

    Destinations see it with whatever is sent from now on. Nothing changes unless site, visitor and visit
    belong together.
    """
    site_id, visitor_id, visit_id = visit
    known = aliased(Visit)
    belongs = exists().where(
        known.company_id == company_id, known.id == visit_id, known.visitor_id == visitor_id,
        known.site_id == site_id,
    )  # fmt: skip
    refused = session.scalars(
        update(Visit)
        .where(Visit.company_id == company_id, Visit.visitor_id == visitor_id, belongs)
        .values(consent=consent)
        .returning(Visit.id)
        .execution_options(synchronize_session=False)
    )
    return len(refused.all())
