"""Segments: saved filters over persons, and who is in them."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import g, request
from pydantic import BaseModel, Field

from calltrack.api.access import needs
from calltrack.api.idempotency import once
from calltrack.kernel.errors import BadInput
from calltrack.kernel.ids import parse_id
from calltrack.stages import segments
from calltrack.stages.segment_events import send_failed_again, told_of
from calltrack.stages.segment_rules import read_segment
from calltrack.stages.segments import Given, PersonRow, Segment
from calltrack.stages.stage_words import STAGES
from calltrack.wiring import Services


class SegmentGiven(BaseModel):
    """A segment to save."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    color: Annotated[str, Field(description="blue, green, amber, red, violet, teal, pink or gray.")] = "blue"
    condition: Annotated[dict[str, Any], Field(description="See docs/journeys.md.")]
    alert_from: Annotated[
        int | None, Field(ge=1, le=1_000_000, description="From so many persons a notice stands.")
    ] = None
    tell_to: Annotated[
        Literal["off", "owners", "managers"], Field(description="Who is mailed when somebody enters.")
    ] = "off"
    webhook_id: Annotated[
        str | None,
        Field(
            description="A destination of the kind webhook that is told when somebody enters; see Webhooks."
        ),
    ] = None


class ToldShape(BaseModel):
    """How far a segment's webhook was told of those who entered."""

    sent: int
    waiting: int
    failed: Annotated[int, Field(description="Given up; POST /segments/{id}/webhook-again sends them again.")]
    said: Annotated[str, Field(description="The newest answer about one that is not sent.")]
    tried_at: datetime | None


class AgainShape(BaseModel):
    """How many are sent again."""

    again: int


class SegmentShape(BaseModel):
    """A segment."""

    id: str
    name: str
    color: str
    condition: dict[str, Any]
    sentence: str
    alert_from: int | None
    tell_to: str
    webhook_id: str | None
    webhook: Annotated[ToldShape | None, Field(description="Only when one segment is read.")] = None
    persons: Annotated[int | None, Field(description="Up to 10,001; only when one segment is read.")] = None


class SegmentList(BaseModel):
    """All segments, in the order they were made."""

    segments: list[SegmentShape]


class MemberShape(BaseModel):
    """A person in a segment."""

    id: str
    first_at: datetime
    last_at: datetime
    source: str
    medium: str
    campaign: str
    stage: str
    score: int
    visits: int
    calls: int
    missed: int
    purchases: int
    value_minor: int


class MemberList(BaseModel):
    """One page of persons, who was there last first."""

    persons: list[MemberShape]
    next: Annotated[str | None, Field(description="The `cursor` of the next page.")]


