"""Audiences: saved conditions, their size, their lists at ad platforms, their members."""

from datetime import datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import g, request
from pydantic import BaseModel, Field

from calltrack.accounts.rules import may_see_numbers
from calltrack.api.access import needs
from calltrack.api.idempotency import once
from calltrack.api.paging import Page
from calltrack.audiences import queries, service
from calltrack.audiences.queries import AudienceRow, ListRow, MemberRow
from calltrack.kernel.errors import NotFound
from calltrack.kernel.ids import parse_id
from calltrack.kernel.phone import masked
from calltrack.wiring import Services


class ListGiven(BaseModel):
    """A customer list to keep in step."""

    destination_id: str
    list_id: Annotated[str, Field(max_length=24, description="The list's number at the platform.")]


class AudienceGiven(BaseModel):
    """A new audience."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    condition: Annotated[dict[str, Any], Field(description="See docs/audiences.md.")]
    lists: Annotated[list[ListGiven], Field(max_length=10)] = []


class ListShape(BaseModel):
    """A customer list and its state; counts are phone numbers."""

    id: str
    destination_id: str
    destination: str
    kind: str
    list_id: str
    status: str
    status_reason: str
    confirmed: int
    sent: int
    waiting: int
    leaving: int
    refused: int
    match_rate: str
    last_sent_at: datetime | None
    last_trouble: str
    note: str


class AudienceShape(BaseModel):
    """An audience."""

    id: str
    name: str
    sentence: str
    condition: dict[str, Any]
    status: str
    members: Annotated[int, Field(description="Persons in the audience.")]
    consent_unknown: int
    consent_denied: int
    no_identifier: int
    repaired: Annotated[int, Field(description="Differences that the last nightly check repaired.")]
    checked_at: datetime | None
    created_at: datetime
    lists: list[ListShape]


class AudienceList(BaseModel):
    """All audiences, by name."""

    audiences: list[AudienceShape]


class MemberShape(BaseModel):
    """A person the condition holds for."""

    person_id: str
    phone: Annotated[str | None, Field(description="In full for managers and owners, else masked.")]
    status: Annotated[str, Field(description="in, or withheld")]
    withheld: Annotated[str, Field(description="denied, unknown, no_identifier, or empty")]
    since: datetime
    why: str
    consent: dict[str, Any]
    states: list[str]


class MemberList(BaseModel):
    """One page of members, the newest person first."""

    members: list[MemberShape]
    next: str | None


def audiences_of(services: Services) -> APIBlueprint:
    """Return the routes of audiences."""
    blueprint = APIBlueprint("api_audiences", __name__, url_prefix="/api/v1/audiences", tag="Audiences")
    _add_reads(blueprint, services)
    _add_changes(blueprint, services)
    return blueprint


def _add_reads(blueprint: APIBlueprint, services: Services) -> None:
    """List audiences and their members, and read one."""

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(AudienceList)
    def list_audiences() -> dict[str, Any]:
        """List all audiences with their size and lists."""
        with services.db.tenant(g.asker.company_id) as session:
            return {"audiences": [_shape(row) for row in queries.audiences(session, g.asker.company_id)]}

    @blueprint.get("/<audience_id>")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(AudienceShape)
    def read_audience(audience_id: str) -> dict[str, Any]:
        """Read one audience."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            found = queries.audiences(session, company_id, parse_id(audience_id))
        if not found:
            raise NotFound("There is no such audience.")
        return _shape(found[0])

    @blueprint.get("/<audience_id>/members")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.input(Page, location="query", arg_name="wanted")
    @blueprint.output(MemberList)
    def list_members(audience_id: str, wanted: Page) -> dict[str, Any]:
        """List the persons the condition holds for, those that are left out included."""
        company_id, id_ = g.asker.company_id, parse_id(audience_id)
        in_full = may_see_numbers(g.asker.role)
        with services.db.tenant(company_id) as session:
            if not queries.audiences(session, company_id, id_):
                raise NotFound("There is no such audience.")
            rows = queries.members(
                session, services.vault, company_id, id_, after=wanted.cursor, most=wanted.limit + 1
            )
        shown = rows[: wanted.limit]
        following = str(shown[-1].person_id) if len(rows) > wanted.limit else None
        return {"members": [_member(row, in_full=in_full) for row in shown], "next": following}


def _add_changes(blueprint: APIBlueprint, services: Services) -> None:
    """Save and delete."""

    @blueprint.post("")
    @needs(services, "owner")
    @blueprint.doc(security="ApiKey", responses=[400, 404, 409])
    @blueprint.input(AudienceGiven, arg_name="given")
    @blueprint.output(AudienceShape, status_code=201)
    def add_audience(given: AudienceGiven) -> tuple[dict[str, Any], int]:
        """Save an audience and connect lists to it; it is filled within moments."""
        company_id, now, by = g.asker.company_id, services.clock(), g.asker.name
        with services.db.tenant(company_id) as session:

            def make() -> tuple[int, dict[str, Any]]:
                made = service.create_audience(session, company_id, given.name, given.condition, now, by=by)
                for one in given.lists:
                    destination = parse_id(one.destination_id)
                    service.connect_list(session, company_id, made, destination, one.list_id, now, by=by)
                row = queries.audiences(session, company_id, made)[0]
                return 201, AudienceShape(**_shape(row)).model_dump(mode="json")

            key = request.headers.get("Idempotency-Key")
            status, answer = once(session, company_id, key, request.get_data(), now, make)
        services.nudges.wake("keep_audiences", str(company_id))
        return answer, status

    @blueprint.delete("/<audience_id>")
    @needs(services, "owner")
    @blueprint.doc(security="ApiKey", responses=[404])
    def delete_audience(audience_id: str) -> tuple[str, int]:
        """Delete an audience: its members are removed at every platform first."""
        company_id, id_ = g.asker.company_id, parse_id(audience_id)
        with services.db.tenant(company_id) as session:
            service.delete_audience(session, company_id, id_, services.clock(), by=g.asker.name)
        services.nudges.wake("keep_audiences", str(company_id))
        return "", 202


def _shape(row: AudienceRow) -> dict[str, Any]:
    return {
        "id": str(row.id), "name": row.name, "sentence": row.sentence, "condition": row.condition,
        "status": row.status, "members": row.members, "consent_unknown": row.unknown,
        "consent_denied": row.denied, "no_identifier": row.no_identifier, "repaired": row.repaired,
        "checked_at": row.checked_at, "created_at": row.created_at,
        "lists": [_list(one) for one in row.lists],
    }  # fmt: skip


def _list(one: ListRow) -> dict[str, Any]:
    named = ("destination", "kind", "list_id", "status", "status_reason", "confirmed", "sent", "waiting",
             "leaving", "refused", "match_rate", "last_sent_at", "last_trouble")  # fmt: skip
    ids = {"id": str(one.id), "destination_id": str(one.destination_id), "note": one.too_small}
    return ids | {name: getattr(one, name) for name in named}


def _member(row: MemberRow, *, in_full: bool) -> dict[str, Any]:
    phone = row.phone if in_full or row.phone is None else masked(row.phone)
    return {
        "person_id": str(row.person_id), "phone": phone, "status": row.status, "withheld": row.withheld,
        "since": row.since, "why": row.why, "consent": row.consent, "states": list(row.states),
    }  # fmt: skip
