"""Deliveries: what became of each conversion at each destination, down to the receipts."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import g
from pydantic import BaseModel, Field
from sqlalchemy import Select, select

from calltrack.api.access import needs
from calltrack.api.paging import Page, cut, one_page
from calltrack.delivery.model import Attempt, Delivery, DestinationAccount
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import parse_id
from calltrack.wiring import Services


class DeliveryShape(BaseModel):
    """One conversion change on its way to one destination."""

    id: str
    conversion_id: str
    destination: str
    destination_kind: str
    sequence: Annotated[int, Field(description="0: the original; more: adjustments, in order.")]
    upload_id: str
    state: str
    attempts: int
    explanation: str
    payload_sha256: str
    planned_at: datetime
    due_at: datetime | None
    settled_at: datetime | None


class AttemptShape(BaseModel):
    """One try: what came back, when, and what it means."""

    number: int
    step: str
    started_at: datetime
    finished_at: datetime | None
    status: int | None
    answer: str
    class_: Annotated[str | None, Field(alias="class")]
    message: str


class DeliveryDetail(DeliveryShape):
    """A delivery with its frozen payload and every attempt."""

    payload: str
    history: list[AttemptShape]


class DeliveryFilter(Page):
    """Which deliveries to list."""

    conversion_id: Annotated[UUID | None, Field(description="Only those of this conversion.")] = None
    state: Annotated[str | None, Field(max_length=16)] = None


class DeliveryList(BaseModel):
    """One page of deliveries, newest first."""

    deliveries: list[DeliveryShape]
    next: str | None


def deliveries_of(services: Services) -> APIBlueprint:
    """Return the routes of deliveries."""
    blueprint = APIBlueprint("api_deliveries", __name__, url_prefix="/api/v1/deliveries", tag="Deliveries")

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.input(DeliveryFilter, location="query", arg_name="wanted")
    @blueprint.output(DeliveryList)
    def list_deliveries(wanted: DeliveryFilter) -> dict[str, Any]:
        """List deliveries, newest first."""
        query = _select(g.asker.company_id)
        if wanted.conversion_id:
            query = query.where(Delivery.conversion_id == wanted.conversion_id)
        if wanted.state:
            query = query.where(Delivery.state == wanted.state)
        with services.db.tenant(g.asker.company_id) as session:
            found = [_shape(row) for row in session.execute(one_page(query, Delivery.id, wanted))]
        rows, following = cut(found, wanted)
        return {"deliveries": rows, "next": following}

    @blueprint.get("/<delivery_id>")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(DeliveryDetail)
    def read_delivery(delivery_id: str) -> dict[str, Any]:
        """Read one delivery with its payload and attempts."""
        company_id, id_ = g.asker.company_id, parse_id(delivery_id)
        with services.db.tenant(company_id) as session:
            row = session.execute(_select(company_id).where(Delivery.id == id_)).one_or_none()
            if row is None:
                raise NotFound("There is no such delivery.")
            attempts = session.scalars(
                select(Attempt)
                .where(Attempt.company_id == company_id, Attempt.delivery_id == id_)
                .order_by(Attempt.number)
            ).all()
        return _shape(row) | {
            "payload": row.Delivery.payload.decode(errors="replace"),
            "history": [_attempt(attempt) for attempt in attempts],
        }

    return blueprint


def _select(company_id: UUID) -> Select[*tuple[Any, ...]]:
    query: Select[*tuple[Any, ...]] = (
        select(Delivery, DestinationAccount.name, DestinationAccount.kind)
        .join(
            DestinationAccount,
            (DestinationAccount.company_id == Delivery.company_id)
            & (DestinationAccount.id == Delivery.destination_id),
        )
        .where(Delivery.company_id == company_id)
    )
    return query


def _shape(row: Any) -> dict[str, Any]:
    delivery: Delivery = row.Delivery
    return {
        "id": str(delivery.id),
        "conversion_id": str(delivery.conversion_id),
        "destination": row.name,
        "destination_kind": row.kind,
        "sequence": delivery.sequence,
        "upload_id": delivery.upload_id,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "explanation": delivery.explanation,
        "payload_sha256": delivery.payload_hash.hex(),
        "planned_at": delivery.planned_at,
        "due_at": delivery.due_at,
        "settled_at": delivery.settled_at,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "step": attempt.step,
        "started_at": attempt.started_at,
        "finished_at": attempt.finished_at,
        "status": attempt.status,
        "answer": attempt.answer,
        "class": attempt.class_,
        "message": attempt.message,
    }
