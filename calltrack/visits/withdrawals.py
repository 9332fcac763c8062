"""A consent that was withdrawn: all visits of the visitor count as refused, and lose what named a click."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, cast, exists, func, or_, text, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, array
from sqlalchemy.orm import Session, aliased

from calltrack.infra import outbox
from calltrack.kernel.touch import CLICK_IDS
from calltrack.visits.model import Visit

REFUSED: Final = "false"
# A lease keeps what a call asks of its visit.
_FORGET_REGION: Final = text(
    "UPDATE lease SET region = NULL "
    "WHERE company_id = :company_id AND visit_id = ANY(:visits) AND region IS NOT NULL"
)


def withdraw_consent(
    session: Session,
    company_id: UUID,
    visit: tuple[UUID, UUID, UUID],
    consent: dict[str, bool],
    now: datetime,
) -> int:
    """Let a refusal hold for all visits of a visitor, whatever they allowed before; returns how many.

    What is not refused (`{"ad": False}` alone: measuring) stays as each visit had it. Click ids, ad cookies
    and addresses' queries of these visits are deleted, campaigns' numbers and words stay. Who is not to be
    measured has no region any more. Where anything changed, `consent.withdrawn` is recorded for the visitor.
    Nothing changes unless site, visitor and visit belong together.
    """
    site_id, visitor_id, visit_id = visit
    refused = {name: given for name, given in consent.items() if not given}
    known = aliased(Visit)
    belongs = exists().where(
        known.company_id == company_id, known.id == visit_id, known.visitor_id == visitor_id,
        known.site_id == site_id,
    )  # fmt: skip
    before = func.coalesce(Visit.consent, cast({}, JSONB))
    is_news = or_(*(before[name].astext.is_distinct_from(REFUSED) for name in refused))
    clicks = cast(array(CLICK_IDS), ARRAY(Text))
    forgotten: dict[str, Any] = {"region": None} if "measure" in refused else {}
    changed = session.scalars(
        update(Visit)
        .where(Visit.company_id == company_id, Visit.visitor_id == visitor_id, belongs, is_news)
        .values(
            consent=before.op("||")(cast(refused, JSONB)),
            click_ids=Visit.click_ids.op("-")(clicks),
            ad_cookies={},
            landing_url=func.split_part(Visit.landing_url, "?", 1),
            **forgotten,
        )
        .returning(Visit.id)
        .execution_options(synchronize_session=False)
    ).all()
    if changed:
        if forgotten:
            session.execute(_FORGET_REGION, {"company_id": company_id, "visits": list(changed)})
        outbox.record(session, company_id, "consent.withdrawn", visitor_id, now)
    return len(changed)
