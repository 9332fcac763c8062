"""Destinations, why a call's conversions are where they are, and what needs somebody."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from apiflask import APIBlueprint
from flask import g
from pydantic import BaseModel, Field

from calltrack.accounts.queries import company
from calltrack.api.access import needs
from calltrack.api.delivery_shapes import CallAnswers, NoticeShape, TallyShape, answer_shapes
from calltrack.api.paging import Page
from calltrack.delivery import accounts, queries, tallies
from calltrack.delivery import notices as kept
from calltrack.delivery.answers import answers_of
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import parse_id
from calltrack.kernel.money import Money
from calltrack.wiring import Services


class DestinationShape(BaseModel):
    """A connected destination and how it has been over the last 30 days."""

    id: str
    kind: str
    name: str
    status: str
    status_reason: str
    status_changed_at: datetime
    counts: Annotated[dict[str, int], Field(description="Deliveries of the last 30 days by state.")]
    waiting: int
    oldest_waiting_at: datetime | None
    last_confirmed_at: datetime | None
    last_error: str


class DestinationList(BaseModel):
    """Every connected destination."""

    destinations: list[DestinationShape]


class DestinationDetail(DestinationShape):
    """A destination with our counts beside the platform's, newest day first."""

    tells_counts: Annotated[bool, Field(description="Whether the platform has counters to compare with.")]
    comparison: list[TallyShape]


class PauseShape(BaseModel):
    """Why a destination is paused."""

    reason: Annotated[str, Field(max_length=300)] = ""


class NoticeFilter(Page):
    """Which notices to list."""

    open: Annotated[bool, Field(description="Only what stands now and was not dismissed.")] = False


class NoticeList(BaseModel):
    """One page of notices, newest first."""

    notices: list[NoticeShape]
    next: str | None


def destinations_of(services: Services) -> APIBlueprint:
    """Return the routes of destinations."""
    blueprint = APIBlueprint(
        "api_destinations", __name__, url_prefix="/api/v1/destinations", tag="Destinations"
    )

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(DestinationList)
    def list_destinations() -> dict[str, Any]:
        """List the connected destinations."""
        with services.db.tenant(g.asker.company_id) as session:
            rows = queries.destinations(session, g.asker.company_id, services.clock())
        return {"destinations": [_shape(row) for row in rows]}

    @blueprint.get("/<destination_id>")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(DestinationDetail)
    def read_destination(destination_id: str) -> dict[str, Any]:
        """Read one destination and the daily comparison with the platform's own counters."""
        return _detail(services, parse_id(destination_id))

    @blueprint.post("/<destination_id>/pause")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.input(PauseShape, arg_name="told")
    @blueprint.output(DestinationDetail)
    def pause_destination(destination_id: str, told: PauseShape) -> dict[str, Any]:
        """Stop sending; what comes in waits."""
        id_, company_id, by = parse_id(destination_id), g.asker.company_id, g.asker.name
        _detail(services, id_)
        reason = f"Paused by {by}. {' '.join(told.reason.split())}".strip()
        with services.db.tenant(company_id) as session:
            accounts.pause(session, company_id, id_, reason, services.clock(), by=by)
        services.nudges.wake("handle_facts", str(company_id))
        return _detail(services, id_)

    @blueprint.post("/<destination_id>/resume")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(DestinationDetail)
    def resume_destination(destination_id: str) -> dict[str, Any]:
        """Send again: everything that waits goes at once, in order."""
        id_, company_id = parse_id(destination_id), g.asker.company_id
        _detail(services, id_)
        with services.db.tenant(company_id) as session:
            accounts.resume(session, company_id, id_, services.clock(), by=g.asker.name)
        services.nudges.wake("handle_facts", str(company_id))
        return _detail(services, id_)

    return blueprint


def answers_api_of(services: Services) -> APIBlueprint:
    """Return the route that says why a call's conversions are where they are."""
    blueprint = APIBlueprint("api_answers", __name__, url_prefix="/api/v1/calls", tag="Calls")

    @blueprint.get("/<call_id>/deliveries")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(CallAnswers)
    def explain_call(call_id: str) -> dict[str, Any]:
        """Say for each destination whether this call reached it, why not, and what to do."""
        company_id, id_ = g.asker.company_id, parse_id(call_id)
        with services.db.tenant(company_id) as session:
            mine = company(session, company_id)
            zone = ZoneInfo(mine.timezone if mine else "UTC")
            receivers = answers_of(session, company_id, id_, services.clock(), zone, _written)
        return {"call_id": str(id_), "answers": answer_shapes(receivers)}

    return blueprint


def notices_of(services: Services) -> APIBlueprint:
    """Return the routes of notices."""
    blueprint = APIBlueprint("api_notices", __name__, url_prefix="/api/v1/notices", tag="Destinations")

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.input(NoticeFilter, location="query", arg_name="wanted")
    @blueprint.output(NoticeList)
    def list_notices(wanted: NoticeFilter) -> dict[str, Any]:
        """List what needs somebody, and what needed somebody."""
        with services.db.tenant(g.asker.company_id) as session:
            if wanted.open:
                rows, following = kept.open_notices(session, g.asker.company_id), None
            else:
                found = kept.notices(session, g.asker.company_id, wanted.cursor, wanted.limit + 1)
                rows = found[: wanted.limit]
                following = str(rows[-1].id) if len(found) > wanted.limit else None
        return {"notices": [_notice(row) for row in rows], "next": following}

    return blueprint


def _detail(services: Services, id_: UUID) -> dict[str, Any]:
    with services.db.tenant(g.asker.company_id) as session:
        rows = queries.destinations(session, g.asker.company_id, services.clock())
        row = next((one for one in rows if one.id == id_), None)
        if row is None:
            raise NotFound("There is no such destination.")
        days = tallies.tallies(session, g.asker.company_id, id_)
    comparison = [{name: getattr(day, name) for name in TallyShape.model_fields} for day in days]
    return _shape(row) | {"tells_counts": tallies.tells_counts(row.kind), "comparison": comparison}


def _shape(row: queries.HealthRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in DestinationShape.model_fields} | {"id": str(row.id)}


def _notice(row: kept.NoticeRow) -> dict[str, Any]:
    shown = {name: getattr(row, name) for name in NoticeShape.model_fields if name != "destination_id"}
    destination = str(row.destination_id) if row.kind in kept.KINDS else None
    return shown | {"id": str(row.id), "destination_id": destination}


def _written(minor: int | None, currency: str) -> str:
    return "" if minor is None else f"{Money(minor, currency).major()} {currency}"
