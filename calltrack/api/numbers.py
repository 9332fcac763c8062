"""Tracking numbers with the hooks their carrier must call: read, moved, repaired, given back."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import g
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from calltrack.accounts import audit
from calltrack.accounts.queries import company as company_row
from calltrack.api.access import needs
from calltrack.api.number_shapes import NumberList, NumberShape, UseGiven, number_shape
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import parse_id
from calltrack.numbers import queries
from calltrack.numbers.hooks import setups
from calltrack.numbers.keeping import repair_number
from calltrack.numbers.leaving import USUAL_WAIT, ask_to_leave, keep_after_all, warnings_of
from calltrack.numbers.placing import move
from calltrack.wiring import Services


class LeavingGiven(BaseModel):
    """That a number is to be given back: at the carrier this is immediate and final."""

    confirm: Annotated[str, Field(max_length=32, description="The number itself.")]
    days: Annotated[
        int, Field(description="0, 1, 7, 30 or 90: so long it is answered still, and can be kept.")
    ] = USUAL_WAIT
    despite_warnings: Annotated[
        bool, Field(description="true: although people still have it; see the warnings of the 409.")
    ] = False


class LeavingShape(BaseModel):
    """When a number is given back, and what speaks against it."""

    leave_at: datetime
    warnings: list[str]


def numbers_of(services: Services) -> APIBlueprint:
    """Return the routes of numbers."""
    blueprint = APIBlueprint("api_numbers", __name__, url_prefix="/api/v1/numbers", tag="Numbers")

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(NumberList)
    def list_numbers() -> dict[str, Any]:
        """List the company's tracking numbers in use."""
        return {"numbers": _numbers(services)}

    @blueprint.get("/<number_id>")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(NumberShape)
    def read_number(number_id: str) -> dict[str, Any]:
        """Read one number, its health included."""
        return _number(services, parse_id(number_id))

    @blueprint.put("/<number_id>/use")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 404, 409])
    @blueprint.input(UseGiven, arg_name="given")
    @blueprint.output(NumberShape)
    def put_use(number_id: str, given: UseGiven) -> dict[str, Any]:
        """Move a number to another pool, or let it stand for another source; its history stays."""
        company_id, id_, now, use = g.asker.company_id, parse_id(number_id), services.clock(), given.read()
        with services.db.tenant(company_id) as session:
            number = move(session, company_id, id_, use, now, by=g.asker.name)
            audit.note(session, company_id, g.asker.name, "number.move", number.e164, now, kind=use.kind)
        return _number(services, id_)

    @blueprint.post("/<number_id>/repair")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404, 409, 503])
    @blueprint.output(NumberShape)
    def repair(number_id: str) -> dict[str, Any]:
        """Set a number right at the carrier; what is still the matter stands in its findings."""
        id_ = parse_id(number_id)
        repair_number(services, g.asker.company_id, id_, by=g.asker.name)
        return _number(services, id_)

    @blueprint.put("/<number_id>/leaving")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 404, 409])
    @blueprint.input(LeavingGiven, arg_name="given")
    @blueprint.output(LeavingShape, status_code=202)
    def put_leaving(number_id: str, given: LeavingGiven) -> tuple[dict[str, Any], int]:
        """Give a number back to the carrier after some days; nobody is shown it from now on."""
        company_id, id_, now = g.asker.company_id, parse_id(number_id), services.clock()
        with services.db.tenant(company_id) as session:
            against = warnings_of(session, company_id, id_, now)
            leave_at = ask_to_leave(
                session, company_id, id_, given.confirm, _country(session, company_id), given.days, now,
                by=g.asker.name, despite_warnings=given.despite_warnings,
            )  # fmt: skip
        services.nudges.wake("provide_numbers", str(company_id))
        return {"leave_at": leave_at, "warnings": list(against.sentences)}, 202

    @blueprint.delete("/<number_id>/leaving")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404, 409])
    def keep(number_id: str) -> tuple[str, int]:
        """Keep a number after all, while it is not gone yet."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            keep_after_all(session, company_id, parse_id(number_id), services.clock(), by=g.asker.name)
        return "", 204

    return blueprint


def _country(session: Session, company_id: UUID) -> str:
    row = company_row(session, company_id)
    return row.country if row else ""


def _numbers(services: Services) -> list[dict[str, Any]]:
    company_id, settings = g.asker.company_id, services.settings
    with services.db.tenant(company_id) as session:
        rows = queries.numbers(session, company_id, services.clock())
        known = {one.e164: one for one in setups(session, settings.base_url, settings.voice_fallback_origin)}
    return [number_shape(row, known[row.e164]) for row in rows if row.released_at is None]


def _number(services: Services, number_id: UUID) -> dict[str, Any]:
    for one in _numbers(services):
        if one["id"] == number_id.hex:
            return one
    raise NotFound("There is no such number in use.")
