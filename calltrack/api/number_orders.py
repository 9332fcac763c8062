"""Getting numbers: what is for sale, orders of it, and numbers the carrier account has already."""

from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import g, request
from pydantic import BaseModel, Field

from calltrack.accounts.carrier import carrier_for
from calltrack.api.access import needs
from calltrack.api.idempotency import once
from calltrack.api.number_shapes import (
    OfferShape,
    OrderGiven,
    OrderList,
    OrderShape,
    UseGiven,
    offer_shape,
    order_shape,
)
from calltrack.api.paging import Page
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import parse_id
from calltrack.numbers import queries
from calltrack.numbers.application import default_hooks
from calltrack.numbers.health import Hooks
from calltrack.numbers.importing import at_the_carrier, import_numbers
from calltrack.numbers.market import look_around, look_at, search_of
from calltrack.numbers.ordering import Wish, order_number
from calltrack.telephony.carrier import Carrier
from calltrack.wiring import Services


class SearchGiven(BaseModel):
    """Which numbers to look for."""

    country: Annotated[str, Field(max_length=2, description="Two letters, such as IT.")]
    type: Annotated[str, Field(description="local, toll_free, mobile or national.")] = "local"
    contains: Annotated[str, Field(max_length=20, description="Two digits at least; a star at an end.")] = ""
    locality: Annotated[str, Field(max_length=80)] = ""
    area_code: Annotated[str, Field(max_length=3, description="United States and Canada only.")] = ""
    sms: bool = False
    limit: Annotated[int, Field(ge=1, le=50)] = 20


class OwnedShape(BaseModel):
    """A number of the carrier account that is not in use here."""

    e164: str
    name: str
    type: str | None
    voice_url: str | None
    application_sid: str | None


class OwnedList(BaseModel):
    """What the account has beside the numbers in use here."""

    numbers: list[OwnedShape]


class ImportGiven(BaseModel):
    """Numbers to take into service."""

    numbers: Annotated[list[str], Field(min_length=1, max_length=500)]
    use: UseGiven
    hooks: Hooks | None = None


class ImportedShape(BaseModel):
    """A number that was taken in."""

    id: str
    e164: str
    problem: Annotated[str | None, Field(description="Why it does not lead here yet; null: it does.")]


class ImportedList(BaseModel):
    """All that were taken in."""

    imported: list[ImportedShape]


class _First(Exception):
    """This Idempotency-Key was not used yet."""


def orders_of(services: Services) -> APIBlueprint:
    """Return the routes of searching, ordering and importing."""
    blueprint = APIBlueprint("api_number_orders", __name__, url_prefix="/api/v1/numbers", tag="Numbers")

    @blueprint.get("/search")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 404, 409, 503])
    @blueprint.input(SearchGiven, location="query", arg_name="given")
    @blueprint.output(OfferShape)
    def search(given: SearchGiven) -> dict[str, Any]:
        """Look for numbers to buy, their rent and what the law asks."""
        wanted = search_of(
            given.country, given.type, contains=given.contains, locality=given.locality,
            area_code=given.area_code, sms=given.sms, most=given.limit,
        )  # fmt: skip
        return offer_shape(look_around(_carrier(services), wanted))

    @blueprint.post("/orders")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 404, 409, 503])
    @blueprint.input(OrderGiven, arg_name="given")
    @blueprint.output(OrderShape, status_code=202)
    def order(given: OrderGiven) -> tuple[dict[str, Any], int]:
        """Order a number: it costs money. Send an Idempotency-Key; a worker buys it within seconds."""
        return _order(services, given)

    @blueprint.get("/orders")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.input(Page, location="query", arg_name="wanted")
    @blueprint.output(OrderList)
    def list_orders(wanted: Page) -> dict[str, Any]:
        """List orders, newest first."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            rows = queries.orders(session, company_id, wanted.cursor, wanted.limit + 1)
        following = rows[wanted.limit - 1].id.hex if len(rows) > wanted.limit else None
        return {"orders": [order_shape(row) for row in rows[: wanted.limit]], "next": following}

    @blueprint.get("/orders/<order_id>")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(OrderShape)
    def read_order(order_id: str) -> dict[str, Any]:
        """Read what became of an order."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            row = queries.order(session, company_id, parse_id(order_id))
        if row is None:
            raise NotFound("There is no such order.")
        return order_shape(row)

    @blueprint.get("/at-carrier")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404, 409, 503])
    @blueprint.output(OwnedList)
    def list_owned() -> dict[str, Any]:
        """List the account's numbers that are not in use here."""
        rows = at_the_carrier(services, g.asker.company_id)
        names = ("e164", "name", "type", "voice_url", "application_sid")
        return {"numbers": [{name: getattr(row, name) for name in names} for row in rows]}

    @blueprint.post("/imports")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 404, 409, 503])
    @blueprint.input(ImportGiven, arg_name="given")
    @blueprint.output(ImportedList, status_code=201)
    def take_in(given: ImportGiven) -> tuple[dict[str, Any], int]:
        """Take numbers of the account into service and lead them here: all of them, or none."""
        done = import_numbers(
            services, g.asker.company_id, list(dict.fromkeys(given.numbers)), given.use.read(),
            given.hooks or default_hooks(services.settings), by=g.asker.name,
        )  # fmt: skip
        return {
            "imported": [{"id": one.id.hex, "e164": one.e164, "problem": one.problem} for one in done]
        }, 201

    return blueprint


def _order(services: Services, given: OrderGiven) -> tuple[dict[str, Any], int]:
    company_id, now, key = g.asker.company_id, services.clock(), request.headers.get("Idempotency-Key")
    body = request.get_data()
    use = given.use.read()
    if key is not None and (known := _answered(services, key, body)) is not None:
        return known
    wish = Wish(
        e164=given.e164, use=use, hooks=given.hooks or default_hooks(services.settings),
        address_sid=given.address_sid, bundle_sid=given.bundle_sid,
    )  # fmt: skip
    country = search_of(given.country, given.type).country
    # The carrier is asked before the transaction, the order written inside it: nothing waits for a network.
    (offer,) = look_at(_carrier(services), [given.e164], country, given.type)
    with services.db.tenant(company_id) as session:

        def act() -> tuple[int, dict[str, Any]]:
            made = order_number(session, company_id, wish, offer, now, by=g.asker.name)
            row = queries.order(session, company_id, made)
            assert row is not None
            return 202, OrderShape(**order_shape(row)).model_dump(mode="json")

        status, answer = once(session, company_id, key, body, now, act)
    services.nudges.wake("provide_numbers", str(company_id))
    return answer, status


def _answered(services: Services, key: str, body: bytes) -> tuple[dict[str, Any], int] | None:
    """Return the stored answer of a key that was used before; the carrier need not be asked again."""

    def first() -> tuple[int, dict[str, Any]]:
        raise _First

    try:
        with services.db.tenant(g.asker.company_id) as session:
            status, answer = once(session, g.asker.company_id, key, body, services.clock(), first)
    except _First:
        return None
    return answer, status


def _carrier(services: Services) -> Carrier:
    with services.db.tenant(g.asker.company_id) as session:
        return carrier_for(session, services.vault, services.carriers, g.asker.company_id)
