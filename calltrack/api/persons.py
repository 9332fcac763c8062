"""Persons: what they did in order of time, stage, score, CRM ids, joined and taken apart; touchpoints."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import g, request
from pydantic import AwareDatetime, BaseModel, Field

from calltrack.accounts.rules import may_see_numbers
from calltrack.api.access import needs
from calltrack.api.idempotency import once
from calltrack.journeys.joining import JoinRow, Pair, join_by_hand, joins_of, part
from calltrack.journeys.keys import Key, link_key
from calltrack.kernel.ids import parse_id
from calltrack.kernel.masking import masked_id
from calltrack.kernel.phone import masked
from calltrack.stages.stage_words import STAGES
from calltrack.stages.timeline import PersonStory, story_of
from calltrack.stages.touchpoints import Told, tell_touchpoint
from calltrack.wiring import Services


class StepShape(BaseModel):
    """A stage that was reached."""

    stage: str
    at: datetime
    reason: str


class LineShape(BaseModel):
    """A rule of the score that holds."""

    points: int
    reason: str


class TouchShape(BaseModel):
    """One moment of a person."""

    at: datetime
    kind: Annotated[str, Field(description="visit, form, tap, call, message, touchpoint, outcome, lead, "
                                           "purchase or delivery.")]  # fmt: skip
    id: Annotated[str, Field(description="Of the visit, the call and so on.")]
    name: str
    state: str
    text: Annotated[str, Field(description="A touchpoint's own words; empty for keys of the role viewer.")]
    source: str
    medium: str
    campaign: str
    landing: str
    pages: int
    seconds: Annotated[int, Field(description="Of a visit, or talked in a call.")]
    talked: bool
    value_minor: Annotated[int | None, Field(description="In the company's currency, minor units.")]


class BrowserShape(BaseModel):
    """A browser of the person."""

    visitor_id: str
    probability: float


class KeyShape(BaseModel):
    """The person's id in another system."""

    crm: str
    crm_id: Annotated[
        str,
        Field(description="What looks like an address or a number is masked for keys of the role viewer."),
    ]
    linked_at: datetime


class JoinShape(BaseModel):
    """Two persons who were joined."""

    id: str
    kept_id: str
    absorbed_id: str
    via: Annotated[str, Field(description="call, key (one CRM id), email, phone or hand.")]
    joined_at: datetime
    joined_by: str
    undone_at: datetime | None


class JoinList(BaseModel):
    """Joins, newest first."""

    joins: list[JoinShape]


class PersonShape(BaseModel):
    """A person."""

    id: str
    since: datetime
    phones: Annotated[list[str], Field(description="Masked for keys of the role viewer.")]
    browsers: list[BrowserShape]
    crm_ids: list[KeyShape]
    joins: list[JoinShape]
    stage: Annotated[str, Field(description="Empty until the journey was made, within a minute.")]
    stages: Annotated[list[StepShape], Field(description="In the order they were reached, with the reason.")]
    score: Annotated[int, Field(description="0 to 100: the sum of the lines, cut to these limits.")]
    band: Annotated[str, Field(description="hot, warm, cold; empty until the journey was made.")]
    score_lines: list[LineShape]
    first_source: str
    first_medium: str
    first_campaign: str
    landing: str
    lead_at: datetime | None
    bought_at: datetime | None
    touches: Annotated[list[TouchShape], Field(description="Oldest first; the newest 300.")]
    is_cut: bool


class JoinGiven(BaseModel):
    """Who becomes part of this person."""

    person_id: str


class KeyGiven(BaseModel):
    """The person's id in another system."""

    crm: Annotated[str, Field(min_length=1, max_length=40, description="Such as hubspot.")]
    crm_id: Annotated[str, Field(min_length=1, max_length=200)]


class PersonId(BaseModel):
    """A person."""

    person_id: str


class JoinId(BaseModel):
    """A join, by which it can be undone."""

    join_id: str


class TouchpointGiven(BaseModel):
    """What happened, when, and with whom."""

    kind: Annotated[str, Field(max_length=40, description="Such as shop visit, email opened, chat.")]
    at: Annotated[AwareDatetime, Field(description="With time zone.")]
    phone: Annotated[str, Field(max_length=40, description="In any notation of the company's country.")] = ""
    email: Annotated[str, Field(max_length=254)] = ""
    crm: Annotated[str, Field(max_length=40)] = ""
    crm_id: Annotated[str, Field(max_length=200)] = ""
    visitor_id: Annotated[UUID | None, Field(description="The snippet's id of the browser.")] = None
    text: Annotated[str, Field(max_length=1000, description="Kept sealed.")] = ""
    external_id: Annotated[
        str, Field(max_length=200, description="Told twice under one id, it counts once.")
    ] = ""


class TouchpointShape(BaseModel):
    """A touchpoint that is kept."""

    id: str
    person_id: Annotated[str | None, Field(description="null: it is nobody's we know yet.")]
    is_repeated: bool


