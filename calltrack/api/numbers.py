"""Tracking numbers with the hooks their carrier must call."""

from typing import Any

from apiflask import APIBlueprint
from flask import g
from pydantic import BaseModel

from calltrack.api.access import needs
from calltrack.numbers.hooks import setups
from calltrack.wiring import Services


class NumberShape(BaseModel):
    """A tracking number and its set-up at the carrier."""

    e164: str
    kind: str
    location: str
    pool: str | None
    voice_url: str
    voice_fallback_url: str
    status_callback: str
    account_sid: str


class NumberList(BaseModel):
    """Every number of the company."""

    numbers: list[NumberShape]


def numbers_of(services: Services) -> APIBlueprint:
    """Return the routes of numbers."""
    blueprint = APIBlueprint("api_numbers", __name__, url_prefix="/api/v1/numbers", tag="Numbers")

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(NumberList)
    def list_numbers() -> dict[str, Any]:
        """List the company's tracking numbers."""
        with services.db.tenant(g.asker.company_id) as session:
            rows = setups(session, services.settings.base_url)
        return {"numbers": [row.as_dict() for row in rows]}

    return blueprint
