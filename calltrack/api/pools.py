"""Pools by API: read and changed."""

from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import g
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from calltrack.accounts.queries import company as company_row
from calltrack.api.access import needs
from calltrack.kernel.ids import parse_id
from calltrack.numbers.changing import PoolChange, change_pool
from calltrack.numbers.pool_cards import PoolCard, pool_card, pool_cards
from calltrack.numbers.rules import near_in
from calltrack.wiring import Services

SCREEN = "How long after its last sign of life a page counts as looked at."
REST = "How long a number rests before another visitor is shown it, if another one can be shown."
NEAR = (
    "Leading digits such as +3902 of the numbers visitors are shown first; at most five, none: no preference."
)


class PoolShape(BaseModel):
    """A pool and the numbers visitors are shown in turn."""

    id: str
    name: str
    location: str
    location_id: str
    lease_seconds: Annotated[int, Field(description=SCREEN)]
    cooldown_seconds: Annotated[int, Field(description=REST)]
    near: Annotated[list[str], Field(description=NEAR)]
    numbers: Annotated[int, Field(description="How many numbers visitors are shown in turn.")]
    far_numbers: Annotated[
        list[str],
        Field(description="Those that begin otherwise: shown while each near one is on screen or rests."),
    ]


class PoolList(BaseModel):
    """Every pool of the company."""

    pools: list[PoolShape]


class PoolGiven(BaseModel):
    """What to change; what is left out stays as it is."""

    name: Annotated[str | None, Field(max_length=120)] = None
    lease_seconds: Annotated[int | None, Field(description=f"{SCREEN} 1 to 3600.")] = None
    cooldown_seconds: Annotated[int | None, Field(description=f"{REST} 0 to 86400.")] = None
    near: Annotated[
        list[Annotated[str, Field(max_length=32)]] | None, Field(max_length=20, description=NEAR)
    ] = None


def pools_of(services: Services) -> APIBlueprint:
    """Return the routes of pools."""
    blueprint = APIBlueprint("api_pools", __name__, url_prefix="/api/v1/pools", tag="Numbers")

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(PoolList)
    def list_pools() -> dict[str, Any]:
        """List the company's pools."""
        with services.db.tenant(g.asker.company_id) as session:
            return {"pools": [_shape(card) for card in pool_cards(session, g.asker.company_id)]}

    @blueprint.get("/<pool_id>")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(PoolShape)
    def read_pool(pool_id: str) -> dict[str, Any]:
        """Read one pool."""
        with services.db.tenant(g.asker.company_id) as session:
            return _shape(pool_card(session, g.asker.company_id, parse_id(pool_id)))

    @blueprint.patch("/<pool_id>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 404])
    @blueprint.input(PoolGiven, arg_name="given")
    @blueprint.output(PoolShape)
    def patch_pool(pool_id: str, given: PoolGiven) -> dict[str, Any]:
        """Change a pool: true for the next visit; pages that are open keep their numbers."""
        company_id, id_ = g.asker.company_id, parse_id(pool_id)
        with services.db.tenant(company_id) as session:
            change = _change(session, company_id, given)
            change_pool(session, company_id, id_, change, services.clock(), by=g.asker.name)
            return _shape(pool_card(session, company_id, id_))

    return blueprint


def _change(session: Session, company_id: UUID, given: PoolGiven) -> PoolChange:
    near = given.near
    if near is not None:
        row = company_row(session, company_id)
        near = near_in(near, row.country if row else "")
    return PoolChange(
        name=given.name,
        lease_seconds=given.lease_seconds,
        cooldown_seconds=given.cooldown_seconds,
        near=near,
    )


def _shape(card: PoolCard) -> dict[str, Any]:
    return {
        "id": card.id.hex,
        "name": card.name,
        "location": card.location,
        "location_id": card.location_id.hex,
        "lease_seconds": card.lease_seconds,
        "cooldown_seconds": card.cooldown_seconds,
        "near": list(card.near),
        "numbers": len(card.near_numbers) + len(card.far_numbers),
        "far_numbers": list(card.far_numbers),
    }
