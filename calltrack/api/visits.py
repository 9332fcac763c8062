"""Visits: where a visitor came from and which numbers the visit was shown."""

from datetime import datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import g
from pydantic import BaseModel, Field
from sqlalchemy import select

from calltrack.api.access import needs
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import parse_id
from calltrack.numbers.model import Lease, TrackingNumber
from calltrack.visits.model import Visit
from calltrack.wiring import Services


class ShownShape(BaseModel):
    """A number while this visit was shown it."""

    number: str
    shown_from: datetime
    shown_until: datetime
    is_overflow: Annotated[
        bool, Field(description="All of the pool were on screen: others were shown it as well.")
    ]
    tapped_at: datetime | None
    copied_at: datetime | None


class VisitShape(BaseModel):
    """One session of a visitor."""

    id: str
    visitor_id: str
    started_at: datetime
    last_seen_at: datetime
    source: str
    medium: str
    campaign: str
    term: str
    content: str
    click_ids: dict[str, str]
    referrer: str
    landing_url: str
    device: Annotated[str, Field(description="mobile, tablet or desktop; empty when it did not say.")]
    region: Annotated[str | None, Field(description="ISO 3166-2, where a proxy of yours names it.")]
    is_returning: bool
    visible_seconds: Annotated[float, Field(description="How long its pages were in sight.")]
    saw_contact: Annotated[bool, Field(description="It opened a page that is there to be called from.")]
    shown: list[ShownShape]


def visits_of(services: Services) -> APIBlueprint:
    """Return the routes of visits."""
    blueprint = APIBlueprint("api_visits", __name__, url_prefix="/api/v1/visits", tag="Visits")

    @blueprint.get("/<visit_id>")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(VisitShape)
    def read_visit(visit_id: str) -> dict[str, Any]:
        """Read one visit."""
        company_id, id_ = g.asker.company_id, parse_id(visit_id)
        with services.db.tenant(company_id) as session:
            visit = session.scalars(
                select(Visit).where(Visit.company_id == company_id, Visit.id == id_)
            ).one_or_none()
            if visit is None:
                raise NotFound("There is no such visit.")
            leases = session.execute(
                select(Lease, TrackingNumber.e164)
                .join(
                    TrackingNumber,
                    (TrackingNumber.company_id == Lease.company_id) & (TrackingNumber.id == Lease.number_id),
                )
                .where(Lease.company_id == company_id, Lease.visit_id == id_)
                .order_by(Lease.shown_from)
            ).all()
        return _shape(visit, [_shown(row.Lease, row.e164) for row in leases])

    return blueprint


def _shape(visit: Visit, shown: list[dict[str, Any]]) -> dict[str, Any]:
    names = (
        "source", "medium", "campaign", "term", "content", "click_ids", "referrer", "landing_url", "device",
        "region", "is_returning", "saw_contact",
    )  # fmt: skip
    return {
        "id": str(visit.id),
        "visitor_id": str(visit.visitor_id),
        "started_at": visit.started_at,
        "last_seen_at": visit.last_seen_at,
        "visible_seconds": visit.visible_ms / 1000,
        "shown": shown,
    } | {name: getattr(visit, name) for name in names}


def _shown(lease: Lease, e164: str) -> dict[str, Any]:
    return {
        "number": e164,
        "shown_from": lease.shown_from,
        "shown_until": lease.shown_until,
        "is_overflow": lease.is_overflow,
        "tapped_at": lease.tapped_at,
        "copied_at": lease.copied_at,
    }
