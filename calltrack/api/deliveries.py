"""Deliveries: what became of each conversion at each destination, down to requests and receipts."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, g
from pydantic import BaseModel, Field

from calltrack.accounts import audit
from calltrack.api.access import needs
from calltrack.api.delivery_shapes import (
    CountsShape,
    DeliveryDetail,
    DeliveryShape,
    attempt_shape,
    counts_shape,
    delivery_shape,
    request_shape,
)
from calltrack.api.paging import Page
from calltrack.delivery import by_hand, log
from calltrack.delivery.export import csv_of
from calltrack.delivery.log import DeliveryFilter
from calltrack.delivery.model import Delivery
from calltrack.delivery.queries import parcel
from calltrack.delivery.request import request_of
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import parse_id
from calltrack.wiring import Services


class Wanted(BaseModel):
    """Which deliveries; what is left out fits all."""

    destination_id: UUID | None = None
    conversion_id: Annotated[UUID | None, Field(description="Only those of this conversion.")] = None
    kind: Literal["", "lead", "purchase"] = ""
    action: Literal["", "create", "restate", "retract"] = ""
    state: Annotated[
        str, Field(max_length=16, description="A state, or `failed`: refused, parked or of unknown outcome.")
    ] = ""
    code: Annotated[str, Field(max_length=64, description="Withheld for this pre-flight code.")] = ""
    since: Annotated[datetime | None, Field(description="Planned at this moment or later.")] = None
    until: Annotated[datetime | None, Field(description="Planned before this moment.")] = None
    text: Annotated[str, Field(max_length=200, description="A part of what was said of it.")] = ""


class WantedPage(Wanted, Page):
    """Which deliveries to list."""


class DeliveryList(BaseModel):
    """One page of deliveries, newest first; the first page counts all that fit."""

    deliveries: list[DeliveryShape]
    counts: Annotated[CountsShape | None, Field(description="null on later pages.")]
    next: str | None


class ReplayShape(BaseModel):
    """Deliveries by id, or all failed ones that fit a filter."""

    ids: Annotated[list[UUID], Field(max_length=by_hand.MOST)] = []
    filter: Wanted | None = None


class ReplayAnswer(BaseModel):
    """How many are sent again, and why the others are left as they are."""

    sent: int
    left: dict[str, int]


class SettleShape(BaseModel):
    """What a person found out about a delivery of unknown outcome."""

    arrived: Annotated[bool, Field(description="true: it counts; false: it is sent again.")]


def deliveries_of(services: Services) -> APIBlueprint:
    """Return the routes of deliveries."""
    blueprint = APIBlueprint("api_deliveries", __name__, url_prefix="/api/v1/deliveries", tag="Deliveries")
    _add_reads(blueprint, services)
    _add_mending(blueprint, services)
    return blueprint


def _add_reads(blueprint: APIBlueprint, services: Services) -> None:
    """List, export and read."""

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.input(WantedPage, location="query", arg_name="wanted")
    @blueprint.output(DeliveryList)
    def list_deliveries(wanted: WantedPage) -> dict[str, Any]:
        """List deliveries, newest first, and count them by state."""
        company_id, chosen = g.asker.company_id, _filter(wanted)
        with services.db.tenant(company_id) as session:
            rows = log.find(session, company_id, chosen, wanted.cursor, wanted.limit + 1)
            counts = None if wanted.cursor else counts_shape(log.count(session, company_id, chosen))
        following = str(rows[wanted.limit - 1].id) if len(rows) > wanted.limit else None
        shown = [delivery_shape(row) for row in rows[: wanted.limit]]
        return {"deliveries": shown, "counts": counts, "next": following}

    @blueprint.get("/export")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses={200: "CSV: a line with the filters, the columns, the rows."})
    @blueprint.input(Wanted, location="query", arg_name="wanted")
    def export_deliveries(wanted: Wanted) -> Response:
        """Export the deliveries that fit as CSV; no cell is a formula."""
        company_id, now, chosen = g.asker.company_id, services.clock(), _filter(wanted)
        with services.db.tenant(company_id) as session:
            words = chosen.in_words()
            audit.note(session, company_id, g.asker.name, "delivery.exported", "csv", now, filters=words)
        lines = csv_of(services.db, company_id, chosen, "Deliveries", now)
        return Response(lines, mimetype="text/csv; charset=utf-8")

    @blueprint.get("/<delivery_id>")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(DeliveryDetail)
    def read_delivery(delivery_id: str) -> dict[str, Any]:
        """Read one delivery with its payload, the request it makes, and its attempts."""
        company_id, id_ = g.asker.company_id, parse_id(delivery_id)
        with services.db.tenant(company_id) as session:
            found = parcel(session, company_id, id_)
            if found is None:
                raise NotFound("There is no such delivery.")
            shown = request_of(session, services.vault, company_id, id_, services.clock())
        return delivery_shape(found.delivery) | {
            "payload": found.raw,
            "payload_sha256": found.payload_hash,
            "request": request_shape(shown),
            "history": [attempt_shape(one) for one in found.attempts],
        }


def _add_mending(blueprint: APIBlueprint, services: Services) -> None:
    """Send again, and settle what nobody knows."""

    @blueprint.post("/replay")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey")
    @blueprint.input(ReplayShape, arg_name="told")
    @blueprint.output(ReplayAnswer)
    def replay_deliveries(told: ReplayShape) -> dict[str, Any]:
        """Send these deliveries again, or all failed ones that fit a filter."""
        if bool(told.ids) == (told.filter is not None):
            raise BadInput("Name either ids or a filter.")
        if told.filter is not None:
            done = by_hand.replay_all(services, g.asker.company_id, _filter(told.filter), by=g.asker.name)
        else:
            done = _replay(services, told.ids)
        services.nudges.wake("handle_facts", str(g.asker.company_id))
        return {"sent": done.sent, "left": done.left}

    @blueprint.post("/<delivery_id>/replay")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404, 409])
    @blueprint.output(ReplayAnswer)
    def replay_delivery(delivery_id: str) -> dict[str, Any]:
        """Send one delivery again; one that was kept back is judged again first."""
        return _replay_one(services, parse_id(delivery_id))

    @blueprint.post("/<delivery_id>/settle")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404, 409])
    @blueprint.input(SettleShape, arg_name="told")
    @blueprint.output(ReplayAnswer)
    def settle_delivery(delivery_id: str, told: SettleShape) -> dict[str, Any]:
        """Say of a delivery of unknown outcome whether it arrived."""
        id_, company_id = parse_id(delivery_id), g.asker.company_id
        if not told.arrived:
            return _replay_one(services, id_)
        with services.db.tenant(company_id) as session:
            by_hand.settle(session, company_id, id_, services.clock(), by=g.asker.name)
        services.nudges.wake("handle_facts", str(company_id))
        return {"sent": 0, "left": {}}


def _filter(wanted: Wanted) -> DeliveryFilter:
    return DeliveryFilter(**wanted.model_dump(include=set(Wanted.model_fields)))


def _replay(services: Services, ids: list[UUID]) -> by_hand.Replayed:
    with services.db.tenant(g.asker.company_id) as session:
        return by_hand.replay(
            session, services.vault, g.asker.company_id, ids, services.clock(), by=g.asker.name
        )


def _replay_one(services: Services, id_: UUID) -> dict[str, Any]:
    with services.db.tenant(g.asker.company_id) as session:
        if session.get(Delivery, (g.asker.company_id, id_)) is None:
            raise NotFound("There is no such delivery.")
    done = _replay(services, [id_])
    if not done.sent:
        raise Conflict(f"Nothing was sent: it {next(iter(done.left))}.")
    services.nudges.wake("handle_facts", str(g.asker.company_id))
    return {"sent": done.sent, "left": done.left}
