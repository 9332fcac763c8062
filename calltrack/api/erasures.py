"""Erasing persons over the API, and how far each erasure has come."""

from datetime import datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import g, request
from pydantic import BaseModel, Field

from calltrack.accounts.model import Company
from calltrack.api.access import needs
from calltrack.api.idempotency import once
from calltrack.erasure.service import ErasureRow, Wanted, ask_to_erase, erasure, erasures
from calltrack.kernel.errors import BadInput
from calltrack.kernel.ids import parse_id
from calltrack.kernel.phone import to_e164
from calltrack.wiring import Services


class Whom(BaseModel):
    """Whom to erase: one of the three."""

    number: Annotated[
        str,
        Field(
            description="Their number, in any notation of your country or with a country code.", max_length=32
        ),
    ] = ""
    call_id: Annotated[
        str,
        Field(
            description="One of their calls. Where its number was withheld, that call alone is erased.",
            max_length=64,
        ),
    ] = ""
    person_id: Annotated[
        str, Field(description="A person, such as one known by a CRM id alone.", max_length=64)
    ] = ""


class ErasureShape(BaseModel):
    """An erasure; it names nobody."""

    id: str
    state: Annotated[str, Field(description="asked; waiting (for the carrier and ad platforms); done.")]
    asked_by: str
    asked_at: datetime
    done_at: datetime | None
    found: Annotated[
        dict[str, int], Field(description="How many calls, recordings, messages, visits and deliveries.")
    ]
    problem: Annotated[str, Field(description="What is still in the way, in words; empty: nothing.")]


class ErasureList(BaseModel):
    """The newest erasures, 50 at most."""

    erasures: list[ErasureShape]


def erasures_of(services: Services) -> APIBlueprint:
    """Return the routes."""
    blueprint = APIBlueprint("api_erasures", __name__, url_prefix="/api/v1/erasures", tag="Erasure")

    @blueprint.get("")
    @needs(services, "owner")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(ErasureList)
    def list_erasures() -> dict[str, Any]:
        """List erasures, newest first."""
        with services.db.tenant(g.asker.company_id) as session:
            return {"erasures": [_shape(row) for row in erasures(session, g.asker.company_id)]}

    @blueprint.get("/<erasure_id>")
    @needs(services, "owner")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(ErasureShape)
    def read_erasure(erasure_id: str) -> dict[str, Any]:
        """Read how far an erasure has come."""
        with services.db.tenant(g.asker.company_id) as session:
            return _shape(erasure(session, g.asker.company_id, parse_id(erasure_id)))

    @blueprint.post("")
    @needs(services, "owner")
    @blueprint.doc(security="ApiKey", responses=[400, 404, 409])
    @blueprint.input(Whom, arg_name="whom")
    @blueprint.output(ErasureShape, status_code=202)
    def post_erasure(whom: Whom) -> Any:
        """Erase a person with all numbers, calls and browsers known to be theirs; nobody can take it back."""
        company_id, now = g.asker.company_id, services.clock()
        with services.db.tenant(company_id) as session:

            def ask() -> tuple[int, dict[str, Any]]:
                wanted = _wanted(whom, session.get_one(Company, company_id).country)
                made = ask_to_erase(session, services.vault, company_id, wanted, now, by=g.asker.name)
                return 202, ErasureShape(**_shape(erasure(session, company_id, made))).model_dump(mode="json")

            key = request.headers.get("Idempotency-Key")
            status, answer = once(session, company_id, key, request.get_data(cache=True), now, ask)
        services.nudges.wake("erase_persons", str(company_id))
        return answer, status

    return blueprint


def _wanted(whom: Whom, country: str) -> Wanted:
    if sum(map(bool, (whom.number, whom.call_id, whom.person_id))) != 1:
        raise BadInput("Say whom to erase by number, by call_id or by person_id: one of the three.")
    if whom.person_id:
        return Wanted(person_id=parse_id(whom.person_id))
    if whom.call_id:
        return Wanted(call_id=parse_id(whom.call_id))
    return Wanted(number=to_e164(whom.number, country))


def _shape(row: ErasureRow) -> dict[str, Any]:
    return {
        "id": str(row.id), "state": row.state, "asked_by": row.asked_by, "asked_at": row.asked_at,
        "done_at": row.done_at, "found": row.counts, "problem": row.problem,
    }  # fmt: skip
