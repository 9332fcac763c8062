"""Setting all numbers right at the carrier in one act, and how the carrier finds them."""

from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import g
from pydantic import BaseModel, Field

from calltrack.api.access import needs
from calltrack.kernel.ids import parse_id
from calltrack.numbers.health import Hooks
from calltrack.numbers.mending import Mended, change_hooks, repair_all
from calltrack.wiring import Services


class HooksGiven(BaseModel):
    """How the carrier finds us."""

    hooks: Annotated[Hooks, Field(description="application: the company's one; own: three addresses each.")]


class NotMendedShape(BaseModel):
    """A number that is still not as it should be."""

    e164: str
    words: Annotated[str, Field(description="Why, and the next step.")]


class MendedShape(BaseModel):
    """What became of every number that was not as it should be."""

    repaired: Annotated[list[str], Field(description="Set right just now.")]
    not_repaired: Annotated[
        list[NotMendedShape], Field(description="The carrier said no, or a person must act there.")
    ]
    left: Annotated[int, Field(description="Numbers the time did not suffice for: ask again to go on.")]
    problem: Annotated[str, Field(description="Why it ended early: the carrier does not answer.")]


def number_mending_of(services: Services) -> APIBlueprint:
    """Return the routes."""
    blueprint = APIBlueprint("api_number_mending", __name__, url_prefix="/api/v1/numbers", tag="Numbers")

    @blueprint.post("/repair")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404, 409, 503])
    @blueprint.output(MendedShape)
    def repair_numbers() -> dict[str, Any]:
        """Compare every number with the carrier now and set right what can be; twice is harmless."""
        return _shape(repair_all(services, g.asker.company_id, by=g.asker.name))

    @blueprint.put("/hooks")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 404, 409, 503])
    @blueprint.input(HooksGiven, arg_name="given")
    @blueprint.output(MendedShape)
    def put_all_hooks(given: HooksGiven) -> dict[str, Any]:
        """Let every number follow the company's application, or have addresses of its own."""
        return _shape(change_hooks(services, g.asker.company_id, given.hooks, by=g.asker.name))

    @blueprint.put("/<number_id>/hooks")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 404, 409, 503])
    @blueprint.input(HooksGiven, arg_name="given")
    @blueprint.output(MendedShape)
    def put_hooks(number_id: str, given: HooksGiven) -> dict[str, Any]:
        """Let one number follow the company's application, or have addresses of its own."""
        id_ = parse_id(number_id)
        return _shape(change_hooks(services, g.asker.company_id, given.hooks, id_, by=g.asker.name))

    return blueprint


def _shape(done: Mended) -> dict[str, Any]:
    return {
        "repaired": list(done.repaired),
        "not_repaired": [{"e164": one.e164, "words": one.words} for one in done.not_repaired],
        "left": done.left,
        "problem": done.problem,
    }
