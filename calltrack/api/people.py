"""What people do about calls: tags, notes, who deals with it, how far the lead is, missed calls."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from apiflask import APIBlueprint
from flask import g, request
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from calltrack.accounts.queries import members
from calltrack.accounts.rules import may_see_numbers
from calltrack.api.access import needs
from calltrack.api.idempotency import once
from calltrack.automations.call_backs import calls_out
from calltrack.automations.follow_up import review_missed
from calltrack.calls.guard.judging import exists
from calltrack.calls.people import tags as kept
from calltrack.calls.people.missed import close_missed
from calltrack.calls.people.work import KEEP, add_note, notes_of, set_work, work_of
from calltrack.conversions.call_log import CallFilter, CallSummary, Place, calls_by_id, find_calls
from calltrack.kernel.errors import BadInput, NotFound
from calltrack.kernel.ids import parse_id
from calltrack.kernel.phone import masked
from calltrack.wiring import Services

Status = Literal["open", "contacted", "quoted", "won", "lost"]


class NewTag(BaseModel):
    """A tag to make, or another name of one."""

    name: Annotated[str, Field(max_length=200)]


class TagShape(BaseModel):
    """A tag of the company."""

    id: str
    name: str
    calls: Annotated[int, Field(description="How many calls carry it.")]


class TagList(BaseModel):
    """All tags, by name."""

    tags: list[TagShape]


class Merging(BaseModel):
    """Into which tag another one is merged."""

    into: Annotated[str, Field(description="The id of the tag that stays.", max_length=64)]


class CallTags(BaseModel):
    """The names of the tags a call carries from now on; each must be a tag of the company."""

    tags: Annotated[list[str], Field(max_length=20)]


class NewNote(BaseModel):
    """A note to write."""

    text: Annotated[str, Field(max_length=8000)]


class NoteShape(BaseModel):
    """A note, its author and its time."""

    id: str
    text: str
    written_by: str
    written_at: datetime


class WorkChange(BaseModel):
    """What changes; what is left out stays. `assignee`: a member's e-mail address, empty: nobody."""

    status: Status | None = None
    assignee: Annotated[str | None, Field(max_length=254)] = None


class CallOutShape(BaseModel):
    """A call that was begun about this one."""

    kind: Annotated[str, Field(description="back: the caller was rung back; score: who answered was asked.")]
    state: Annotated[str, Field(description="intended, placed, over, refused, unknown.")]
    asked_by: str
    created_at: datetime
    joined_at: datetime | None
    talk_seconds: int
    digits: str
    problem: str


class CareShape(BaseModel):
    """What people did about a call."""

    call_id: str
    tags: list[str]
    status: Status
    assignee: Annotated[str, Field(description="Name of the member; empty: nobody.")]
    notes: list[NoteShape]
    missed: Annotated[str | None, Field(description="open, reached, came_back, closed; null: not missed.")]
    missed_at: datetime | None
    tried_at: datetime | None
    reached_at: datetime | None
    calls_out: list[CallOutShape]


class MissedShape(BaseModel):
    """A missed call whose caller waits to be rung back."""

    call_id: str
    caller: Annotated[str, Field(description="Masked for keys of the role viewer.")]
    location: str
    source: str | None
    campaign: str | None
    missed_at: datetime
    tried_at: datetime | None


class MissedList(BaseModel):
    """One page of missed calls, newest first."""

    missed: list[MissedShape]
    next: str | None