def persons_of(services: Services) -> APIBlueprint:
    """Return the routes of persons."""
    blueprint = APIBlueprint("api_persons", __name__, url_prefix="/api/v1/persons", tag="Persons")

    @blueprint.get("/<person_id>")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[404])
    @blueprint.output(PersonShape)
    def read_person(person_id: str) -> dict[str, Any]:
        """Read a person: every touch in order of time, the stages with reasons, the score line by line."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            story = story_of(session, services.vault, company_id, parse_id(person_id))
        return _person(story, in_full=may_see_numbers(g.asker.role))

    _add_changes(blueprint, services)
    return blueprint


def touchpoints_of(services: Services) -> APIBlueprint:
    """Return the route of touchpoints."""
    blueprint = APIBlueprint("api_touchpoints", __name__, url_prefix="/api/v1/touchpoints", tag="Persons")

    @blueprint.post("")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 409])
    @blueprint.input(TouchpointGiven, arg_name="given")
    @blueprint.output(TouchpointShape, status_code=201)
    def add_touchpoint(given: TouchpointGiven) -> tuple[dict[str, Any], int]:
        """Tell a touchpoint: a shop visit, an e-mail opened, a chat, an event of a CRM."""
        company_id = g.asker.company_id
        told = Told(
            given.kind, given.at, given.phone, given.email, given.crm, given.crm_id, given.visitor_id,
            given.text, given.external_id,
        )  # fmt: skip
        with services.db.tenant(company_id) as session:
            kept = tell_touchpoint(
                session, services.vault, company_id, told, services.clock(), by=g.asker.name
            )
        services.nudges.wake("keep_journeys", str(company_id))
        person = str(kept.person_id) if kept.person_id else None
        answer = {"id": str(kept.id), "person_id": person, "is_repeated": kept.is_repeated}
        return answer, 200 if kept.is_repeated else 201

    return blueprint


def _add_changes(blueprint: APIBlueprint, services: Services) -> None:
    """Join, take apart, link a CRM id."""

    @blueprint.post("/<person_id>/joins")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 404, 409])
    @blueprint.input(JoinGiven, arg_name="given")
    @blueprint.output(JoinId, status_code=201)
    def join_persons(person_id: str, given: JoinGiven) -> tuple[dict[str, Any], int]:
        """Make another person part of this one; it can be undone."""
        company_id, now, by = g.asker.company_id, services.clock(), g.asker.name
        pair = Pair(parse_id(person_id), parse_id(given.person_id))
        with services.db.tenant(company_id) as session:

            def make() -> tuple[int, dict[str, Any]]:
                return 201, {"join_id": str(join_by_hand(session, company_id, pair, now, by=by))}

            key = request.headers.get("Idempotency-Key")
            status, answer = once(session, company_id, key, request.get_data(), now, make)
        _wake(services, company_id)
        return answer, status

    @blueprint.get("/<person_id>/joins")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey")
    @blueprint.output(JoinList)
    def list_joins(person_id: str) -> dict[str, Any]:
        """List who was joined with this person, undone joins included; also for an id that was absorbed."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            return {"joins": [_join(row) for row in joins_of(session, company_id, parse_id(person_id))]}

    @blueprint.delete("/joins/<join_id>")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[404, 409])
    @blueprint.output(PersonId)
    def undo_join(join_id: str) -> dict[str, Any]:
        """Take two joined persons apart; answers with the one that is there again."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            again = part(session, company_id, parse_id(join_id), services.clock(), by=g.asker.name)
        _wake(services, company_id)
        return {"person_id": str(again)}

    @blueprint.post("/<person_id>/crm-ids")
    @needs(services, "manager")
    @blueprint.doc(security="ApiKey", responses=[400, 404])
    @blueprint.input(KeyGiven, arg_name="given")
    @blueprint.output(PersonId)
    def link_crm_id(person_id: str, given: KeyGiven) -> dict[str, Any]:
        """Say which id the person has in a CRM; is it another person's already, both are joined."""
        company_id, key = g.asker.company_id, Key(given.crm, given.crm_id)
        with services.db.tenant(company_id) as session:
            now_is = link_key(
                session, services.vault, company_id, parse_id(person_id), key, services.clock(),
                by=g.asker.name,
            )  # fmt: skip
        _wake(services, company_id)
        return {"person_id": str(now_is)}


def _wake(services: Services, company_id: UUID) -> None:
    for job in ("handle_facts", "keep_journeys"):
        services.nudges.wake(job, str(company_id))


def _person(story: PersonStory, *, in_full: bool) -> dict[str, Any]:
    row = story.journey
    return {
        "id": str(story.id), "since": story.since,
        "phones": [one if in_full else masked(one) for one in story.numbers],
        "browsers": [
            {"visitor_id": str(one.visitor_id), "probability": one.probability} for one in story.browsers
        ],
        "crm_ids": [
            {
                "crm": one.system, "crm_id": one.id if in_full else masked_id(one.id),
                "linked_at": one.linked_at,
            } for one in story.keys
        ],
        "joins": [_join(one) for one in story.joins],
        "stage": STAGES[row.stage] if row else "", "score": row.score if row else 0, "band": story.band,
        "stages": [{"stage": one.name, "at": one.at, "reason": one.reason} for one in story.steps],
        "score_lines": [_of(one, "points", "reason") for one in story.lines],
        "first_source": row.source if row else "", "first_medium": row.medium if row else "",
        "first_campaign": row.campaign if row else "", "landing": row.landing if row else "",
        "lead_at": row.lead_at if row else None, "bought_at": row.bought_at if row else None,
        "touches": [
            _of(one, "at", "kind", "name", "state", "source", "medium", "campaign", "landing", "pages",
                    "seconds", "talked", "value_minor")
            | {"id": str(one.id), "text": one.text if in_full else ""}
            for one in story.touches
        ],
        "is_cut": story.is_cut,
    }  # fmt: skip


def _join(row: JoinRow) -> dict[str, Any]:
    ids = {name: str(getattr(row, name)) for name in ("id", "kept_id", "absorbed_id")}
    return ids | _of(row, "via", "joined_at", "joined_by", "undone_at")


def _of(row: object, *names: str) -> dict[str, Any]:
    """Return attributes by name."""
    return {name: getattr(row, name) for name in names}
