"""Who is refused, and which calls were nuisance."""

from datetime import datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import g, request
from pydantic import AwareDatetime, BaseModel, Field

from calltrack.accounts.rules import may_see_numbers
from calltrack.api.access import needs
from calltrack.api.idempotency import once
from calltrack.calls.guard.blocking import BlockedRow, NewEntry, block, blocked_callers, unblock
from calltrack.calls.guard.judging import exists, mark_of, tell_spam
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import parse_id
from calltrack.wiring import Services


class NewBlocked(BaseModel):
    """A caller to refuse."""

    caller: Annotated[
        str,
        Field(description="A number in any notation, or how numbers begin: +4479*.", max_length=32),
    ]
    reason: Annotated[str, Field(max_length=200)] = ""
    expires_at: Annotated[
        AwareDatetime | None, Field(description="With time zone; left out: until it is taken off.")
    ] = None


class BlockedShape(BaseModel):
    """An entry of the block list."""

    id: str
    kind: Annotated[str, Field(description="number or prefix.")]
    caller: Annotated[str, Field(description="Masked for keys of the role viewer.")]
    reason: str
    added_by: str
    added_at: datetime
    expires_at: datetime | None


class BlockedList(BaseModel):
    """The whole block list, newest first."""

    blocked: list[BlockedShape]


class SpamTold(BaseModel):
    """What somebody says of a call."""

    spam: Annotated[bool, Field(description="true: it was nuisance; false: it was a real call.")]


class SpamShape(BaseModel):
    """What is made of a call; a mark never hides it."""

    call_id: str
    mark: Annotated[str, Field(description="clean, suspect, spam; unjudged: it only just began.")]
    points: Annotated[int, Field(description="50: suspect, 100: spam.")]
    reasons: list[str]
    action: Annotated[str, Field(description="What was done meanwhile: nothing, challenge, reject, cut.")]
    told_by: str


def blocked_of(services: Services) -> APIBlueprint:
    """Return the routes of the block list."""
    blueprint = APIBlueprint(
        "api_blocked_callers", __name__, url_prefix="/api/v1/blocked-callers", tag="Blocked callers"
    )

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(BlockedList)
    def list_blocked() -> dict[str, Any]:
        """List whose calls are refused, entries that are over included."""
        return {"blocked": [_shape(row) for row in _rows(services)]}

    @blueprint.post("")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 409])
    @blueprint.input(NewBlocked, arg_name="given")
    @blueprint.output(BlockedShape, status_code=201)
    def add_blocked(given: NewBlocked) -> tuple[dict[str, Any], int]:
        """Refuse a caller; phones follow within 10 seconds."""
        company_id, now = g.asker.company_id, services.clock()
        entry = NewEntry(given.caller, given.reason, given.expires_at)
        with services.db.tenant(company_id) as session:

            def make() -> tuple[int, dict[str, Any]]:
                made = block(session, services.vault, company_id, entry, now, by=g.asker.name)
                rows = blocked_callers(session, services.vault, company_id, sees_numbers=True)
                row = next(row for row in rows if row.id == made)
                return 201, BlockedShape(**_shape(row)).model_dump(mode="json")

            key = request.headers.get("Idempotency-Key")
            status, answer = once(session, company_id, key, request.get_data(), now, make)
        return answer, status

    @blueprint.delete("/<entry_id>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    def remove_blocked(entry_id: str) -> tuple[str, int]:
        """Take an entry off the list."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            unblock(
                session, services.vault, company_id, parse_id(entry_id), services.clock(), by=g.asker.name
            )
        return "", 204

    return blueprint


def spam_of(services: Services) -> APIBlueprint:
    """Return the routes of nuisance marks."""
    blueprint = APIBlueprint("api_call_spam", __name__, url_prefix="/api/v1/calls", tag="Calls")

    @blueprint.get("/<call_id>/spam")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(SpamShape)
    def read_spam(call_id: str) -> dict[str, Any]:
        """Read what is made of a call, and why."""
        return _spam(services, call_id)

    @blueprint.put("/<call_id>/spam")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.input(SpamTold, arg_name="told")
    @blueprint.output(SpamShape)
    def put_spam(call_id: str, told: SpamTold) -> dict[str, Any]:
        """Say that a call was nuisance (it is no lead then), or that it was none."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            tell_spam(
                session, services.vault, company_id, parse_id(call_id), is_spam=told.spam, by=g.asker.name,
                now=services.clock(),
            )  # fmt: skip
        services.nudges.wake("handle_facts", str(company_id))
        return _spam(services, call_id)

    return blueprint


def _rows(services: Services) -> tuple[BlockedRow, ...]:
    company_id = g.asker.company_id
    with services.db.tenant(company_id) as session:
        in_full = may_see_numbers(g.asker.role)
        return blocked_callers(session, services.vault, company_id, sees_numbers=in_full)


def _shape(row: BlockedRow) -> dict[str, Any]:
    return {
        "id": str(row.id), "kind": row.kind, "caller": row.caller, "reason": row.reason,
        "added_by": row.added_by, "added_at": row.added_at, "expires_at": row.expires_at,
    }  # fmt: skip


def _spam(services: Services, call_id: str) -> dict[str, Any]:
    company_id, id_ = g.asker.company_id, parse_id(call_id)
    with services.db.tenant(company_id) as session:
        if not exists(session, company_id, id_):
            raise NotFound("There is no such call.")
        row = mark_of(session, company_id, id_)
    if row is None:
        return {
            "call_id": str(id_), "mark": "unjudged", "points": 0, "reasons": [], "action": "", "told_by": "",
        }  # fmt: skip
    return {
        "call_id": str(id_), "mark": row.mark, "points": row.points, "reasons": list(row.reasons),
        "action": row.action, "told_by": row.told_by,
    }  # fmt: skip