class MissedPage(BaseModel):
    """Which part of the list."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(max_length=200, description="`next` of the answer before.")] = None


class MissedChange(BaseModel):
    """What a person says of a missed call."""

    closed: Annotated[bool, Field(description="true: it is dealt with; false: it waits after all.")]


def tags_of(services: Services) -> APIBlueprint:
    """Return the routes of tags."""
    blueprint = APIBlueprint("api_tags", __name__, url_prefix="/api/v1/tags", tag="Calls")

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(TagList)
    def list_tags() -> dict[str, Any]:
        """List the company's tags."""
        with services.db.tenant(g.asker.company_id) as session:
            return {"tags": [_tag(one) for one in kept.tags(session, g.asker.company_id)]}

    @blueprint.post("")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 409])
    @blueprint.input(NewTag, arg_name="given")
    @blueprint.output(TagShape, status_code=201)
    def add_tag(given: NewTag) -> Any:
        """Make a tag; names that differ in case only are the same."""
        company_id, now = g.asker.company_id, services.clock()
        with services.db.tenant(company_id) as session:

            def make() -> tuple[int, dict[str, Any]]:
                made = kept.make_tag(session, company_id, given.name, now, by=g.asker.name)
                return 201, {"id": str(made), "name": kept.tag_name(given.name), "calls": 0}

            key = request.headers.get("Idempotency-Key")
            status, answer = once(session, company_id, key, request.get_data(), now, make)
        return answer, status

    @blueprint.put("/<tag_id>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 404, 409])
    @blueprint.input(NewTag, arg_name="given")
    @blueprint.output(TagList)
    def rename_tag(tag_id: str, given: NewTag) -> dict[str, Any]:
        """Give a tag another name; its calls are judged again."""
        company_id, now = g.asker.company_id, services.clock()
        with services.db.tenant(company_id) as session:
            kept.rename_tag(session, company_id, parse_id(tag_id), given.name, now, by=g.asker.name)
            answer = {"tags": [_tag(one) for one in kept.tags(session, company_id)]}
        services.nudges.wake("handle_facts", str(company_id))
        return answer

    @blueprint.post("/<tag_id>/merge")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 404])
    @blueprint.input(Merging, arg_name="given")
    @blueprint.output(TagList)
    def merge_tag(tag_id: str, given: Merging) -> dict[str, Any]:
        """Let all calls of a tag carry another one instead."""
        company_id, now = g.asker.company_id, services.clock()
        with services.db.tenant(company_id) as session:
            into = parse_id(given.into)
            kept.merge_tags(session, company_id, parse_id(tag_id), into, now, by=g.asker.name)
            answer = {"tags": [_tag(one) for one in kept.tags(session, company_id)]}
        services.nudges.wake("handle_facts", str(company_id))
        return answer

    return blueprint


def care_of(services: Services) -> APIBlueprint:
    """Return the routes of what is done about one call."""
    blueprint = APIBlueprint("api_call_care", __name__, url_prefix="/api/v1/calls", tag="Calls")
    _add_care(blueprint, services)
    _add_notes_and_missed(blueprint, services)
    return blueprint


def missed_of(services: Services) -> APIBlueprint:
    """Return the list of callers who wait to be rung back."""
    blueprint = APIBlueprint("api_missed_calls", __name__, url_prefix="/api/v1/missed-calls", tag="Calls")

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.input(MissedPage, location="query", arg_name="wanted")
    @blueprint.output(MissedList)
    def list_missed(wanted: MissedPage) -> dict[str, Any]:
        """List missed calls nobody returned yet, newest first."""
        company_id = g.asker.company_id
        after = Place.from_text(wanted.cursor) if wanted.cursor else None
        with services.db.tenant(company_id) as session:
            found = find_calls(
                session, services.vault, company_id, CallFilter(outcome="waiting"), after, wanted.limit
            )
        in_full = may_see_numbers(g.asker.role)
        rows = [_missed(one, in_full=in_full) for one in found.rows]
        return {"missed": rows, "next": found.next.to_text() if found.next else None}

    return blueprint


def _add_care(blueprint: APIBlueprint, services: Services) -> None:
    @blueprint.get("/<call_id>/care")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(CareShape)
    def read_care(call_id: str) -> dict[str, Any]:
        """Read tags, notes, who deals with a call, and what became of a missed one."""
        with services.db.tenant(g.asker.company_id) as session:
            return _care(services, session, parse_id(call_id))

    @blueprint.put("/<call_id>/tags")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 404])
    @blueprint.input(CallTags, arg_name="given")
    @blueprint.output(CareShape)
    def put_tags(call_id: str, given: CallTags) -> dict[str, Any]:
        """Let a call carry exactly these tags; your rules judge it again."""
        company_id, id_ = g.asker.company_id, parse_id(call_id)
        with services.db.tenant(company_id) as session:
            ids = kept.ids_of_names(session, company_id, given.tags)
            kept.set_tags(session, company_id, id_, ids, services.clock(), by=g.asker.name)
            answer = _care(services, session, id_)
        services.nudges.wake("handle_facts", str(company_id))
        return answer

    @blueprint.put("/<call_id>/work")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 404])
    @blueprint.input(WorkChange, arg_name="given")
    @blueprint.output(CareShape)
    def put_work(call_id: str, given: WorkChange) -> dict[str, Any]:
        """Say how far the lead is, and who deals with it."""
        company_id, id_ = g.asker.company_id, parse_id(call_id)
        with services.db.tenant(company_id) as session:
            who: UUID | object | None = KEEP
            if given.assignee is not None:
                who = _member(session, company_id, given.assignee) if given.assignee else None
            set_work(
                session, company_id, id_, services.clock(), by=g.asker.name, status=given.status,
                assignee_id=who,
            )  # fmt: skip
            return _care(services, session, id_)


