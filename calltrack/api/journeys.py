"""Journeys: funnel, flow, friction, paths, cohorts, waiting times; stage and score rules with versions."""

from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from apiflask import APIBlueprint
from flask import g
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from calltrack.accounts.model import Company
from calltrack.api.access import needs
from calltrack.kernel.errors import BadInput
from calltrack.kernel.origin import BETWEEN
from calltrack.stages import sankey as flows
from calltrack.stages import views
from calltrack.stages.preview import preview_score
from calltrack.stages.score_rules import read_score
from calltrack.stages.versions import current, save_rules, score_rules, versions
from calltrack.wiring import Services

LONGEST_DAYS = 800


class Asked(BaseModel):
    """Which days: first touches from the first to the last are counted."""

    first: Annotated[date | None, Field(description="Left out: 29 days before the last.")] = None
    last: Annotated[date | None, Field(description="Left out: today, in the company's time zone.")] = None


class WaitedShape(BaseModel):
    """How long it took: half of them, and nine of ten, within these spans."""

    count: int
    half: str
    most: str


class StepShape(BaseModel):
    """A stage."""

    stage: str
    reached: Annotated[int, Field(description="Who reached it or a higher one.")]
    now: Annotated[int, Field(description="Who is in it.")]
    share_of_all: float | None
    share_of_before: float | None
    waited: WaitedShape | None


class OutcomesShape(BaseModel):
    """What became of journeys; a buyer is a lead, too."""

    journeys: int
    leads: int
    buyers: int
    value_minor: int
    by_stage: list[int]


class SourceShape(BaseModel):
    """One source of first touches."""

    source: str
    medium: str
    outcomes: OutcomesShape


class FunnelShape(BaseModel):
    """The stage funnel."""

    steps: list[StepShape]
    whole: OutcomesShape
    sources: list[SourceShape]


class NodeShape(BaseModel):
    """A source, a first page or a stage; its name is empty for the rest."""

    kind: str
    name: str
    medium: str
    is_other: bool
    persons: int


class FlowShape(BaseModel):
    """So many went from a node to the next: places in `nodes`."""

    start: int
    end: int
    persons: int


class SankeyShape(BaseModel):
    """The flow of all journeys; each kind of node adds up to all of them."""

    nodes: list[NodeShape]
    flows: list[FlowShape]
    persons: int


class StopShape(BaseModel):
    """A touchpoint at which journeys stopped."""

    kind: str
    detail: str
    persons: int


class PagesShape(BaseModel):
    """How many pages they had seen."""

    pages: str
    persons: int


class FrictionShape(BaseModel):
    """Where those stopped who are no leads."""

    persons: int
    kinds: list[StopShape]
    details: list[StopShape]
    pages: list[PagesShape]


class PathShape(BaseModel):
    """Touches before a purchase or a lead."""

    kind: str
    touches: Annotated[list[str], Field(description="Such as visit:google / cpc, call, missed, form.")]
    persons: int
    value_minor: int


class PathsShape(BaseModel):
    """The most frequent paths."""

    paths: list[PathShape]
    leads: int
    buyers: int


class CohortShape(BaseModel):
    """A week of first touches (of more than 100 days: a month); within 1, 7 and 30 days of it."""

    week: date
    outcomes: OutcomesShape
    leads_within: list[int]
    buyers_within: list[int]


class CohortsShape(BaseModel):
    """Weeks, newest first, and how long leads and purchases took."""

    weeks: list[CohortShape]
    times: dict[str, list[tuple[str, int]]]


class VersionShape(BaseModel):
    """A version of rules; number 0 is what every company begins with."""

    number: int
    rules: dict[str, Any]
    saved_at: datetime | None
    saved_by: str
    note: str


class VersionsShape(BaseModel):
    """Versions, newest first: the first one holds."""

    versions: list[VersionShape]


class RulesGiven(BaseModel):
    """New rules."""

    rules: Annotated[dict[str, Any], Field(description="See docs/journeys.md.")]
    note: Annotated[str, Field(max_length=200)] = ""


class ScoreGiven(BaseModel):
    """Score rules to try."""

    rules: dict[str, Any]


class NumberShape(BaseModel):
    """The new version's number."""

    number: int


class BandShape(BaseModel):
    """A band of the score."""

    band: str
    persons: int
    won: int
    lost: int


class PreviewShape(BaseModel):
    """What the rules make of the persons of the last days."""

    days: int
    persons: int
    bands: list[BandShape]
    precision: Annotated[float | None, Field(description="Of hot ones told won or lost, so many won.")]
    recall: Annotated[float | None, Field(description="Of the won ones, so many are hot.")]
    moved: Annotated[int, Field(description="Who would change the band.")]


def journeys_of(services: Services) -> APIBlueprint:
    """Return the routes of journeys."""
    blueprint = APIBlueprint("api_journeys", __name__, url_prefix="/api/v1/journeys", tag="Journeys")
    _add_views(blueprint, services)
    _add_rules(blueprint, services)
    return blueprint


