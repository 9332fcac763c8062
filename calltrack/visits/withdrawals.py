"""A consent that was withdrawn: the page deletes its memory, and here the visits count as refused."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import exists, text, update
from sqlalchemy.orm import Session, aliased

from calltrack.visits.model import Visit

# A lease keeps what a call asks of its visit.
_FORGET_REGION: Final = text(
    "UPDATE lease SET region = NULL "
    "WHERE company_id = :company_id AND visit_id = ANY(:visits) AND region IS NOT NULL"
)


def withdraw_consent(
    session: Session, company_id: UUID, visit: tuple[UUID, UUID, UUID], consent: dict[str, bool]
) -> int:
    """Let a refusal hold for all visits of a visitor, whatever they allowed before; returns how many.

    Destinations see it with whatever is sent from now on. Who is not to be measured has no region any more.
    Nothing changes unless site, visitor and visit belong together.
    """
    site_id, visitor_id, visit_id = visit
    known = aliased(Visit)
    belongs = exists().where(
        known.company_id == company_id, known.id == visit_id, known.visitor_id == visitor_id,
        known.site_id == site_id,
    )  # fmt: skip
    values: dict[str, Any] = {"consent": consent}
    if not consent.get("measure"):
        values["region"] = None
    refused = session.scalars(
        update(Visit)
        .where(Visit.company_id == company_id, Visit.visitor_id == visitor_id, belongs)
        .values(values)
        .returning(Visit.id)
        .execution_options(synchronize_session=False)
    )
    visits = refused.all()
    if "region" in values:
        session.execute(_FORGET_REGION, {"company_id": company_id, "visits": list(visits)})
    return len(visits)