def _add_notes_and_missed(blueprint: APIBlueprint, services: Services) -> None:
    @blueprint.post("/<call_id>/notes")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 404, 409])
    @blueprint.input(NewNote, arg_name="given")
    @blueprint.output(NoteShape, status_code=201)
    def post_note(call_id: str, given: NewNote) -> Any:
        """Write a note; send an Idempotency-Key so that a repeat writes no second one."""
        company_id, now, id_ = g.asker.company_id, services.clock(), parse_id(call_id)
        with services.db.tenant(company_id) as session:

            def make() -> tuple[int, dict[str, Any]]:
                made = add_note(session, services.vault, company_id, id_, given.text, now, by=g.asker.name)
                rows = notes_of(session, services.vault, company_id, id_)
                row = next(row for row in rows if row.id == made)
                shape = NoteShape(
                    id=str(row.id), text=row.text, written_by=row.written_by, written_at=row.written_at
                )
                return 201, shape.model_dump(mode="json")

            key = request.headers.get("Idempotency-Key")
            body = request.path.encode() + b"\n" + request.get_data()
            status, answer = once(session, company_id, key, body, now, make)
        return answer, status

    @blueprint.put("/<call_id>/missed")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.input(MissedChange, arg_name="given")
    @blueprint.output(CareShape)
    def put_missed(call_id: str, given: MissedChange) -> dict[str, Any]:
        """Say that a missed call is dealt with, or that it is not after all."""
        company_id, id_, now = g.asker.company_id, parse_id(call_id), services.clock()
        with services.db.tenant(company_id) as session:
            close_missed(session, company_id, id_, now, by=g.asker.name, reopen=not given.closed)
            review_missed(session, company_id, now)
            return _care(services, session, id_)


def _care(services: Services, session: Session, call_id: UUID) -> dict[str, Any]:
    company_id, vault = g.asker.company_id, services.vault
    if not exists(session, company_id, call_id):
        raise NotFound("There is no such call.")
    session.flush()
    work = work_of(session, company_id, call_id)
    (row,) = calls_by_id(session, vault, company_id, [call_id])
    begun = [
        {name: getattr(one, name) for name in CallOutShape.model_fields}
        for one in calls_out(session, company_id, call_id)
    ]
    notes = [
        {"id": str(one.id), "text": one.text, "written_by": one.written_by, "written_at": one.written_at}
        for one in notes_of(session, vault, company_id, call_id)
    ]
    return {
        "call_id": str(call_id), "tags": list(row.tags), "status": work.status, "assignee": work.assignee,
        "notes": notes, "missed": row.missed, "missed_at": row.missed_at, "tried_at": row.tried_at,
        "reached_at": row.reached_at, "calls_out": begun,
    }  # fmt: skip


def _member(session: Session, company_id: UUID, email: str) -> UUID:
    wanted = email.strip().lower()
    found = next((one for one in members(session, company_id) if one.email == wanted), None)
    if found is None:
        raise BadInput("No member of the company has this e-mail address.")
    return found.user_id


def _tag(one: kept.TagRow) -> dict[str, Any]:
    return {"id": str(one.id), "name": one.name, "calls": one.calls}


def _missed(one: CallSummary, *, in_full: bool) -> dict[str, Any]:
    caller = one.caller or ""
    return {
        "call_id": str(one.id), "caller": caller if in_full else masked(caller), "location": one.location,
        "source": one.source, "campaign": one.campaign, "missed_at": one.missed_at, "tried_at": one.tried_at,
    }  # fmt: skip
