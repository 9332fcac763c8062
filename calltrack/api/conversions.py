"""Conversions: leads and purchases."""

from typing import Annotated, Any, Literal
from uuid import UUID

from apiflask import APIBlueprint
from flask import g
from pydantic import BaseModel, Field
from sqlalchemy import select

from calltrack.api.access import needs
from calltrack.api.paging import Page, cut, one_page
from calltrack.api.shapes import ConversionShape, conversion_shape
from calltrack.conversions.model import Conversion
from calltrack.wiring import Services


class ConversionFilter(Page):
    """Which conversions to list."""

    kind: Literal["lead", "purchase"] | None = None
    call_id: Annotated[UUID | None, Field(description="Only those of this call.")] = None


class ConversionList(BaseModel):
    """One page of conversions, newest first."""

    conversions: list[ConversionShape]
    next: str | None


def conversions_of(services: Services) -> APIBlueprint:
    """Return the routes of conversions."""
    blueprint = APIBlueprint("api_conversions", __name__, url_prefix="/api/v1/conversions", tag="Conversions")

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.input(ConversionFilter, location="query", arg_name="wanted")
    @blueprint.output(ConversionList)
    def list_conversions(wanted: ConversionFilter) -> dict[str, Any]:
        """List leads and purchases, newest first."""
        query = select(Conversion).where(Conversion.company_id == g.asker.company_id)
        if wanted.kind:
            query = query.where(Conversion.kind == wanted.kind)
        if wanted.call_id:
            query = query.where(Conversion.call_id == wanted.call_id)
        with services.db.tenant(g.asker.company_id) as session:
            rows, following = cut(list(session.scalars(one_page(query, Conversion.id, wanted))), wanted)
        return {"conversions": [conversion_shape(row) for row in rows], "next": following}

    return blueprint
