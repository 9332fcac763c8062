"""One-click links over the API: for a CRM or a telephone system that sends them to who answered."""

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from flask import g
from pydantic import BaseModel

from calltrack.api.access import needs
from calltrack.conversions.link_address import make_address
from calltrack.conversions.links import LASTS
from calltrack.kernel.ids import parse_id
from calltrack.wiring import Services


class LinkShape(BaseModel):
    """A link that lets who answered say what the call brought, without a login."""

    url: str
    expires_at: datetime


def links_of(services: Services) -> APIBlueprint:
    """Return the route of one-click links."""
    blueprint = APIBlueprint("api_outcome_links", __name__, url_prefix="/api/v1/calls", tag="Calls")

    @blueprint.post("/<call_id>/outcome-link")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(LinkShape, status_code=201)
    def make_outcome_link(call_id: str) -> dict[str, Any]:
        """Make a one-click link of a call."""
        company_id, id_ = g.asker.company_id, parse_id(call_id)
        with services.db.tenant(company_id) as session:
            address = make_address(services, session, company_id, id_)
        return {"url": address, "expires_at": services.clock() + LASTS}

    return blueprint
