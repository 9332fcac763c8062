"""Ringing a caller back over the API: a member's own phone rings first, then the caller."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import g, request
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from calltrack.accounts.queries import members
from calltrack.accounts.rules import may
from calltrack.api.access import needs
from calltrack.api.idempotency import once
from calltrack.automations.call_backs import CallOutRow, call_out, intend_call_back
from calltrack.calls.guard.judging import exists
from calltrack.calls.outbound.service import place
from calltrack.kernel.errors import BadInput, Conflict, NotFound
from calltrack.kernel.ids import parse_id
from calltrack.wiring import Services


class Ringing(BaseModel):
    """Who rings back."""

    member: Annotated[
        str,
        Field(
            description="E-mail address of the member whose phone rings first, confirmed on *Your phone*.",
            max_length=254,
        ),
    ]


class BegunShape(BaseModel):
    """A call that was begun about another one."""

    id: str
    call_id: str
    state: Annotated[
        str,
        Field(
            description="intended, placed, over, refused, unknown (the carrier's answer was lost; the call is"
            " looked for and never begun again)."
        ),
    ]
    created_at: datetime
    problem: Annotated[str, Field(description="Why it was not begun, in words; empty: nothing is wrong.")]


def call_backs_of(services: Services) -> APIBlueprint:
    """Return the route."""
    blueprint = APIBlueprint("api_call_backs", __name__, url_prefix="/api/v1/calls", tag="Calls")

    @blueprint.post("/<call_id>/call-back")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 404, 409, 503])
    @blueprint.input(Ringing, arg_name="given")
    @blueprint.output(BegunShape, status_code=202)
    def post_call_back(call_id: str, given: Ringing) -> dict[str, Any]:
        """Ring a member's phone; after a 1 is pressed there, the caller is rung.

        The caller sees the number they had dialled. Send an Idempotency-Key so that a repeat rings nobody a
        second time: it is told how the call went.
        """
        company_id, now, id_ = g.asker.company_id, services.clock(), parse_id(call_id)
        fresh: list[UUID] = []
        with services.db.tenant(company_id) as session:

            def intend() -> tuple[int, dict[str, Any]]:
                if not exists(session, company_id, id_):
                    raise NotFound("There is no such call.")
                user_id = _member(session, company_id, given.member)
                vault, by = services.vault, g.asker.name
                fresh.append(intend_call_back(session, vault, company_id, id_, user_id, now, by=by))
                return 202, {"id": str(fresh[0])}

            key = request.headers.get("Idempotency-Key")
            body = request.path.encode() + b"\n" + request.get_data(cache=True)
            _, begun = once(session, company_id, key, body, now, intend)
        if fresh:
            place(services, company_id, fresh[0])
        with services.db.tenant(company_id) as session:
            row = call_out(session, company_id, parse_id(begun["id"]))
        if row.state == "refused":
            raise Conflict(f"This call was not begun. {row.problem} Take a new Idempotency-Key to try again.")
        return _shape(row, call_id)

    return blueprint


def _member(session: Session, company_id: UUID, email: str) -> UUID:
    wanted = email.strip().lower()
    for one in members(session, company_id):
        if one.email == wanted and one.is_active and may(one.role, "manager"):
            return one.user_id
    raise BadInput("No manager or owner of the company has this e-mail address.")


def _shape(row: CallOutRow, call_id: str) -> dict[str, Any]:
    return {
        "id": str(row.id), "call_id": str(parse_id(call_id)), "state": row.state,
        "created_at": row.created_at, "problem": row.problem,
    }  # fmt: skip
