"""Call flows: versions, a check before saving, a trial before calling, and where they answer."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import g, request
from sqlalchemy.orm import Session

from calltrack.accounts.queries import company, locations
from calltrack.accounts.rules import may
from calltrack.api.access import needs
from calltrack.api.call_flow_shapes import (
    AssignmentList,
    Checked,
    FlowList,
    FlowShape,
    NewFlow,
    NewName,
    NewVersion,
    TrialShape,
    Verdict,
    VersionList,
    WantedAssignment,
    WantedTrial,
    WantedVersion,
    assignment_shape,
    branch_shape,
    flow_shape,
    version_shape,
)
from calltrack.api.idempotency import once
from calltrack.callflows import queries, service
from calltrack.callflows.drafts import forget
from calltrack.callflows.phones import new_phones
from calltrack.callflows.sentence import sentence
from calltrack.callflows.steps import Flow
from calltrack.callflows.trial import try_call
from calltrack.callflows.trial_path import follow
from calltrack.callflows.walk import Call
from calltrack.kernel.errors import BadFields, BadInput, NotAllowed, NotFound
from calltrack.kernel.ids import parse_id
from calltrack.kernel.phone import to_e164
from calltrack.wiring import Services

NO_LINE = "+390600000000"


def call_flows_of(services: Services) -> APIBlueprint:
    """Return the routes of call flows."""
    blueprint = APIBlueprint("api_call_flows", __name__, url_prefix="/api/v1/call-flows", tag="Call flows")
    _reading(blueprint, services)
    _saving(blueprint, services)
    _trying(blueprint, services)
    _assigning(blueprint, services)
    return blueprint


def _reading(blueprint: APIBlueprint, services: Services) -> None:
    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(FlowList)
    def list_call_flows() -> dict[str, Any]:
        """List every flow with its newest version."""
        with services.db.tenant(g.asker.company_id) as session:
            return {"call_flows": [flow_shape(row) for row in queries.flows(session, g.asker.company_id)]}

    @blueprint.get("/<flow_id>")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(FlowShape)
    def read_call_flow(flow_id: str) -> dict[str, Any]:
        """Read a flow with its newest version."""
        with services.db.tenant(g.asker.company_id) as session:
            return flow_shape(queries.flow(session, g.asker.company_id, parse_id(flow_id)))

    @blueprint.get("/<flow_id>/versions")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(VersionList)
    def list_call_flow_versions(flow_id: str) -> dict[str, Any]:
        """List the versions of a flow, newest first."""
        with services.db.tenant(g.asker.company_id) as session:
            row = queries.flow(session, g.asker.company_id, parse_id(flow_id))
            saved = queries.versions(session, g.asker.company_id, row.id)
        return {"versions": [version_shape(one) for one in saved]}


def _saving(blueprint: APIBlueprint, services: Services) -> None:
    @blueprint.post("")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 403, 409])
    @blueprint.input(NewFlow, arg_name="given")
    @blueprint.output(FlowShape, status_code=201)
    def add_call_flow(given: NewFlow) -> tuple[dict[str, Any], int]:
        """Make a flow; nobody reaches it before it is assigned."""
        company_id, now = g.asker.company_id, services.clock()
        with services.db.tenant(company_id) as session:

            def make() -> tuple[int, dict[str, Any]]:
                refuse_new_phones(session, service.check(session, company_id, given.definition))
                made = service.create(session, company_id, given.name, given.definition, g.asker.name, now)
                shape = FlowShape(**flow_shape(queries.flow(session, company_id, made)))
                return 201, shape.model_dump(mode="json")

            key = request.headers.get("Idempotency-Key")
            status, answer = once(session, company_id, key, request.get_data(), now, make)
        return answer, status

    @blueprint.put("/<flow_id>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 403, 404, 409])
    @blueprint.input(NewVersion, arg_name="given")
    @blueprint.output(FlowShape)
    def save_call_flow(flow_id: str, given: NewVersion) -> dict[str, Any]:
        """Save a new version; a definition that changes nothing makes none."""
        company_id, id_ = g.asker.company_id, parse_id(flow_id)
        with services.db.tenant(company_id) as session:
            queries.flow(session, company_id, id_)
            refuse_new_phones(session, service.check(session, company_id, given.definition))
            service.save(
                session, company_id, id_, given.definition, g.asker.name, services.clock(),
                based_on=given.based_on,
            )  # fmt: skip
            shape = flow_shape(queries.flow(session, company_id, id_))
        services.nudges.wake("handle_facts", str(company_id))
        return shape

    @blueprint.patch("/<flow_id>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 404, 409])
    @blueprint.input(NewName, arg_name="given")
    @blueprint.output(FlowShape)
    def rename_call_flow(flow_id: str, given: NewName) -> dict[str, Any]:
        """Give a flow another name."""
        company_id, id_ = g.asker.company_id, parse_id(flow_id)
        with services.db.tenant(company_id) as session:
            service.rename(session, company_id, id_, given.name, g.asker.name, services.clock())
            return flow_shape(queries.flow(session, company_id, id_))

    @blueprint.post("/<flow_id>/restore")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 403, 404])
    @blueprint.input(WantedVersion, arg_name="given")
    @blueprint.output(FlowShape)
    def restore_call_flow(flow_id: str, given: WantedVersion) -> dict[str, Any]:
        """Let an earlier version answer again, as a new version."""
        company_id, id_ = g.asker.company_id, parse_id(flow_id)
        with services.db.tenant(company_id) as session:
            saved = queries.versions(session, company_id, queries.flow(session, company_id, id_).id)
            old = next((one for one in saved if one.number == given.number), None)
            if old is None:
                raise NotFound(f"There is no version {given.number} of this call flow.")
            refuse_new_phones(session, service.check(session, company_id, old.definition))
            service.restore(session, company_id, id_, given.number, g.asker.name, services.clock())
            shape = flow_shape(queries.flow(session, company_id, id_))
        services.nudges.wake("handle_facts", str(company_id))
        return shape

    @blueprint.delete("/<flow_id>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404, 409])
    def remove_call_flow(flow_id: str) -> tuple[str, int]:
        """Delete a flow that answers nowhere; calls that are in it go on."""
        company_id, id_ = g.asker.company_id, parse_id(flow_id)
        with services.db.tenant(company_id) as session:
            service.remove(session, company_id, id_, g.asker.name, services.clock())
            forget(session, company_id, id_)
        return "", 204


def _trying(blueprint: APIBlueprint, services: Services) -> None:
    @blueprint.post("/validate")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.input(Checked, arg_name="given")
    @blueprint.output(Verdict)
    def validate_call_flow(given: Checked) -> dict[str, Any]:
        """Check a definition as saving would, and read it out in words; nothing is stored."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            try:
                flow = service.check(session, company_id, given.definition)
            except BadFields as problem:
                return {"valid": False, "problems": problem.fields, "sentences": [], "new_phones": []}
            added = new_phones(session, company_id, flow)
        return {
            "valid": True, "problems": {}, "sentences": sentence(flow).splitlines(), "new_phones": list(added)
        }  # fmt: skip

    @blueprint.post("/try")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[400, 404])
    @blueprint.input(WantedTrial, arg_name="given")
    @blueprint.output(TrialShape)
    def try_call_flow(given: WantedTrial) -> dict[str, Any]:
        """Tell what happens to a call, by the rules that answer calls; nothing rings."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            plain = given.definition
            if plain is None:
                if not given.flow_id:
                    raise BadInput("Give a definition, or the flow_id of a call flow.")
                plain = queries.flow(session, company_id, parse_id(given.flow_id)).definition
            flow, of = service.check(session, company_id, plain), company(session, company_id)
            lines = [row.forward_to for row in locations(session, company_id)] or [NO_LINE]
        if of is None:
            raise NotFound("There is no such company.")
        caller = to_e164(given.caller, of.country) if given.caller.strip() else None
        call = Call(
            sid="CAtrial", caller=caller, dialled=NO_LINE, own_line=lines[0], began=given.at, zone=of.timezone
        )
        trial = try_call(flow, call)
        path = follow(trial, given.keys, answered=given.answered)
        return {
            "moment": trial.moment,
            "path": [branch_shape(branch) for branch in path.branches],
            "steps": list(path.steps),
            "answered": path.is_answered,
            "unused_keys": path.unused,
        }


def _assigning(blueprint: APIBlueprint, services: Services) -> None:
    @blueprint.get("/assignments")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(AssignmentList)
    def list_call_flow_assignments() -> dict[str, Any]:
        """List where flows are assigned; the narrowest assignment counts."""
        with services.db.tenant(g.asker.company_id) as session:
            return _assignments(session)

    @blueprint.put("/assignments/<scope>/<subject_id>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 404])
    @blueprint.input(WantedAssignment, arg_name="given")
    @blueprint.output(AssignmentList)
    def assign_call_flow(scope: str, subject_id: str, given: WantedAssignment) -> dict[str, Any]:
        """Let a flow answer a number, a pool, a location or the company; an assignment there is replaced."""
        company_id, subject = g.asker.company_id, parse_id(subject_id)
        with services.db.tenant(company_id) as session:
            flow_id: UUID = parse_id(given.flow_id)
            service.assign(session, company_id, flow_id, scope, subject, g.asker.name, services.clock())
            return _assignments(session)

    @blueprint.delete("/assignments/<scope>/<subject_id>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    def unassign_call_flow(scope: str, subject_id: str) -> tuple[str, int]:
        """Take an assignment away; the next wider one answers then, in the end the location's settings."""
        with services.db.tenant(g.asker.company_id) as session:
            service.unassign(
                session, g.asker.company_id, scope, parse_id(subject_id), g.asker.name, services.clock()
            )
        return "", 204


def refuse_new_phones(session: Session, flow: Flow) -> None:
    """Let only an owner's key send calls to phones no call of the company went to before.

    Raises:
        NotAllowed: the key is no owner's.
    """
    added = new_phones(session, g.asker.company_id, flow)
    if added and not may(g.asker.role, "owner"):
        raise NotAllowed(
            f"Calls would go to phones where none went before: {', '.join(added)}. That needs a key of the "
            "role owner."
        )


def _assignments(session: Session) -> dict[str, Any]:
    rows = queries.assignments(session, g.asker.company_id)
    return {"assignments": [assignment_shape(row) for row in rows]}