class MemberPage(BaseModel):
    """Which page."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=100)] = ""


def segments_of(services: Services) -> APIBlueprint:
    """Return the routes of segments."""
    blueprint = APIBlueprint("api_segments", __name__, url_prefix="/api/v1/segments", tag="Journeys")
    _add_reads(blueprint, services)
    _add_changes(blueprint, services)
    return blueprint


def _add_reads(blueprint: APIBlueprint, services: Services) -> None:
    """List segments and persons."""

    @blueprint.get("")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(SegmentList)
    def list_segments() -> dict[str, Any]:
        """List the segments."""
        with services.db.tenant(g.asker.company_id) as session:
            return {"segments": [_shape(one) for one in segments.segments(session, g.asker.company_id)]}

    @blueprint.get("/<segment_id>")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(SegmentShape)
    def read_segment_(segment_id: str) -> dict[str, Any]:
        """Read a segment and how many persons are in it."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            found = segments.segment(session, company_id, parse_id(segment_id))
            tree = read_segment(found.condition)
            count = segments.count_persons(session, company_id, tree, services.clock())
            told = asdict(told_of(session, company_id, found.id))
        return _shape(found) | {"persons": count, "webhook": told}

    @blueprint.get("/<segment_id>/persons")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[400, 404])
    @blueprint.input(MemberPage, location="query", arg_name="wanted")
    @blueprint.output(MemberList)
    def list_persons(segment_id: str, wanted: MemberPage) -> dict[str, Any]:
        """List the persons who are in a segment now."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            found = segments.segment(session, company_id, parse_id(segment_id))
            rows = segments.persons(
                session, company_id, read_segment(found.condition), services.clock(),
                before=place_of(wanted.cursor), most=wanted.limit + 1,
            )  # fmt: skip
        shown = rows[: wanted.limit]
        following = cursor_of(shown[-1]) if len(rows) > wanted.limit else None
        return {"persons": [_member(row) for row in shown], "next": following}


def _add_changes(blueprint: APIBlueprint, services: Services) -> None:
    """Save and delete."""

    @blueprint.post("")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 409])
    @blueprint.input(SegmentGiven, arg_name="given")
    @blueprint.output(SegmentShape, status_code=201)
    def add_segment(given: SegmentGiven) -> tuple[dict[str, Any], int]:
        """Save a segment."""
        company_id, now, by = g.asker.company_id, services.clock(), g.asker.name
        wanted = _given(given)
        with services.db.tenant(company_id) as session:

            def make() -> tuple[int, dict[str, Any]]:
                made = segments.make_segment(session, company_id, wanted, now, by=by)
                return 201, _shape(segments.segment(session, company_id, made))

            key = request.headers.get("Idempotency-Key")
            status, answer = once(session, company_id, key, request.get_data(), now, make)
        return answer, status

    @blueprint.put("/<segment_id>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 404, 409])
    @blueprint.input(SegmentGiven, arg_name="given")
    @blueprint.output(SegmentShape)
    def change_segment(segment_id: str, given: SegmentGiven) -> dict[str, Any]:
        """Store name, colour, condition and who is told."""
        company_id, id_ = g.asker.company_id, parse_id(segment_id)
        wanted = _given(given)
        with services.db.tenant(company_id) as session:
            segments.change_segment(session, company_id, id_, wanted, services.clock(), by=g.asker.name)
            return _shape(segments.segment(session, company_id, id_))

    @blueprint.post("/<segment_id>/webhook-again")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(AgainShape)
    def send_again(segment_id: str) -> dict[str, int]:
        """Send the webhook again what was given up: the same bytes under the same `webhook-id`."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            found = segments.segment(session, company_id, parse_id(segment_id))
            again = send_failed_again(session, company_id, found.id, services.clock())
        services.nudges.wake("tell_webhooks", str(company_id))
        return {"again": again}

    @blueprint.delete("/<segment_id>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404])
    def delete_segment(segment_id: str) -> tuple[str, int]:
        """Delete a segment."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            segments.delete_segment(
                session, company_id, parse_id(segment_id), services.clock(), by=g.asker.name
            )
        return "", 204


def cursor_of(row: PersonRow) -> str:
    """Return where a list of persons goes on after this one."""
    return f"{row.last_at.isoformat()}_{row.id.hex}"


def place_of(cursor: str) -> tuple[datetime, Any] | None:
    """Read what `cursor_of` wrote; raises BadInput for anything else."""
    if not cursor:
        return None
    at, _, id_ = cursor.partition("_")
    try:
        moment = datetime.fromisoformat(at.replace(" ", "+"))
    except ValueError:
        raise BadInput("This is no `next` of an answer; begin without a cursor.") from None
    if moment.tzinfo is None:
        raise BadInput("This is no `next` of an answer; begin without a cursor.")
    return moment, parse_id(id_)


def _given(given: SegmentGiven) -> Given:
    webhook_id = parse_id(given.webhook_id) if given.webhook_id else None
    return Given(given.name, given.color, given.condition, given.alert_from, given.tell_to, webhook_id)


def _shape(one: Segment) -> dict[str, Any]:
    return {
        "id": str(one.id), "name": one.name, "color": one.color, "condition": one.condition,
        "sentence": one.sentence, "alert_from": one.alert_from, "tell_to": one.tell_to,
        "webhook_id": str(one.webhook_id) if one.webhook_id else None,
    }  # fmt: skip


def _member(row: PersonRow) -> dict[str, Any]:
    named = ("first_at", "last_at", "source", "medium", "campaign", "score", "visits", "calls", "missed",
             "purchases", "value_minor")  # fmt: skip
    return {name: getattr(row, name) for name in named} | {"id": str(row.id), "stage": STAGES[row.stage]}