def _add_views(blueprint: APIBlueprint, services: Services) -> None:
    """The views, each over days of first touches."""

    @blueprint.get("/funnel")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[400])
    @blueprint.input(Asked, location="query", arg_name="asked")
    @blueprint.output(FunnelShape)
    def read_funnel(asked: Asked) -> dict[str, Any]:
        """Read the stage funnel: who reached which stage, how long that took, by source."""
        with services.db.tenant(g.asker.company_id) as session:
            return asdict(views.funnel(session, g.asker.company_id, _days(services, session, asked)))

    @blueprint.get("/flow")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[400])
    @blueprint.input(Asked, location="query", arg_name="asked")
    @blueprint.output(SankeyShape)
    def read_flow(asked: Asked) -> dict[str, Any]:
        """Read the flow from sources over first pages to stages, at most 12 nodes and the rest."""
        with services.db.tenant(g.asker.company_id) as session:
            found = flows.sankey(session, g.asker.company_id, _days(services, session, asked))
        nodes = [node for column in found.columns for node in column]
        places = {node: place for place, node in enumerate(nodes)}
        return {
            "nodes": [_node(node) for node in nodes],
            "flows": [
                {"start": places[one.start], "end": places[one.end], "persons": one.persons}
                for one in found.flows
            ],
            "persons": found.persons,
        }

    @blueprint.get("/friction")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[400])
    @blueprint.input(Asked, location="query", arg_name="asked")
    @blueprint.output(FrictionShape)
    def read_friction(asked: Asked) -> dict[str, Any]:
        """Read where journeys stopped that brought no lead."""
        with services.db.tenant(g.asker.company_id) as session:
            found = views.friction(session, g.asker.company_id, _days(services, session, asked))
        pages = [{"pages": words, "persons": persons} for words, persons in found.pages]
        return asdict(found) | {"pages": pages}

    @blueprint.get("/paths")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[400])
    @blueprint.input(Asked, location="query", arg_name="asked")
    @blueprint.output(PathsShape)
    def read_paths(asked: Asked) -> dict[str, Any]:
        """Read the most frequent touches before a purchase, and before a lead."""
        with services.db.tenant(g.asker.company_id) as session:
            found = views.paths(session, g.asker.company_id, _days(services, session, asked))
        ways = [
            {
                "kind": one.kind, "persons": one.persons, "value_minor": one.value_minor,
                "touches": [touch.replace(BETWEEN, " / ") for touch in one.touches],
            }
            for one in found.paths
        ]  # fmt: skip
        return {"paths": ways, "leads": found.leads, "buyers": found.buyers}

    @blueprint.get("/cohorts")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[400])
    @blueprint.input(Asked, location="query", arg_name="asked")
    @blueprint.output(CohortsShape)
    def read_cohorts(asked: Asked) -> dict[str, Any]:
        """Read the weeks of first touches and what became of them, and how long that took."""
        with services.db.tenant(g.asker.company_id) as session:
            days = _days(services, session, asked)
            weeks = [asdict(one) for one in views.cohorts(session, g.asker.company_id, days)]
            return {"weeks": weeks, "times": views.waiting_times(session, g.asker.company_id, days)}


def _add_rules(blueprint: APIBlueprint, services: Services) -> None:
    """The rules of stages and score."""

    @blueprint.get("/rules/<kind>")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[400])
    @blueprint.output(VersionsShape)
    def list_rules(kind: str) -> dict[str, Any]:
        """List the versions of the rules of `stages` or `score`, newest first."""
        with services.db.tenant(g.asker.company_id) as session:
            found = versions(session, g.asker.company_id, _kind(kind))
        return {"versions": [asdict(one) for one in found]}

    @blueprint.post("/rules/<kind>")
    @needs(services, "owner")
    @blueprint.doc(security="ApiKey", responses=[400])
    @blueprint.input(RulesGiven, arg_name="given")
    @blueprint.output(NumberShape, status_code=201)
    def save_version(kind: str, given: RulesGiven) -> tuple[dict[str, int], int]:
        """Save a version; all journeys are made again by it, in the background."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            number = save_rules(
                session, company_id, _kind(kind), given.rules, services.clock(), by=g.asker.name,
                note=given.note,
            )  # fmt: skip
        services.nudges.wake("make_journeys_again", str(company_id))
        return {"number": number}, 201

    @blueprint.post("/score-preview")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[400])
    @blueprint.input(ScoreGiven, arg_name="given")
    @blueprint.output(PreviewShape)
    def try_score(given: ScoreGiven) -> dict[str, Any]:
        """Try score rules on the persons of the last 30 days; nothing is stored."""
        company_id = g.asker.company_id
        with services.db.tenant(company_id) as session:
            held = score_rules(session, company_id)
            rules = read_score(given.rules)
            return asdict(preview_score(session, company_id, rules, services.clock(), held))

    @blueprint.get("/rules/<kind>/current")
    @needs(services, "viewer")
    @blueprint.doc(security="ApiKey", responses=[400])
    @blueprint.output(VersionShape)
    def read_rules(kind: str) -> dict[str, Any]:
        """Read the version that holds."""
        with services.db.tenant(g.asker.company_id) as session:
            return asdict(current(session, g.asker.company_id, _kind(kind)))


def _kind(word: str) -> Literal["stages", "score"]:
    if word == "stages":
        return "stages"
    if word == "score":
        return "score"
    raise BadInput("Rules are those of stages or score; ask for one of both.")


def _days(services: Services, session: Session, asked: Asked) -> views.Days:
    company_id: UUID = g.asker.company_id
    zone = ZoneInfo(session.get_one(Company, company_id).timezone)
    if any(day and not 2000 <= day.year <= 2200 for day in (asked.first, asked.last)):
        raise BadInput("Ask for days between 2000 and 2200.")
    last = asked.last or services.clock().astimezone(zone).date()
    first = asked.first or last - timedelta(days=29)
    if not timedelta() <= last - first <= timedelta(days=LONGEST_DAYS):
        raise BadInput(f"`first` must not lie after `last`, nor more than {LONGEST_DAYS} days before it.")
    return views.Days(first, last)


def _node(node: flows.Node) -> dict[str, Any]:
    name, medium = node.origin if node.kind == "source" else (node.key, "")
    return {
        "kind": node.kind, "name": "" if node.is_other else name, "medium": "" if node.is_other else medium,
        "is_other": node.is_other, "persons": node.persons,
    }  # fmt: skip
