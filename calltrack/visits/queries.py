"""What pages and the API read of visits."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from calltrack.visits.model import PageView, Visit

MOST_PAGES = 200


@dataclass(frozen=True)
class VisitRow:
    """One session of a visitor, and what brought him."""

    id: UUID
    visitor_id: UUID
    site_id: UUID
    started_at: datetime
    last_seen_at: datetime
    source: str
    medium: str
    campaign: str
    term: str
    content: str
    click_ids: dict[str, Any]
    referrer: str
    landing_url: str
    consent: dict[str, Any] | None
    user_agent: str
    is_demo: bool
    region: str | None


@dataclass(frozen=True)
class PageRow:
    """A page somebody looked at."""

    visit_id: UUID
    at: datetime
    page: str
    title: str


VISIT_COLUMNS = (
    Visit.id, Visit.visitor_id, Visit.site_id, Visit.started_at, Visit.last_seen_at, Visit.source,
    Visit.medium, Visit.campaign, Visit.term, Visit.content, Visit.click_ids, Visit.referrer,
    Visit.landing_url, Visit.consent, Visit.user_agent, Visit.is_demo, Visit.region,
)  # fmt: skip


def visits_by_id(session: Session, company_id: UUID, ids: Collection[UUID]) -> dict[UUID, VisitRow]:
    """Return those of the visits that exist in this company, by id."""
    if not ids:
        return {}
    rows = session.execute(
        select(*VISIT_COLUMNS).where(Visit.company_id == company_id, Visit.id.in_(list(ids)))
    )
    return {row.id: VisitRow(**row._mapping) for row in rows}


def visits_of(
    session: Session, company_id: UUID, visitors: Collection[UUID], most: int = 100
) -> tuple[VisitRow, ...]:
    """Return the visitors' newest visits, newest first."""
    if not visitors:
        return ()
    rows = session.execute(
        select(*VISIT_COLUMNS)
        .where(Visit.company_id == company_id, Visit.visitor_id.in_(list(visitors)))
        .order_by(Visit.id.desc())
        .limit(most)
    )
    return tuple(VisitRow(**row._mapping) for row in rows)


def pages_of(session: Session, company_id: UUID, visit_ids: Collection[UUID]) -> tuple[PageRow, ...]:
    """Return the pages looked at in these visits, oldest first."""
    if not visit_ids:
        return ()
    rows = session.execute(
        select(PageView.visit_id, PageView.at, PageView.page, PageView.title)
        .where(PageView.company_id == company_id, PageView.visit_id.in_(list(visit_ids)))
        .order_by(PageView.id)
        .limit(MOST_PAGES)
    )
    return tuple(PageRow(**row._mapping) for row in rows)
